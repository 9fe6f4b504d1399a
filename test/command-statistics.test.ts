// What the engine counts about commands, held against a clock that the test moves: durations exactly, calls, failures
// and refusals, errors by code, slow commands with their arguments, pages by kind.

import { describe, expect, test } from "vitest";
import { durationBounds } from "../src/engine-statistics.ts";
import type { CommandStatistics, EngineOptions } from "../src/engine-types.ts";
import { EngineDriver } from "./engine-driver.ts";

/** A driver whose clock advances so many microseconds with each reading. */
function driverWithClock(options: Partial<EngineOptions> = {}) {
  const time = { ms: 1000, stepMicroseconds: 0, readings: 0 };
  const clock = (): number => {
    time.readings++;
    time.ms += time.stepMicroseconds / 1000;
    return time.ms;
  };
  return { driver: new EngineDriver({ clock, ...options }), time };
}

function of(driver: EngineDriver, name: string): CommandStatistics {
  const found = driver.engine.statistics.commands().find((each) => each.name === name);
  if (found === undefined) throw new Error(`${name} was not counted`);
  return found;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}

describe("durations", () => {
  test("the bounds are powers of two from a quarter of a microsecond to 16.8 seconds", () => {
    expect(durationBounds[0]).toBe(0.25);
    expect(durationBounds.at(-1)).toBe(2 ** 24);
    for (let index = 1; index < durationBounds.length; index++) {
      expect(durationBounds[index]).toBe((durationBounds[index - 1] as number) * 2);
    }
  });

  test.each([
    [0, 0],
    [0.25, 0],
    [0.251, 1],
    [0.5, 1],
    [0.501, 2],
    [1, 2],
    [3, 4],
    [1000, 12],
    [2 ** 24, 26],
    [2 ** 24 + 1, 27],
    [1e9, 27],
  ])("%s µs fall into bucket %s", (microseconds, bucket) => {
    const { driver, time } = driverWithClock();
    // A clock of doubles holds a thousandth of a microsecond apart only near zero.
    time.ms = -microseconds / 1000;
    time.stepMicroseconds = microseconds;
    driver.must("SET", "k", "v");
    const { buckets, calls } = of(driver, "SET");
    expect(calls).toBe(1);
    expect(buckets.indexOf(1)).toBe(bucket);
  });

  test("plain commands of a span share its time, one with much work gets what its work is", () => {
    const { driver, time } = driverWithClock();
    time.stepMicroseconds = 100;
    driver.runAll(Array.from({ length: 50 }, (_, index) => (index % 2 ? ["GET", "k"] : ["SET", "k", "v"])));
    expect(of(driver, "GET").microseconds).toBeCloseTo(50);
    expect(of(driver, "SET").microseconds).toBeCloseTo(50);
    driver.must("SET", "large", "x".repeat(200_000));
    driver.engine.statistics.reset();
    driver.runAll([
      ["GET", "k"],
      ["GET", "large"],
    ]);
    // Four pages to copy are work of 257 units, a plain command is one: 99.6 µs and 0.4 of 100.
    expect(of(driver, "GET").buckets[1]).toBe(1);
    expect(of(driver, "GET").buckets[9]).toBe(1);
  });

  test("the clock is read twice for a lone command and once more for each 128 of a batch", () => {
    const { driver, time } = driverWithClock();
    const readings = (run: () => void): number => {
      const before = time.readings;
      run();
      return time.readings - before;
    };
    expect(readings(() => driver.must("SET", "k", "v"))).toBe(2);
    expect(readings(() => driver.runAll(Array.from({ length: 128 }, () => ["GET", "k"])))).toBe(2);
    expect(readings(() => driver.runAll(Array.from({ length: 1000 }, () => ["GET", "k"])))).toBe(9);
  });

  test("without timing the clock is never read, and calls are counted all the same", () => {
    const { driver, time } = driverWithClock({ timed: false });
    const before = time.readings;
    driver.runAll(Array.from({ length: 300 }, () => ["GET", "k"]));
    driver.must("PING");
    expect(time.readings).toBe(before);
    expect(of(driver, "GET")).toMatchObject({ calls: 300, untimed: 300, microseconds: 0 });
  });

  test("commands of the host take until they are answered", () => {
    const { driver, time } = driverWithClock();
    time.stepMicroseconds = 100;
    driver.runAll([["GET", "k"], ["INFO"], ["INFO"], ["GET", "k"]]);
    expect(of(driver, "INFO")).toMatchObject({ calls: 2, failed: 0 });
    expect(of(driver, "INFO").microseconds).toBeGreaterThanOrEqual(200);
    expect(of(driver, "GET").calls).toBe(2);
  });
});

