// The embedding API by examples: what each method answers, what it refuses, and that a refused call changes nothing.

import { describe, expect, test } from "vitest";
import type { Database } from "../src/database/database.ts";
import { ReplyError } from "../src/errors.ts";
import { openTestDatabase } from "./database-fixture.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (encoded: Uint8Array): string => new TextDecoder().decode(encoded);
const withCode = (code: string) => expect.objectContaining({ name: "NearkeyError", code });

describe("strings", () => {
  test("come back as they were set", () => {
    const { db } = openTestDatabase();
    expect(db.set("user:1", "Ada")).toBe(true);
    expect(db.get("user:1")).toBe("Ada");
    expect(db.getBytes("user:1")).toEqual(bytes("Ada"));
    expect(db.get("user:2")).toBeUndefined();
    expect(db.getBytes("user:2")).toBeUndefined();
  });

  test.each(["", "a", "h\u00e9llo \u20ac \u{1f511}", "x".repeat(40), "\u20ac".repeat(20_000), "y".repeat(3_000_000)])(
    "hold any text (%#)",
    (value) => {
      const { db } = openTestDatabase();
      for (const key of ["k", bytes("b"), "schl\u00fcssel".repeat(9), ""]) {
        expect(db.set(key, value)).toBe(true);
        expect(db.get(key)).toBe(value);
        expect(db.getMany([key])).toEqual([value]);
        db.set(key, bytes(value));
        expect(db.get(key)).toBe(value);
      }
    },
  );

  test("read as text, whichever byte is not ASCII", () => {
    const { db } = openTestDatabase();
    const lengths = [...Array.from({ length: 50 }, (_, length) => length), 1_023, 1_024, 1_025];
    for (const length of lengths) {
      const value = new Uint8Array(length).fill(0x7f);
      db.set("k", value);
      expect(db.get("k")).toBe(text(value));
      for (let at = 0; at < length; at += length < 50 ? 1 : 31) {
        value[at] = 0x80 + (at % 0x80);
        db.set("k", value);
        expect(db.get("k")).toBe(text(value));
        value[at] = 0x7f;
      }
    }
  });

  test("hold any bytes, and give copies", () => {
    const { db } = openTestDatabase();
    const value = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    db.set(value, value);
    const read = db.getBytes(value) as Uint8Array;
    expect(read).toEqual(value);
    read.fill(0);
    expect(db.getBytes(value)).toEqual(value);
  });

  test("know text keys and their UTF-8 as the same key", () => {
    const { db } = openTestDatabase();
    db.set("schl\u00fcssel", "1");
    expect(db.get(bytes("schl\u00fcssel"))).toBe("1");
  });

  test("are written only when absent, only when present", () => {
    const { db } = openTestDatabase();
    expect(db.set("k", "1", { onlyIf: "present" })).toBe(false);
    expect(db.has("k")).toBe(false);
    expect(db.set("k", "1", { onlyIf: "absent" })).toBe(true);
    expect(db.set("k", "2", { onlyIf: "absent" })).toBe(false);
    expect(db.get("k")).toBe("1");
    expect(db.set("k", "3", { onlyIf: "present", ttlMs: 5 })).toBe(true);
    expect(db.ttlMs("k")).toBe(5);
  });

  test("long ones obey the same conditions and expiry", () => {
    const { db, clock } = openTestDatabase();
    const long = "z".repeat(100_000);
    expect(db.set("k", long, { onlyIf: "present" })).toBe(false);
    expect(db.set("k", long, { onlyIf: "absent", ttlMs: 10 })).toBe(true);
    expect(db.set("k", long, { onlyIf: "absent" })).toBe(false);
    clock.nowMs += 10;
    expect(db.get("k")).toBeUndefined();
  });

  test("come and go in numbers", () => {
    const { db } = openTestDatabase();
    db.setMany([
      ["a", "1"],
      [bytes("b"), bytes("2")],
      ["a", "3"],
    ]);
    db.command("HSET", "h", "f", "v");
    expect(db.getMany(["a", "none", "b", "h"])).toEqual(["3", undefined, "2", undefined]);
    expect(db.delete("a", "none", "h")).toBe(2);
    expect(db.delete()).toBe(0);
    expect(db.getMany([])).toEqual([]);
    db.setMany([]);
    expect(db.stats().keys).toBe(1);
  });

  test("go beyond what one command takes", () => {
    const { db } = openTestDatabase();
    const entries = Array.from({ length: 100_000 }, (_, index) => [`key:${index}`, `${index}`] as const);
    db.setMany(entries);
    expect(db.getMany(entries.map(([key]) => key))).toEqual(entries.map(([, value]) => value));
    expect(db.delete(...entries.map(([key]) => key))).toBe(100_000);
  });
});

