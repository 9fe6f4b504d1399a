// What memory costs and that it comes back: pages by kind, leaks, the limit under load, what the machine lacks, eviction
// and the price of an entry.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HEAP_BASE, PAGE_BYTES, PAGE_RECORD_BYTES, PAGE_TABLE_BASE, PageKind } from "../assembly/layout.ts";
import { Engine, Outcome } from "../src/engine.ts";
import type { Argument } from "../src/resp.ts";
import { drawSeed, EngineDriver, isError } from "./engine-driver.ts";

const seed = drawSeed("memory.test.ts");
const MiB = 1024 * 1024;
/** A limit of so many bytes of pages. */
const room = (bytes: number): number => HEAP_BASE + bytes;

/** Pages of each kind, as the page table lists them. */
function pagesByKind(driver: EngineDriver): Map<PageKind, number> {
  const table = new Uint8Array(Engine.memoryOf(driver.engine).buffer, PAGE_TABLE_BASE, 65536 * PAGE_RECORD_BYTES);
  const counts = new Map<PageKind, number>();
  for (let at = 0; at < table.length; at += PAGE_RECORD_BYTES) {
    const kind = table[at] as PageKind;
    if (kind !== PageKind.Free) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

function expectAccounted(driver: EngineDriver): void {
  const sum = [...pagesByKind(driver).values()].reduce((a, b) => a + b, 0);
  expect(driver.heldPages).toBe(sum);
}

/** Expects that nothing is held but the connection. */
function expectEmpty(driver: EngineDriver): void {
  driver.settle();
  expect([...pagesByKind(driver)]).toEqual([[PageKind.VolatileSlab, 1]]);
  expect(driver.heldPages).toBe(1);
}

const text = (bytes: number, letter = "x"): string => letter.repeat(bytes);
const sizes = [0, 1, 100, 500, 512, 4_080, 4_096, 10_000, 32_704, 32_705, 65_536, 65_537, MiB, MiB + 1];

/** Makes keys of every kind and way. */
function fill(driver: EngineDriver): string[] {
  const names: string[] = [];
  const make = (key: string, ...args: Argument[]): void => {
    driver.must(args[0] as string, key, ...args.slice(1));
    names.push(key);
  };
  for (const bytes of sizes) {
    make(`string:${bytes}`, "SET", text(bytes));
    make(`dying:${bytes}`, "PSETEX", "5000", text(bytes));
    make(`grown:${bytes}`, "SETRANGE", bytes, "end");
    driver.must("APPEND", `grown:${bytes}`, text(bytes));
    make(`packed:${bytes}`, "HSET", "field", text(Math.min(bytes, 255)), "other", "");
    make(`table:${bytes}`, "HSET", "field", text(bytes), text(300), "v", "c", text(bytes));
    driver.must("HSET", `table:${bytes}`, "field", "smaller now");
    driver.must("PEXPIRE", `table:${bytes}`, "4000");
    make(`scores:${bytes}`, "ZADD", bytes, "member", -1, text(Math.min(bytes, 32_704)));
    make(`integers:${bytes}`, "SADD", bytes, 7, -70_000);
    make(`members:${bytes}`, "SADD", text(Math.min(bytes, 32_704)), "member", "other");
  }
  for (let index = 0; index < 3_000; index++) make(`many:${index}`, "SET", text(index % 700));
  for (let index = 0; index < 500; index++) driver.must("HSET", "wide", `field:${index}`, text(index));
  names.push("wide");
  for (let index = 0; index < 3_000; index++) driver.must("SADD", "crowd", `member:${index}`);
  for (let index = 0; index < 3_000; index++) driver.must("ZADD", "ranked", index % 700, `member:${index}`);
  names.push("ranked");
  names.push("crowd");
  for (const key of [
    "string:65537",
    "wide",
    "crowd",
    "ranked",
    "scores:100",
    "integers:100",
    "members:100",
    "table:1048577",
    "packed:100",
  ]) {
    driver.must("COPY", key, `${key}:copy`);
    driver.must("RENAME", `${key}:copy`, `${key}:renamed`);
    names.push(`${key}:renamed`);
  }
  return names;
}

describe("memory comes back", () => {
  it("when keys of every kind are deleted one by one", () => {
    const driver = new EngineDriver();
    for (const key of fill(driver)) expect(driver.run("DEL", key), key).toBe(1);
    expectEmpty(driver);
  });

  it("when everything is flushed, twice", () => {
    const driver = new EngineDriver();
    for (const command of ["FLUSHDB", "FLUSHALL"]) {
      fill(driver);
      expectAccounted(driver);
      driver.must(command);
      expectEmpty(driver);
    }
  });

  it("when keys die, noticed or not", () => {
    const driver = new EngineDriver();
    const names = fill(driver);
    for (const key of names) driver.must("PEXPIRE", key, "1000");
    driver.now += 1_000;
    for (const key of names.slice(0, 1_000)) expect(driver.run("EXISTS", key)).toBe(0);
    expectEmpty(driver);
    expect(driver.engine.stats().keys).toBe(0);
  });

  it("when keys are replaced by others of every size", () => {
    const driver = new EngineDriver();
    for (const bytes of sizes) {
      for (const other of sizes) {
        driver.must("SET", "k", text(bytes));
        driver.must("SET", "k", text(other), "PX", "100");
        driver.must("PERSIST", "k");
        driver.must("GETSET", "k", text(bytes));
        driver.must("EXPIRE", "k", "10");
        driver.must("GETEX", "k", "PERSIST");
        driver.must("HSET", "h", "f", text(bytes));
        driver.must("HSET", "h", "f", text(other));
      }
    }
    driver.must("DEL", "k", "h");
    expectEmpty(driver);
  });

  it("when a connection ends anywhere inside a command", () => {
    const driver = new EngineDriver();
    const value = text(200_000);
    const input = Buffer.from(
      `*7\r\n$4\r\nMSET\r\n$1\r\na\r\n$2\r\nbc\r\n$1\r\nd\r\n$200000\r\n${value}\r\n$1\r\ne\r\n$200000\r\n${value}\r\n`,
    );
    for (let end = 1; end < input.length; end += end < 60 || end > 400_000 ? 1 : 5_003) {
      const connection = driver.engine.connect();
      driver.feed(input.subarray(0, end), connection);
      driver.engine.disconnect(connection);
    }
    expectEmpty(driver);
  });

  it("when a connection ends with replies not taken, and when they are released", () => {
    const driver = new EngineDriver();
    driver.must("SET", "k", text(100_000));
    const connection = driver.engine.connect();
    const before = driver.heldPages;
    driver.engine.execute(connection, Buffer.from("GET k\r\n".repeat(10)), 0, driver.now);
    expect(driver.engine.pinnedBytes(connection)).toBe(16 * PAGE_BYTES);
    expect(driver.heldPages).toBe(before + 16);
    const block = driver.engine.takeOutput(connection);
    expect(block?.view.length).toBe(PAGE_BYTES - 1);
    driver.engine.release(connection, block?.page as number);
    expect(driver.heldPages).toBe(before + 15);
    driver.engine.disconnect(connection);
    driver.must("DEL", "k");
    expectEmpty(driver);
  });
});

function collection(driver: EngineDriver, key: string): unknown {
  const type = driver.run("TYPE", key);
  if (type === "zset") return driver.must("ZRANGE", key, 0, -1, "WITHSCORES");
  return type === "set" ? (driver.must("SMEMBERS", key) as string[]).sort() : driver.run("HGETALL", key);
}

/** Everything that can be read, as one value to compare. */
function content(driver: EngineDriver): unknown {
  const keys = (driver.must("KEYS", "*") as string[]).sort();
  return keys.map((key) => {
    const value = driver.run("GET", key);
    return [key, driver.run("PTTL", key), isError(value) ? collection(driver, key) : value];
  });
}

/** Sets keys until one is refused. */
function fillUp(driver: EngineDriver, bytes: number): number {
  for (let index = 0; ; index++) if (isError(driver.run("SET", `fill:${bytes}:${index}`, text(bytes)))) return index;
}

describe("under noeviction", () => {
  const writes: Argument[][] = [
    ["SET", "new", text(2_000)],
    ["SET", "string", text(40_000)],
    ["SETNX", "new", text(2_000)],
    ["SETEX", "new", "10", text(2_000)],
    ["GETSET", "string", text(50_000)],
    ["MSET", "a", "1", "b", text(3_000), "string", "c"],
    ["MSETNX", "a", "1", "b", text(3_000)],
    ["APPEND", "string", text(40_000)],
    ["APPEND", "new", text(6_000)],
    ["SETRANGE", "string", 9_000, "x"],
    ["SETRANGE", "new", 100_000, "x"],
    ["COPY", "string", "new"],
    ["COPY", "wide", "new"],
    ["HSET", "packed", "f", text(3_000)],
    ["HSET", "wide", "f", text(3_000), "g", text(70_000)],
    ["HSET", "new", "f", text(1_000)],
    ["HSETNX", "wide", "f", text(50_000)],
    ["HMSET", "wide", "f", text(50_000)],
    ["HINCRBY", "unpacking", "n", 1],
    ["ZADD", "new", 1, text(1_000)],
    ["ZADD", "ranked", 1, text(3_000)],
    ["ZUNIONSTORE", "new", 2, "ranked", "ranked"],
    ["SADD", "new", text(1_000)],
    ["SADD", "crowd", text(3_000)],
    ["SUNIONSTORE", "new", "crowd", "crowd"],
    ["SET", "huge", text(3 * MiB)],
    ["APPEND", "huge", text(3 * MiB)],
  ];

  it("a write over the limit answers OOM and changes nothing", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(5 * MiB) });
    driver.must("SET", "string", text(1_000));
    driver.must("HSET", "packed", "a", "b");
    for (let index = 0; index < 200; index++) driver.must("HSET", "wide", `field:${index}`, text(200));
    for (let index = 0; index < 128; index++) driver.must("HSET", "unpacking", `field:${index}`, "");
    for (let index = 0; index < 20_000; index++) driver.must("SADD", "crowd", `member:${index}`);
    for (let index = 0; index < 1_000; index++) driver.must("ZADD", "ranked", index, `member:${index}`);
    for (const bytes of [60_000, 1_900, 900, 100, 10]) fillUp(driver, bytes);
    const before = content(driver);
    for (const write of writes) {
      const reply = driver.run(...write);
      expect(isError(reply) && reply.message, write.slice(0, 3).join(" ").slice(0, 40)).toMatch(/^OOM /);
      expect(content(driver)).toEqual(before);
    }
    expectAccounted(driver);
  });

  it("keys may still be read, changed in place, renamed, made to die and deleted", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(4 * MiB) });
    driver.must("SET", "n", "10");
    for (let index = 0; index < 1_000; index++) driver.must("SET", `fill:100:${index}`, text(100));
    for (const bytes of [1_000, 10]) fillUp(driver, bytes);
    expect(driver.run("INCR", "n")).toBe(11);
    expect(driver.run("SETRANGE", "fill:100:0", 0, "y")).toBe(100);
    for (let index = 0; index < 500; index++) expect(driver.run("PEXPIRE", `fill:100:${index}`, "1000")).toBe(1);
    expect(driver.run("PERSIST", "fill:100:7")).toBe(1);
    expect(driver.run("RENAME", "fill:100:8", "a much longer name than it had before")).toBe("OK");
    driver.now += 1_000;
    driver.settle();
    expect(driver.run("SET", "room", text(1_000))).toBe("OK");
    expect(driver.run("DEL", "fill:1000:0")).toBe(1);
  });

  it("a pipeline goes on behind a command that does not fit", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(2 * MiB) });
    const replies = driver.runAll([
      ["SET", "a", "1"],
      ["SET", "b", text(5 * MiB)],
      ["GET", "a"],
      ["EXISTS", "b"],
    ]);
    expect(isError(replies[1] ?? null)).toBe(true);
    expect([replies[0], replies[2], replies[3]]).toEqual(["OK", "1", 0]);
    const keys = Array.from({ length: 40_000 }, (_, index) => [`key:${index}`, text(100)]).flat();
    const refused = driver.runAll([["MSET", ...keys], ["DBSIZE"]]);
    expect(isError(refused[0] ?? null)).toBe(true);
    expect(refused[1]).toBe(1);
    driver.must("DEL", "a");
    expectEmpty(driver);
  });
});

