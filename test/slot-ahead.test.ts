// Slots found ahead: whatever the commands of a group do to tables, databases and keys before one of them runs, it answers
// as if it had come alone.

import { describe, expect, test } from "vitest";
import { ConnectionMode, type Engine } from "../src/engine.ts";
import { encodeCommand } from "../src/resp.ts";
import { debugEngine, feed } from "./debug-engine.ts";
import { Random, seedOfRun } from "./random.ts";

const seed = seedOfRun();
console.log(`slot-ahead.test.ts: NEARKEY_SEED=${seed}`);

const NOW_MS = 1_700_000_000_000;

/** @param mode what the connection has set: with any, no command takes the short way of GET and SET */
function open(mode?: ConnectionMode): (commands: string[][]) => string {
  const engine: Engine = debugEngine({ seed: 7n });
  const connection = engine.connect();
  if (mode !== undefined) engine.connections.setMode(connection, mode, true);
  return (commands) => {
    const bytes = Buffer.concat(commands.map((words) => encodeCommand(words)));
    return feed(engine, connection, bytes, NOW_MS).output.toString();
  };
}

/** Replies to commands in one batch, after `before`; and to the same one at a time. */
function bothWays(before: string[][], commands: string[][]): [string, string] {
  const [batch, single] = [open(), open()];
  batch(before);
  for (const command of before) single([command]);
  return [batch(commands), commands.map((command) => single([command])).join("")];
}

const words = (line: string): string[] => line.split(" ");

describe("the commands of one group", () => {
  const before = ["SET a 0", "SET b 1", "SELECT 1", "SET a x", "SELECT 0"].map(words);
  const cases: [string, string[]][] = [
    ["a key that is deleted", ["DEL a", "GET a", "SET a 2", "GET a"]],
    ["a shard that loses its last key and gets another", ["DEL a", "DEL b", "SET b 3", "GET a", "GET b"]],
    ["another database", ["GET a", "SELECT 1", "GET a", "DEL a", "SELECT 0", "GET a"]],
    ["databases that change places", ["GET a", "SWAPDB 0 1", "GET a", "SET a y", "SWAPDB 0 1", "GET a"]],
    ["a database that is emptied", ["GET a", "FLUSHDB", "GET a", "SET a 4", "GET a"]],
    ["all of them emptied", ["FLUSHALL", "GET a", "SELECT 1", "GET a"]],
    ["a key of the same name elsewhere", ["COPY a a DB 2", "MOVE b 1", "GET b", "SELECT 1", "GET b", "GET a"]],
    ["a key that dies at once", ["PEXPIREAT a 1", "GET a", "TTL b"]],
    ["a key that moves to a larger cell", ["APPEND a 0123456789012345678901234567890123456789", "GET a", "PERSIST a"]],
    ["a renamed key", ["RENAME a c", "GET a", "GET c", "RENAME c a", "GET a"]],
    ["a transaction", ["MULTI", "DEL a", "GET a", "EXEC", "GET a"]],
  ];
  test.each(cases)("%s", (_, commands) => {
    const [batch, single] = bothWays(before, commands.map(words));
    expect(batch).toBe(single);
  });

  test("segments that grow and split under them", () => {
    const sets = Array.from({ length: 20_000 }, (_, index) => ["SET", `key:${index}`, String(index)]);
    const mixed = sets.flatMap((set, index) => {
      const older = `key:${Math.floor(index / 2)}`;
      return [set, ["SET", older, `${index}`.repeat(9)], ["GET", older], ["GET", `key:${Math.floor(index / 3)}`]];
    });
    const [batch, single] = bothWays([], mixed);
    expect(batch).toBe(single);
  });

  test("segments that shrink under them", () => {
    const sets = Array.from({ length: 5000 }, (_, index) => ["SET", `key:${index}`, String(index)]);
    const mixed = sets.flatMap((_, index) => [
      ["DEL", `key:${index}`],
      ["GET", `key:${(index * 7) % 5000}`],
    ]);
    const [batch, single] = bothWays(sets, mixed);
    expect(batch).toBe(single);
  });
});

describe("random commands", () => {
  const key = (random: Random): string => `k${random.below(12)}`;
  const makers: ((random: Random) => string[])[] = [
    (random) => ["SET", key(random), String(random.below(1000))],
    (random) => ["SET", key(random), "y".repeat(random.below(90))],
    (random) => ["set", key(random), "z", "PX", "5"],
    (random) => ["SET", key(random), "z", "KEEPTTL"],
    (random) => ["GET", key(random)],
    (random) => ["get", key(random)],
    (random) => ["GET", `h${random.below(3)}`],
    (random) => ["GET", key(random), "too many"],
    (random) => ["SET", key(random)],
    (random) => ["DEL", key(random)],
    (random) => ["APPEND", key(random), "x".repeat(random.below(60))],
    (random) => ["INCR", key(random)],
    (random) => ["RENAME", key(random), key(random)],
    (random) => ["COPY", key(random), key(random), "DB", String(random.below(2)), "REPLACE"],
    (random) => ["MOVE", key(random), String(random.below(2))],
    (random) => ["SELECT", String(random.below(2))],
    () => ["SWAPDB", "0", "1"],
    () => ["FLUSHDB"],
    (random) => ["HSET", `h${random.below(3)}`, key(random), "v"],
    (random) => ["PEXPIRE", key(random), String(random.below(2))],
    (random) => ["EXISTS", key(random), key(random)],
  ];

  test("answer the same in one batch, one at a time, and without the short way", () => {
    const random = new Random(seed);
    const [batch, single, long] = [open(), open(), open(ConnectionMode.NoTouch)];
    const fresh = [["FLUSHALL"], ["SELECT", "0"]];
    for (let round = 0; round < 300; round++) {
      const commands = random.list(2, 64, () => random.pick(makers)(random));
      for (const run of [batch, single, long]) run(fresh);
      const replies = batch(commands);
      expect(commands.map((command) => single([command])).join(""), JSON.stringify(commands)).toBe(replies);
      expect(long(commands), JSON.stringify(commands)).toBe(replies);
    }
  });
});