describe("expiry", () => {
  test("takes milliseconds and answers whether there is such a key", () => {
    const { db, clock } = openTestDatabase();
    db.set("k", "v", { ttlMs: 60_000 });
    expect(db.ttlMs("k")).toBe(60_000);
    clock.nowMs += 59_999;
    expect(db.ttlMs("k")).toBe(1);
    expect(db.get("k")).toBe("v");
    clock.nowMs += 1;
    expect(db.get("k")).toBeUndefined();
    expect(db.has("k")).toBe(false);
    expect(db.expire("k", 10)).toBe(false);
    expect(db.ttlMs("k")).toBeUndefined();
  });

  test("is dropped by set and setMany, and kept by increment", () => {
    const { db } = openTestDatabase();
    db.set("n", "1", { ttlMs: 100 });
    db.increment("n");
    expect(db.ttlMs("n")).toBe(100);
    db.set("n", "1");
    expect(db.ttlMs("n")).toBe(Number.POSITIVE_INFINITY);
    expect(db.expire("n", 50)).toBe(true);
    db.setMany([["n", "2"]]);
    expect(db.ttlMs("n")).toBe(Number.POSITIVE_INFINITY);
  });

  test("of 0 or less deletes at once", () => {
    const { db } = openTestDatabase();
    db.set("k", "v");
    expect(db.expire("k", 0)).toBe(true);
    expect(db.has("k")).toBe(false);
  });

  test("happens without being asked for", () => {
    const { db, clock, tick } = openTestDatabase();
    for (let index = 0; index < 1000; index++) db.set(`k${index}`, "v", { ttlMs: 1 });
    clock.nowMs += 1;
    for (let turn = 0; turn < 1000 && db.stats().keys > 0; turn++) tick();
    expect(db.stats()).toMatchObject({ keys: 0, expiredKeys: 1000 });
  });
});

describe("increment", () => {
  test("adds, and makes what is missing", () => {
    const { db } = openTestDatabase();
    expect(db.increment("n")).toBe(1);
    expect(db.increment("n", 41)).toBe(42);
    expect(db.increment("n", -100)).toBe(-58);
    expect(db.get("n")).toBe("-58");
  });

  test("throws rather than rounds beyond 2^53, and changes nothing", () => {
    const { db } = openTestDatabase();
    db.set("n", "9007199254740991", { ttlMs: 100 });
    expect(() => db.increment("n")).toThrowError(withCode("unsafe-integer"));
    expect(db.get("n")).toBe("9007199254740991");
    expect(db.ttlMs("n")).toBe(100);
    expect(db.command("INCRBY", "n", 1)).toBe(9007199254740992n);
    expect(() => db.increment("n", 2 ** 53)).toThrowError(withCode("invalid-argument"));
    expect(db.increment("n", -1)).toBe(2 ** 53 - 1);
  });

  test("throws beyond 64 bits and for what is no integer, and changes nothing", () => {
    const { db } = openTestDatabase();
    db.set("n", "9223372036854775807");
    expect(() => db.increment("n")).toThrowError(withCode("integer-overflow"));
    db.set("t", "ten");
    expect(() => db.increment("t")).toThrowError(withCode("not-a-number"));
    expect(db.getMany(["n", "t"])).toEqual(["9223372036854775807", "ten"]);
    expect(() => db.increment("n", 0.5)).toThrowError(withCode("invalid-argument"));
  });
});