/** Room for what a full database must still take: a page of partial input each, and connections. */
const SLACK_PAGES = 8;

describe("a vector set", () => {
  const dimensions = 100;
  const vectorOf = (number: number): Argument => {
    const values = Float32Array.from({ length: dimensions }, (_, index) => Math.sin(number * 7 + index) + 2);
    return new Uint8Array(values.buffer);
  };
  const add = (driver: EngineDriver, key: string, number: number): boolean => {
    const attributes = JSON.stringify({ number, text: text(number % 20) });
    const reply = driver.run("VADD", key, "FP32", vectorOf(number), `element:${number}`, "SETATTR", attributes);
    return !isError(reply);
  };

  it("gives its memory back, but for the marks of the walk", () => {
    const driver = new EngineDriver();
    for (const way of ["VREM", "DEL", "FLUSHALL", "PEXPIRE"]) {
      for (let number = 0; number < 400; number++) expect(add(driver, "v", number)).toBe(true);
      for (let number = 0; number < 400; number += 3) add(driver, "v", number);
      for (let number = 0; number < 400; number++) driver.must("VSETATTR", "v", `element:${number}`, "");
      if (way === "VREM") for (let number = 0; number < 400; number++) driver.must("VREM", "v", `element:${number}`);
      else driver.must(way, ...(way === "FLUSHALL" ? [] : way === "DEL" ? ["v"] : ["v", "1"]));
      driver.now += 1;
      driver.settle();
      expect(Object.fromEntries(pagesByKind(driver)), way).toEqual({
        [PageKind.VolatileSlab]: 1,
        [PageKind.Scratch]: 1,
      });
    }
  });

  it.each(["noeviction", "allkeys-lru"] as const)("fills the memory and loses nothing with %s", (eviction) => {
    const limit = room(3 * MiB);
    const driver = new EngineDriver({ maxMemoryBytes: limit, eviction });
    for (let index = 0; index < 2_000; index++) driver.must("SET", `key:${index}`, text(300));
    let held = 0;
    while (add(driver, "v", held)) held++;
    expect(held).toBeGreaterThan(500);
    expect(driver.engine.stats().memoryUsedBytes).toBeLessThanOrEqual(limit + SLACK_PAGES * PAGE_BYTES);
    expect(driver.run("VCARD", "v")).toBe(held);
    for (let number = 0; number < held; number += 7) {
      const nearest = driver.must("VSIM", "v", "FP32", vectorOf(number), "COUNT", 1, "TRUTH");
      expect(nearest).toEqual([`element:${number}`]);
    }
    expect(driver.run("DBSIZE")).toBe(eviction === "noeviction" ? 2_001 : 1);
  });
});

