// What waits to be sent: batches of encoded commands, each with the calls they belong to, in the order they were made.
// A batch usually leaves whole and is not touched; only when a limit cuts it, or calls in it have ended meanwhile, are
// the bytes of those that go put together anew.

import type { NearkeyError } from "../errors.ts";
import type { PendingCall } from "./pending-call.ts";

/** Encoded commands and their calls. */
export interface Batch {
  readonly bytes: Uint8Array;
  readonly calls: readonly PendingCall[];
}

interface WaitingBatch extends Batch {
  readonly sinceMs: number;
  /** The first call that has not left, and where its bytes begin. */
  from: number;
  offset: number;
}

/** A queue of batches. */
export class WaitingCalls {
  /** Bytes of all that waits. */
  bytes = 0;
  #batches: WaitingBatch[] = [];

  get empty(): boolean {
    return this.#batches.length === 0;
  }

  /** Bytes of the batch that is next. */
  get nextBytes(): number {
    const next = this.#batches[0];
    return next === undefined ? 0 : next.bytes.length - next.offset;
  }

  /** When the oldest batch began to wait. */
  get oldestMs(): number | undefined {
    return this.#batches[0]?.sinceMs;
  }

  add(batch: Batch): void {
    this.#batches.push({ ...batch, sinceMs: Date.now(), from: 0, offset: 0 });
    this.bytes += batch.bytes.length;
  }

  /** Takes what is next, at most so many calls; those that have ended fall out. Undefined when nothing waits. */
  take(callsMax: number): Batch | undefined {
    const next = this.#batches[0];
    if (next === undefined) return undefined;
    if (next.from === 0 && next.calls.length <= callsMax && !next.calls.some((call) => call.ended)) {
      this.#shift(next);
      return next;
    }
    return this.#takeSome(next, callsMax);
  }

  #takeSome(batch: WaitingBatch, callsMax: number): Batch {
    const calls: PendingCall[] = [];
    const pieces: Uint8Array[] = [];
    const before = batch.offset;
    while (calls.length < callsMax && batch.from < batch.calls.length) {
      const call = batch.calls[batch.from++] as PendingCall;
      const end = batch.offset + call.bytes;
      if (!call.ended) {
        calls.push(call);
        pieces.push(batch.bytes.subarray(batch.offset, end));
      }
      batch.offset = end;
    }
    this.bytes -= batch.offset - before;
    if (batch.from === batch.calls.length) this.#batches.shift();
    return { bytes: joined(pieces), calls };
  }

  #shift(batch: WaitingBatch): void {
    this.#batches.shift();
    this.bytes -= batch.bytes.length - batch.offset;
  }

  /** Gives back the room of calls that have ended. */
  compact(): void {
    const batches = this.#batches;
    this.#batches = [];
    this.bytes = 0;
    for (const { sinceMs, bytes, calls, from, offset } of batches) {
      const rest: WaitingBatch = { bytes, calls, from, offset, sinceMs };
      const whole = new WaitingCalls();
      whole.#batches.push(rest);
      const left = whole.#takeSome(rest, Number.POSITIVE_INFINITY);
      if (left.calls.length === 0) continue;
      this.#batches.push({ ...left, sinceMs, from: 0, offset: 0 });
      this.bytes += left.bytes.length;
    }
  }

  /** Rejects what has waited at least so long. */
  drop(waitedMs: number, error: () => NearkeyError): void {
    const now = Date.now();
    const dropped = this.#batches.filter((batch) => now - batch.sinceMs >= waitedMs);
    this.#batches = this.#batches.filter((batch) => now - batch.sinceMs < waitedMs);
    for (const batch of dropped) {
      this.bytes -= batch.bytes.length - batch.offset;
      for (const call of batch.calls.slice(batch.from)) call.reject(error());
    }
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((bytes, piece) => bytes + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
