// The engine's effect records as the log takes them, and replays them.

import type { Engine } from "../engine.ts";
import { Replay } from "../engine.ts";
import type { RecordTarget, ReplayEnd } from "../log/log-reader.ts";
import type { RecordSource } from "../log/record-source.ts";

const ends: Readonly<Record<Replay, ReplayEnd>> = {
  [Replay.Done]: "done",
  [Replay.Incomplete]: "incomplete",
  [Replay.Zero]: "zero",
  [Replay.Malformed]: "malformed",
  [Replay.Checksum]: "checksum",
  [Replay.Sequence]: "sequence",
  [Replay.Refused]: "refused",
};

/** The records of an engine. */
export class EffectsSource implements RecordSource, RecordTarget {
  constructor(private readonly engine: Engine) {}

  get position(): number {
    return this.engine.effects.position;
  }

  get pendingBytes(): number {
    return this.engine.effects.pendingBytes;
  }

  take(): Uint8Array[] {
    const { effects } = this.engine;
    const pieces: Uint8Array[] = [];
    for (let piece = effects.take(); piece !== undefined; piece = effects.take()) pieces.push(piece);
    return pieces;
  }

  release(bytes: number): void {
    this.engine.effects.release(bytes);
  }

  rewind(): void {
    this.engine.effects.rewind();
  }

  replay(bytes: Uint8Array): { bytes: number; end: ReplayEnd; text?: string } {
    const { consumed, outcome, error } = this.engine.effects.replay(bytes);
    return { bytes: consumed, end: ends[outcome], ...(error === undefined ? {} : { text: error }) };
  }
}
