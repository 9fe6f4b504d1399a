// DUMP and RESTORE: what nearkey answers it takes again, and so does Redis, both ways; every way in which Redis writes a value
// is read; what is damaged is refused and changes nothing.

import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HEAP_BASE } from "../assembly/layout.ts";
import type { Argument } from "../src/resp.ts";
import { contentOf } from "./database-content.ts";
import { drawSeed, EngineDriver, isError } from "./engine-driver.ts";
import { findTool } from "./external-tools.ts";
import { Random } from "./random.ts";
import { bytesOf, intset, length, listpack, little, packs, payload, sealed, text, ziplist, zips } from "./rdb-file.ts";
import { RedisProcess } from "./redis-process.ts";

const seed = drawSeed("dump.test.ts");
const MiB = 1024 * 1024;
const program = findTool("redis-server");

const dumped = (driver: EngineDriver, key: string): Buffer => Buffer.from(driver.runBytes("DUMP", key) as Uint8Array);

/** Commands that make a key of every type and size that is stored, or packed, in a way of its own. */
function values(random: Random): [key: string, ...commands: Argument[][]][] {
  const mixed = (bytes: number): string => Array.from({ length: bytes }, () => "abcdefgh"[random.below(8)]).join("");
  const list = (count: number, element: () => string | number): Argument[] => Array.from({ length: count }, element);
  return [
    ["s:empty", ["SET", "s:empty", ""]],
    ["s:int", ["SET", "s:int", -70_000]],
    ["s:short", ["SET", "s:short", "hello\r\n\0"]],
    ["s:packed", ["SET", "s:packed", "abc".repeat(10_000)]],
    ["s:mixed", ["SET", "s:mixed", mixed(33_000)]],
    ["s:long", ["SET", "s:long", mixed(300_000)]],
    ["s:huge", ["SET", "s:huge", "abcdefg".repeat(200_000)]],
    ["l:few", ["RPUSH", "l:few", "a", "", 12, -5, "x".repeat(300)]],
    ["l:many", ["RPUSH", "l:many", ...list(3_000, () => random.below(1e6))]],
    ["l:long", ["RPUSH", "l:long", mixed(5_000), mixed(70_000), "z".repeat(200_000), "end"]],
    ["i:few", ["SADD", "i:few", 1, 2, 3, -70_000, 5e12]],
    ["i:many", ["SADD", "i:many", ...list(400, () => random.below(60_000))]],
    ["m:few", ["SADD", "m:few", "a", "b", "12", ""]],
    ["m:many", ["SADD", "m:many", ...list(900, () => mixed(1 + random.below(90)))]],
    ["h:few", ["HSET", "h:few", "a", "1", "b", "", "c", "x".repeat(50)]],
    ["h:many", ["HSET", "h:many", ...list(900, () => random.below(1e6))]],
    ["h:long", ["HSET", "h:long", "f", mixed(50_000), "g", "q".repeat(500_000), "h", mixed(3_000)]],
  ];
}