describe("the limit", () => {
  const small = fc.integer({ min: 0, max: 2_000 });
  const size = fc.oneof({ weight: 6, arbitrary: small }, fc.integer({ min: 0, max: 300_000 }), fc.constant(7 * MiB));
  const key = fc.integer({ min: 0, max: 200 }).map((number) => `key:${number}`);
  const command = fc.oneof<fc.Arbitrary<Argument[]>[]>(
    fc.tuple(
      fc.constant("SET"),
      key,
      size.map((bytes) => text(bytes)),
    ),
    fc.tuple(
      fc.constant("APPEND"),
      key,
      size.map((bytes) => text(bytes)),
    ),
    fc.tuple(fc.constant("SETRANGE"), key, fc.integer({ min: 0, max: 12 * MiB }), fc.constant("x")),
    fc
      .array(
        fc.tuple(
          key,
          small.map((bytes) => text(bytes)),
        ),
        { minLength: 1, maxLength: 300 },
      )
      .map((pairs) => ["MSET", ...pairs.flat()]),
    fc.tuple(
      fc.constant("HSET"),
      fc.constantFrom("h1", "h2"),
      key,
      size.map((bytes) => text(bytes)),
    ),
    fc.tuple(fc.constant("COPY"), fc.oneof(key, fc.constantFrom("h1", "h2")), key),
    fc.tuple(fc.constant("RENAME"), key, key),
    fc.tuple(fc.constant("PEXPIRE"), key, fc.integer({ min: 1, max: 5_000 }).map(String)),
    fc.tuple(fc.constantFrom("DEL", "GET"), key),
    fc.constant<Argument[]>(["FLUSHALL"]),
  );

  it.each(["noeviction", "allkeys-lru"] as const)("holds under random loads with %s", (eviction) => {
    const limit = room(8 * MiB);
    fc.assert(
      fc.property(fc.array(command, { minLength: 50, maxLength: 200 }), fc.boolean(), (commands, pipelined) => {
        const driver = new EngineDriver({ maxMemoryBytes: limit, eviction });
        const check = (): void => {
          expect(driver.engine.stats().memoryUsedBytes).toBeLessThanOrEqual(limit + SLACK_PAGES * PAGE_BYTES);
        };
        if (pipelined) {
          driver.runAll(commands);
          check();
        } else {
          for (const one of commands) {
            driver.run(...one);
            driver.now += 7;
            check();
          }
        }
        expectAccounted(driver);
        driver.must("FLUSHALL");
        expectEmpty(driver);
      }),
      { seed, numRuns: 12 },
    );
  });

  it("holds while several connections receive more than there is", () => {
    for (const eviction of ["noeviction", "allkeys-lru"] as const) {
      const limit = room(40 * MiB);
      const driver = new EngineDriver({ maxMemoryBytes: limit, eviction });
      for (let index = 0; index < 20_000; index++) driver.must("SET", `key:${index}`, text(500));
      const connections = Array.from({ length: 4 }, () => driver.engine.connect());
      const head = Buffer.from(`*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${16 * MiB}\r\n`);
      const piece = Buffer.alloc(MiB, "x");
      for (const connection of connections) driver.feed(head, connection);
      let replies = "";
      for (let part = 0; part <= 16; part++) {
        for (const connection of connections) {
          replies += driver.feed(part < 16 ? piece : Buffer.from("\r\n"), connection).bytes.toString();
          expect(driver.engine.stats().memoryUsedBytes).toBeLessThanOrEqual(limit + SLACK_PAGES * PAGE_BYTES);
        }
      }
      // Two of them fit, at least one must have, and nobody lost its place in the stream.
      expect(replies.match(/\+OK|-OOM/g)).toHaveLength(4);
      expect(replies).toContain(eviction === "noeviction" ? "-OOM" : "+OK");
      for (const connection of connections) expect(driver.send("PING\r\n", connection).text).toBe("+PONG\r\n");
      for (const connection of connections) driver.engine.disconnect(connection);
      driver.must("FLUSHALL");
      expectEmpty(driver);
    }
  });

  it("lets a value of 64 MiB in where there is room, and not where there is none", () => {
    const value = Buffer.alloc(64 * MiB, "v");
    const driver = new EngineDriver({ maxMemoryBytes: room(70 * MiB), eviction: "allkeys-lru" });
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 5_000; index++) driver.must("SET", `key:${index}`, text(500));
      expect(driver.run("SET", `big:${round}`, value)).toBe("OK");
      expect(driver.run("STRLEN", `big:${round}`)).toBe(value.length);
    }
    const smaller = new EngineDriver({ maxMemoryBytes: room(60 * MiB), eviction: "allkeys-lru" });
    smaller.must("SET", "k", "v");
    expect(isError(smaller.run("SET", "big", value))).toBe(true);
    // What cannot fit evicts nothing.
    expect(smaller.run("GET", "k")).toBe("v");
  });
});

