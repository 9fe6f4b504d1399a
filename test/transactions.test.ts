// Transactions where random comparison with redis-server does not reach: time, eviction, memory, commands of the host,
// long values, and what a connection leaves behind.

import { describe, expect, it } from "vitest";
import { HEAP_BASE } from "../assembly/layout.ts";
import { ConnectionMode, Outcome } from "../src/engine.ts";
import { encodeCommand } from "../src/resp.ts";
import { EngineDriver, isError } from "./engine-driver.ts";

/** Runs one command on another connection. */
function runOn(driver: EngineDriver, connection: number, ...words: string[]): string {
  return driver.feed(encodeCommand(words), connection).bytes.toString("latin1");
}

describe("a watched key", () => {
  const outcomes: [string, (driver: EngineDriver, other: number) => void, boolean][] = [
    ["is read", (driver, other) => runOn(driver, other, "GET", "k"), true],
    ["is touched", (driver, other) => runOn(driver, other, "TOUCH", "k"), true],
    ["is set", (driver, other) => runOn(driver, other, "SET", "k", "other"), false],
    ["is set to what it was", (driver, other) => runOn(driver, other, "SET", "k", "v"), false],
    ["is not set by NX", (driver, other) => runOn(driver, other, "SET", "k", "other", "NX"), true],
    ["grows", (driver, other) => runOn(driver, other, "APPEND", "k", "more"), false],
    ["is deleted", (driver, other) => runOn(driver, other, "UNLINK", "k"), false],
    ["gets an expiry", (driver, other) => runOn(driver, other, "EXPIRE", "k", "100"), false],
    ["is renamed", (driver, other) => runOn(driver, other, "RENAME", "k", "l"), false],
    ["is overwritten by a copy", (driver, other) => runOn(driver, other, "COPY", "l", "k", "REPLACE"), false],
    ["is copied", (driver, other) => runOn(driver, other, "COPY", "k", "m"), true],
    ["is moved away", (driver, other) => runOn(driver, other, "MOVE", "k", "3"), false],
    ["is flushed", (driver, other) => runOn(driver, other, "FLUSHALL"), false],
    ["keeps its database while another is flushed", flushOther, true],
    ["is swapped away", (driver, other) => runOn(driver, other, "SWAPDB", "0", "7"), false],
    ["keeps its place while others are swapped", (driver, other) => runOn(driver, other, "SWAPDB", "6", "7"), true],
    ["is changed by its own connection", (driver) => driver.run("INCR", "k2") && driver.run("SET", "k", "x"), false],
    ["has a neighbour that is set", (driver, other) => runOn(driver, other, "SET", "l", "x"), true],
  ];

  function flushOther(driver: EngineDriver, other: number): void {
    runOn(driver, other, "SELECT", "5");
    runOn(driver, other, "FLUSHDB");
  }

  it.each(outcomes)("that %s", (_, change, survives) => {
    const driver = new EngineDriver();
    const other = driver.engine.connect();
    driver.run("SET", "k", "v");
    driver.run("SET", "l", "v");
    driver.run("WATCH", "k");
    change(driver, other);
    driver.run("MULTI");
    driver.run("PING");
    expect(driver.run("EXEC")).toEqual(survives ? ["PONG"] : null);
  });

  it("that expires breaks the transaction, seen by a tick or not", () => {
    for (const ticks of [false, true]) {
      const driver = new EngineDriver();
      driver.run("SET", "k", "v", "PX", 100);
      driver.run("WATCH", "k");
      driver.now += 100;
      if (ticks) driver.settle();
      driver.run("MULTI");
      expect(driver.run("EXEC")).toBeNull();
    }
  });

  it("that had expired before it was watched does not", () => {
    const driver = new EngineDriver();
    driver.run("SET", "k", "v", "PX", 100);
    driver.now += 100;
    driver.run("WATCH", "k");
    driver.settle();
    driver.run("MULTI");
    expect(driver.run("EXEC")).toEqual([]);
  });

  it("that is evicted breaks it", () => {
    const driver = new EngineDriver({ maxMemoryBytes: HEAP_BASE + (2 << 20), eviction: "allkeys-lru" });
    driver.run("SET", "k", "v");
    driver.run("WATCH", "k");
    driver.now += 1000;
    for (let key = 0; driver.run("TYPE", "k") === "string"; key++) {
      driver.now += 10;
      driver.must("SET", `fill:${key}`, "x".repeat(500));
      if (key % 50 !== 0) continue;
      expect(key, "the key is never evicted").toBeLessThan(100_000);
    }
    driver.run("MULTI");
    expect(driver.run("EXEC")).toBeNull();
  });

  it("is forgotten by UNWATCH, DISCARD, EXEC and RESET", () => {
    const driver = new EngineDriver();
    const watched = () => driver.engine.connections.transaction(driver.connection).keys;
    driver.run("WATCH", "a", "b", "a");
    expect(watched()).toBe(2);
    driver.run("UNWATCH");
    expect(watched()).toBe(0);
    for (const end of ["DISCARD", "EXEC"]) {
      driver.run("WATCH", "a");
      driver.run("MULTI");
      driver.run(end);
      expect(watched()).toBe(0);
    }
    driver.run("WATCH", "a");
    driver.run("EXEC", "surplus"); // refused, and yet
    expect(watched()).toBe(0);
    driver.run("WATCH", "a");
    driver.run("MULTI");
    driver.engine.reset(driver.connection);
    expect(watched()).toBe(0);
    expect(driver.engine.connections.hasMode(driver.connection, ConnectionMode.Queueing)).toBe(false);
    expect(driver.run("GET", "a")).toBeNull();
  });
});

