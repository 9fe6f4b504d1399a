// The checksum of Redis's DUMP: CRC-64 with the polynomial that Jones gives, reflected, from 0, without a last exclusive or. A
// byte costs a load; the table of 2 KiB is derived by whoever needs it first.

/** x^64 left out, the lowest bit first. */
const POLYNOMIAL: u64 = 0x95ac9329ac4bc9b5;
const TABLE: usize = memory.data(2048);

function deriveTable(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let sum = <u64>byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum & 1) != 0 ? (sum >> 1) ^ POLYNOMIAL : sum >> 1;
    store<u64>(TABLE + (byte << 3), sum);
  }
}

/** The sum of bytes that follow those with the sum given, 0 for none. */
export function addToCrc(sum: u64, from: usize, bytes: u32): u64 {
  if (load<u64>(TABLE + 8) == 0) deriveTable();
  for (let at: u32 = 0; at < bytes; at++) {
    sum = load<u64>(TABLE + ((<usize>((<u32>sum ^ <u32>load<u8>(from + at)) & 0xff)) << 3)) ^ (sum >> 8);
  }
  return sum;
}