/** Asks for 90 MiB and takes nothing. */
function fillOutput(driver: EngineDriver, connection: number): number {
  const input = Buffer.from("GET k\r\n".repeat(90));
  for (let at = 0; at < input.length; at += driver.engine.consumed) {
    if (driver.engine.execute(connection, input, at, driver.now) === Outcome.Overflow) break;
  }
  return connection;
}

describe("a machine without memory", () => {
  it("is answered with OOM, whatever the limit says", () => {
    // 64 pages to the end of the address range.
    const driver = new EngineDriver({ heapStart: 0xff_bf_00_00, maxMemoryBytes: 1024 * MiB });
    for (const bytes of [100_000, 20_000, 1_000, 100, 10]) fillUp(driver, bytes);
    for (let index = 0; index < 300; index++) driver.run("HSET", `hash:${index}`, text(index), text(index * 10));
    driver.run("MSET", ...Array.from({ length: 2_000 }, (_, index) => [`m:${index}`, text(index)]).flat());
    const before = content(driver);
    expect(isError(driver.run("SET", "new", text(300_000)))).toBe(true);
    expect(content(driver)).toEqual(before);
    // Replies that find no page end the connection that asked for them, and only it.
    const other = driver.engine.connect();
    const { outcome } = driver.feed(Buffer.from("GET fill:100000:0\r\n".repeat(400)), other);
    expect([Outcome.Done, Outcome.Overflow]).toContain(outcome);
    const slow = driver.engine.connect();
    const blocked = driver.engine.execute(slow, Buffer.from("GET fill:100000:0\r\n".repeat(400)), 0, driver.now);
    expect(blocked).toBe(Outcome.Overflow);
    // So do partial commands.
    const partial = Buffer.from(`*2\r\n$3\r\nGET\r\n$30000\r\n${text(29_000)}`);
    const late = Array.from({ length: 20 }, () => driver.engine.connect());
    const outcomes = late.map((connection) => driver.engine.execute(connection, partial, 0, driver.now));
    expect(outcomes).toContain(Outcome.Overflow);
    for (const connection of [other, slow, ...late]) driver.engine.disconnect(connection);
    expect(driver.must("PING")).toBe("PONG");
    driver.must("FLUSHALL");
    expectEmpty(driver);
    driver.must("SET", "new", text(300_000));
  });

  it("ends connections that hold too many replies rather than move what others have been lent", () => {
    const driver = new EngineDriver({
      maxMemoryBytes: room(2 * MiB),
      outputLimitBytes: 100 * MiB,
      reserveMemory: true,
    });
    driver.must("SET", "k", text(MiB));
    const connections = Array.from({ length: 5 }, () => driver.engine.connect());
    const lent = driver.engine.takeOutput(fillOutput(driver, connections[0] as number));
    // 5 times 90 MiB are more than there is beside the database.
    const outcomes = connections.slice(1).map((connection) => {
      fillOutput(driver, connection);
      return driver.engine.execute(connection, Buffer.from("PING\r\n"), 0, driver.now);
    });
    expect(outcomes).toContain(Outcome.Overflow);
    expect(lent?.view.length).toBe(PAGE_BYTES - 1);
    expect(driver.must("STRLEN", "k")).toBe(MiB);
  });

  it("lets keys be evicted", () => {
    const driver = new EngineDriver({
      heapStart: 0xff_bf_00_00,
      maxMemoryBytes: 1024 * MiB,
      eviction: "allkeys-lru",
    });
    for (let index = 0; index < 30_000; index++) driver.must("SET", `key:${index}`, text(index % 1_000));
    expect(driver.engine.stats().evictedKeys).toBeGreaterThan(10_000);
  });
});

