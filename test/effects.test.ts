// Effect records: what they say, how they are taken, replayed, refused, and how a log that is not written pushes back.

import { describe, expect, it } from "vitest";
import { PAGE_BYTES } from "../assembly/layout.ts";
import { Replay } from "../src/engine.ts";
import { recordingDriver, recordsIn, takeAll } from "./effect-records.ts";
import { drawSeed, EngineDriver } from "./engine-driver.ts";
import { Random } from "./random.ts";

const seed = drawSeed("effects.test.ts");
const NOW = 1_700_000_000_000;

describe("the checksum", () => {
  const { effects } = new EngineDriver().engine;

  it("is not what it was when any one bit is flipped", () => {
    const random = new Random(seed);
    for (const length of [1, 7, 8, 9, 31, 32, 33, 40, 64, 72, 100, 257]) {
      const bytes = Uint8Array.from({ length }, () => random.below(256));
      const seen = new Set([effects.checksum(bytes)]);
      for (let bit = 0; bit < length * 8; bit++) {
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        seen.add(effects.checksum(bytes));
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      }
      expect(seen.size).toBe(length * 8 + 1);
    }
  });

  it("tells zeros of different lengths, and words in another order, apart", () => {
    const sums = new Set(Array.from({ length: 300 }, (_, length) => effects.checksum(new Uint8Array(length))));
    expect(sums.size).toBe(300);
    const words = BigUint64Array.from({ length: 12 }, (_, index) => BigInt(index));
    const orders = new Set<bigint>();
    for (let one = 0; one < 12; one++) {
      for (let other = one; other < 12; other++) {
        const swapped = words.slice();
        [swapped[one], swapped[other]] = [swapped[other] as bigint, swapped[one] as bigint];
        orders.add(effects.checksum(new Uint8Array(swapped.buffer)));
      }
    }
    expect(orders.size).toBe((12 * 11) / 2 + 1);
  });
});

describe("a record", () => {
  it("is the drawn header, the command and zeros to a multiple of 8", () => {
    const driver = recordingDriver();
    driver.must("SELECT", 3);
    driver.must("SET", "key", "value");
    const bytes = takeAll(driver.engine);
    const payload = "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n";
    expect(bytes.length).toBe(72);
    expect(bytes.readUInt32LE(0)).toBe(72);
    expect(bytes[4]).toBe(3);
    expect(bytes[5]).toBe(0);
    expect(bytes.readUInt16LE(6)).toBe(72 - 32 - payload.length);
    expect(bytes.readBigUInt64LE(8)).toBe(1n);
    expect(bytes.readBigInt64LE(16)).toBe(BigInt(NOW));
    expect(bytes.subarray(32, 32 + payload.length).toString()).toBe(payload);
    expect(bytes.subarray(32 + payload.length).every((byte) => byte === 0)).toBe(true);
    const sum = bytes.readBigUInt64LE(24);
    bytes.fill(0, 24, 32);
    expect(driver.engine.effects.checksum(bytes)).toBe(sum);
    expect(driver.engine.effects.position).toBe(1);
  });

  it("of a value in pages of its own is as long as it needs to be", () => {
    for (const length of [32_704, 32_705, 65_000, PAGE_BYTES - 100, PAGE_BYTES, 200_000, 3_000_000]) {
      const driver = recordingDriver();
      const value = Buffer.alloc(length, "abcdefghijk");
      driver.must("SET", "key", value);
      driver.must("SET", "other", "x");
      const bytes = takeAll(driver.engine);
      expect(recordsIn(bytes).map((record) => record.command)).toEqual([
        ["SET", "key", value.toString()],
        ["SET", "other", "x"],
      ]);
      const copy = new EngineDriver();
      expect(copy.engine.effects.replay(bytes)).toMatchObject({ outcome: Replay.Done, consumed: bytes.length });
      expect(copy.engine.effects.digest()).toBe(driver.engine.effects.digest());
      expect(copy.run("STRLEN", "key")).toBe(length);
    }
  });

  it("is written by embedding's direct paths too", () => {
    const { engine } = recordingDriver();
    engine.direct.set("a", "1", () => NOW);
    engine.direct.setIf("b", "2", NOW + 5_000, 0, NOW);
    engine.direct.setIf("b", "3", -1, 1, NOW);
    engine.direct.getText("b", () => NOW + 6_000);
    expect(recordsIn(takeAll(engine)).map((record) => record.command)).toEqual([
      ["SET", "a", "1"],
      ["SET", "b", "2", "PXAT", `${NOW + 5_000}`],
      ["DEL", "b"],
    ]);
  });
});

/** What is recorded of the last of some commands. */
function recorded(...commands: (string | number)[][]): string[][] {
  const driver = recordingDriver();
  for (const command of commands) {
    takeAll(driver.engine);
    driver.run(...command);
  }
  return recordsIn(takeAll(driver.engine)).map((record) => record.command);
}

