// Random programs of string, key and expiry commands against the model, once with the heap at its usual place and once
// so near the end of the address range that addresses are above 3.75 GiB and the last page is used; and what scanning
// and drawing promise while tables grow and shrink.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Argument } from "../src/resp.ts";
import { drawSeed, EngineDriver, isError } from "./engine-driver.ts";
import { DATABASES, KeyspaceModel, type ModelReply } from "./keyspace-model.ts";

const seed = drawSeed("keyspace.property.test.ts");
const MiB = 1024 * 1024;

/** Text of a length whose parts differ, so that a piece in the wrong place shows. */
function pattern(bytes: number, salt: number): string {
  const unit = `${salt}:0123456789abcdef:`;
  return unit.repeat(Math.ceil(bytes / unit.length)).slice(0, bytes);
}

const near = (bytes: number): fc.Arbitrary<number> =>
  fc.integer({ min: -2, max: 2 }).map((off) => Math.max(0, bytes + off));
/** Lengths at the borders of cells, of pages, and of what is inline; large ones seldom. */
const length = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 4, arbitrary: fc.constantFrom(100, 488, 500, 4_070, 4_330, 8_170, 21_800, 32_660).chain(near) },
  { weight: 2, arbitrary: fc.constantFrom(32_704, 65_536, 131_072).chain(near) },
  { weight: 1, arbitrary: fc.constantFrom(200_000, MiB).chain(near) },
);
const value = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(length, fc.nat(9)).map(([bytes, salt]) => pattern(bytes, salt)) },
  { weight: 2, arbitrary: fc.integer({ min: -1000, max: 1000 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom("9223372036854775807", "-9223372036854775808", "007", "\0\r\n\xff", "") },
);
const longKeys = [0, 255, 256, 4_000, 32_704].map((bytes) => pattern(bytes, 1));
const key = fc.oneof(
  { weight: 10, arbitrary: fc.nat(7).map((number) => `k${number}`) },
  { weight: 1, arbitrary: fc.constantFrom(...longKeys) },
);
const smallTime = fc.integer({ min: 1, max: 3_000 });
const now = 1_700_000_000_000;

const setOptions = fc
  .tuple(
    fc.constantFrom([], ["NX"], ["XX"]),
    fc.constantFrom([], ["GET"]),
    fc.oneof(
      fc.constant<string[]>([]),
      fc.constant(["KEEPTTL"]),
      smallTime.map((ms) => ["PX", `${ms}`]),
      fc.integer({ min: 1, max: 5 }).map((seconds) => ["EX", `${seconds}`]),
      smallTime.map((ms) => ["PXAT", `${now + ms}`]),
      fc.constant(["EXAT", `${now / 1000 + 2}`]),
    ),
  )
  .map((options) => options.flat());
const getExOptions = fc.oneof(
  fc.constant<string[]>([]),
  fc.constant(["PERSIST"]),
  smallTime.map((ms) => ["PX", `${ms}`]),
  smallTime.map((ms) => ["PXAT", `${now + ms}`]),
);
const conditions = fc.constantFrom([], [], ["NX"], ["XX"], ["GT"], ["LT"], ["XX", "GT"], ["LT", "XX"]);
const offset = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.constantFrom(32_700, 65_530, 140_000).chain(near));
const index = fc.oneof(fc.integer({ min: -60, max: 60 }), fc.constantFrom(-65_537, 65_535, 32_704, MiB));
const pairs = fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 6 }).map((list) => list.flat());
const keys = fc.array(key, { minLength: 1, maxLength: 5 });
const name = <Name extends string>(...names: Name[]): fc.Arbitrary<Name> => fc.constantFrom(...names);

