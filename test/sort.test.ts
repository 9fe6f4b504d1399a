// SORT beyond what the comparison with redis-server reaches: many elements, long ones, texts of other keys, memory that ends.

import { describe, expect, it } from "vitest";
import { HEAP_BASE } from "../assembly/layout.ts";
import { drawSeed, EngineDriver } from "./engine-driver.ts";
import { Random } from "./random.ts";

const seed = drawSeed("sort.test.ts");
const MiB = 1024 * 1024;

function push(driver: EngineDriver, key: string, elements: readonly (string | number)[]): void {
  for (let from = 0; from < elements.length; from += 1_000) {
    driver.must("RPUSH", key, ...elements.slice(from, from + 1_000));
  }
}

/** The order of their bytes. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a, "latin1"), Buffer.from(b, "latin1"));

describe("SORT", () => {
  it.each([0, 0xf000_0000])(
    "puts more elements in order than scratch memory has room for (heap at %i)",
    (heapStart) => {
      const driver = new EngineDriver({ heapStart, maxMemoryBytes: 64 * MiB });
      const random = new Random(seed);
      const numbers = Array.from({ length: 70_000 }, () => random.below(20_000) - 10_000);
      push(driver, "l", numbers);
      const held = driver.heldPages;
      const sorted = numbers.toSorted((a, b) => a - b || byBytes(`${a}`, `${b}`)).map(String);
      expect(driver.must("SORT", "l")).toEqual(sorted);
      expect(driver.must("SORT", "l", "DESC", "LIMIT", 34_000, 7)).toEqual(sorted.toReversed().slice(34_000, 34_007));
      const words = numbers.map(String).sort(byBytes);
      expect(driver.must("SORT", "l", "ALPHA", "LIMIT", 60_000, 20)).toEqual(words.slice(60_000, 60_020));
      expect(driver.heldPages).toBe(held);
      expect(driver.must("SORT", "l", "STORE", "l")).toBe(numbers.length);
      expect(driver.must("LRANGE", "l", 0, -1)).toEqual(sorted);
    },
  );

  it.each([
    ["falling", (at: number) => 5_000 - at],
    ["rising", (at: number) => at],
    ["all the same", () => 7],
    ["an organ pipe", (at: number) => Math.min(at, 5_000 - at)],
    ["few different", (at: number) => at % 3],
  ])("orders what is %s", (_name, number) => {
    const driver = new EngineDriver();
    const numbers = Array.from({ length: 5_000 }, (_, at) => number(at));
    push(driver, "l", numbers);
    expect(driver.must("SORT", "l")).toEqual(numbers.sort((a, b) => a - b).map(String));
  });

  it("takes sets of numbers, whose texts are made, and of members", () => {
    const driver = new EngineDriver({ integerSetEntries: 50_000 });
    const numbers = Array.from({ length: 8_000 }, (_, at) => at * 4 - 16_000);
    driver.must("SADD", "s", ...numbers);
    expect(driver.must("OBJECT", "ENCODING", "s")).toBe("intset");
    expect(driver.must("SORT", "s", "DESC")).toEqual(numbers.toReversed().map(String));
    const members = Array.from({ length: 3_000 }, (_, at) => `m${(at * 7_919) % 3_000}`);
    driver.must("SADD", "t", ...members);
    expect(driver.must("SORT", "t", "ALPHA")).toEqual(members.toSorted(byBytes));
    expect(driver.must("SORT", "t", "BY", "nosort", "LIMIT", 10, 5)).toHaveLength(5);
    expect(driver.must("SORT", "t", "BY", "nosort", "STORE", "l")).toBe(3_000);
    expect(driver.must("LRANGE", "l", 0, -1)).toEqual(members.toSorted(byBytes));
  });

  it("by texts under other keys and in hashes: those without come first, equal ones are told apart by their bytes", () => {
    const driver = new EngineDriver();
    push(driver, "l", ["1", "2", "3", "4", "5"]);
    driver.must("MSET", "n_1", "pear", "n_2", "apple", "n_4", "apple", "n_5", `${"a".repeat(40_000)}`);
    expect(driver.must("SORT", "l", "ALPHA", "BY", "n_*")).toEqual(["3", "5", "2", "4", "1"]);
    expect(driver.must("SORT", "l", "ALPHA", "BY", "n_*", "DESC")).toEqual(["1", "4", "2", "5", "3"]);
    for (const at of [1, 2, 3, 4]) driver.must("HSET", `h_${at}`, "name", "dcba"[at - 1] as string);
    driver.must("HSET", "h_2", "wide", "x".repeat(300));
    expect(driver.must("SORT", "l", "ALPHA", "BY", "h_*->name", "GET", "h_*->wide", "GET", "#")).toEqual([
      null,
      "5",
      null,
      "4",
      null,
      "3",
      "x".repeat(300),
      "2",
      null,
      "1",
    ]);
  });

  it("takes elements and answers values of any length", () => {
    const driver = new EngineDriver();
    const long = (letter: string, bytes: number): string => letter.repeat(bytes);
    const elements = [
      long("b", 70_000),
      long("a", 140_000),
      long("b", 69_999),
      long("a", 5_000),
      "a",
      "",
      long("c", 33_000),
    ];
    push(driver, "l", elements);
    const sorted = elements.toSorted(byBytes);
    expect(driver.must("SORT", "l", "ALPHA")).toEqual(sorted);
    expect(driver.must("SORT", "l", "ALPHA", "STORE", "m")).toBe(elements.length);
    expect(driver.must("LRANGE", "m", 0, -1)).toEqual(sorted);
    driver.must("SET", "v_a", long("v", 200_000));
    driver.must("DEL", "l");
    push(driver, "l", ["a"]);
    expect(driver.must("SORT", "l", "ALPHA", "GET", "v_*")).toEqual([long("v", 200_000)]);
    expect(driver.must("SORT", "l", "ALPHA", "GET", "v_*", "GET", "none_*", "STORE", "l")).toBe(2);
    expect(driver.must("LRANGE", "l", 0, -1)).toEqual([long("v", 200_000), ""]);
  });

  it("does not see keys whose time has passed, and leaves them alone", () => {
    const driver = new EngineDriver();
    push(driver, "l", [1, 2]);
    driver.must("SET", "w_1", 9, "PX", 100);
    driver.must("SET", "w_2", 5);
    expect(driver.must("SORT", "l", "BY", "w_*", "GET", "w_*")).toEqual(["5", "9"]);
    driver.now += 200;
    expect(driver.must("SORT", "l", "BY", "w_*", "GET", "w_*")).toEqual([null, "5"]);
    expect(driver.must("DBSIZE")).toBe(3);
  });

  it("stores a list without the expiry of the old one, and deletes that for nothing", () => {
    const driver = new EngineDriver();
    push(driver, "l", [3, 1, 2]);
    driver.must("SET", "to", "text", "EX", 100);
    expect(driver.must("SORT", "l", "STORE", "to")).toBe(3);
    expect(driver.must("TTL", "to")).toBe(-1);
    expect(driver.must("SORT", "none", "STORE", "to")).toBe(0);
    expect(driver.must("EXISTS", "to")).toBe(0);
  });

  it("is refused when memory does not hold what it needs, and nothing is lost", () => {
    const driver = new EngineDriver({ maxMemoryBytes: HEAP_BASE + 5 * MiB });
    push(
      driver,
      "l",
      Array.from({ length: 40_000 }, (_, at) => `${at % 100}${"0".repeat(40)}`),
    );
    expect(driver.run("SORT", "l", "STORE", "m")).toMatchObject({ message: expect.stringContaining("maxmemory") });
    expect(driver.must("EXISTS", "m")).toBe(0);
    expect(driver.must("LLEN", "l")).toBe(40_000);
  });

  it("makes room by eviction for what it stores", () => {
    const driver = new EngineDriver({ maxMemoryBytes: HEAP_BASE + 8 * MiB, eviction: "allkeys-lru" });
    push(
      driver,
      "l",
      Array.from({ length: 30_000 }, (_, at) => `${at % 100}${"0".repeat(40)}`),
    );
    for (let at = 0; at < 30_000; at++) {
      driver.must("SET", `filler:${at}`, "x".repeat(200));
      if (at % 500 === 0) driver.now += 2_000;
      if (at % 500 === 0) driver.must("LLEN", "l");
    }
    expect(driver.must("SORT", "l", "STORE", "m")).toBe(30_000);
    expect(driver.must("LLEN", "m")).toBe(30_000);
  });
});
