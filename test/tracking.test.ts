// Client-side caching: who is told of which change, by plain sockets over RESP3, RESP2 with a redirection, and WebSockets.

import { afterEach, expect, test } from "vitest";
import { Listener } from "./listener.ts";
import { startTestServer } from "./server-fixture.ts";
import { TestWebSocket } from "./websocket-fixture.ts";

const open: Listener[] = [];

afterEach(() => {
  for (const { socket } of open.splice(0)) socket.destroy();
});

async function serve(...protocols: (2 | 3)[]) {
  const server = await startTestServer();
  for (const protocol of protocols) open.push(await Listener.open(server.respPort, protocol));
  return { server, listeners: open as readonly Listener[] as [Listener, Listener, Listener] };
}

const told = (...keys: string[]): string => `>[$"invalidate" *[${keys.map((key) => `$"${key}"`).join(" ")}]]`;

test("a key that was read is told once when it changes", async () => {
  const { listeners } = await serve(3, 2);
  const [reader, writer] = listeners;
  expect(await reader.ask("CLIENT", "TRACKING", "ON")).toBe("+OK");
  await reader.ask("MGET", "a", "b");
  await writer.ask("SET", "a", "1");
  expect(await reader.next()).toBe(told("a"));
  await writer.ask("SET", "a", "2");
  await writer.ask("SET", "b", "2");
  expect(await reader.next()).toBe(told("b"));
  await reader.ask("GET", "a");
  await writer.ask("DEL", "a");
  expect(await reader.next()).toBe(told("a"));
  expect(await reader.ask("CLIENT", "TRACKING", "OFF")).toBe("+OK");
  await reader.ask("GET", "b");
  await writer.ask("SET", "b", "3");
  expect(await reader.ask("PING")).toBe("+PONG");
});

test("every way to change a key is told: in place, expiring, renamed, emptied", async () => {
  const { listeners } = await serve(3, 2);
  const [reader, writer] = listeners;
  await reader.ask("CLIENT", "TRACKING", "ON");
  const changes: [read: string[], change: (string | number)[]][] = [
    [
      ["GET", "s"],
      ["SET", "s", "1"],
    ],
    [
      ["GET", "s"],
      ["APPEND", "s", "1"],
    ],
    [
      ["GET", "s"],
      ["INCR", "s"],
    ],
    [
      ["GET", "s"],
      ["EXPIRE", "s", 100],
    ],
    [
      ["GET", "s"],
      ["PERSIST", "s"],
    ],
    [
      ["HGETALL", "h"],
      ["HSET", "h", "f", "1"],
    ],
    [
      ["HGETALL", "h"],
      ["HDEL", "h", "f"],
    ],
    [
      ["LRANGE", "l", "0", "-1"],
      ["RPUSH", "l", "1"],
    ],
    [
      ["LRANGE", "l", "0", "-1"],
      ["LPOP", "l"],
    ],
    [
      ["GET", "s"],
      ["RENAME", "s", "t"],
    ],
    [
      ["GET", "t"],
      ["PEXPIRE", "t", 1],
    ],
  ];
  for (const [read, change] of changes) {
    await reader.ask(...read);
    await writer.ask(...change);
    expect(await reader.next()).toBe(told(read[1] ?? ""));
  }
  await writer.ask("SET", "x", "1", "PX", 5);
  await reader.ask("GET", "x");
  expect(await reader.next()).toBe(told("x"));
  await reader.ask("GET", "x");
  await writer.ask("FLUSHALL");
  expect(await reader.next()).toBe('>[$"invalidate" _nil]');
});

test("its own changes come behind the reply, and with NOLOOP not", async () => {
  const { listeners } = await serve(3);
  const [one] = listeners;
  await one.ask("CLIENT", "TRACKING", "ON");
  await one.ask("GET", "a");
  one.send("SET", "a", "1");
  one.send("PING");
  expect(await one.take(3)).toEqual(["+OK", told("a"), "+PONG"]);
  await one.ask("CLIENT", "TRACKING", "ON", "NOLOOP");
  await one.ask("GET", "a");
  one.send("SET", "a", "1");
  expect(await one.next()).toBe("+OK");
  expect(await one.ask("PING")).toBe("+PONG");
});