/** A command of the model; "tick" and "wait" move time, "look" compares everything. */
const step = fc.oneof<fc.MaybeWeightedArbitrary<string[]>[]>(
  { weight: 8, arbitrary: fc.tuple(name("SET"), key, value, setOptions).map((parts) => parts.flat()) },
  { weight: 6, arbitrary: fc.tuple(name("GET", "STRLEN", "GETDEL", "TYPE", "INCR", "DECR", "PERSIST"), key) },
  { weight: 4, arbitrary: fc.tuple(name("APPEND", "SETNX", "GETSET", "INCRBY", "DECRBY"), key, value) },
  { weight: 2, arbitrary: fc.tuple(name("SETEX", "PSETEX"), key, smallTime.map(String), value) },
  { weight: 2, arbitrary: fc.tuple(name("GETEX"), key, getExOptions).map((parts) => parts.flat()) },
  { weight: 3, arbitrary: fc.tuple(name("SETRANGE"), key, offset.map(String), value) },
  { weight: 3, arbitrary: fc.tuple(name("GETRANGE"), key, index.map(String), index.map(String)) },
  { weight: 2, arbitrary: fc.tuple(name("MSET", "MSETNX"), pairs).map((parts) => parts.flat()) },
  {
    weight: 3,
    arbitrary: fc.tuple(name("MGET", "DEL", "UNLINK", "EXISTS", "TOUCH"), keys).map((parts) => parts.flat()),
  },
  { weight: 3, arbitrary: fc.tuple(name("RENAME", "RENAMENX"), key, key) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(name("COPY"), key, key, fc.constantFrom([], ["REPLACE"], ["DB", "3"], ["DB", "0", "REPLACE"]))
      .map((parts) => parts.flat()),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(name("PEXPIRE"), key, fc.integer({ min: -10, max: 3_000 }).map(String), conditions)
      .map((parts) => parts.flat()),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(name("EXPIRE"), key, fc.integer({ min: -1, max: 3 }).map(String), conditions)
      .map((parts) => parts.flat()),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      name("PEXPIREAT"),
      key,
      smallTime.map((ms) => `${now + ms}`),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      name("EXPIREAT"),
      key,
      fc.integer({ min: 0, max: 9 }).map((s) => `${now / 1000 + s}`),
    ),
  },
  { weight: 3, arbitrary: fc.tuple(name("TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"), key) },
  { weight: 1, arbitrary: fc.tuple(name("SELECT"), fc.nat(DATABASES - 1).map(String)) },
  { weight: 2, arbitrary: fc.constantFrom(["SELECT", "0"], ["SELECT", "3"]) },
  { weight: 3, arbitrary: fc.tuple(name("wait"), fc.integer({ min: 0, max: 800 }).map(String)) },
  { weight: 1, arbitrary: fc.constantFrom(["tick"], ["look"], ["FLUSHDB"], ["FLUSHALL"]) },
);

/** A reply with all strings as latin1 and errors as the model's. */
function plain(reply: unknown): ModelReply {
  if (reply instanceof Uint8Array) return Buffer.from(reply).toString("latin1");
  if (Array.isArray(reply)) return reply.map(plain);
  if (typeof reply === "object" && reply !== null && "message" in reply) return { error: String(reply.message) };
  return reply as ModelReply;
}

const asNumber = (reply: ModelReply): ModelReply =>
  typeof reply === "bigint" && reply >= BigInt(Number.MIN_SAFE_INTEGER) && reply <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(reply)
    : reply;

function runStep(driver: EngineDriver, model: KeyspaceModel, [command = "", ...args]: string[]): void {
  if (command === "wait") {
    driver.now += Number(args[0]);
    model.now = driver.now;
  } else if (command === "tick") {
    driver.engine.tick(driver.now);
  } else if (command === "look") {
    compareAll(driver, model);
  } else {
    const reply = driver.runBytes(command, ...args.map((arg) => Buffer.from(arg, "latin1")));
    expect(plain(reply), [command, ...args].map((word) => word.slice(0, 20)).join(" ")).toEqual(
      asNumber(model.run(command, args)),
    );
  }
}

/** Compares what KEYS, SCAN, RANDOMKEY and DBSIZE tell with the model, in the chosen database. */
function compareAll(driver: EngineDriver, model: KeyspaceModel): void {
  const expected = model.keys().sort();
  expect((plain(driver.runBytes("KEYS", "*")) as string[]).sort()).toEqual(expected);
  expect([...scanAll(driver, 3)].sort()).toEqual(expected);
  const drawn = plain(driver.runBytes("RANDOMKEY"));
  if (expected.length === 0) expect(drawn).toBe(null);
  else expect(expected).toContain(drawn);
  driver.settle();
  expect(driver.run("DBSIZE")).toBe(expected.length);
}

