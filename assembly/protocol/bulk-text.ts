// Writing short bulk strings where they go, without asking for room: for replies of one and of many.

/** Writes "$n\r\n" for n below 1,000, as one number; answers the place behind it. */
@inline
export function putBulkHeader(to: usize, bytes: u32): usize {
  if (bytes < 10) {
    store<u32>(to, 0x0a0d3024 + (bytes << 8));
    return to + 4;
  }
  if (bytes < 100) {
    const tens = (bytes * 103) >> 10;
    store<u32>(to, 0x0d303024 + (tens << 8) + ((bytes - tens * 10) << 16));
    store<u8>(to, 0x0a, 4);
    return to + 5;
  }
  const hundreds = (bytes * 41) >> 12;
  const rest = bytes - hundreds * 100;
  const tens = (rest * 103) >> 10;
  store<u32>(to, 0x30303024 + (hundreds << 8) + (tens << 16) + ((rest - tens * 10) << 24));
  store<u16>(to, 0x0a0d, 4);
  return to + 6;
}

/** The longest bulk string that it serves. */
export const SHORT_BULK_MAX: u32 = 999;

/** Copies up to 999 bytes, the last ones over again rather than one by one. */
@inline
export function copyShort(to: usize, from: usize, bytes: u32): void {
  if (bytes >= 16) {
    for (let offset: u32 = 0; offset < bytes - 16; offset += 16) v128.store(to + offset, v128.load(from + offset));
    v128.store(to + (bytes - 16), v128.load(from + (bytes - 16)));
  } else if (bytes >= 8) {
    store<u64>(to, load<u64>(from));
    store<u64>(to + (bytes - 8), load<u64>(from + (bytes - 8)));
  } else if (bytes >= 4) {
    store<u32>(to, load<u32>(from));
    store<u32>(to + (bytes - 4), load<u32>(from + (bytes - 4)));
  } else {
    for (let offset: u32 = 0; offset < bytes; offset++) store<u8>(to + offset, load<u8>(from + offset));
  }
}
