// Effect records: what they say, how they are taken, replayed, refused, and how a log that is not written pushes back.

import { describe, expect, it } from "vitest";
import { HEAP_BASE, PAGE_BYTES } from "../assembly/layout.ts";
import { ConnectionMode, Outcome, Replay } from "../src/engine.ts";
import { encodeCommand } from "../src/resp.ts";
import { recordingDriver, recordsIn, takeAll } from "./effect-records.ts";
import { drawSeed, EngineDriver, isError } from "./engine-driver.ts";
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

  it("of a vector is its float32 numbers, and what the set is made with", () => {
    const [first] = recorded(["VADD", "s", "VALUES", 2, "0.1", "3e0", "a"]);
    const numbers = Buffer.from(new Float32Array([0.1, 3]).buffer).toString("latin1");
    expect(first).toEqual(["VADD", "s", "FP32", numbers, "a", "METRIC", "COSINE", "M", "16", "EF", "200", "Q8"]);
    const again = recorded(["VADD", "s", "VALUES", 2, 1, 3, "a"], ["VADD", "s", "VALUES", 2, 1, 3, "a"]);
    expect(again).toEqual([]);
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

describe("a replay", () => {
  /** A log of five records, the second to fourth of which are a transaction, and where each begins. */
  function makeLog(): { log: Buffer; starts: number[] } {
    const driver = recordingDriver();
    driver.must("SET", "a", "1");
    driver.runAll([["MULTI"], ["SET", "b", "2"], ["HSET", "h", "f", "3"], ["SET", "c", "x".repeat(50)], ["EXEC"]]);
    driver.must("SET", "d", "4");
    const log = takeAll(driver.engine);
    return { log, starts: recordsIn(log).map((record) => record.start) };
  }

  it("refuses a record of which any bit was flipped, tells where it is, and keeps what came before", {
    timeout: 60_000,
  }, () => {
    const { log, starts } = makeLog();
    // A record that cannot be is blamed on the group that it is in: that begins where the last good one ended.
    const groups = [0, starts[1], starts[1], starts[1], starts[4]];
    const driver = new EngineDriver();
    for (let bit = 0; bit < log.length * 8; bit++) {
      const broken = Buffer.from(log);
      broken[bit >> 3] = (broken[bit >> 3] as number) ^ (1 << (bit & 7));
      const index = starts.findLastIndex((start) => start <= bit >> 3);
      const replayed = driver.engine.effects.replay(broken);
      expect(replayed.outcome, `bit ${bit}`).not.toBe(Replay.Done);
      expect(replayed.at, `bit ${bit}`).toBe(starts[index]);
      expect(replayed.consumed, `bit ${bit}`).toBe(groups[index]);
      expect(driver.run("DBSIZE"), `bit ${bit}`).toBe([0, 1, 1, 1, 4][index]);
    }
  });

  it("stops where a record or its group is not whole, and goes on when the rest is there", () => {
    const { log, starts } = makeLog();
    for (let end = 0; end <= log.length; end++) {
      const driver = new EngineDriver();
      const first = driver.engine.effects.replay(log.subarray(0, end));
      const border = [starts[1], starts[4], log.length].findLast((place) => (place as number) <= end) ?? 0;
      expect(first, `${end}`).toMatchObject({
        consumed: border,
        outcome: end === border ? Replay.Done : Replay.Incomplete,
      });
      expect(driver.engine.effects.replay(log.subarray(first.consumed)).outcome).toBe(Replay.Done);
      expect(driver.run("DBSIZE")).toBe(5);
    }
  });

  it("ends where nothing was written, and says so", () => {
    const { log } = makeLog();
    const driver = new EngineDriver();
    const replayed = driver.engine.effects.replay(Buffer.concat([log, Buffer.alloc(4096)]));
    expect(replayed).toEqual({ outcome: Replay.Zero, consumed: log.length, at: log.length, records: 5 });
  });

  it("refuses a gap, and passes over what is there already", () => {
    const { log, starts } = makeLog();
    const driver = new EngineDriver();
    expect(driver.engine.effects.replay(log.subarray(starts[1]))).toMatchObject({ outcome: Replay.Sequence, at: 0 });
    driver.engine.effects.replay(log.subarray(0, starts[1]));
    driver.engine.effects.replay(log.subarray(0, starts[4]));
    expect(driver.engine.effects.position).toBe(4);
    expect(driver.engine.effects.replay(log)).toMatchObject({ outcome: Replay.Done, records: 5 });
    const last = log.subarray(starts[4]);
    expect(driver.engine.effects.replay(Buffer.concat([last, last]))).toMatchObject({
      outcome: Replay.Sequence,
      at: last.length,
    });
  });

  it("of a command that cannot be tells where it is and what the engine says", () => {
    const driver = recordingDriver();
    driver.must("SET", "a", "1");
    driver.must("HSET", "h", "f", "v");
    const log = takeAll(driver.engine);
    const other = new EngineDriver();
    other.must("SET", "h", "a string");
    const second = recordsIn(log)[1]?.start;
    expect(other.engine.effects.replay(log)).toEqual({
      outcome: Replay.Refused,
      consumed: second,
      at: second,
      records: 1,
      error: "WRONGTYPE Operation against a key holding the wrong kind of value",
    });
  });

  it("minds no limit, which the next ticks come down to, and lets nothing die", () => {
    const source = recordingDriver();
    for (let key = 0; key < 40; key++) source.must("SET", `k${key}`, "x".repeat(100_000), "PX", 1_000);
    const log = takeAll(source.engine);
    const target = recordingDriver({ maxMemoryBytes: HEAP_BASE + 32 * PAGE_BYTES, eviction: "allkeys-lru" });
    target.now += 500;
    expect(target.engine.effects.replay(log).outcome).toBe(Replay.Done);
    expect(target.engine.effects.digest()).toBe(source.engine.effects.digest());
    expect(target.engine.effects.pendingBytes).toBe(0);
    while (target.engine.tick(target.now));
    const evicted = recordsIn(takeAll(target.engine));
    expect(evicted.length).toBeGreaterThan(20);
    expect(evicted[0]).toMatchObject({ sequence: 41, command: ["DEL", expect.stringMatching(/^k/)] });
    expect(target.engine.stats()).toMatchObject({ commands: 0, hits: 0, misses: 0, expiredKeys: 0 });
  });
});

describe("a log that is not written", () => {
  const LIMIT_BYTES = 1_000;

  /** Feeds a batch, taking records whenever writes wait; answers how often they did. */
  function feedWaiting(driver: EngineDriver, batch: Uint8Array, whenFull: () => void): number {
    const { engine, connection } = driver;
    let stops = 0;
    for (let offset = 0; ; ) {
      const outcome = engine.execute(connection, batch, offset, driver.now);
      offset += engine.consumed;
      if (outcome === Outcome.Done) break;
      expect(outcome).toBe(Outcome.LogFull);
      stops++;
      whenFull();
      takeAll(engine);
    }
    driver.send("");
    return stops;
  }

  it("lets no write in, but reads, and goes on where it stopped", () => {
    const driver = recordingDriver({}, LIMIT_BYTES);
    const { engine } = driver;
    const commands = Array.from({ length: 100 }, (_, index) => ["SET", `k${index}`, "x".repeat(30)]);
    const batch = Buffer.concat([...commands, ["GET", "k0"]].map((command) => encodeCommand(command)));
    const reader = engine.connect();
    const stops = feedWaiting(driver, batch, () => {
      expect(engine.effects.heldBytes).toBeGreaterThanOrEqual(LIMIT_BYTES);
      expect(engine.effects.heldBytes).toBeLessThan(LIMIT_BYTES + 200);
      expect(driver.send("GET k0\r\nDBSIZE\r\n", reader).text).toContain("x".repeat(30));
      expect(engine.execute(reader, encodeCommand(["DEL", "k0"]), 0, driver.now)).toBe(Outcome.LogFull);
      expect(engine.consumed).toBe(0);
    });
    expect(stops).toBeGreaterThan(5);
    expect(driver.run("DBSIZE")).toBe(100);
    const log = takeAll(engine);
    expect(recordsIn(log).every((record) => record.command[0] === "SET")).toBe(true);
  });

  it("waits with what has been received whole already, however it came", () => {
    const driver = recordingDriver({}, LIMIT_BYTES);
    const { engine, connection } = driver;
    driver.must("SET", "a", "x".repeat(LIMIT_BYTES));
    const value = Buffer.alloc(200_000, "v");
    const command = encodeCommand(["SET", "b", value]);
    expect(engine.execute(connection, command, 0, driver.now)).toBe(Outcome.LogFull);
    expect(engine.consumed).toBe(command.length);
    takeAll(engine);
    expect(engine.execute(connection, new Uint8Array(0), 0, driver.now)).toBe(Outcome.Done);
    // A line's words are decoded where they lie.
    const line = Buffer.from("SET \"c\\x41\" 'd e'\r\nGET cA\r\n");
    engine.input.view(line.length).set(line);
    expect(engine.executeInPlace(connection, line.length, driver.now)).toBe(Outcome.LogFull);
    const rest = engine.input.copy(engine.consumed, line.length);
    expect(Buffer.from(rest).toString()).toBe(line.toString());
    takeAll(engine);
    expect(engine.execute(connection, rest, 0, driver.now)).toBe(Outcome.Done);
    driver.send("");
    expect(driver.run("STRLEN", "b")).toBe(value.length);
    expect(driver.run("GET", "cA")).toBe("d e");
  });

  it("lets a transaction end that it let begin, and keeps what CLIENT REPLY asked for", () => {
    const driver = recordingDriver({}, LIMIT_BYTES);
    const { engine, connection } = driver;
    const long = "x".repeat(LIMIT_BYTES);
    driver.runAll([["MULTI"], ["SET", "a", long], ["SET", "b", long], ["EXEC"]]);
    expect(recordsIn(takeAll(engine)).length).toBe(2);
    driver.must("SET", "c", long);
    driver.runAll([["MULTI"], ["SET", "d", "1"]]);
    expect(engine.execute(connection, encodeCommand(["EXEC"]), 0, driver.now)).toBe(Outcome.LogFull);
    takeAll(engine);
    expect(driver.run("EXEC")).toEqual(["OK"]);
    driver.must("SET", "c", long);
    engine.connections.setMode(connection, ConnectionMode.SkipsNext, true);
    expect(engine.execute(connection, encodeCommand(["SET", "e", "1"]), 0, driver.now)).toBe(Outcome.LogFull);
    takeAll(engine);
    expect(
      driver.runAll([
        ["SET", "e", "1"],
        ["GET", "e"],
      ]),
    ).toEqual(["1"]);
  });

  it("keeps keys whose time has passed, unseen, until it is written", () => {
    const driver = recordingDriver({}, LIMIT_BYTES);
    for (let key = 0; key < 3; key++) driver.must("SET", `k${key}`, "v", "PX", 10);
    driver.must("SET", "long", "x".repeat(LIMIT_BYTES));
    driver.now += 10;
    expect(driver.run("GET", "k0")).toBe(null);
    driver.engine.tick(driver.now);
    expect(driver.run("DBSIZE")).toBe(4);
    takeAll(driver.engine);
    driver.engine.tick(driver.now);
    expect(driver.run("DBSIZE")).toBe(1);
    expect(recordsIn(takeAll(driver.engine)).length).toBe(3);
  });

  it("is asked for room by embedding's direct paths, which refuse without", () => {
    const { engine } = recordingDriver({}, LIMIT_BYTES);
    const value = "x".repeat(LIMIT_BYTES);
    engine.direct.set("a", value, () => NOW);
    expect(() => engine.direct.set("b", "1", () => NOW)).toThrowError(expect.objectContaining({ code: "log-full" }));
    engine.direct.onLogFull = () => takeAll(engine).length > 0;
    engine.direct.set("b", value, () => NOW);
    expect(engine.direct.setIf("c", "2", -1, 1, NOW)).toBe(true);
    expect(engine.direct.getText("b", () => NOW)).toBe(value);
    expect(engine.direct.getText("c", () => NOW)).toBe("2");
  });

  it("takes memory beside the database's, and gives it back", () => {
    const driver = recordingDriver({ maxMemoryBytes: HEAP_BASE + 3 * 1024 * 1024, eviction: "allkeys-lru" }, 1 << 30);
    const { engine } = driver;
    for (let round = 0; round < 400; round++) driver.must("SET", `k${round % 10}`, "x".repeat(20_000));
    expect(engine.effects.heldBytes).toBeGreaterThan(8_000_000);
    expect(engine.stats()).toMatchObject({ keys: 10, evictedKeys: 0 });
    expect(engine.statistics.memory().kinds.log).toBeGreaterThan(8_000_000);
    expect(engine.stats().memoryUsedBytes).toBeLessThan(HEAP_BASE + 1024 * 1024);
    const digest = engine.effects.digest();
    const replica = new EngineDriver();
    replica.engine.effects.replay(takeAll(engine));
    expect(replica.engine.effects.digest()).toBe(digest);
    expect(engine.statistics.memory().kinds.log).toBe(PAGE_BYTES);
    engine.effects.close();
    expect(engine.statistics.memory().kinds.log).toBe(0);
  });

  it("fills the machine's memory at most: then writes are refused, nothing breaks, and all is well once it is written", {
    timeout: 60_000,
  }, () => {
    const driver = recordingDriver(
      { maxMemoryBytes: HEAP_BASE + 3 * 1024 * 1024, eviction: "allkeys-lru", reserveMemory: true },
      0xffff_ffff,
    );
    const { engine } = driver;
    const random = new Random(seed);
    let refused = 0;
    while (refused < 300) {
      const key = `k${random.below(100_000)}`;
      const reply = driver.run(
        ...random.pick<() => (string | number)[]>([
          () => ["SET", key, "x".repeat(random.below(400_000)), "PX", 1 + random.below(20)],
          () => ["SET", key, "x".repeat(random.below(40)), "PX", 1 + random.below(20)],
          () => ["MSET", ...random.list(1, 100, () => [`k${random.below(100_000)}`, "x".repeat(3_000)]).flat()],
          () => ["APPEND", key, "y".repeat(200_000)],
          () => ["MGET", ...random.list(1, 100, () => `k${random.below(100_000)}`)],
        ])(),
      );
      if (isError(reply)) {
        expect(reply.message).toMatch(/^OOM /);
        refused++;
      }
      if (random.oneIn(5)) driver.now += 1;
      if (random.oneIn(9)) engine.tick(driver.now);
    }
    const log = takeAll(engine);
    expect(log.length).toBeGreaterThan(100 * 1024 * 1024);
    driver.must("SET", "k", "x".repeat(400_000));
    const replica = new EngineDriver({ maxMemoryBytes: 64 << 20 });
    expect(replica.engine.effects.replay(Buffer.concat([log, takeAll(engine)])).outcome).toBe(Replay.Done);
    expect(replica.engine.effects.digest()).toBe(engine.effects.digest());
  });

  it("may be released in other pieces than it was taken in, while more is written", () => {
    const driver = recordingDriver({ reserveMemory: true });
    const { effects } = driver.engine;
    const random = new Random(seed);
    const written: Buffer[] = [];
    const taken: Uint8Array[] = [];
    let unreleased = 0;
    for (let step = 0; step < 2_000; step++) {
      driver.must("SET", `k${random.below(50)}`, "x".repeat(random.pick([10, 3_000, 31_000, 70_000])));
      if (random.oneIn(2)) {
        const run = effects.take();
        if (run !== undefined) {
          taken.push(run);
          unreleased += run.length;
        }
      }
      if (random.oneIn(3) && unreleased > 0) {
        const bytes = 1 + random.below(unreleased);
        // What was taken must still be there when it is released.
        written.push(joinFirst(taken, bytes));
        effects.release(bytes);
        unreleased -= bytes;
      }
    }
    if (unreleased > 0) {
      written.push(joinFirst(taken, unreleased));
      effects.release(unreleased);
    }
    written.push(takeAll(driver.engine));
    const replica = new EngineDriver();
    expect(replica.engine.effects.replay(Buffer.concat(written)).outcome).toBe(Replay.Done);
    expect(replica.engine.effects.digest()).toBe(effects.digest());
  });
});

/** Copies the first `bytes` of some runs and takes them away. */
function joinFirst(runs: Uint8Array[], bytes: number): Buffer {
  const pieces: Buffer[] = [];
  for (let left = bytes; left > 0; ) {
    const run = runs[0] as Uint8Array;
    const piece = run.subarray(0, left);
    pieces.push(Buffer.from(piece));
    left -= piece.length;
    if (piece.length === run.length) runs.shift();
    else runs[0] = run.subarray(piece.length);
  }
  return Buffer.concat(pieces);
}