/** Every key that a whole scan meets. */
function scanAll(driver: EngineDriver, count: number, between: () => void = () => {}): Set<string> {
  const met = new Set<string>();
  let cursor = "0";
  do {
    const [next, batch] = plain(driver.runBytes("SCAN", cursor, "COUNT", count)) as [string, string[]];
    for (const found of batch) met.add(found);
    cursor = next;
    between();
  } while (cursor !== "0");
  return met;
}

describe("the keyspace answers as Maps would", () => {
  it.each([
    ["at the usual place", undefined],
    ["at the end of the address range", 0xf000_0000],
  ])("%s", { timeout: 60_000 }, (_name, heapStart) => {
    const options = heapStart === undefined ? {} : { heapStart };
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 120, size: "max" }), (steps) => {
        const driver = new EngineDriver(options);
        const model = new KeyspaceModel();
        driver.now = now;
        model.now = now;
        for (const one of steps) runStep(driver, model, one);
        compareAll(driver, model);
        driver.settle();
        expect(driver.engine.stats().keys).toBe(model.countAll());
      }),
      { seed, numRuns: heapStart === undefined ? 250 : 120 },
    );
  });

  it("at the last moment that a key can be given", () => {
    const driver = new EngineDriver();
    driver.must("SET", "k", "v");
    expect(driver.run("PEXPIREAT", "k", "9223372036854775807")).toBe(1);
    expect(driver.run("EXPIRETIME", "k")).toBe(9223372036854776n);
    expect(driver.run("PEXPIRETIME", "k")).toBe(9223372036854775807n);
  });

  it("with its last value in the last page of the address range", () => {
    const driver = new EngineDriver({ heapStart: 0xffbf_0000, maxMemoryBytes: 1024 * MiB });
    const written: string[] = [];
    for (let number = 0; number < 10_000; number++) {
      const reply = driver.run("SET", `k${number}`, pattern(number % 5_000, number));
      if (isError(reply)) break;
      written.push(`k${number}`);
    }
    expect(written.length).toBeGreaterThan(100);
    for (const [number, name] of written.entries()) {
      expect(driver.run("GET", name)).toBe(pattern(number % 5_000, number));
    }
  });
});

describe("a scan meets every key that is there from its first call to its last", () => {
  it.each([1, 10, 1_000])("while the table grows, %i at a time", (count) => {
    const driver = new EngineDriver();
    const old = Array.from({ length: 3_000 }, (_, number) => `old:${number}`);
    driver.runAll(old.map((name) => ["SET", name, "v"]));
    let added = 0;
    const met = scanAll(driver, count, () => {
      // Eight times as many keys while the scan runs.
      const more = Array.from({ length: Math.min(count * 16 + 16, 24_000 - added) }, () => [
        "SET",
        `new:${added++}`,
        "v",
      ]);
      if (more.length > 0) driver.runAll(more);
    });
    for (const name of old) expect(met.has(name), name).toBe(true);
    expect(added).toBeGreaterThan(10_000);
  });

  it("while others are deleted, expire and are evicted from around them", () => {
    const driver = new EngineDriver();
    const old = Array.from({ length: 2_000 }, (_, number) => `old:${number}`);
    const others = Array.from({ length: 20_000 }, (_, number) => `other:${number}`);
    driver.runAll([...old, ...others].map((name) => ["SET", name, "v"]));
    const met = scanAll(driver, 10, () => {
      const gone = others.splice(0, 30);
      if (gone.length > 0) driver.must("DEL", ...gone);
      for (const name of others.slice(0, 5)) driver.must("PEXPIRE", name, "1");
      driver.now += 1;
      driver.engine.tick(driver.now);
    });
    for (const name of old) expect(met.has(name), name).toBe(true);
  });

  it("of a large hash as well", () => {
    const driver = new EngineDriver();
    const old = Array.from({ length: 2_000 }, (_, number) => `old:${number}`);
    driver.runAll(old.map((name) => ["HSET", "h", name, name]));
    const met = new Map<string, string>();
    let cursor = "0";
    let added = 0;
    do {
      const [next, batch] = driver.must("HSCAN", "h", cursor, "COUNT", 5) as [string, string[]];
      for (let at = 0; at < batch.length; at += 2) met.set(batch[at] as string, batch[at + 1] as string);
      cursor = next;
      const more: Argument[] = Array.from({ length: 40 }, () => [`new:${added}`, `new:${added++}`]).flat();
      if (added < 20_000) driver.must("HSET", "h", ...more);
    } while (cursor !== "0");
    for (const name of old) expect(met.get(name)).toBe(name);
  });

  it("with any cursor at all, valid or not, comes to an end", () => {
    const driver = new EngineDriver();
    driver.runAll(Array.from({ length: 5_000 }, (_, number) => ["SET", `k${number}`, "v"]));
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.integer({ min: 1, max: 2 ** 31 }), (start, count) => {
        let cursor = `${start}`;
        for (let calls = 0; ; calls++) {
          const reply = driver.must("SCAN", cursor, "COUNT", Math.max(count, 100)) as [string, string[]];
          cursor = reply[0];
          if (cursor === "0") return;
          expect(calls).toBeLessThan(5_000);
        }
      }),
      { seed, numRuns: 200 },
    );
  });
});

