// The methods on keys against a plain model, a Map with times: random calls, the same on both, and after each the same
// answer. The embedded database runs on a clock that the test turns, so that keys expire in the middle; the client runs
// against a server in this process, without expiry.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { connect } from "../src/client-node.ts";
import type { DatabaseMethods } from "../src/database/database-methods.ts";
import type { SetOptions } from "../src/database/operations.ts";
import { NearkeyError } from "../src/errors.ts";
import { type Clock, openTestDatabase } from "./database-fixture.ts";
import { startTestServer } from "./server-fixture.ts";

type Methods = DatabaseMethods<"value"> | DatabaseMethods<"promise">;
type Call =
  | { call: "set"; key: string; value: string; options: SetOptions }
  | { call: "setMany"; entries: [string, string][] }
  | { call: "delete" | "getMany"; keys: string[] }
  | { call: "get" | "getBytes" | "has" | "ttlMs"; key: string }
  | { call: "increment"; key: string; by: number }
  | { call: "expire"; key: string; ms: number }
  | { call: "wait"; ms: number };

/** What the methods promise, in as little code as can be. */
class Model {
  readonly #entries = new Map<string, { value: string; expiresMs: number }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  #find(key: string) {
    const entry = this.#entries.get(key);
    return entry && entry.expiresMs > this.#clock.nowMs ? entry : undefined;
  }

  answer(call: Call): unknown {
    switch (call.call) {
      case "set":
        return this.#set(call.key, call.value, call.options);
      case "setMany":
        for (const [key, value] of call.entries) this.#set(key, value, {});
        return undefined;
      case "delete":
        return call.keys.filter((key) => this.#find(key) !== undefined && this.#entries.delete(key)).length;
      case "getMany":
        return call.keys.map((key) => this.#find(key)?.value);
      case "get":
        return this.#find(call.key)?.value;
      case "getBytes": {
        const value = this.#find(call.key)?.value;
        return value === undefined ? undefined : new TextEncoder().encode(value);
      }
      case "has":
        return this.#find(call.key) !== undefined;
      case "ttlMs":
        return this.#ttlMs(call.key);
      case "increment":
        return this.#increment(call.key, call.by);
      case "expire":
        return this.#expire(call.key, call.ms);
      case "wait":
        this.#clock.nowMs += call.ms;
        return undefined;
    }
  }

  #set(key: string, value: string, { onlyIf, ttlMs }: SetOptions): boolean {
    const exists = this.#find(key) !== undefined;
    if (onlyIf === (exists ? "absent" : "present")) return false;
    this.#entries.set(key, { value, expiresMs: ttlMs === undefined ? Infinity : this.#clock.nowMs + ttlMs });
    return true;
  }

  #ttlMs(key: string): number | undefined {
    const entry = this.#find(key);
    return entry && entry.expiresMs - this.#clock.nowMs;
  }

  #increment(key: string, by: number): number | string {
    const entry = this.#find(key);
    const value = entry?.value ?? "0";
    if (!/^(0|-?[1-9]\d{0,17})$/.test(value)) return "not-a-number";
    const sum = BigInt(value) + BigInt(by);
    if (!Number.isSafeInteger(Number(sum))) return "unsafe-integer";
    this.#entries.set(key, { value: String(sum), expiresMs: entry?.expiresMs ?? Infinity });
    return Number(sum);
  }

  #expire(key: string, ms: number): boolean {
    const entry = this.#find(key);
    if (entry) entry.expiresMs = this.#clock.nowMs + ms;
    return entry !== undefined;
  }
}

/** Runs a call; an error counts as its code. */
async function run(methods: Methods, call: Call, clock: Clock): Promise<unknown> {
  try {
    switch (call.call) {
      case "set":
        return await methods.set(call.key, call.value, call.options);
      case "setMany":
        return await methods.setMany(call.entries);
      case "delete":
        return await methods.delete(...call.keys);
      case "getMany":
        return await methods.getMany(call.keys);
      case "increment":
        return await methods.increment(call.key, call.by);
      case "expire":
        return await methods.expire(call.key, call.ms);
      case "wait":
        clock.nowMs += call.ms;
        return undefined;
      default:
        return await methods[call.call](call.key);
    }
  } catch (error) {
    if (error instanceof NearkeyError) return error.code;
    throw error;
  }
}

function calls(expiring: boolean): fc.Arbitrary<Call[]> {
  const key = fc.constantFrom("a", "b", "\u20ac", "", "long".repeat(20));
  const number = fc.constantFrom(1, -1, 41, -(2 ** 53) + 1, 2 ** 53 - 1, 0);
  const value = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 40 }),
    fc.integer().map(String),
    fc.constantFrom("9007199254740991", "-9007199254740991", "007", "x".repeat(40_000), "\u00e9".repeat(20_000)),
  );
  const ms = fc.integer({ min: 1, max: 4 });
  const options = fc.record(
    { onlyIf: fc.constantFrom("absent", "present"), ...(expiring ? { ttlMs: ms } : {}) },
    { requiredKeys: [] },
  ) as fc.Arbitrary<SetOptions>;
  const keys = fc.array(key, { maxLength: 4 });
  const call = fc.oneof(
    fc.record({ call: fc.constant("set" as const), key, value, options }),
    fc.record({ call: fc.constant("setMany" as const), entries: fc.array(fc.tuple(key, value), { maxLength: 4 }) }),
    fc.record({ call: fc.constantFrom("delete" as const, "getMany" as const), keys }),
    fc.record({ call: fc.constantFrom("get" as const, "getBytes" as const, "has" as const, "ttlMs" as const), key }),
    fc.record({ call: fc.constant("increment" as const), key, by: number }),
    ...(expiring
      ? [
          fc.record({ call: fc.constant("expire" as const), key, ms: fc.integer({ min: -1, max: 4 }) }),
          fc.record({ call: fc.constant("wait" as const), ms }),
        ]
      : []),
  );
  return fc.array(call, { maxLength: 60 });
}

const seed = Date.now() & 0x7fffffff;

describe(`random calls (seed ${seed}) answer as a Map with times`, () => {
  test("embedded", async () => {
    await fc.assert(
      fc.asyncProperty(calls(true), async (sequence) => {
        const { db, clock, tick } = openTestDatabase();
        const model = new Model({ nowMs: clock.nowMs });
        for (const call of sequence) {
          expect(await run(db, call, clock), JSON.stringify(call)).toEqual(model.answer(call));
          if (call.call === "wait") tick();
        }
        await db.close();
      }),
      { seed, numRuns: 150 },
    );
  }, 60_000);

  test("over the network", async () => {
    const { httpPort } = await startTestServer();
    const client = await connect(`ws://127.0.0.1:${httpPort}/`);
    await fc.assert(
      fc.asyncProperty(calls(false), async (sequence) => {
        await client.command("FLUSHALL");
        const clock = { nowMs: 0 };
        const model = new Model(clock);
        const expected = sequence.map((call) => model.answer(call));
        const isCompensated = (answer: unknown) => answer === "unsafe-integer";
        // All in one tick where nothing is taken back afterwards, else one after the other.
        const answers = expected.some(isCompensated)
          ? await inTurn(sequence, (call) => run(client, call, clock))
          : await Promise.all(sequence.map((call) => run(client, call, clock)));
        expect(answers).toEqual(expected);
      }),
      { seed, numRuns: 60 },
    );
    await client.close();
  }, 60_000);
});

async function inTurn<Item, Result>(items: readonly Item[], use: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await use(item));
  return results;
}