describe("counts", () => {
  test("failed, rejected and unknown commands are told apart, and errors by code", () => {
    const { driver } = driverWithClock();
    driver.must("SET", "k", "text");
    driver.run("INCR", "k");
    driver.run("HGET", "k", "f");
    driver.run("GET");
    driver.run("GET", "k");
    driver.run("NOSUCH", "k");
    expect(of(driver, "INCR")).toMatchObject({ calls: 1, failed: 1, rejected: 0 });
    expect(of(driver, "HGET")).toMatchObject({ calls: 1, failed: 1, rejected: 0 });
    expect(of(driver, "GET")).toMatchObject({ calls: 1, failed: 0, rejected: 1 });
    expect([...driver.engine.statistics.errors()]).toEqual([
      ["ERR", 3],
      ["WRONGTYPE", 1],
    ]);
  });

  test("a client without a password is refused, an error of the host fails its command", () => {
    const { driver } = driverWithClock({ requireAuthentication: true });
    driver.run("GET", "k");
    expect(of(driver, "GET")).toMatchObject({ calls: 0, rejected: 1 });
    driver.engine.execute(driver.connection, Buffer.from("AUTH secret\r\n"), 0, driver.now);
    driver.engine.reply(driver.connection, Buffer.from("-WRONGPASS invalid\r\n"));
    expect(of(driver, "AUTH")).toMatchObject({ calls: 1, failed: 1, rejected: 0 });
    expect([...driver.engine.statistics.errors().keys()]).toEqual(["NOAUTH", "WRONGPASS"]);
  });

  test("all calls are all commands, however they are batched", () => {
    const { driver } = driverWithClock();
    const names = ["GET", "SET", "HSET", "INCR", "EXISTS", "INFO", "MGET"] as const;
    const words = {
      GET: ["k"],
      SET: ["k", "1"],
      HSET: ["h", "f", "v"],
      INCR: ["n"],
      EXISTS: ["k"],
      INFO: [],
      MGET: ["a", "b"],
    };
    let sent = 0;
    for (const size of [1, 2, 15, 16, 17, 127, 128, 129, 1000]) {
      driver.runAll(
        Array.from({ length: size }, (_, index) => {
          const name = names[(index * 5 + size) % names.length] ?? "GET";
          return [name, ...words[name]];
        }),
      );
      sent += size;
    }
    expect(sum(driver.engine.statistics.commands().map(({ calls }) => calls))).toBe(sent);
    expect(driver.engine.stats().commands).toBe(sent);
  });

  test("reads and writes of embedding count as GET and SET", () => {
    const { driver } = driverWithClock();
    driver.engine.direct.set("k", "v", () => driver.now);
    driver.engine.direct.getText("k", () => driver.now);
    driver.engine.direct.getText("k", () => driver.now);
    expect(of(driver, "SET")).toMatchObject({ calls: 1, untimed: 1 });
    expect(of(driver, "GET")).toMatchObject({ calls: 2, untimed: 2 });
    expect(driver.engine.stats().commands).toBe(3);
  });

  test("reset begins anew", () => {
    const { driver } = driverWithClock();
    driver.run("GET");
    driver.run("GET", "k");
    driver.engine.statistics.reset();
    expect(driver.engine.statistics.commands()).toEqual([]);
    expect(driver.engine.statistics.errors().size).toBe(0);
    expect(driver.engine.stats()).toMatchObject({ commands: 0, hits: 0, misses: 0 });
  });
});

