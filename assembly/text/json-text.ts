// What JSON and filter expressions spell alike: spaces, digits and quoted strings. Escapes are JSON's; a backslash
// before any other letter stands for that letter, and control characters may stand as they are, because an
// attribute that Redis accepts must not be lost here.

const BACKSLASH: u32 = 0x5c;

export function isSpace(letter: u32): bool {
  return letter == 0x20 || letter - 9 <= 4;
}

export function isDigit(letter: u32): bool {
  return letter - 0x30 <= 9;
}

export function skipSpaces(from: usize, end: usize): usize {
  let at = from;
  while (at < end && isSpace(load<u8>(at))) at++;
  return at;
}

/** Finds the closing quote of a string whose first byte is at `from`; 0 when there is none before `end`. */
export function findQuote(from: usize, end: usize, quote: u32): usize {
  let at = from;
  while (at < end) {
    const letter = <u32>load<u8>(at);
    if (letter == quote) return at;
    at += letter == BACKSLASH ? 2 : 1;
  }
  return 0;
}

/** Writes what the text between two quotes says as UTF-8 and returns how many bytes, never more than the text has. */
export function unescape(from: usize, end: usize, out: usize): u32 {
  let at = from;
  let to = out;
  while (at < end) {
    let letter = <u32>load<u8>(at++);
    if (letter == BACKSLASH && at < end) {
      letter = load<u8>(at++);
      if (letter == 0x75) {
        const unit = hexUnit(at, end);
        if (unit >= 0) {
          at += 4;
          const low = isHighSurrogate(unit) ? lowSurrogate(at, end) : -1;
          if (low >= 0) at += 6;
          to = writeCodePoint(to, low >= 0 ? 0x10000 + ((unit & 0x3ff) << 10) + low : unit);
          continue;
        }
      } else {
        letter = escapedLetter(letter);
      }
    }
    store<u8>(to++, <u8>letter);
  }
  return <u32>(to - out);
}

/** What the letter behind a backslash stands for. */
function escapedLetter(letter: u32): u32 {
  if (letter == 0x6e) return 0x0a;
  if (letter == 0x72) return 0x0d;
  if (letter == 0x74) return 0x09;
  if (letter == 0x62) return 0x08;
  return letter == 0x66 ? 0x0c : letter;
}

/** Four hexadecimal digits as a number, -1 when they are not there. */
function hexUnit(at: usize, end: usize): i32 {
  if (end - at < 4) return -1;
  let unit = 0;
  for (let index = 0; index < 4; index++) {
    const letter = <u32>load<u8>(at + index);
    const digit = letter - 0x30;
    const hexadecimal = (letter | 0x20) - 0x61;
    if (digit <= 9) unit = (unit << 4) | digit;
    else if (hexadecimal <= 5) unit = (unit << 4) | (hexadecimal + 10);
    else return -1;
  }
  return unit;
}

function isHighSurrogate(unit: i32): bool {
  return (unit & 0xfc00) == 0xd800;
}

/** The ten bits of an escaped low surrogate at `at`, -1 when there is none. */
function lowSurrogate(at: usize, end: usize): i32 {
  if (end - at < 6 || load<u16>(at) != 0x755c) return -1;
  const unit = hexUnit(at + 2, end);
  return (unit & 0xfc00) == 0xdc00 ? unit & 0x3ff : -1;
}

/** Writes UTF-8 and returns where it ends; half a surrogate pair becomes U+FFFD. */
function writeCodePoint(to: usize, value: i32): usize {
  const code = (value & 0xfffff800) == 0xd800 ? 0xfffd : value;
  if (code < 0x80) {
    store<u8>(to, <u8>code);
    return to + 1;
  }
  if (code < 0x800) {
    store<u8>(to, <u8>(0xc0 | (code >> 6)));
    return writeTail(to + 1, code);
  }
  if (code < 0x10000) {
    store<u8>(to, <u8>(0xe0 | (code >> 12)));
    return writeTail(writeTail(to + 1, code >> 6), code);
  }
  store<u8>(to, <u8>(0xf0 | (code >> 18)));
  return writeTail(writeTail(writeTail(to + 1, code >> 12), code >> 6), code);
}

function writeTail(to: usize, bits: i32): usize {
  store<u8>(to, <u8>(0x80 | (bits & 0x3f)));
  return to + 1;
}
