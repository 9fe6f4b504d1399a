// Cursors of the scanning commands: unsigned decimals, as Redis reads them.

export let parsedU64: u64 = 0;

/** Parses 1 to 20 digits; the number is in parsedU64. */
export function parseDecimalU64(address: usize, bytes: u32): bool {
  if (bytes == 0 || bytes > 20) return false;
  let value: u64 = 0;
  for (let index: u32 = 0; index < bytes; index++) {
    const digit = <u64>load<u8>(address + index) - 0x30;
    if (digit > 9 || value > (u64.MAX_VALUE - digit) / 10) return false;
    value = value * 10 + digit;
  }
  parsedU64 = value;
  return true;
}
