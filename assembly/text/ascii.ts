// Whether bytes are ASCII, 16 at a time: what is can become a string of the host byte for byte.

/** True when no byte has its upper bit set. */
export function isAscii(address: usize, bytes: u32): bool {
  if (bytes < 16) return isShortAscii(address, bytes);
  const last = address + bytes - 16;
  let bits = v128.load(last);
  for (let at = address; at < last; at += 16) bits = v128.or(bits, v128.load(at));
  return i8x16.bitmask(bits) == 0;
}

function isShortAscii(address: usize, bytes: u32): bool {
  if (bytes >= 8) return ((load<u64>(address) | load<u64>(address + bytes - 8)) & 0x8080808080808080) == 0;
  let bits: u32 = 0;
  for (let index: u32 = 0; index < bytes; index++) bits |= load<u8>(address + index);
  return (bits & 0x80) == 0;
}
