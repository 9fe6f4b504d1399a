// HyperLogLogs: how far off they are, both representations, what PFCOUNT keeps, and bytes that are none.

import { describe, expect, it } from "vitest";
import { recordingDriver, recordsIn, takeAll } from "./effect-records.ts";
import { EngineDriver, isError } from "./engine-driver.ts";

function add(driver: EngineDriver, key: string, from: number, to: number): void {
  for (let first = from; first < to; first += 5_000) {
    const count = Math.min(5_000, to - first);
    driver.must("PFADD", key, ...Array.from({ length: count }, (_, index) => `element:${first + index}`));
  }
}

const byteAt = (driver: EngineDriver, at: number): number =>
  (driver.runBytes("GETRANGE", "p", at, at) as Uint8Array)[0] as number;

describe("a HyperLogLog", () => {
  it("is less than 3 % off, sparse and dense, alone and merged", { timeout: 30_000 }, () => {
    const driver = new EngineDriver();
    let added = 0;
    for (const count of [0, 1, 10, 100, 500, 2_000, 10_000, 100_000]) {
      add(driver, "p", added, count);
      added = count;
      expect(Math.abs((driver.must("PFCOUNT", "p") as number) - count), `${count}`).toBeLessThanOrEqual(count * 0.03);
    }
    expect(driver.must("PFDEBUG", "ENCODING", "p")).toBe("dense");
    add(driver, "other", 90_000, 150_000);
    const union = driver.must("PFCOUNT", "p", "other") as number;
    expect(Math.abs(union - 150_000)).toBeLessThan(4_500);
    driver.must("PFMERGE", "merged", "p", "other");
    expect(driver.must("PFCOUNT", "merged")).toBe(union);
    expect(driver.must("PFSELFTEST")).toBe("OK");
  });

  it("is the same whether it is sparse or dense, and however it was filled", () => {
    const driver = new EngineDriver();
    const registers = (key: string): number[] => driver.must("PFDEBUG", "GETREG", key) as number[];
    add(driver, "sparse", 0, 800);
    expect(driver.must("PFDEBUG", "ENCODING", "sparse")).toBe("sparse");
    const before = registers("sparse");
    expect(before.length).toBe(16_384);
    driver.must("COPY", "sparse", "dense");
    expect(driver.must("PFDEBUG", "TODENSE", "dense")).toBe(1);
    expect(driver.must("PFDEBUG", "TODENSE", "dense")).toBe(0);
    expect(driver.must("STRLEN", "dense")).toBe(12_304);
    expect(registers("dense")).toEqual(before);
    add(driver, "sparse", 400, 1_500);
    add(driver, "dense", 400, 1_500);
    expect(registers("dense")).toEqual(registers("sparse"));
    add(driver, "half", 0, 700);
    add(driver, "rest", 650, 1_500);
    driver.must("PFMERGE", "half", "rest");
    expect(registers("half")).toEqual(registers("sparse"));
  });

  it("stays sparse as long as the setting says", () => {
    const driver = new EngineDriver();
    driver.engine.setPacking({ hllSparseBytes: 100 });
    add(driver, "p", 0, 20);
    expect(driver.must("PFDEBUG", "ENCODING", "p")).toBe("sparse");
    add(driver, "p", 20, 100);
    expect(driver.must("PFDEBUG", "ENCODING", "p")).toBe("dense");
  });

  it("keeps what PFCOUNT found until it changes, and that is recorded as bytes", () => {
    const driver = recordingDriver();
    driver.must("PFADD", "p", "a", "b", "c");
    expect(byteAt(driver, 15)).toBe(0x80);
    takeAll(driver.engine);
    expect(driver.must("PFCOUNT", "p")).toBe(3);
    expect(byteAt(driver, 15)).toBe(0);
    const records = recordsIn(takeAll(driver.engine)).map((record) => record.command);
    expect(records).toEqual([["SETRANGE", "p", "8", "\x03\0\0\0\0\0\0\0"]]);
    expect(driver.must("PFCOUNT", "p")).toBe(3);
    expect(driver.must("PFADD", "p", "a")).toBe(0);
    expect(takeAll(driver.engine).length).toBe(0);
    expect(byteAt(driver, 15)).toBe(0);
    expect(driver.must("PFADD", "p", "d")).toBe(1);
    expect(byteAt(driver, 15)).toBe(0x80);
  });

  it("is refused where the bytes are none or damaged, and nothing is changed", () => {
    const driver = new EngineDriver();
    const header = Buffer.from("HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80", "latin1");
    const strings: [Buffer, RegExp][] = [
      [Buffer.from("text"), /^WRONGTYPE Key is not a valid HyperLogLog/],
      [Buffer.alloc(12_304), /^WRONGTYPE Key is not a valid HyperLogLog/],
      [Buffer.concat([Buffer.from("HYLL\0"), Buffer.alloc(50)]), /^WRONGTYPE Key is not a valid HyperLogLog/],
      [header, /^INVALIDOBJ/],
      [Buffer.concat([header, Buffer.from([0x7f])]), /^INVALIDOBJ/],
      [Buffer.concat([header, Buffer.from([0x7f, 0xff, 0x00])]), /^INVALIDOBJ/],
      [Buffer.concat([header, Buffer.from([0x7f, 0xfe])]), /^INVALIDOBJ/],
    ];
    for (const [bytes, message] of strings) {
      driver.must("SET", "p", bytes);
      for (const command of [
        ["PFCOUNT", "p"],
        ["PFCOUNT", "p", "p"],
        ["PFMERGE", "q", "p"],
        ["PFDEBUG", "GETREG", "p"],
      ]) {
        const reply = driver.run(...command);
        expect(isError(reply) && reply.message, command.join(" ")).toMatch(message);
      }
      const before = driver.runBytes("GET", "p") as Uint8Array;
      const reply = driver.run("PFADD", "p", "x", "y", "z", "w", "v");
      if (isError(reply)) expect(Buffer.compare(driver.runBytes("GET", "p") as Uint8Array, before)).toBe(0);
    }
    driver.must("RPUSH", "list", 1);
    expect(isError(driver.run("PFADD", "list", 1))).toBe(true);
    expect(driver.run("EXISTS", "q")).toBe(0);
  });
});
