// Publish and subscribe over every transport, by plain sockets.

import { afterEach, describe, expect, test } from "vitest";
import { Listener } from "./listener.ts";
import { eventually, startTestServer } from "./server-fixture.ts";
import { TestWebSocket } from "./websocket-fixture.ts";

const open: Listener[] = [];

afterEach(() => {
  for (const { socket } of open.splice(0)) socket.destroy();
});

async function listen(port: number, protocol: 2 | 3 = 2): Promise<Listener> {
  const listener = await Listener.open(port, protocol);
  open.push(listener);
  return listener;
}

describe.each([
  [2, "*"],
  [3, ">"],
] as const)("over RESP%i", (protocol, push) => {
  test("a message reaches who listens to its channel or a pattern, in order", async () => {
    const { respPort } = await startTestServer();
    const [one, other, speaker] = [
      await listen(respPort, protocol),
      await listen(respPort, protocol),
      await listen(respPort),
    ];
    expect(await one.ask("SUBSCRIBE", "a")).toBe(`${push}[$"subscribe" $"a" :1]`);
    expect(await one.ask("SUBSCRIBE", "a")).toBe(`${push}[$"subscribe" $"a" :1]`);
    expect(await one.ask("PSUBSCRIBE", "[ab]*")).toBe(`${push}[$"psubscribe" $"[ab]*" :2]`);
    expect(await other.ask("SUBSCRIBE", "b")).toBe(`${push}[$"subscribe" $"b" :1]`);
    expect(await other.ask("SSUBSCRIBE", "a")).toBe(`${push}[$"ssubscribe" $"a" :1]`);
    expect(await speaker.ask("PUBLISH", "a", "1")).toBe(":2");
    expect(await speaker.ask("PUBLISH", "b", "2")).toBe(":2");
    expect(await speaker.ask("PUBLISH", "c", "3")).toBe(":0");
    expect(await speaker.ask("SPUBLISH", "a", "4")).toBe(":1");
    expect(await one.take(3)).toEqual([
      `${push}[$"message" $"a" $"1"]`,
      `${push}[$"pmessage" $"[ab]*" $"a" $"1"]`,
      `${push}[$"pmessage" $"[ab]*" $"b" $"2"]`,
    ]);
    expect(await other.take(2)).toEqual([`${push}[$"message" $"b" $"2"]`, `${push}[$"smessage" $"a" $"4"]`]);
    expect(await one.ask("UNSUBSCRIBE", "a", "x")).toBe(`${push}[$"unsubscribe" $"a" :1]`);
    expect(await one.next()).toBe(`${push}[$"unsubscribe" $"x" :1]`);
    expect(await one.ask("PUNSUBSCRIBE")).toBe(`${push}[$"punsubscribe" $"[ab]*" :0]`);
    expect(await one.ask("PUNSUBSCRIBE")).toMatch(/punsubscribe" [_$]nil :0\]$/);
    expect(await speaker.ask("PUBLISH", "a", "5")).toBe(":0");
  });

  test("messages of any length arrive whole", async () => {
    const { respPort } = await startTestServer();
    const [one, speaker] = [await listen(respPort, protocol), await listen(respPort)];
    await one.ask("SUBSCRIBE", "a");
    for (const bytes of [0, 1, 32_600, 32_700, 32_768, 65_535, 65_536, 200_000, 3_000_000]) {
      const message = "x".repeat(bytes);
      expect(await speaker.ask("PUBLISH", "a", message)).toBe(":1");
      expect((await one.next()) === `${push}[$"message" $"a" $"${message}"]`).toBe(true);
    }
  });

  test("RESET and the end of the connection end its subscriptions", async () => {
    const { respPort } = await startTestServer();
    const [one, other, speaker] = [
      await listen(respPort, protocol),
      await listen(respPort, protocol),
      await listen(respPort),
    ];
    for (const each of [one, other]) {
      await each.ask("SUBSCRIBE", "a");
      await each.ask("PSUBSCRIBE", "a");
      await each.ask("SSUBSCRIBE", "a");
    }
    expect(await one.ask("RESET")).toBe("+RESET");
    expect(await speaker.ask("PUBLISH", "a", "1")).toBe(":2");
    expect(await one.ask("GET", "k")).toBe("$nil");
    other.socket.destroy();
    let left = "";
    for (let tries = 0; left !== ":0" && tries < 100; tries++) left = await speaker.ask("PUBLISH", "a", "2");
    expect(left).toBe(":0");
    expect(await speaker.ask("SPUBLISH", "a", "2")).toBe(":0");
    expect(await speaker.ask("PUBSUB", "NUMPAT")).toBe(":0");
  });
});

test("RESP2 lets one who listens use few commands, RESP3 all", async () => {
  const { respPort } = await startTestServer();
  const [two, three] = [await listen(respPort, 2), await listen(respPort, 3)];
  for (const each of [two, three]) await each.ask("SUBSCRIBE", "a");
  expect(await two.ask("GET", "k")).toBe(
    "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
  );
  expect(await three.ask("GET", "k")).toBe("_nil");
  expect(await two.ask("PING")).toBe('*[$"pong" $""]');
  expect(await two.ask("PING", "x")).toBe('*[$"pong" $"x"]');
  expect(await three.ask("PING")).toBe("+PONG");
  expect(await two.ask("UNSUBSCRIBE")).toBe('*[$"unsubscribe" $"a" :0]');
  expect(await two.ask("PING")).toBe("+PONG");
  expect(await two.ask("QUIT")).toBe("+OK");
});

test("its own message comes behind the reply to PUBLISH, in a transaction behind that of EXEC", async () => {
  const { respPort } = await startTestServer();
  const one = await listen(respPort, 3);
  await one.ask("SUBSCRIBE", "a");
  one.send("PUBLISH", "a", "1");
  one.send("PING");
  one.send("MULTI");
  one.send("PUBLISH", "a", "2");
  one.send("SET", "k", "v");
  one.send("EXEC");
  one.send("PING");
  expect(await one.take(8)).toEqual([
    ":1",
    '>[$"message" $"a" $"1"]',
    "+PONG",
    "+OK",
    "+QUEUED",
    "+QUEUED",
    "*[:1 +OK]",
    '>[$"message" $"a" $"2"]',
  ]);
  expect(await one.next()).toBe("+PONG");
});

test("CLIENT REPLY OFF silences replies, not messages and confirmations", async () => {
  const { respPort } = await startTestServer();
  const [one, speaker] = [await listen(respPort, 3), await listen(respPort)];
  one.send("CLIENT", "REPLY", "OFF");
  one.send("PING");
  expect(await one.ask("SUBSCRIBE", "a")).toBe('>[$"subscribe" $"a" :1]');
  expect(await speaker.ask("PUBLISH", "a", "1")).toBe(":1");
  expect(await one.next()).toBe('>[$"message" $"a" $"1"]');
});

test("PUBSUB tells who listens", async () => {
  const { respPort } = await startTestServer();
  const [one, other] = [await listen(respPort), await listen(respPort)];
  one.send("SUBSCRIBE", "news:a", "news:b", "more");
  await one.take(3);
  expect(await other.ask("PUBSUB", "CHANNELS")).toBe('*[$"news:a" $"news:b" $"more"]');
  expect(await other.ask("PUBSUB", "CHANNELS", "news:*")).toBe('*[$"news:a" $"news:b"]');
  expect(await other.ask("PUBSUB", "NUMSUB", "more", "x")).toBe('*[$"more" :1 $"x" :0]');
  expect(await other.ask("PUBSUB", "NUMSUB")).toBe("*[]");
  expect(await other.ask("PUBSUB", "SHARDNUMSUB", "more")).toBe('*[$"more" :0]');
  expect(await other.ask("PUBSUB", "NUMPAT", "x")).toBe("-ERR wrong number of arguments for 'pubsub|numpat' command");
  expect(await other.ask("PUBSUB", "X")).toBe("-ERR unknown subcommand 'X'. Try PUBSUB HELP.");
});

test("one who reads nothing is cut off at its output limit, and nobody else notices", async () => {
  const { engine, respPort } = await startTestServer({ outputLimitBytes: 2 << 20, maxValueBytes: 1 << 20 });
  const [slow, fast, speaker] = [await listen(respPort), await listen(respPort), await listen(respPort)];
  await slow.ask("SUBSCRIBE", "a");
  await fast.ask("SUBSCRIBE", "a");
  slow.socket.pause();
  const message = "x".repeat(100_000);
  let receivers = "";
  for (let count = 0; receivers !== ":1" && count < 500; count++) {
    receivers = await speaker.ask("PUBLISH", "a", message);
    await fast.next();
  }
  expect(receivers).toBe(":1");
  expect(engine.stats().memoryUsedBytes).toBeLessThan(64 << 20);
});

test("thousands of idle listeners take cells, not pages", async () => {
  const { engine, respPort } = await startTestServer();
  const [one, speaker] = [await listen(respPort), await listen(respPort)];
  const before = engine.stats().memoryUsedBytes;
  const channels = Array.from({ length: 40_000 }, (_, index) => `channel:${index}`);
  for (let at = 0; at < channels.length; at += 10_000) {
    one.send("SUBSCRIBE", ...channels.slice(at, at + 10_000));
    await one.take(10_000);
  }
  expect(engine.stats().memoryUsedBytes - before).toBeLessThan(8 << 20);
  expect(await speaker.ask("PUBLISH", "channel:31234", "x")).toBe(":1");
  expect(await one.next()).toBe('*[$"message" $"channel:31234" $"x"]');
  one.socket.destroy();
  await eventually(() => engine.stats().memoryUsedBytes < before + (1 << 19));
});

test("WebSockets hear in binary and in text frames", async () => {
  const { httpPort, respPort } = await startTestServer();
  const speaker = await listen(respPort);
  const binary = await TestWebSocket.open(httpPort);
  binary.binary("SUBSCRIBE a\r\n");
  expect(await binary.reply()).toEqual(["subscribe", "a", 1]);
  const json = await TestWebSocket.open(httpPort);
  expect(await json.request({ id: 7, command: ["SUBSCRIBE", "a", "b"] })).toEqual({ push: ["subscribe", "a", 1] });
  expect(await json.json()).toEqual({ id: 7, reply: 1 });
  expect(await json.json()).toEqual({ push: ["subscribe", "b", 2] });
  expect(await speaker.ask("PUBLISH", "a", "hello")).toBe(":2");
  expect(await binary.reply()).toEqual(["message", "a", "hello"]);
  expect(await json.json()).toEqual({ push: ["message", "a", "hello"] });
  expect(await json.request({ id: 8, command: ["GET", "k"] })).toEqual({ id: 8, reply: null });
  for (const { socket } of [binary, json]) socket.close();
});