test("prefixes are told whether anybody read or not", async () => {
  const { listeners } = await serve(3, 3, 2);
  const [some, all, writer] = listeners;
  expect(await some.ask("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "user:", "PREFIX", "room:")).toBe("+OK");
  expect(await all.ask("CLIENT", "TRACKING", "ON", "BCAST")).toBe("+OK");
  await writer.ask("SET", "user:1", "x");
  await writer.ask("SET", "other", "x");
  await writer.ask("APPEND", "room:1", "x");
  await writer.ask("APPEND", "room:1", "x");
  expect(await some.take(3)).toEqual([told("user:1"), told("room:1"), told("room:1")]);
  expect(await all.take(4)).toEqual([told("user:1"), told("other"), told("room:1"), told("room:1")]);
  expect(await some.ask("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "user")).toBe(
    "-ERR Prefix 'user' overlaps with an existing prefix 'user:'. Prefixes for a single client must not overlap.",
  );
  expect(await some.ask("CLIENT", "TRACKING", "ON")).toMatch(/^-ERR You can't switch BCAST mode/);
  expect(await all.ask("CLIENT", "TRACKING", "ON", "PREFIX", "x")).toBe(
    "-ERR PREFIX option requires BCAST mode to be enabled",
  );
});

test("OPTIN and OPTOUT say of each command whether its keys are tracked", async () => {
  const { listeners } = await serve(3, 2);
  const [one, writer] = listeners;
  await one.ask("CLIENT", "TRACKING", "ON", "OPTIN");
  await one.ask("GET", "a");
  expect(await one.ask("CLIENT", "CACHING", "YES")).toBe("+OK");
  await one.ask("GET", "b");
  await writer.ask("MSET", "a", "1", "b", "1");
  expect(await one.next()).toBe(told("b"));
  for (const command of [["CLIENT", "CACHING", "YES"], ["MULTI"], ["GET", "a"], ["GET", "b"]])
    await one.ask(...command);
  await one.ask("EXEC");
  await one.ask("GET", "c");
  await writer.ask("MSET", "c", "2", "b", "2", "a", "2");
  expect(await one.take(2)).toEqual([told("b"), told("a")]);
  await one.ask("CLIENT", "TRACKING", "OFF");
  await one.ask("CLIENT", "TRACKING", "ON", "OPTOUT");
  await one.ask("CLIENT", "CACHING", "NO");
  await one.ask("GET", "a");
  await one.ask("GET", "b");
  await writer.ask("MSET", "a", "3", "b", "3");
  expect(await one.next()).toBe(told("b"));
  expect(await one.ask("CLIENT", "CACHING", "YES")).toMatch(/^-ERR CLIENT CACHING YES is only valid/);
  expect(await one.ask("CLIENT", "TRACKINGINFO")).toBe('%[$"flags" *[$"on" $"optout"] $"redirect" :0 $"prefixes" *[]]');
});

test("RESP2 is told by a channel of another connection, whose end RESP3 hears of", async () => {
  const { listeners } = await serve(2, 3, 2);
  const [listener, reader, writer] = listeners;
  const id = (await listener.ask("CLIENT", "ID")).slice(1);
  await listener.ask("SUBSCRIBE", "__redis__:invalidate");
  expect(await reader.ask("CLIENT", "TRACKING", "ON", "REDIRECT", id)).toBe("+OK");
  expect(await reader.ask("CLIENT", "GETREDIR")).toBe(`:${id}`);
  await reader.ask("GET", "a");
  await writer.ask("SET", "a", "1");
  expect(await listener.next()).toBe('*[$"message" $"__redis__:invalidate" *[$"a"]]');
  await writer.ask("FLUSHDB");
  expect(await listener.next()).toBe('*[$"message" $"__redis__:invalidate" *nil]');
  await reader.ask("GET", "a");
  await listener.ask("QUIT");
  await listener.closed;
  await reader.ask("GET", "a");
  let info = "";
  while (!info.includes("broken_redirect")) info = await reader.ask("CLIENT", "TRACKINGINFO");
  await writer.ask("SET", "a", "2");
  expect(await reader.next()).toBe(`>[$"tracking-redir-broken" :${id}]`);
  expect(await writer.ask("CLIENT", "TRACKING", "ON", "REDIRECT", 99)).toBe(
    "-ERR The client ID you want redirect to does not exist",
  );
});

test("a WebSocket is told", async () => {
  const { server, listeners } = await serve(2);
  const [writer] = listeners;
  const socket = await TestWebSocket.open(server.httpPort);
  socket.binary("CLIENT TRACKING ON\r\nGET a\r\n");
  expect(await socket.reply()).toBe("OK");
  expect(await socket.reply()).toBe(null);
  await writer.ask("SET", "a", "1");
  expect(await socket.reply()).toEqual(["invalidate", ["a"]]);
  socket.socket.close();
});
