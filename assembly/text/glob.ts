// Redis's glob patterns: * ? [a-z] [^a] and \ before a literal. Unlike the usual recursion a failed match only ever
// goes back to the last star: everything but a star takes exactly one byte, so whatever an earlier star could
// still do, the last one can do too. The time is at most pattern x text bytes, for evil patterns as well.
//
// Redis's corners are kept: a class that never closes extends to the end, a range may be written backwards, a range
// compares bytes as signed, and in "[a-]" the bracket is the end of the range.

const STAR: u32 = 0x2a;
const ANY: u32 = 0x3f;
const CLASS: u32 = 0x5b;
const CLASS_END: u32 = 0x5d;
const NOT: u32 = 0x5e;
const TO: u32 = 0x2d;
const ESCAPE: u32 = 0x5c;

/** Where the pattern goes on behind what `matchOne` looked at. */
let next: usize = 0;

/** Tells whether the whole text matches the pattern; bytes, not letters, and case counts. */
export function matchGlob(pattern: usize, patternBytes: u32, text: usize, textBytes: u32): bool {
  const patternEnd = pattern + patternBytes;
  const textEnd = text + textBytes;
  let from = pattern;
  let at = text;
  /** Behind the last star, and the first byte it does not cover; 0 before any star. */
  let retryFrom: usize = 0;
  let retryAt: usize = 0;
  while (at < textEnd) {
    if (from < patternEnd) {
      if (load<u8>(from) == STAR) {
        if (++from == patternEnd) return true;
        retryFrom = from;
        retryAt = at;
        continue;
      }
      if (matchOne(from, patternEnd, load<i8>(at))) {
        from = next;
        at++;
        continue;
      }
    }
    if (retryFrom == 0) return false;
    from = retryFrom;
    at = ++retryAt;
  }
  while (from < patternEnd && load<u8>(from) == STAR) from++;
  return from == patternEnd;
}

/** Matches one byte against the literal, wildcard or class at `from`; sets `next`. */
function matchOne(from: usize, end: usize, byte: i8): bool {
  const first = <u32>load<u8>(from);
  if (first == CLASS) return matchClass(from + 1, end, byte);
  const escaped = first == ESCAPE && end - from >= 2;
  next = from + 1 + usize(escaped);
  return first == ANY || load<i8>(next - 1) == byte;
}

function matchClass(from: usize, end: usize, byte: i8): bool {
  let at = from;
  const inverted = at < end && load<u8>(at) == NOT;
  if (inverted) at++;
  let found = false;
  while (at < end && load<u8>(at) != CLASS_END) {
    if (load<u8>(at) == ESCAPE && end - at >= 2) {
      found = found || load<i8>(at, 1) == byte;
      at += 2;
    } else if (end - at >= 3 && load<u8>(at, 1) == TO) {
      const first = load<i8>(at);
      const last = load<i8>(at, 2);
      found = found || (byte >= min(first, last) && byte <= max(first, last));
      at += 3;
    } else {
      found = found || load<i8>(at) == byte;
      at++;
    }
  }
  next = at + usize(at < end);
  return found != inverted;
}
