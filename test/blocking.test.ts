// Commands that wait for a key, by plain sockets: order of arrival, timeouts, what ends a wait, and what is recorded.

import { afterEach, describe, expect, test } from "vitest";
import { Listener } from "./listener.ts";
import { eventually, startTestServer } from "./server-fixture.ts";
import { TestWebSocket } from "./websocket-fixture.ts";

const open: Listener[] = [];

afterEach(() => {
  for (const { socket } of open.splice(0)) socket.destroy();
});

/** A server, one who asks it, and others who wait. */
async function serve(waiters: number) {
  const server = await startTestServer();
  const make = async (): Promise<Listener> => {
    const listener = await Listener.open(server.respPort);
    open.push(listener);
    return listener;
  };
  const asker = await make();
  const others: Listener[] = [];
  while (others.length < waiters) others.push(await make());
  /** Sends a command that waits and returns once it does. */
  const wait = async (listener: Listener, ...command: (string | number)[]): Promise<void> => {
    const id = (await listener.ask("CLIENT", "ID")).slice(1);
    listener.send(...command);
    let flags = "";
    while (!flags.includes("b")) flags = /flags=(\S+)/.exec(await asker.ask("CLIENT", "LIST", "ID", id))?.[1] ?? "";
  };
  return { ...server, server, make, asker, others, wait };
}

test("those who wait are served in the order they came, one element each", async () => {
  const { asker, others, wait } = await serve(3);
  const [a, b, c] = others as [Listener, Listener, Listener];
  await wait(a, "BLPOP", "l", 0);
  await wait(b, "BRPOP", "x", "l", 0);
  await wait(c, "BLMPOP", 0, 2, "l", "y", "LEFT", "COUNT", 5);
  expect(await asker.ask("RPUSH", "l", "1", "2", "3", "4")).toBe(":4");
  expect(await a.next()).toBe('*[$"l" $"1"]');
  expect(await b.next()).toBe('*[$"l" $"4"]');
  expect(await c.next()).toBe('*[$"l" *[$"2" $"3"]]');
  expect(await asker.ask("EXISTS", "l")).toBe(":0");
});

test("an element moves on through lists that others wait for", async () => {
  const { asker, others, wait } = await serve(3);
  const [a, b, c] = others as [Listener, Listener, Listener];
  await wait(a, "BLMOVE", "one", "two", "LEFT", "RIGHT", 0);
  await wait(b, "BRPOPLPUSH", "two", "three", 0);
  await wait(c, "BLPOP", "three", 0);
  expect(await asker.ask("RPUSH", "one", "x")).toBe(":1");
  expect(await a.next()).toBe('$"x"');
  expect(await b.next()).toBe('$"x"');
  expect(await c.next()).toBe('*[$"three" $"x"]');
  expect(await asker.ask("DBSIZE")).toBe(":0");
});

test("later commands of one who waits wait too, and then run in order", async () => {
  const { asker, others, wait } = await serve(1);
  const [a] = others as [Listener];
  await wait(a, "BLPOP", "l", 0);
  a.send("SET", "k", "v");
  a.send("BLPOP", "l", 0);
  a.send("PING");
  expect(await asker.ask("EXISTS", "k")).toBe(":0");
  expect(await asker.ask("RPUSH", "l", "1", "2")).toBe(":2");
  expect(await a.take(4)).toEqual(['*[$"l" $"1"]', "+OK", '*[$"l" $"2"]', "+PONG"]);
});

test("a time that is over is answered by nothing", async () => {
  const { others } = await serve(1);
  const [a] = others as [Listener];
  expect(await a.ask("BLPOP", "l", "0.01")).toBe("*nil");
  expect(await a.ask("BLMOVE", "l", "m", "LEFT", "LEFT", "0.01")).toBe("$nil");
  expect(await a.ask("BLPOP", "l", "-1")).toBe("-ERR timeout is negative");
  expect(await a.ask("BLPOP", "l", "x")).toBe("-ERR timeout is not a float or out of range");
  expect(await a.ask("BLPOP", "l", "1e300")).toBe("-ERR timeout is out of range");
});

test("another type does not wake, and a transaction wakes at its end", async () => {
  const { asker, others, wait } = await serve(1);
  const [a] = others as [Listener];
  await wait(a, "BLPOP", "l", 0);
  expect(await asker.ask("SET", "l", "text")).toBe("+OK");
  expect(await asker.ask("DEL", "l")).toBe(":1");
  for (const command of [["MULTI"], ["RPUSH", "l", "1"], ["DEL", "l"], ["RPUSH", "l", "2"]])
    await asker.ask(...command);
  expect(await asker.ask("EXEC")).toBe("*[:1 :1 :1]");
  expect(await a.next()).toBe('*[$"l" $"2"]');
  asker.send("MULTI");
  asker.send("BLPOP", "l", 0);
  asker.send("EXEC");
  expect(await asker.take(3)).toEqual(["+OK", "+QUEUED", "*[*nil]"]);
});