describe("keys that come in the order of another table's walk", () => {
  const names = Array.from({ length: 40_000 }, (_, number) => `field:${number}`);
  const fill = (driver: EngineDriver, key: string, fields: readonly string[]): void => {
    driver.runAll(
      Array.from({ length: fields.length / 1000 }, (_, part) => fields.slice(part * 1000, part * 1000 + 1000)).map(
        (part) => ["HSET", key, ...part.flatMap((name) => [name, name])],
      ),
    );
  };

  it("are copied with a hash of any size", () => {
    const driver = new EngineDriver();
    fill(driver, "h", names);
    expect(driver.must("COPY", "h", "copy")).toBe(1);
    expect(driver.must("HLEN", "copy")).toBe(names.length);
    expect(driver.runAll(names.map((name) => ["HGET", "copy", name]))).toEqual(names);
    driver.runAll(names.map((name) => ["HDEL", "copy", name]));
    expect(driver.must("EXISTS", "copy")).toBe(0);
  });

  it("fill another hash in that order, and are all found by a scan", () => {
    const driver = new EngineDriver();
    fill(driver, "h", names);
    fill(driver, "other", driver.must("HKEYS", "h") as string[]);
    expect(driver.runAll(names.map((name) => ["HGET", "other", name]))).toEqual(names);
    const scanned: string[] = [];
    let cursor = "0";
    do {
      const [next, fields] = driver.must("HSCAN", "other", cursor, "NOVALUES", "COUNT", "500") as [string, string[]];
      scanned.push(...fields);
      cursor = next;
    } while (cursor !== "0");
    expect(new Set(scanned).size).toBe(names.length);
    expect(driver.engine.stats().movedMax).toBeLessThanOrEqual(768);
  });
});

describe("a random key", () => {
  it("is any of the keys, none much more often than others", () => {
    const driver = new EngineDriver();
    const count = 20_000;
    driver.runAll(Array.from({ length: count }, (_, number) => ["SET", `k${number}`, "v"]));
    const drawn = new Map<string, number>();
    const replies = driver.runAll(Array.from({ length: 40_000 }, () => ["RANDOMKEY"])) as string[];
    for (const name of replies) drawn.set(name, (drawn.get(name) ?? 0) + 1);
    // Of a fair draw 86% would have come.
    expect(drawn.size).toBeGreaterThan(count * 0.8);
    expect(Math.max(...drawn.values())).toBeLessThan(20);
  });

  it("of many expired ones is looked for a bounded number of times a call", () => {
    const driver = new EngineDriver();
    driver.runAll(Array.from({ length: 40_000 }, (_, number) => ["PSETEX", `dying${number}`, "10", "v"]));
    driver.now += 10;
    const batch = Buffer.from("RANDOMKEY\r\n".repeat(10));
    driver.engine.execute(driver.connection, batch, 0, driver.now);
    expect(driver.engine.consumed).toBeLessThan(batch.length / 2);
  });

  it("is found among keys that have expired and that nobody noticed", () => {
    const driver = new EngineDriver();
    driver.runAll(Array.from({ length: 5_000 }, (_, number) => ["PSETEX", `dying${number}`, "10", "v"]));
    driver.must("SET", "living", "v");
    driver.now += 10;
    expect(driver.run("RANDOMKEY")).toBe("living");
  });
});
