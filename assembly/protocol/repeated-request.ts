// A request that begins as one before it. A pipeline mostly repeats one command: "*2\r\n$3\r\nGET\r\n" is recognized by two
// compares, which spares parsing two prefixes and finding the name: a PING in a batch takes 23 ns, not 34. Only the
// request remembered last is known, and only until the call ends, as limits may change before the next.

/** Arguments that the request announces, the name counted. */
export let repeatedCount: u32 = 0;
export let repeatedCommand: u32 = 0;
/** Bytes of the beginning, with the end of the name's line; 0 when nothing is remembered. */
let repeatedBytes: u32 = 0;
/** Where the name is in it. */
let repeatedName: u32 = 0;

// The beginning as two words, and the bits of the second that belong to it.
let first: u64 = 0;
let last: u64 = 0;
let mask: u64 = 0;

const BYTES_MAX: u32 = 16;
/** More are looked at each time: a client that has not authenticated may not send them. */
const COUNT_MAX: u32 = 10;

/** True when what begins at `at` begins as remembered. Reads up to 16 bytes, past the end too. */
@inline
export function repeats(at: usize, end: usize): bool {
  if (repeatedBytes == 0 || end - at < <usize>repeatedBytes) return false;
  return load<u64>(at) == first && (load<u64>(at, 8) & mask) == last;
}

/** Makes the record of the name of a request that repeats; answers where its next argument begins. */
@inline
export function recordRepeated(at: usize, record: usize): usize {
  store<u32>(record, <u32>at + repeatedName);
  store<u32>(record, repeatedBytes - repeatedName - 2, 4);
  return at + repeatedBytes;
}

/** Remembers how a request began whose command was found; `name` is the place of its name. */
export function rememberRequest(start: usize, name: usize, nameBytes: u32, count: u32, command: usize): void {
  const bytes = <u32>(name - start) + nameBytes + 2;
  // One in a line has no prefixes.
  if (bytes > BYTES_MAX || load<u8>(start) != 0x2a || count > COUNT_MAX) return;
  repeatedBytes = bytes;
  repeatedCount = count;
  repeatedName = <u32>(name - start);
  repeatedCommand = <u32>command;
  mask = ~(<u64>0) >> ((BYTES_MAX - bytes) << 3);
  first = load<u64>(start);
  last = load<u64>(start, 8) & mask;
}

@inline
export function forgetRequest(): void {
  repeatedBytes = 0;
}
