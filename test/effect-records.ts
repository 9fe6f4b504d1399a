// Engines that record what they do, and what their records say.

import type { Engine, EngineOptions } from "../src/engine.ts";
import { EngineDriver } from "./engine-driver.ts";

/** An engine whose effects are recorded, with a connection. */
export function recordingDriver(options: Partial<EngineOptions> = {}, limitBytes?: number): EngineDriver {
  const driver = new EngineDriver(options);
  driver.engine.effects.open(limitBytes);
  return driver;
}

/** Takes and releases all records there are. */
export function takeAll(engine: Engine): Buffer {
  const runs: Buffer[] = [];
  for (let run = engine.effects.take(); run !== undefined; run = engine.effects.take()) runs.push(Buffer.from(run));
  const bytes = Buffer.concat(runs);
  if (bytes.length > 0) engine.effects.release(bytes.length);
  return bytes;
}

/** One record, read. */
export interface EffectRecord {
  readonly start: number;
  readonly end: number;
  readonly database: number;
  readonly continues: boolean;
  readonly sequence: number;
  readonly time: number;
  /** The command, latin1, its arguments after one another. */
  readonly command: string[];
}

/** All records in some bytes. */
export function recordsIn(bytes: Buffer): EffectRecord[] {
  const records: EffectRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + bytes.readUInt32LE(at);
    const payload = bytes.subarray(at + 32, end - bytes.readUInt16LE(at + 6));
    records.push({
      start: at,
      end,
      database: bytes[at + 4] as number,
      continues: ((bytes[at + 5] as number) & 1) !== 0,
      sequence: Number(bytes.readBigUInt64LE(at + 8)),
      time: Number(bytes.readBigInt64LE(at + 16)),
      command: argumentsIn(payload),
    });
    at = end;
  }
  return records;
}

/** The arguments of a RESP array that fills the bytes. */
function argumentsIn(payload: Buffer): string[] {
  const line = (from: number): number => payload.indexOf("\r\n", from);
  const list: string[] = [];
  let at = line(0) + 2;
  for (let left = Number(payload.toString("latin1", 1, at - 2)); left > 0; left--) {
    const end = line(at);
    const bytes = Number(payload.toString("latin1", at + 1, end));
    list.push(payload.toString("latin1", end + 2, end + 2 + bytes));
    at = end + 2 + bytes + 2;
  }
  if (at !== payload.length) throw new Error("a record's command does not fill it");
  return list;
}
