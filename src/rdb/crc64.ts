// The checksum of Redis's files: CRC-64 with the polynomial that Jones gives, reflected, from 0, without a last
// exclusive or. JavaScript has no fast integers of 64 bits, so a sum is two words of 32, and each byte costs two loads.

/** x^64 left out, the lowest bit first. */
const POLYNOMIAL = 0x95ac9329_ac4bc9b5n;

const low = new Uint32Array(256);
const high = new Uint32Array(256);

for (let byte = 0; byte < 256; byte++) {
  let sum = BigInt(byte);
  for (let bit = 0; bit < 8; bit++) sum = (sum & 1n) === 1n ? (sum >> 1n) ^ POLYNOMIAL : sum >> 1n;
  low[byte] = Number(sum & 0xffff_ffffn);
  high[byte] = Number(sum >> 32n);
}

/** A sum that grows by pieces. */
export class Crc64 {
  #low = 0;
  #high = 0;

  /** Adds bytes. */
  add(bytes: Uint8Array): void {
    let sumLow = this.#low;
    let sumHigh = this.#high;
    for (let at = 0; at < bytes.length; at++) {
      const index = (sumLow ^ (bytes[at] as number)) & 0xff;
      sumLow = ((sumLow >>> 8) | (sumHigh << 24)) ^ (low[index] as number);
      sumHigh = (sumHigh >>> 8) ^ (high[index] as number);
    }
    this.#low = sumLow >>> 0;
    this.#high = sumHigh >>> 0;
  }

  /** The sum so far, as the eight bytes that a file ends with. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.#low, true);
    view.setUint32(4, this.#high, true);
    return bytes;
  }
}