describe("other commands", () => {
  test("answer JavaScript values", () => {
    const { db } = openTestDatabase();
    expect(db.command("HSET", "h", "f", "v", "__proto__", 2)).toBe(2);
    expect(db.command("HGETALL", "h")).toEqual(Object.assign(Object.create(null), { f: "v", ["__proto__"]: "2" }));
    expect(db.command("HGET", "h", "none")).toBeNull();
    expect(db.command("SET", "big", 2n ** 63n - 1n)).toBe("OK");
    expect(db.command("DECRBY", "big", 1)).toBe(2n ** 63n - 2n);
    expect(db.commandBytes("HGETALL", "h")).toEqual(["f", "v", "__proto__", "2"].map(bytes));
    expect(db.command("HELLO", 2)).toBeInstanceOf(Array);
    expect(db.command("PING")).toBe("PONG");
  });

  test("throw what is an error", () => {
    const { db } = openTestDatabase();
    expect(() => db.command("NOPE")).toThrowError(withCode("unknown-command"));
    expect(() => db.command("GET")).toThrowError(withCode("wrong-argument-count"));
    expect(() => db.command("SET", "k", "v", "WHAT")).toThrowError(withCode("syntax-error"));
    expect(() => db.command("GET", undefined as unknown as string)).toThrowError(withCode("invalid-argument"));
    expect(db.command("PING")).toBe("PONG");
  });

  test("leave the methods' own connection alone", () => {
    const { db } = openTestDatabase();
    db.command("SELECT", 1);
    db.command("SET", "k", "other");
    db.command("HELLO", 2);
    db.command("QUIT");
    expect(db.get("k")).toBeUndefined();
    expect(db.command("GET", "k")).toBe("other");
    db.command("RESET");
    expect(db.command("GET", "k")).toBeNull();
  });

  test("answer what the host knows", () => {
    const { db } = openTestDatabase({ eviction: "allkeys-lru" });
    expect(db.command("INFO", "server")).toMatch(/redis_version:8\.0\.2/);
    expect(db.command("CONFIG", "GET", "maxmemory-policy")).toEqual({ "maxmemory-policy": "allkeys-lru" });
    expect(db.command("COMMAND", "COUNT")).toBeGreaterThan(50);
  });
});

describe("execute", () => {
  const { db } = openTestDatabase();

  test("takes a batch of RESP and gives the replies", () => {
    expect(
      text(db.execute(bytes("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\nNOPE\r\n"))),
    ).toMatch(/^\+OK\r\n\$1\r\nv\r\n-ERR unknown command 'NOPE'/);
    expect(db.execute(new Uint8Array())).toHaveLength(0);
  });

  test("keeps an incomplete command for the next batch", () => {
    expect(text(db.execute(bytes("PING\r\n*2\r\n$3\r\nGE")))).toBe("+PONG\r\n");
    expect(text(db.execute(bytes("T\r\n$1\r\nk\r\n")))).toBe("$1\r\nv\r\n");
  });

  test("answers malformed bytes with Redis's text and goes on afresh", () => {
    expect(text(db.execute(bytes("*1\r\n!\r\n")))).toMatch(/^-ERR Protocol error/);
    expect(text(db.execute(bytes("PING\r\n")))).toBe("+PONG\r\n");
  });

  test("takes batches and gives replies of many megabytes", () => {
    const value = "v".repeat(1_000_000);
    db.set("long", value);
    const replies = text(db.execute(bytes("GET long\r\n".repeat(100))));
    expect(replies).toBe(`$1000000\r\n${value}\r\n`.repeat(100));
  });
});

describe("what cannot be meant", () => {
  test("is an option of set that there is not", () => {
    const { db } = openTestDatabase();
    const misspelt = JSON.parse('{"ttl":5}');
    expect(() => db.set("k", "v", misspelt)).toThrow(/no option "ttl"; there are ttlMs and onlyIf/);
    expect(db.has("k")).toBe(false);
  });

  test("is a value over the limit, which is named", () => {
    const { db } = openTestDatabase();
    expect(() => db.set("k", new Uint8Array(64 * 1024 * 1024 + 1))).toThrow(
      /at most 67108864 bytes long, not 67108865/,
    );
    expect(db.has("k")).toBe(false);
  });

  const { db } = openTestDatabase();
  const anything = db as unknown as Record<string, (...args: unknown[]) => unknown>;

  test.each([
    ["get", [undefined]],
    ["get", [5]],
    ["getBytes", [null]],
    ["set", ["k", 5]],
    ["set", ["k", undefined]],
    ["set", [{}, "v"]],
    ["set", ["k", "v", { ttlMs: 0 }]],
    ["set", ["k", "v", { ttlMs: 1.5 }]],
    ["set", ["k", "v", { ttlMs: Number.NaN }]],
    ["set", ["k", "v", { ttlMs: Number.POSITIVE_INFINITY }]],
    ["set", ["k", "v", { onlyIf: "never" }]],
    ["set", ["k".repeat(40_000), "v"]],
    ["setMany", [[["k", 5]]]],
    ["getMany", [["k", 1]]],
    ["delete", [1]],
    ["has", []],
    ["increment", ["k", "1"]],
    ["expire", ["k", "soon"]],
    ["expire", ["k", 2 ** 53]],
    ["execute", ["PING"]],
  ])("%s(%j) is refused", (method, args) => {
    expect(() => anything[method]?.(...args)).toThrowError(withCode("invalid-argument"));
    expect(db.stats().keys).toBe(0);
  });

  test("another type is wrong-type", () => {
    db.command("HSET", "h", "f", "v");
    for (const use of [
      () => db.get("h"),
      () => db.getBytes("h"),
      () => db.increment("h"),
      () => db.command("APPEND", "h", "x"),
    ]) {
      expect(use).toThrowError(withCode("wrong-type"));
    }
    expect(db.set("h", "now a string")).toBe(true);
    db.delete("h");
  });
});

