// What came and went by one protocol. Bytes are counted by the sockets anyway and added up when a connection ends or
// someone asks, so a command pays for none of it; the commands of a piece of input (what one read of a socket brought, of one
// frame or of several) are counted once a piece: one addition each to a bucket and a sum.

/** How a client speaks. */
export type Protocol = "resp" | "websocket";

/** Upper bounds of the buckets but the last: commands in one piece of input. */
export const batchBounds: readonly number[] = Array.from({ length: 18 }, (_, index) => 2 ** index);

/** Pieces of input by how many commands they ended. */
export class BatchCounts {
  /** Pieces with up to `batchBounds[index]` commands and more than the bound before; the last has the rest. */
  readonly buckets = new Float64Array(batchBounds.length + 1);
  commands = 0;

  /** Counts a piece; one that ends no command, the middle of a long value, is none. */
  add(commands: number): void {
    if (commands === 0) return;
    const bucket = commands === 1 ? 0 : 32 - Math.clz32(commands - 1);
    const last = this.buckets.length - 1;
    this.buckets[bucket < last ? bucket : last] = (this.buckets[bucket < last ? bucket : last] as number) + 1;
    this.commands += commands;
  }

  reset(): void {
    this.buckets.fill(0);
    this.commands = 0;
  }
}

/** What one connection moved, or all of a protocol. */
export interface TrafficCounts {
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Frames of messages; 0 where there are no frames. */
  readonly receivedFrames: number;
  readonly sentFrames: number;
}

const NO_TRAFFIC: TrafficCounts = { receivedBytes: 0, sentBytes: 0, receivedFrames: 0, sentFrames: 0 };

/** Adds up, or with -1 takes off. */
export function addTraffic(sum: TrafficCounts, more: TrafficCounts, sign: 1 | -1): TrafficCounts {
  return {
    receivedBytes: sum.receivedBytes + sign * more.receivedBytes,
    sentBytes: sum.sentBytes + sign * more.sentBytes,
    receivedFrames: sum.receivedFrames + sign * more.receivedFrames,
    sentFrames: sum.sentFrames + sign * more.sentFrames,
  };
}

/** Counts of one protocol since the start or the last reset. */
export class ProtocolTraffic {
  active = 0;
  total = 0;
  rejected = 0;
  /** Of connections that have ended. */
  ended = NO_TRAFFIC;
  readonly batches = new BatchCounts();

  reset(): void {
    this.total = 0;
    this.rejected = 0;
    this.ended = NO_TRAFFIC;
    this.batches.reset();
  }
}