describe("under allkeys-lru", () => {
  it("writes of mixed sizes never fail while there is something to evict", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(6 * MiB), eviction: "allkeys-lru" });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3_000), fc.oneof(fc.nat(300), fc.nat(3_000), fc.nat(100_000)), fc.boolean())),
        (sets) => {
          for (const [number, bytes, asHash] of sets) {
            driver.now += 10;
            if (asHash) driver.must("HSET", `hash:${number}`, "f", text(bytes), "g", text(bytes % 100));
            else driver.must("SET", `key:${number}`, text(bytes));
          }
        },
      ),
      { seed, numRuns: 300 },
    );
    expect(driver.engine.stats().evictedKeys).toBeGreaterThan(100);
    expectAccounted(driver);
  });

  it("a change of the common size costs one page at a time, not the database", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(16 * MiB), eviction: "allkeys-lru" });
    for (let index = 0; index < 150_000; index++) driver.must("SET", `small:${index}`, text(80));
    const before = driver.engine.stats();
    driver.must("SET", "large", text(20_000));
    const after = driver.engine.stats();
    expect(after.evictedKeys - before.evictedKeys).toBeLessThan(3_000);
    expect(driver.run("STRLEN", "large")).toBe(20_000);
  });

  it("what was asked for lately stays, in each database", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(8 * MiB), eviction: "allkeys-lru" });
    const keys = 20_000;
    const set = (name: string, db: number): void => {
      driver.must("SELECT", db);
      for (let index = 0; index < keys; index++) driver.must("SET", `${name}:${index}`, text(100));
    };
    set("a", 0);
    set("b", 3);
    driver.now += 60_000;
    const hot = (index: number): boolean => index % 4 === 0;
    for (const [name, db] of [
      ["a", 0],
      ["b", 3],
    ] as const) {
      driver.must("SELECT", db);
      for (let index = 0; index < keys; index++) if (hot(index)) driver.must("GET", `${name}:${index}`);
    }
    driver.now += 60_000;
    driver.must("SELECT", 7);
    for (let index = 0; index < 35_000; index++) driver.must("SET", `new:${index}`, text(100));
    for (const [name, db] of [
      ["a", 0],
      ["b", 3],
    ] as const) {
      driver.must("SELECT", db);
      let hotLeft = 0;
      let coldLeft = 0;
      for (let index = 0; index < keys; index++) {
        if (driver.run("EXISTS", `${name}:${index}`) === 0) continue;
        if (hot(index)) hotLeft++;
        else coldLeft++;
      }
      expect(hotLeft / (keys / 4)).toBeGreaterThan(0.97);
      expect(coldLeft / (keys * 0.75)).toBeLessThan(0.9);
    }
  });

  it("a small database beside a large one is not emptied before the large one's older keys", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(8 * MiB), eviction: "allkeys-lru" });
    for (let index = 0; index < 40_000; index++) driver.must("SET", `old:${index}`, text(100));
    driver.now += 60_000;
    driver.must("SELECT", 5);
    for (let index = 0; index < 100; index++) driver.must("SET", `young:${index}`, text(100));
    driver.must("SELECT", 0);
    for (let index = 0; index < 45_000; index++) driver.must("SET", `new:${index}`, text(100));
    expect(driver.engine.stats().evictedKeys).toBeGreaterThan(5_000);
    expect(driver.engine.countKeys(5).keys).toBe(100);
  });

  it("a clock that is set back does not make the newest keys the oldest", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(4 * MiB), eviction: "allkeys-lru" });
    for (let index = 0; index < 10_000; index++) driver.must("SET", `old:${index}`, text(100));
    driver.now += 60_000;
    for (let index = 0; index < 5_000; index++) driver.must("SET", `young:${index}`, text(100));
    driver.now -= 10_000;
    for (let index = 0; index < 19_000; index++) driver.must("SET", `later:${index}`, text(100));
    const left = (name: string): number => (driver.must("KEYS", `${name}:*`) as string[]).length;
    expect(left("young")).toBeGreaterThan(4_000);
    expect(left("old")).toBeLessThan(4_000);
  });
});

