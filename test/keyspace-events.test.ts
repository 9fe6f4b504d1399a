// Keyspace notifications: what each command says of its keys, as Redis would.

import { afterEach, expect, test } from "vitest";
import { Listener } from "./listener.ts";
import { startTestServer } from "./server-fixture.ts";

const open: Listener[] = [];

afterEach(() => {
  for (const { socket } of open.splice(0)) socket.destroy();
});

async function serve(classes: string, options = {}) {
  const server = await startTestServer({ notifyKeyspaceEvents: classes, ...options });
  const [heard, asker] = [await Listener.open(server.respPort), await Listener.open(server.respPort)];
  open.push(heard, asker);
  await heard.ask("PSUBSCRIBE", "__key*");
  /** Runs commands and answers the events they caused, as "event key". */
  const eventsOf = async (...lines: string[]): Promise<string[]> => {
    for (const line of lines) await asker.ask(...line.split(" "));
    await asker.ask("PUBLISH", "__key-end", "");
    const list: string[] = [];
    for (let next = await heard.next(); !next.includes("__key-end"); next = await heard.next()) {
      const parts = /"__key(space|event)@(\d+)__:([^"]*)" \$"([^"]*)"/.exec(next);
      const [, kind, database, channel, payload] = parts ?? [];
      const [event, key] = kind === "event" ? [channel, payload] : [payload, channel];
      list.push(`${kind === "event" ? "" : "space "}${event} ${key}${database === "0" ? "" : ` in ${database}`}`);
    }
    return list;
  };
  return { asker, eventsOf };
}

test.each([
  ["SET k v", ["set k"]],
  ["SET k v EX 100", ["set k", "expire k"]],
  ["SETEX k 100 v", ["set k", "expire k"]],
  ["MSET k 1 j 2", ["set k", "set j"]],
  ["APPEND k v", ["append k"]],
  ["SETRANGE k 0 v", ["setrange k"]],
  ["INCR k", ["incrby k"]],
  ["DECRBY k 2", ["incrby k"]],
  ["INCRBYFLOAT k 1.5", ["incrbyfloat k"]],
  ["GET k", []],
  ["DEL k", []],
  ["EXPIRE k 100", []],
  ["SETNX s w", []],
  ["GETSET s w", ["set s"]],
  ["GETDEL s", ["del s"]],
  ["GETEX s EX 100", ["expire s"]],
  ["DEL none s l", ["del s", "del l"]],
  ["DEL s s l s", ["del s", "del l"]],
  ["XGROUP CREATE x other 0", ["xgroup-create x"]],
  ["XGROUP SETID x g 0", ["xgroup-setid x"]],
  ["XGROUP CREATECONSUMER x g two", ["xgroup-createconsumer x"]],
  ["XGROUP DELCONSUMER x g one", ["xgroup-delconsumer x"]],
  ["XGROUP DESTROY x g", ["xgroup-destroy x"]],
  ["XGROUP DESTROY x none", []],
  ["XGROUP CREATE y g 0 MKSTREAM", ["xgroup-create y"]],
  ["XSETID x 5-5", ["xsetid x"]],
  ["EXPIRE s 100", ["expire s"]],
  ["EXPIRE s -1", ["del s"]],
  ["RENAME s t", ["rename_from s", "rename_to t"]],
  ["COPY s t", ["copy_to t"]],
  ["COPY s s DB 3", ["copy_to s in 3"]],
  ["MOVE s 2", ["move_from s", "move_to s in 2"]],
  ["HSET h a 1", ["hset h"]],
  ["HINCRBY h n 1", ["hincrby h"]],
  ["HINCRBYFLOAT h n 1.5", ["hincrbyfloat h"]],
  ["HDEL h f", ["hdel h", "del h"]],
  ["HDEL h none", []],
  ["LPUSH l x", ["lpush l"]],
  ["RPUSHX none x", []],
  ["LPOP l", ["lpop l"]],
  ["RPOP l 5", ["rpop l", "del l"]],
  ["LINSERT l BEFORE a x", ["linsert l"]],
  ["LSET l 0 x", ["lset l"]],
  ["LREM l 0 a", ["lrem l"]],
  ["LTRIM l 0 0", ["ltrim l"]],
  ["LMOVE l m LEFT RIGHT", ["rpush m", "lpop l"]],
  ["LMPOP 2 none l RIGHT COUNT 9", ["rpop l", "del l"]],
  ["BLPOP none l 0", ["lpop l"]],
  ["SADD set x", ["sadd set"]],
  ["SADD set a", []],
  ["SREM set a b", ["srem set", "del set"]],
  ["SMOVE set other a", ["srem set", "sadd other"]],
  ["SINTERSTORE to set set", ["sinterstore to"]],
  ["SPOP set 2", ["spop set", "del set"]],
  ["SORT l ALPHA STORE to", ["sortstore to"]],
] as const)("%s tells what it did", async (command, expected) => {
  const { asker, eventsOf } = await serve("AE");
  for (const line of ["SET s v", "HSET h f 1", "RPUSH l a b", "SADD set a b"]) await asker.ask(...line.split(" "));
  for (const line of ["XADD x 1-1 f v", "XGROUP CREATE x g 0", "XGROUP CREATECONSUMER x g one"])
    await asker.ask(...line.split(" "));
  await eventsOf();
  expect(await eventsOf(command)).toEqual(expected);
});

test("keyspace comes before keyevent, classes that were not asked for are silent, new keys are told first", async () => {
  const { asker, eventsOf } = await serve("KE$n");
  expect(await eventsOf("SET k v", "SET k w", "DEL k", "RPUSH l 1")).toEqual([
    "space new k",
    "new k",
    "space set k",
    "set k",
    "space set k",
    "set k",
    "space new l",
    "new l",
  ]);
  expect(await asker.ask("CONFIG", "SET", "notify-keyspace-events", "gKEmA")).toBe("+OK");
  expect(await asker.ask("CONFIG", "GET", "notify-keyspace-events")).toBe('*[$"notify-keyspace-events" $"AKEm"]');
  expect(await eventsOf("GET none")).toEqual(["space keymiss none", "keymiss none"]);
  expect(await asker.ask("CONFIG", "SET", "notify-keyspace-events", "q")).toContain("Invalid event class character");
  expect(await asker.ask("CONFIG", "SET", "notify-keyspace-events", "")).toBe("+OK");
  expect(await eventsOf("SET k 2")).toEqual([]);
});

test("expired and evicted keys are told, and what a transaction and a script do", async () => {
  const { asker, eventsOf } = await serve("AE");
  await asker.ask("SET", "k", "v", "PX", 1);
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await eventsOf("GET k")).toEqual(["set k", "expire k", "expired k"]);
  expect(await eventsOf("MULTI", "SET a 1", "SET b 2", "DEL a", "EXEC")).toEqual(["set a", "set b", "del a"]);
  await asker.ask("EVAL", "redis.call('SET', 'c', 1) return redis.call('RPUSH', 'l', 1)", 0);
  expect(await eventsOf()).toEqual(["set c", "rpush l"]);
  const { asker: full, eventsOf: eventsOfFull } = await serve("e$E", {
    eviction: "allkeys-lru",
    maxMemoryBytes: 8 << 20,
  });
  const value = "x".repeat(30_000);
  for (let index = 0; index < 200; index++) await full.ask("SET", `key:${index}`, value);
  expect((await eventsOfFull()).some((event) => event.startsWith("evicted key:"))).toBe(true);
});