describe("what is recorded", () => {
  const at = (milliseconds: number): string => `${NOW + milliseconds}`;

  it.each<[string[][], (string | number)[][]]>([
    [[["SET", "k", "v"]], [["SET", "k", "v"]]],
    [[["SET", "k", "v", "PXAT", at(9_000)]], [["SET", "k", "v", "EX", 9]]],
    [[["SET", "k", "v", "PXAT", at(9_000)]], [["SETEX", "k", 9, "v"]]],
    [[], [["SET", "k", "v", "XX"]]],
    [
      [],
      [
        ["SET", "k", "v"],
        ["SET", "k", "w", "NX"],
      ],
    ],
    [
      [],
      [
        ["SET", "k", "v"],
        ["SETNX", "k", "w"],
      ],
    ],
    [
      [["DEL", "k"]],
      [
        ["SET", "k", "v"],
        ["GETDEL", "k"],
      ],
    ],
    [[], [["GETDEL", "k"]]],
    [
      [],
      [
        ["SET", "k", "v"],
        ["GETEX", "k"],
      ],
    ],
    [
      [["PEXPIREAT", "k", at(70)]],
      [
        ["SET", "k", "v"],
        ["GETEX", "k", "PX", 70],
      ],
    ],
    [
      [],
      [
        ["SET", "k", "v"],
        ["GETEX", "k", "PERSIST"],
      ],
    ],
    [
      [["PERSIST", "k"]],
      [
        ["SET", "k", "v", "EX", 9],
        ["GETEX", "k", "PERSIST"],
      ],
    ],
    [
      [["PEXPIREAT", "k", at(70_000)]],
      [
        ["SET", "k", "v"],
        ["EXPIRE", "k", 70],
      ],
    ],
    [
      [["DEL", "k"]],
      [
        ["SET", "k", "v"],
        ["EXPIRE", "k", -1],
      ],
    ],
    [
      [],
      [
        ["SET", "k", "v"],
        ["PERSIST", "k"],
      ],
    ],
    [
      [["DEL", "k", "none"]],
      [
        ["SET", "k", "v"],
        ["UNLINK", "k", "none"],
      ],
    ],
    [[], [["DEL", "k"]]],
    [
      [["SET", "k", "1.5", "KEEPTTL"]],
      [
        ["SET", "k", "1", "EX", 9],
        ["INCRBYFLOAT", "k", "0.5"],
      ],
    ],
    [[["INCRBY", "k", "7"]], [["INCRBY", "k", "7"]]],
    [
      [["HSET", "h", "f", "8"]],
      [
        ["HSET", "h", "f", 1],
        ["HINCRBY", "h", "f", 7],
      ],
    ],
    [[], [["HDEL", "h", "f"]]],
    [
      [["RENAME", "a", "b"]],
      [
        ["SET", "a", 1],
        ["RENAMENX", "a", "b"],
      ],
    ],
    [
      [],
      [
        ["SET", "a", 1],
        ["RENAME", "a", "a"],
      ],
    ],
    [[], [["FLUSHALL"]]],
    [
      [["FLUSHDB"]],
      [
        ["SET", "a", 1],
        ["FLUSHDB", "ASYNC"],
      ],
    ],
    [[], [["SWAPDB", 1, 1]]],
    [
      [],
      [
        ["SET", "k", "v"],
        ["HSET", "k", "f", "v"],
      ],
    ],
  ])("%j by %j", (records, commands) => {
    expect(recorded(...commands)).toEqual(records);
  });

  it("of a transaction is one group, and nothing of it is there before its end", () => {
    const driver = recordingDriver();
    driver.runAll([
      ["MULTI"],
      ["SET", "a", 1],
      ["GET", "a"],
      ["HSET", "h", "f", "v"],
      ["CONFIG", "GET", "x"],
      ["DEL", "a"],
    ]);
    expect(driver.engine.effects.pendingBytes).toBe(0);
    driver.run("EXEC");
    driver.must("SET", "b", 1);
    expect(recordsIn(takeAll(driver.engine)).map((record) => [record.command[0], record.continues])).toEqual([
      ["SET", true],
      ["HSET", true],
      ["DEL", false],
      ["SET", false],
    ]);
  });

  it("of a key whose time has passed is its deletion, by whoever notices", () => {
    const driver = recordingDriver();
    for (const key of ["a", "b", "c"]) driver.must("SET", key, "v", "PX", 100);
    driver.now += 100;
    takeAll(driver.engine);
    driver.run("GET", "a");
    driver.run("SET", "b", "w");
    driver.engine.tick(driver.now);
    expect(recordsIn(takeAll(driver.engine)).map((record) => record.command)).toEqual([
      ["DEL", "a"],
      ["DEL", "b"],
      ["SET", "b", "w"],
      ["DEL", "c"],
    ]);
  });
});