describe("a transaction", () => {
  it("gives everything back when it is discarded, executed, or its connection closes", () => {
    const driver = new EngineDriver();
    const values = ["small", "x".repeat(10_000), "y".repeat(40_000), "z".repeat(200_000)];
    const empty = driver.heldPages;
    for (const end of ["DISCARD", "EXEC", "close"]) {
      const connection = driver.engine.connect();
      runOn(driver, connection, "WATCH", "a", "b");
      runOn(driver, connection, "MULTI");
      for (const value of values) expect(runOn(driver, connection, "SET", "k", value)).toBe("+QUEUED\r\n");
      const many = Array.from({ length: 9_000 }, (_, index) => [`key:${index}`, "v"]).flat();
      expect(runOn(driver, connection, "MSET", ...many)).toBe("+QUEUED\r\n");
      expect(driver.heldPages).toBeGreaterThan(empty + 4);
      if (end !== "close") runOn(driver, connection, end);
      driver.engine.disconnect(connection);
      if (end === "EXEC") {
        expect(driver.run("GET", "k")).toBe(values[3]);
        expect(driver.run("DBSIZE")).toBe(9_001);
      }
      driver.run("FLUSHALL");
      driver.settle();
      expect(driver.heldPages, end).toBeLessThanOrEqual(empty + 4);
    }
  });

  it("is bounded by the connection's limit of output, and then discarded", () => {
    const driver = new EngineDriver({ outputLimitBytes: 1 << 20 });
    driver.run("MULTI");
    const replies = Array.from({ length: 200 }, () => driver.run("SET", "k", "x".repeat(10_000)));
    const refused = replies.find(isError);
    expect(refused).toMatchObject({ message: expect.stringContaining("--output-limit") });
    expect(driver.run("EXEC")).toMatchObject({ message: expect.stringMatching(/discarded/) });
    expect(driver.run("EXISTS", "k")).toBe(0);
  });

  it("is discarded when memory does not hold its queue, and the database stays as it was", () => {
    const driver = new EngineDriver({ maxMemoryBytes: HEAP_BASE + (2 << 20) });
    driver.run("MULTI");
    const replies = Array.from({ length: 300 }, (_, index) => driver.run("SET", `k${index}`, "x".repeat(20_000)));
    expect(replies.filter(isError)[0]).toMatchObject({ prefix: "OOM" });
    expect(driver.run("EXEC")).toMatchObject({ prefix: "EXECABORT" });
    expect(driver.run("DBSIZE")).toBe(0);
    expect(driver.must("SET", "k", "v")).toBe("OK");
  });

  it("executes the commands of the host in their place, nobody's between them", () => {
    const driver = new EngineDriver();
    driver.runAll([["MULTI"], ["SET", "k", "1"], ["CLIENT", "ID"], ["INFO"], ["GET", "k"], ["CONFIG", "GET", "x"]]);
    expect(driver.hostCommands).toEqual([]);
    expect(driver.runAll([["EXEC"], ["PING"]])).toEqual([["OK", "HOST", "HOST", "1", "HOST"], "PONG"]);
    expect(driver.hostCommands.map((words) => Buffer.from(words[0] as Uint8Array).toString())).toEqual([
      "CLIENT",
      "INFO",
      "CONFIG",
    ]);
  });

  it("does not yield however much work it is", () => {
    const driver = new EngineDriver();
    const batch = [["MULTI"], ...Array.from({ length: 20_000 }, (_, index) => ["SET", `k${index}`, "v"]), ["EXEC"]];
    const input = Buffer.concat(batch.map((words) => encodeCommand(words)));
    driver.feed(input.subarray(0, input.length - 14));
    expect(driver.run("DBSIZE")).toBe("QUEUED");
    const exec = Buffer.from("*1\r\n$4\r\nEXEC\r\n");
    expect(driver.engine.execute(driver.connection, exec, 0, driver.now)).toBe(Outcome.Done);
    const other = driver.engine.connect();
    expect(runOn(driver, other, "DBSIZE")).toBe(":20000\r\n");
  });

  it("of short commands in one batch, many times, goes on behind each EXEC", () => {
    const driver = new EngineDriver();
    const round = [["MULTI"], ["INCR", "n"], ["INCR", "n"], ["EXEC"], ["GET", "n"]];
    const replies = driver.runAll(Array.from({ length: 100 }, () => round).flat());
    expect(replies).toHaveLength(500);
    expect(replies.slice(-2)).toEqual([[199, 200], "200"]);
    expect(driver.send("MULTI\r\nINCR n\r\nEXEC\r\nGET n\r\n").text).toBe(
      "+OK\r\n+QUEUED\r\n*1\r\n:201\r\n$3\r\n201\r\n",
    );
  });

  it("answers a failed EXEC with a null of the protocol", () => {
    const driver = new EngineDriver();
    const fail = () => driver.send("WATCH k\r\nSET k 1\r\nMULTI\r\nEXEC\r\n").text.slice(-5);
    expect(fail()).toBe("*-1\r\n");
    driver.engine.setProtocol(driver.connection, 3);
    expect(fail()).toBe("\r\n_\r\n");
  });
});

describe("OBJECT FREQ and IDLETIME", () => {
  it("answer what the policy keeps", () => {
    const lfu = new EngineDriver({ eviction: "allkeys-lfu" });
    lfu.run("SET", "k", "v");
    expect(lfu.run("OBJECT", "FREQ", "k")).toBeGreaterThan(0);
    expect(lfu.run("OBJECT", "IDLETIME", "k")).toMatchObject({ message: expect.stringContaining("LFU") });
    const lru = new EngineDriver({ eviction: "allkeys-lru" });
    lru.run("SET", "k", "v");
    lru.now += 5000;
    expect(lru.run("OBJECT", "IDLETIME", "k")).toBe(5);
    expect(lru.run("OBJECT", "FREQ", "k")).toMatchObject({ message: expect.stringContaining("LFU") });
  });
});