describe("an entry", () => {
  const release = new WebAssembly.Module(readFileSync("dist/engine.wasm"));

  /** Sets `count` keys of 16 bytes; answers bytes of memory held beyond keys and values, for each. */
  function overhead(count: number, valueBytes: (index: number) => number): { each: number; payload: number } {
    const engine = Engine.create(release, {
      maxMemoryBytes: 3000 * MiB,
      eviction: "noeviction",
      seed: BigInt(seed >>> 0),
    });
    const connection = engine.connect();
    let payload = 0;
    for (let first = 0; first < count; first += 1_000) {
      let batch = "";
      for (let index = first; index < Math.min(first + 1_000, count); index++) {
        const bytes = valueBytes(index);
        payload += 16 + bytes;
        batch += `*3\r\n$3\r\nSET\r\n$16\r\nkey:${String(index).padStart(12, "0")}\r\n$${bytes}\r\n${text(bytes)}\r\n`;
      }
      const input = Buffer.from(batch);
      for (let at = 0; at < input.length; at += engine.consumed) engine.execute(connection, input, at, 0);
      for (let block = engine.takeOutput(connection); block; block = engine.takeOutput(connection)) {
        engine.release(connection, block.page);
      }
    }
    const stats = engine.stats();
    expect(stats.keys).toBe(count);
    expect(stats.movedMax).toBeLessThanOrEqual(768);
    return { each: (stats.memoryUsedBytes - HEAP_BASE - payload) / count, payload: payload / count };
  }

  it("of 16 + 100 bytes costs at most 24 bytes more, among 1,000,000", () => {
    expect(overhead(1_000_000, () => 100).each).toBeLessThanOrEqual(24);
  });

  it("of 16 + 100 bytes costs little more among 100,000, where each page that is partly used counts ten times", () => {
    expect(overhead(100_000, () => 100).each).toBeLessThanOrEqual(26);
  });

  it("of a random size costs at most 24 bytes and 7% more, among 300,000", () => {
    let state = seed >>> 0;
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return 1 + Math.floor((state / 2 ** 32) * 1_000);
    };
    const { each, payload } = overhead(300_000, random);
    expect(each).toBeLessThanOrEqual(24 + 0.07 * payload);
  });

  it("moves at most 768 others to make room for itself, up to 3 million", () => {
    overhead(3_000_000, () => 8);
  });
});
