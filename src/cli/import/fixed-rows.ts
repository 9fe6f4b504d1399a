// Rows of equal length cut out of chunks that end anywhere. What is left of a chunk is copied and completed by the next
// one, so each byte is copied twice at most.

/** Cuts a stream of bytes into rows. */
export class RowCutter {
  #rest: Uint8Array = new Uint8Array(0);

  /** Bytes that belong to no whole row yet. */
  get rest(): Uint8Array {
    return this.#rest;
  }

  /** Adds a chunk, and gives the whole rows that there are now, one after the other in one piece. */
  cut(chunk: Uint8Array, rowBytes: number): Uint8Array {
    const whole = joined(this.#rest, chunk);
    const end = whole.length - (whole.length % rowBytes);
    this.#rest = whole.slice(end);
    return whole.subarray(0, end);
  }
}

/** Two pieces as one, without a copy when the first is empty. */
export function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