describe("the memory limit", () => {
  const filler = "f".repeat(1000);

  function fill(db: Database): number {
    for (let index = 0; ; index++) {
      try {
        db.set(`filler:${index}`, filler);
      } catch (error) {
        expect(error).toEqual(withCode("out-of-memory"));
        return index;
      }
    }
  }

  test("refuses a write by name and stays usable", () => {
    const { db } = openTestDatabase({ maxMemory: "10mb" });
    const count = fill(db);
    expect(count).toBeGreaterThan(2000);
    expect(db.get("filler:0")).toBe(filler);
    expect(() => db.command("SET", "another", filler.repeat(100))).toThrowError(withCode("out-of-memory"));
    const { memoryUsedBytes, memoryLimitBytes } = db.stats();
    expect(memoryUsedBytes).toBeLessThanOrEqual(memoryLimitBytes);
    const some = Array.from({ length: 200 }, (_, index) => `filler:${index}`);
    expect(db.delete(...some)).toBe(200);
    expect(db.set("filler:1", filler)).toBe(true);
  });

  test("makes setMany store nothing, in one command or in several", () => {
    const { db } = openTestDatabase({ maxMemory: "24mb" });
    const many = (count: number, size: number) =>
      Array.from({ length: count }, (_, index) => [`many:${index}`, "m".repeat(size)] as const);
    for (const entries of [many(30_000, 1000), many(200_000, 100)]) {
      expect(() => db.setMany(entries)).toThrowError(withCode("out-of-memory"));
      expect(db.stats().keys).toBe(0);
    }
    db.setMany(many(1000, 1000));
    expect(db.stats().keys).toBe(1000);
  });

  test("makes room when eviction is on", () => {
    const { db } = openTestDatabase({ maxMemory: "10mb", eviction: "allkeys-lru" });
    for (let index = 0; index < 20_000; index++) expect(db.set(`k${index}`, filler)).toBe(true);
    const { keys, evictedKeys, memoryUsedBytes, memoryLimitBytes } = db.stats();
    expect(keys + evictedKeys).toBe(20_000);
    expect(keys).toBeGreaterThan(2000);
    expect(memoryUsedBytes).toBeLessThanOrEqual(memoryLimitBytes);
    expect(db.get("k19999")).toBe(filler);
  });
});

describe("close", () => {
  test("is idempotent, and use after it throws closed", async () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 2 });
    await db.close();
    await db.close();
    const uses = [
      () => db.get("k"),
      () => db.getBytes("k"),
      () => db.set("k", "v"),
      () => db.setMany([["k", "v"]]),
      () => db.has("k"),
      () => db.command("PING"),
      () => db.execute(bytes("PING\r\n")),
      () => db.vectors("docs"),
      () => db.stats(),
      () => docs.size,
      () => docs.search([1, 2]),
    ];
    for (const use of uses) expect(use).toThrowError(withCode("closed"));
    await expect(docs.setMany(["a"], Float32Array.of(1, 2))).rejects.toEqual(withCode("closed"));
  });

  test("comes with the end of an await using block", async () => {
    const { db } = openTestDatabase();
    await db[Symbol.asyncDispose]();
    expect(() => db.get("k")).toThrowError(withCode("closed"));
  });
});

test("error replies inside an array stay values", () => {
  expect(new ReplyError("WRONGTYPE no").prefix).toBe("WRONGTYPE");
});