describe("RESTORE", () => {
  it.each([0, 0xf000_0000])("takes what DUMP answered, of every type and size (heap at %i)", (heapStart) => {
    const driver = new EngineDriver({ heapStart, maxMemoryBytes: 64 * MiB });
    const other = new EngineDriver({ heapStart, maxMemoryBytes: 64 * MiB, seed: 5n });
    for (const [key, ...commands] of values(new Random(seed))) {
      for (const command of commands) driver.must(...command);
      expect(other.run("RESTORE", key, 0, dumped(driver, key)), key).toBe("OK");
    }
    expect(contentOf(other)).toEqual(contentOf(driver));
    expect(other.engine.effects.digest()).toBe(driver.engine.effects.digest());
    expect(driver.must("DUMP", "none")).toBeNull();
  });

  it("reads every way in which Redis writes a value", () => {
    const driver = new EngineDriver();
    const elements = ["six", "x".repeat(300), "y".repeat(20_000), "0", "127", "-1", "-4096", "4095", "-32768"];
    const numbers = ["8388607", "-8388608", "-2147483648", "-9223372036854775808"];
    const inListpack = listpack(
      packs.text6("six"),
      packs.text12("x".repeat(300)),
      packs.text32("y".repeat(20_000)),
      packs.number7(0),
      packs.number7(127),
      packs.number13(-1),
      packs.number13(-4096),
      packs.number13(4095),
      packs.number16(-32768),
      packs.number24(8388607),
      packs.number24(-8388608),
      packs.number32(-2147483648),
      packs.number64(-(2n ** 63n)),
    );
    const inZiplist = ziplist(
      zips.text6("six"),
      zips.text14("x".repeat(300)),
      zips.text32("y".repeat(20_000)),
      zips.small(0),
      zips.number8(127),
      zips.number8(-1),
      zips.number16(-4096),
      zips.number16(4095),
      zips.number16(-32768),
      zips.number24(8388607),
      zips.number24(-8388608),
      zips.number32(-2147483648),
      zips.number64(-(2n ** 63n)),
    );
    const read = (...pieces: readonly (string | number | Uint8Array)[]): void => {
      expect(driver.run("RESTORE", "k", 0, payload(12, ...pieces), "REPLACE"), String(pieces[0])).toBe("OK");
    };
    for (const [value, written] of [
      ["-123", bytesOf(0xc0, 0x85)],
      ["-300", bytesOf(0xc1, little(-300, 2))],
      ["-70000", bytesOf(0xc2, little(-70_000, 4))],
      ["abcabcabcabcabcabcab", bytesOf(0xc3, length(7), length(20), 2, "abc", 0xe0, 17 - 9, 2)],
      ["plain", bytesOf(0x81, little(5, 8).reverse(), "plain")],
    ] as const) {
      read(0, written);
      expect(driver.must("GET", "k")).toBe(value);
    }
    for (const list of [
      [10, text(inZiplist)],
      [14, 1, text(inZiplist)],
      [18, 1, 2, text(inListpack)],
    ] as const) {
      read(...list);
      expect(driver.must("LRANGE", "k", 0, -1)).toEqual([...elements, ...numbers]);
    }
    read(18, 3, 1, text("alone"), 2, text(listpack(packs.number7(1))), 1, text("b".repeat(70_000)));
    expect(driver.must("LRANGE", "k", 0, -1)).toEqual(["alone", "1", "b".repeat(70_000)]);
    for (const width of [2, 4, 8]) {
      read(11, text(intset(width, -5, 0, 300)));
      expect((driver.must("SMEMBERS", "k") as string[]).sort()).toEqual(["-5", "0", "300"]);
    }
    read(20, text(listpack(packs.text6("m"), packs.number7(9))));
    expect((driver.must("SMEMBERS", "k") as string[]).sort()).toEqual(["9", "m"]);
    for (const hash of [
      [13, text(ziplist(zips.text6("f"), zips.text6("v")))],
      [16, text(listpack(packs.text6("f"), packs.text6("v")))],
    ] as const) {
      read(...hash);
      expect(driver.must("HGETALL", "k")).toEqual(["f", "v"]);
    }
  });

  it("refuses what is damaged, whatever was changed in it, and changes nothing", { timeout: 60_000 }, () => {
    const random = new Random(seed);
    const driver = new EngineDriver({ maxMemoryBytes: 32 * MiB });
    const whole = values(random)
      .filter(([key]) => !/huge|long/.test(key))
      .map(([key, ...commands]) => {
        for (const command of commands) driver.must(...command);
        return dumped(driver, key);
      });
    whole.push(
      payload(12, 18, 1, 2, text(listpack(packs.text6("a"), packs.number64(5n)))),
      payload(12, 10, text(ziplist(zips.text6("a"), zips.number32(5)))),
      payload(12, 11, text(intset(4, 1, 2))),
    );
    driver.must("FLUSHALL");
    driver.must("SET", "k", "before");
    let refused = 0;
    for (let attempt = 0; attempt < 1_500; attempt++) {
      const body = Buffer.from(random.pick(whole).subarray(0, -8));
      const at = random.below(Math.min(body.length - 2, random.oneIn(2) ? 24 : body.length));
      body[at] = random.pick([0, 0xff, 0x80, 0x81, 0xc3, (body[at] as number) ^ (1 << random.below(8))]);
      const reply = driver.run(
        "RESTORE",
        "k",
        0,
        sealed(random.oneIn(4) ? bytesOf(body.subarray(0, -2 - random.below(3)), little(9, 2)) : body),
        "REPLACE",
      );
      if (isError(reply)) {
        expect(reply.message).toMatch(/^(ERR Bad data format|OOM)/);
        refused++;
      } else {
        expect(driver.must("EXISTS", "k")).toBe(1);
        driver.must("DUMP", "k");
      }
    }
    expect(refused).toBeGreaterThan(200);
    driver.must("FLUSHALL");
    driver.settle();
    expect(driver.heldPages).toBeLessThan(8);
  });

  it("says what is wrong in Redis's words", () => {
    const driver = new EngineDriver();
    driver.must("SET", "k", "value");
    const bytes = dumped(driver, "k");
    const refuse = (message: string, ...args: Argument[]): void => {
      expect(driver.run("RESTORE", ...args)).toMatchObject({ message });
    };
    refuse("BUSYKEY Target key name already exists.", "k", 0, bytes);
    refuse("ERR Invalid TTL value, must be >= 0", "n", -1, bytes);
    refuse("ERR value is not an integer or out of range", "n", "x", bytes);
    refuse("ERR syntax error", "n", 0, bytes, "NOW");
    refuse("ERR Invalid IDLETIME value, must be >= 0", "n", 0, bytes, "IDLETIME", -1);
    refuse("ERR Invalid FREQ value, must be >= 0 and <= 255", "n", 0, bytes, "FREQ", 256);
    const wrong = "ERR DUMP payload version or checksum are wrong";
    refuse(wrong, "n", 0, bytes.subarray(2));
    refuse(wrong, "n", 0, "short");
    refuse(wrong, "n", 0, sealed(bytesOf(0, text("v"), little(13, 2))));
    refuse("ERR Bad data format", "n", 0, payload(12, 1, 0));
    refuse("ERR Bad data format", "n", 0, payload(12, 99, text("v")));
    refuse("ERR Bad data format", "n", 0, payload(12, 0, text("v"), 1));
    expect(driver.must("EXISTS", "n")).toBe(0);
    const wide = "x".repeat(300_000);
    const packed = payload(12, 18, 1, 2, text(listpack(packs.text32(wide))));
    refuse("ERR a packed part of the value has more than 262144 bytes: import it from a file", "n", 0, packed);
    driver.must("VADD", "v", "VALUES", 2, 1, 0, "e");
    expect(driver.run("DUMP", "v")).toMatchObject({ message: "ERR a value of this type cannot be dumped" });
  });

  it("lets the key die when it is told to, counted from now or from the epoch", () => {
    const driver = new EngineDriver();
    driver.must("SET", "k", "value");
    const bytes = dumped(driver, "k");
    expect(driver.run("RESTORE", "a", 5_000, bytes)).toBe("OK");
    expect(driver.must("PTTL", "a")).toBe(5_000);
    expect(driver.run("RESTORE", "b", driver.now + 70, bytes, "ABSTTL", "IDLETIME", 5, "REPLACE")).toBe("OK");
    expect(driver.must("PTTL", "b")).toBe(70);
    expect(driver.run("RESTORE", "k", driver.now - 1, bytes, "ABSTTL", "REPLACE")).toBe("OK");
    expect(driver.must("EXISTS", "k")).toBe(0);
  });

  it("is refused where memory does not hold the value, and the old one stays", () => {
    const source = new EngineDriver();
    for (let from = 0; from < 100_000; from += 1_000) {
      source.must("RPUSH", "l", ...Array.from({ length: 1_000 }, (_, at) => from + at));
    }
    const driver = new EngineDriver({ maxMemoryBytes: HEAP_BASE + 2 * MiB });
    driver.must("SET", "l", "old");
    expect(driver.run("RESTORE", "l", 0, dumped(source, "l"), "REPLACE")).toMatchObject({
      message: expect.stringContaining("OOM"),
    });
    expect(driver.must("GET", "l")).toBe("old");
  });
});

describe.skipIf(program === undefined)("with redis-server", () => {
  let server: RedisProcess;
  let redis: Redis;
  beforeAll(async () => {
    server = await RedisProcess.start(program as string);
    redis = new Redis(server.path);
  });
  afterAll(() => {
    redis?.disconnect();
    server?.stop();
  });

  it("goes there, and comes back", { timeout: 60_000 }, async () => {
    const driver = new EngineDriver({ maxMemoryBytes: 64 * MiB });
    const back = new EngineDriver({ maxMemoryBytes: 64 * MiB });
    for (const [key, ...commands] of values(new Random(seed + 1))) {
      for (const command of commands) driver.must(...command);
      expect(await redis.restore(key, 0, dumped(driver, key)), key).toBe("OK");
      expect(back.run("RESTORE", key, 0, (await redis.dumpBuffer(key)) as Buffer), key).toBe("OK");
    }
    expect(contentOf(back)).toEqual(contentOf(driver));
    expect(await redis.hget("h:long", "h")).toBe(driver.must("HGET", "h:long", "h"));
  });
});