describe("slow commands", () => {
  test("are kept with their arguments, cut as Redis cuts them", () => {
    const { driver, time } = driverWithClock();
    const slow: unknown[] = [];
    driver.engine.onSlow = (commands) => slow.push(...commands);
    driver.engine.statistics.slowMicroseconds = 10_000;
    time.stepMicroseconds = 9_999;
    driver.must("SET", "k", "v");
    expect(slow).toEqual([]);
    time.stepMicroseconds = 10_001;
    driver.must("SET", "k", "x".repeat(1000));
    expect(slow).toEqual([
      {
        connection: driver.connection,
        microseconds: expect.closeTo(10_001, 3),
        argumentCount: 3,
        arguments: [
          { length: 3, bytes: new Uint8Array(Buffer.from("SET")) },
          { length: 1, bytes: new Uint8Array(Buffer.from("k")) },
          { length: 1000, bytes: new Uint8Array(Buffer.from("x".repeat(128))) },
        ],
      },
    ]);
  });

  test("of many arguments show 32, and of a value in pages its length", () => {
    const { driver, time } = driverWithClock();
    const slow: { argumentCount: number; arguments: readonly { length: number; bytes: Uint8Array }[] }[] = [];
    driver.engine.onSlow = (commands) => slow.push(...commands);
    driver.engine.statistics.slowMicroseconds = 10_000;
    time.stepMicroseconds = 20_000;
    driver.must("EXISTS", ...Array.from({ length: 100 }, (_, index) => `key:${index}`));
    driver.must("SET", "k", "x".repeat(100_000));
    expect(slow.map((each) => [each.argumentCount, each.arguments.length])).toEqual([
      [101, 32],
      [3, 3],
    ]);
    expect(slow[1]?.arguments[2]).toEqual({ length: 100_000, bytes: new Uint8Array(0) });
  });

  test("never show the arguments of another command", () => {
    const { driver, time } = driverWithClock();
    const slow: { arguments: readonly { bytes: Uint8Array }[] }[] = [];
    driver.engine.onSlow = (commands) => slow.push(...commands);
    driver.engine.statistics.slowMicroseconds = 10_000;
    time.stepMicroseconds = 20_000;
    const value = "v".repeat(1_000_000);
    driver.run("SET", "large", value);
    slow.length = 0;
    driver.runAll([
      ["SET", "k", "v"],
      ["CONFIG", "GET", "x"],
    ]);
    driver.runAll([
      ["SET", "k", "v"],
      ["NOSUCH", "word"],
    ]);
    // Copying the large value ends a span: the last command is alone in one, and its arguments are let go.
    driver.runAll([["MULTI"], ["GET", "large"], ["SET", "k", "v"], ["EXEC"]]);
    const names = slow.map((each) => Buffer.from(each.arguments[0]?.bytes ?? []).toString());
    expect(names).toEqual(["GET"]);
  });

  test("are all kept when each command is slow, however many a batch has", () => {
    const { driver, time } = driverWithClock();
    const slow: unknown[] = [];
    driver.engine.onSlow = (commands) => slow.push(...commands);
    driver.engine.statistics.slowMicroseconds = 0;
    time.stepMicroseconds = 1;
    driver.runAll(Array.from({ length: 3000 }, (_, index) => ["SET", `key:${index}`, "v".repeat(index % 200)]));
    expect(slow).toHaveLength(3000);
    driver.engine.statistics.slowMicroseconds = undefined;
    driver.must("GET", "k");
    expect(slow).toHaveLength(3000);
  });
});

describe("memory", () => {
  test("its kinds add up to what is used, whatever is stored", () => {
    const { driver } = driverWithClock();
    const check = (): void => {
      const { kinds } = driver.engine.statistics.memory();
      const { free, ...held } = kinds;
      expect(sum(Object.values(held))).toBe(driver.engine.stats().memoryUsedBytes);
      expect(free % 65_536).toBe(0);
    };
    check();
    for (let index = 0; index < 3000; index++) driver.must("SET", `key:${index}`, "v".repeat(index));
    driver.must("SET", "large", "v".repeat(1_000_000));
    driver.must("HSET", "h", ...Array.from({ length: 2000 }, (_, index) => `f${index}`));
    for (let index = 0; index < 300; index++) driver.must("VADD", "set", "VALUES", 3, index, 1, 2, `e${index}`);
    check();
    const { kinds } = driver.engine.statistics.memory();
    expect(kinds.values).toBe(16 * 65_536);
    for (const kind of ["entries", "objects", "vectors", "connections"] as const)
      expect(kinds[kind]).toBeGreaterThan(0);
    driver.must("FLUSHALL");
    driver.settle();
    check();
    const after = driver.engine.statistics.memory();
    expect(after.kinds.free).toBeGreaterThan(0);
    expect(after.pagesReleased).toBeGreaterThan(0);
    expect(after.pagesFresh + after.pagesReused - after.pagesReleased).toBe(driver.heldPages);
  });

  test("cells are counted by their size", () => {
    const { driver } = driverWithClock();
    const cells = (bytes: number) =>
      driver.engine.statistics.memory().cells.find((each) => each.zone === "entry" && each.bytes === bytes);
    for (let index = 0; index < 1000; index++)
      driver.must("SET", `key:${String(index).padStart(4, "0")}`, "v".repeat(100));
    expect(cells(120)).toMatchObject({ pages: 2, used: 1000, free: 2 * Math.floor(65_536 / 120) - 1000 });
  });
});