test.each([[["RENAME", "made", "l"]], [["COPY", "made", "l"]], [["LMOVE", "made", "l", "LEFT", "LEFT"]]])(
  "a list that comes by %s wakes",
  async (command) => {
    const { asker, others, wait } = await serve(1);
    const [a] = others as [Listener];
    await wait(a, "BLPOP", "l", 0);
    await asker.ask("RPUSH", "made", "1");
    await asker.ask(...command);
    expect(await a.next()).toBe('*[$"l" $"1"]');
  },
);

test("streams wake those who wait for entries, all of them", async () => {
  const { asker, others, wait } = await serve(3);
  const [a, b, c] = others as [Listener, Listener, Listener];
  await asker.ask("XADD", "s", "1-1", "f", "v");
  await asker.ask("XGROUP", "CREATE", "s", "g", "$");
  await wait(a, "XREAD", "BLOCK", 0, "STREAMS", "s", "other", "$", "0");
  await wait(b, "XREAD", "BLOCK", 0, "COUNT", 1, "STREAMS", "s", "1-1");
  await wait(c, "XREADGROUP", "GROUP", "g", "me", "BLOCK", 0, "STREAMS", "s", ">");
  expect(await asker.ask("XADD", "s", "2-1", "f", "w")).toBe('$"2-1"');
  const entry = '*[*[$"s" *[*[$"2-1" *[$"f" $"w"]]]]]';
  expect(await Promise.all([a.next(), b.next(), c.next()])).toEqual([entry, entry, entry]);
  await wait(a, "XREAD", "BLOCK", 0, "STREAMS", "new", "$");
  expect(await asker.ask("XADD", "new", "1-1", "f", "v")).toBe('$"1-1"');
  expect(await a.next()).toBe('*[*[$"new" *[*[$"1-1" *[$"f" $"v"]]]]]');
  await wait(c, "XREADGROUP", "GROUP", "g", "me", "BLOCK", 0, "STREAMS", "s", ">");
  await asker.ask("DEL", "s");
  expect(await c.next()).toMatch(/^-NOGROUP/);
  expect(await b.ask("XREAD", "BLOCK", 10, "STREAMS", "none", "$")).toBe("*nil");
});

test("sorted sets wake those who wait for members", async () => {
  const { asker, others, wait } = await serve(3);
  const [a, b, c] = others as [Listener, Listener, Listener];
  await wait(a, "BZPOPMIN", "z", 0);
  await wait(b, "BZPOPMAX", "x", "z", 0);
  await wait(c, "BZMPOP", 0, 2, "x", "z", "MIN", "COUNT", 9);
  expect(await asker.ask("ZADD", "z", 1, "a", 2, "b", 3, "c")).toBe(":3");
  expect(await a.next()).toBe('*[$"z" $"a" $"1"]');
  expect(await b.next()).toBe('*[$"z" $"c" $"3"]');
  expect(await c.next()).toBe('*[$"z" *[*[$"b" $"2"]]]');
  expect(await a.ask("BZPOPMIN", "z", "0.01")).toBe("*nil");
});

test("a database that is swapped in wakes", async () => {
  const { asker, others, wait } = await serve(1);
  const [a] = others as [Listener];
  await a.ask("SELECT", 3);
  await wait(a, "BLPOP", "l", 0);
  await asker.ask("RPUSH", "l", "1");
  expect(await asker.ask("SWAPDB", 0, 3)).toBe("+OK");
  expect(await a.next()).toBe('*[$"l" $"1"]');
});

test("who has gone takes nothing", async () => {
  const { asker, others, wait } = await serve(2);
  const [a, b] = others as [Listener, Listener];
  await wait(a, "BLPOP", "l", 0);
  await wait(b, "BLPOP", "l", 0);
  a.socket.destroy();
  b.socket.end();
  let clients = 3;
  while (clients > 1) clients = (await asker.ask("CLIENT", "LIST")).split("\\n").length - 1;
  expect(await asker.ask("RPUSH", "l", "1")).toBe(":1");
  expect(await asker.ask("LLEN", "l")).toBe(":1");
});

