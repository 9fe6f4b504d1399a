// An embedded database for tests: the engine with its assertions on, and a clock that the test turns.

import { Database } from "../src/database/database.ts";
import { Engine, memoryBytesMax } from "../src/engine.ts";
import { type OpenOptions, resolveOptions } from "../src/options.ts";
import { debugModule } from "./debug-engine.ts";

const module = debugModule();

export interface Clock {
  nowMs: number;
}

/** A database whose time is `clock.nowMs`; nothing ticks but `Fixture.tick`. */
export function openTestDatabase(options: OpenOptions = {}): { db: Database; clock: Clock; tick(): boolean } {
  const clock: Clock = { nowMs: 1_700_000_000_000 };
  const settings = resolveOptions({ maxMemory: "64mb", ...options }, memoryBytesMax);
  const engine = Engine.create(module, { ...settings, reserveMemory: true, seed: 42n });
  const db = new Database(engine, settings, { now: () => clock.nowMs });
  return { db, clock, tick: () => engine.tick(clock.nowMs) };
}