test("CLIENT UNBLOCK ends a wait", async () => {
  const { asker, others, wait } = await serve(1);
  const [a] = others as [Listener];
  const id = (await a.ask("CLIENT", "ID")).slice(1);
  expect(await asker.ask("CLIENT", "UNBLOCK", id)).toBe(":0");
  await wait(a, "BLPOP", "l", 0);
  expect(await asker.ask("CLIENT", "UNBLOCK", id)).toBe(":1");
  expect(await a.next()).toBe("*nil");
  await wait(a, "BLPOP", "l", 0);
  expect(await asker.ask("CLIENT", "UNBLOCK", id, "ERROR")).toBe(":1");
  expect(await a.next()).toBe("-UNBLOCKED client unblocked via CLIENT UNBLOCK");
});

test("what serving did is recorded as plain commands", async () => {
  const { asker, engine, others, wait } = await serve(2);
  const [a, b] = others as [Listener, Listener];
  await wait(a, "BLPOP", "l", 0);
  await wait(b, "BLMOVE", "l", "m", "LEFT", "RIGHT", 0);
  engine.effects.open();
  expect(await asker.ask("RPUSH", "l", "1", "2")).toBe(":2");
  await a.next();
  await b.next();
  let log = "";
  for (let run = engine.effects.take(); run !== undefined; run = engine.effects.take())
    log += Buffer.from(run).toString("latin1");
  expect(log.match(/\*\d\r\n\$\d+\r\n[A-Z]+/g)).toEqual(["*4\r\n$5\r\nRPUSH", "*3\r\n$4\r\nLPOP", "*5\r\n$5\r\nLMOVE"]);
  engine.effects.close();
});

describe("WebSockets", () => {
  test("wait in binary and in text frames", async () => {
    const { asker, httpPort } = await serve(0);
    const binary = await TestWebSocket.open(httpPort);
    const json = await TestWebSocket.open(httpPort);
    binary.binary("BLPOP l 0\r\nPING\r\n");
    await eventually(() => true);
    json.send(JSON.stringify({ id: 1, command: ["BLPOP", "j", 0] }));
    json.send(JSON.stringify({ id: 2, command: ["PING"] }));
    await asker.ask("RPUSH", "l", "1");
    await asker.ask("RPUSH", "j", "2");
    expect(await binary.reply()).toEqual(["l", "1"]);
    expect(await binary.reply()).toBe("PONG");
    expect(await json.json()).toEqual({ id: 1, reply: ["j", "2"] });
    expect(await json.json()).toEqual({ id: 2, reply: "PONG" });
    for (const { socket } of [binary, json]) socket.close();
  });
});

test("CLIENT PAUSE of writes lets scripts wait, and transactions with a script or a message in them", async () => {
  const { asker, others } = await serve(2);
  const [a, b] = others as [Listener, Listener];
  expect([await b.ask("MULTI"), await b.ask("PUBLISH", "c", "m")]).toEqual(["+OK", "+QUEUED"]);
  expect(await asker.ask("CLIENT", "PAUSE", 60_000, "WRITE")).toBe("+OK");
  a.send("EVAL", "return redis.call('SET', 'k', 'v')", 0);
  b.send("EXEC");
  expect(await asker.ask("EVAL_RO", "return redis.call('GET', 'k')", 0)).toBe("$nil");
  expect(await asker.ask("GET", "k")).toBe("$nil");
  expect([...a.waiting, ...b.waiting]).toEqual([]);
  expect(await asker.ask("CLIENT", "UNPAUSE")).toBe("+OK");
  expect(await a.next()).toBe("+OK");
  expect(await b.next()).toBe("*[:0]");
});

test("CLIENT PAUSE lets writes wait, or all", async () => {
  const { asker, others } = await serve(2);
  const [a, b] = others as [Listener, Listener];
  expect(await asker.ask("CLIENT", "PAUSE", 60_000, "WRITE")).toBe("+OK");
  a.send("SET", "k", "v");
  a.send("GET", "k");
  expect(await b.ask("GET", "k")).toBe("$nil");
  b.send("MULTI");
  b.send("INCR", "n");
  expect(await b.take(1)).toEqual(["+OK"]);
  expect(await asker.ask("GET", "k")).toBe("$nil");
  expect(await asker.ask("CLIENT", "UNPAUSE")).toBe("+OK");
  expect(await a.take(2)).toEqual(["+OK", '$"v"']);
  expect(await b.next()).toBe("+QUEUED");
  expect(await b.ask("EXEC")).toBe("*[:1]");
  expect(await asker.ask("CLIENT", "PAUSE", 20)).toBe("+OK");
  expect(await a.ask("PING")).toBe("+PONG");
  expect(await asker.ask("CLIENT", "PAUSE", "x")).toBe("-ERR timeout is not an integer or out of range");
  expect(await asker.ask("CLIENT", "PAUSE", "1", "READ")).toBe("-ERR CLIENT PAUSE mode must be WRITE or ALL");
});
