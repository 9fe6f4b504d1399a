// The WebSocket protocol over real sockets: one stream of RESP3 in binary frames, JSON in text frames, who may come
// in, and what a client may not do.

import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { encodeCommand, ReplyError } from "../src/resp.ts";
import { encodeReplyFrame, parseRequest } from "../src/server/json-frames.ts";
import { eventually, startTestServer } from "./server-fixture.ts";
import { TestWebSocket } from "./websocket-fixture.ts";
import { frame, RawWebSocket } from "./websocket-raw.ts";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("binary frames", () => {
  test("are one stream of RESP3", async () => {
    const server = await startTestServer();
    const client = await TestWebSocket.open(server.httpPort);
    client.binary("SET key value\r\nGET key\r\nGET none\r\nHELLO\r\n");
    expect(await client.reply()).toBe("OK");
    expect(await client.reply()).toBe("value");
    expect(await client.reply()).toBeNull();
    expect(await client.reply()).toMatchObject({ proto: 3, server: "redis" });
  });

  test("may cut commands at every byte", async () => {
    const server = await startTestServer();
    const client = await TestWebSocket.open(server.httpPort);
    const exchange = Buffer.concat([encodeCommand(["SET", "k", "a\r\nb"]), encodeCommand(["GET", "k"])]);
    for (let cut = 1; cut < exchange.length; cut++) {
      client.send(exchange.subarray(0, cut));
      client.send(exchange.subarray(cut));
      expect(await client.reply(), `cut at ${cut}`).toBe("OK");
      expect(await client.reply(), `cut at ${cut}`).toBe("a\r\nb");
    }
  });

  test("are answered by one frame each when the replies fit", async () => {
    const server = await startTestServer();
    const client = await TestWebSocket.open(server.httpPort);
    client.binary("PING\r\n".repeat(1000));
    for (let index = 0; index < 1000; index++) expect(await client.reply()).toBe("PONG");
    expect(client.binaryFrames).toBe(1);
  });

  test("hold 100,000 commands, and replies of many megabytes", async () => {
    const server = await startTestServer();
    const client = await TestWebSocket.open(server.httpPort);
    client.send(encodeCommand(["SET", "k", "x".repeat(1000)]));
    expect(await client.reply()).toBe("OK");
    const commands = 100_000;
    client.binary("GET k\r\n".repeat(commands));
    for (let index = 0; index < commands; index++) expect(await client.reply()).toHaveLength(1000);
  });

  test("of a client that never reads cost their bound and nobody else", async () => {
    const server = await startTestServer();
    const other = await TestWebSocket.open(server.httpPort);
    other.send(encodeCommand(["SET", "big", "x".repeat(60_000)]));
    await other.reply();
    const before = server.engine.stats().memoryUsedBytes;
    const slow = await TestWebSocket.open(server.httpPort);
    slow.socket.pause();
    slow.binary("GET big\r\n".repeat(2000));
    await eventually(() => server.engine.stats().memoryUsedBytes > before + 500_000);
    for (let round = 0; round < 100; round++) {
      other.binary("PING\r\n");
      expect(await other.reply()).toBe("PONG");
    }
    expect(server.engine.stats().memoryUsedBytes - before).toBeLessThan(4 * 1024 * 1024);
    slow.socket.terminate();
    await eventually(() => server.engine.stats().memoryUsedBytes <= before);
  });
});

describe("messages with others between them", () => {
  test("of a client that never reads cost its bound, and are all answered once it does", async () => {
    const server = await startTestServer();
    const other = await TestWebSocket.open(server.httpPort);
    other.send(encodeCommand(["SET", "big", "x".repeat(60_000)]));
    await other.reply();
    const before = server.engine.stats().memoryUsedBytes;
    const commands = 1000;
    const raw = await RawWebSocket.open(server.httpPort);
    raw.socket.removeAllListeners("data");
    raw.socket.pause();
    const message = Buffer.concat([frame(2, "GET big\r\n"), frame(9)]);
    raw.socket.write(Buffer.concat(Array.from({ length: commands }, () => message)));
    await eventually(() => server.engine.stats().memoryUsedBytes > before + 500_000);
    for (let round = 0; round < 20; round++) {
      other.binary("PING\r\n");
      expect(await other.reply()).toBe("PONG");
    }
    expect(server.engine.stats().memoryUsedBytes - before).toBeLessThan(4 * 1024 * 1024);
    let received = 0;
    raw.socket.on("data", (bytes) => {
      received += bytes.length;
    });
    raw.socket.resume();
    await eventually(() => received > commands * 60_000);
    raw.socket.destroy();
  });
});

describe("text frames", () => {
  test("carry one command and its reply", async () => {
    const server = await startTestServer();
    const client = await TestWebSocket.open(server.httpPort);
    expect(await client.request({ id: 1, command: ["SET", "k", "v"] })).toEqual({ id: 1, reply: "OK" });
    expect(await client.request({ id: "two", command: ["GET", "k"] })).toEqual({ id: "two", reply: "v" });
    expect(await client.request({ command: ["GET", "none"] })).toEqual({ reply: null });
    expect(await client.request({ id: 4, command: ["MGET", "k", "none"] })).toEqual({ id: 4, reply: ["v", null] });
    expect(await client.request({ id: 5, command: ["INCRBY", "n", 7] })).toEqual({ id: 5, reply: 7 });
    expect(await client.request({ id: 6, command: ["HELLO"] })).toMatchObject({ id: 6, reply: { proto: 3 } });
  });

  test("carry bytes as base64 where they are no text", async () => {
    const server = await startTestServer();
    const client = await TestWebSocket.open(server.httpPort);
    const base64 = Buffer.from([0, 255, 254, 13, 10]).toString("base64");
    expect(await client.request({ id: 1, command: ["SET", "k", { base64 }] })).toEqual({ id: 1, reply: "OK" });
    expect(await client.request({ id: 2, command: ["GET", "k"] })).toEqual({ id: 2, reply: { base64 } });
    const text = Buffer.from("ä\ufffd€").toString("base64");
    await client.request({ id: 3, command: ["SET", "k", { base64: text }] });
    expect(await client.request({ id: 4, command: ["GET", "k"] })).toEqual({ id: 4, reply: "ä\ufffd€" });
  });

  test("carry megabytes as base64 without a pause", () => {
    const bytes = Buffer.alloc(24 << 20, 7);
    const frame = JSON.stringify({ command: ["SET", "k", { base64: bytes.toString("base64") }] });
    const started = performance.now();
    const request = parseRequest(frame);
    expect(performance.now() - started).toBeLessThan(1500);
    expect("command" in request && bytes.equals(request.command[2] as Uint8Array)).toBe(true);
  });

  test("whose reply would be longer than a string may be say so, and the server lives", () => {
    const reply = Array.from({ length: 90 }, () => "\u0001".repeat(1 << 20));
    expect(JSON.parse(encodeReplyFrame(1, reply))).toMatchObject({ id: 1, error: { code: "reply-too-large" } });
  });

  test("carry integers beyond 2^53 as strings", async () => {
    const server = await startTestServer();
    const client = await TestWebSocket.open(server.httpPort);
    expect(await client.request({ id: 1, command: ["INCRBY", "n", "9007199254740993"] })).toEqual({
      id: 1,
      reply: "9007199254740993",
    });
  });

  test("carry errors with their stable code", async () => {
    const server = await startTestServer();
    const client = await TestWebSocket.open(server.httpPort);
    await client.request({ id: 1, command: ["HSET", "h", "f", "v"] });
    const answer = await client.request({ id: 2, command: ["GET", "h"] });
    expect(answer).toMatchObject({ id: 2, error: { code: "wrong-type" } });
    expect(await client.request({ id: 3, command: ["NOPE"] })).toMatchObject({ error: { code: "unknown-command" } });
  });

  test("that are malformed get an error and harm nothing", async () => {
    const server = await startTestServer();
    const client = await TestWebSocket.open(server.httpPort);
    const cases: [string, unknown][] = [
      ["{", null],
      ["[1]", null],
      ['{"id":{},"command":["PING"]}', null],
      ['{"id":7}', 7],
      ['{"id":8,"command":[]}', 8],
      ['{"id":9,"command":["GET",null]}', 9],
      ['{"id":10,"command":["GET",{"base64":"*"}]}', 10],
      ['{"id":11,"command":"PING"}', 11],
    ];
    for (const [frame, id] of cases) {
      expect(await client.request(frame), frame).toMatchObject({ id, error: { code: "protocol-error" } });
    }
    expect(await client.request({ id: 1, command: ["PING"] })).toEqual({ id: 1, reply: "PONG" });
  });

  test("keep their order, and their distance from half a command in binary frames", async () => {
    const server = await startTestServer();
    const client = await TestWebSocket.open(server.httpPort);
    client.binary("*2\r\n$4\r\nECHO\r\n$5\r\nhe");
    for (let id = 0; id < 100; id++) client.send(JSON.stringify({ id, command: ["ECHO", `text ${id}`] }));
    for (let id = 0; id < 100; id++) expect(await client.json()).toEqual({ id, reply: `text ${id}` });
    client.binary("llo\r\n");
    expect(await client.reply()).toBe("hello");
  });

  test("answer a hash as an object, also after RESET and HELLO 2", async () => {
    const server = await startTestServer();
    const client = await TestWebSocket.open(server.httpPort);
    await client.request({ id: 1, command: ["HSET", "h", "field", "value"] });
    for (const command of [["PING"], ["RESET"], ["HELLO", "2"]]) {
      await client.request({ id: 2, command });
      const answer = await client.request({ id: 3, command: ["HGETALL", "h"] });
      expect(answer).toEqual({ id: 3, reply: { field: "value" } });
    }
  });

  test("may be many and deep without stalling others", async () => {
    const server = await startTestServer();
    const client = await TestWebSocket.open(server.httpPort);
    const requests = 20_000;
    for (let id = 0; id < requests; id++) client.send(`{"id":${id},"command":["INCR","n"]}`);
    for (let id = 0; id < requests; id++) expect(await client.json()).toEqual({ id, reply: id + 1 });
  });
});

describe("who may come in", () => {
  test("pages of another origin may not, unless it is listed", async () => {
    const server = await startTestServer({ allowOrigins: ["https://app.example.org"] });
    const port = server.httpPort;
    for (const origin of [`http://127.0.0.1:${port}`, "https://app.example.org"]) {
      const client = await TestWebSocket.open(port, { origin });
      client.binary("PING\r\n");
      expect(await client.reply()).toBe("PONG");
    }
    for (const origin of ["https://evil.example.org", "null", `http://localhost:${port}`, "http://127.0.0.1:1"]) {
      const refused = await TestWebSocket.refused(port, { origin });
      expect(refused.status).toBe(403);
      expect(refused.text).toContain("--allow-origin");
    }
  });

  test("a foreign host may not, unless it is listed", async () => {
    const server = await startTestServer({ allowHosts: ["cache.example.org"] });
    const port = server.httpPort;
    for (const host of [`localhost:${port}`, "127.0.0.1", "[::1]:80", "cache.example.org", "CACHE.example.org:443"]) {
      await TestWebSocket.open(port, { headers: { host } });
    }
    for (const host of ["evil.example.org", "localhost.evil.example.org", "evil:80@localhost", "localhost:80:80"]) {
      const refused = await TestWebSocket.refused(port, { headers: { host } });
      expect(refused.status).toBe(403);
      expect(refused.text).toContain("--allow-host");
    }
  });

  test("the path is / and nothing else", async () => {
    const server = await startTestServer();
    expect((await TestWebSocket.refused(server.httpPort, { path: "/ws" })).status).toBe(404);
    await TestWebSocket.open(server.httpPort, { path: "/?from=test" });
  });

  test("more clients than --max-connections get 503", async () => {
    const server = await startTestServer({ maxConnections: 1 });
    const first = await TestWebSocket.open(server.httpPort);
    const refused = await TestWebSocket.refused(server.httpPort, {});
    expect(refused).toEqual({
      status: 503,
      text: "max number of clients reached (--max-connections is 1)\n",
    });
    first.socket.close();
    await first.closed;
    await TestWebSocket.open(server.httpPort);
  });

  test("an upgrade that is no WebSocket's is refused", async () => {
    const server = await startTestServer();
    const status = await new Promise((resolve) => {
      const headers = { connection: "Upgrade", upgrade: "websocket" };
      const request = httpRequest({ port: server.httpPort, headers }, (response) => resolve(response.statusCode));
      request.end();
    });
    expect(status).toBe(400);
  });
});

describe("passwords", () => {
  const password = "pässword";
  const subprotocol = (text: string): string => `nearkey.auth.${Buffer.from(text).toString("base64url")}`;

  test("come in the first command, binary or JSON, and hold for both", async () => {
    const server = await startTestServer({ password });
    const client = await TestWebSocket.open(server.httpPort);
    client.binary("GET k\r\n");
    expect(await client.reply()).toEqual(new ReplyError("NOAUTH Authentication required."));
    expect(await client.request({ id: 1, command: ["GET", "k"] })).toMatchObject({
      error: { code: "authentication-required" },
    });
    expect(await client.request({ id: 2, command: ["AUTH", "wrong"] })).toMatchObject({
      error: { code: "wrong-password" },
    });
    expect(await client.request({ id: 3, command: ["AUTH", password] })).toEqual({ id: 3, reply: "OK" });
    client.binary("GET k\r\n");
    expect(await client.reply()).toBeNull();
    const second = await TestWebSocket.open(server.httpPort);
    second.send(encodeCommand(["HELLO", 3, "AUTH", "default", password]));
    expect(await second.reply()).toMatchObject({ proto: 3 });
  });

  test("come in a subprotocol", async () => {
    const server = await startTestServer({ password });
    const client = await TestWebSocket.open(server.httpPort, { protocols: ["nearkey", subprotocol(password)] });
    expect(client.socket.protocol).toBe("nearkey");
    client.binary("PING\r\n");
    expect(await client.reply()).toBe("PONG");
    const refused = await TestWebSocket.refused(server.httpPort, { protocols: ["nearkey", subprotocol("wrong")] });
    expect(refused.status).toBe(401);
  });

  test("are not needed where none is set, and one that comes is passed over", async () => {
    const server = await startTestServer();
    const client = await TestWebSocket.open(server.httpPort, { protocols: ["nearkey", subprotocol("any")] });
    client.binary("PING\r\n");
    expect(await client.reply()).toBe("PONG");
  });

  test("must come in small frames", async () => {
    const server = await startTestServer({ password });
    const whole = await TestWebSocket.open(server.httpPort);
    whole.send(Buffer.alloc(4097));
    expect(await whole.closed).toEqual({ code: 1008, reason: "frames are limited to 4096 bytes until authenticated" });
    const growing = await TestWebSocket.open(server.httpPort);
    for (let piece = 0; piece < 100 && growing.socket.readyState === growing.socket.OPEN; piece++) {
      growing.socket.send(Buffer.alloc(1000), { fin: false });
      await nextTurn();
    }
    expect(await growing.closed).toHaveProperty("code", 1008);
    const large = await TestWebSocket.open(server.httpPort);
    large.send(encodeCommand(["AUTH", password]));
    large.send(encodeCommand(["SET", "k", "x".repeat(100_000)]));
    expect(await large.reply()).toBe("OK");
    expect(await large.reply()).toBe("OK");
  });

  test("must come in small frames, and of a larger one nothing more is read", async () => {
    const server = await startTestServer({ password });
    const socket = connect(server.httpPort, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(
      "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    await new Promise((resolve) => socket.once("data", resolve));
    socket.resume();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0, 0, 0])); // 64 MiB are announced
    const piece = Buffer.alloc(1 << 16);
    const more = setInterval(() => socket.write(piece), 1);
    await closed; // by the server, which would wait for 64 MiB otherwise
    clearInterval(more);
  });

  test("must come within --auth-timeout", async () => {
    const server = await startTestServer({ password, authTimeoutMs: 100 });
    const client = await TestWebSocket.open(server.httpPort);
    expect(await client.closed).toEqual({ code: 1008, reason: "no password within 0.1 seconds (--auth-timeout)" });
  });
});

describe("limits and the end", () => {
  test("a frame beyond --max-frame-bytes ends the connection by name", async () => {
    const server = await startTestServer({ maxFrameBytes: 100_000 });
    const client = await TestWebSocket.open(server.httpPort);
    client.send(Buffer.alloc(100_001));
    expect(await client.closed).toEqual({
      code: 1009,
      reason: "frames are limited to 100000 bytes (--max-frame-bytes)",
    });
  });

  test("a malformed command is answered before the close", async () => {
    const server = await startTestServer();
    const client = await TestWebSocket.open(server.httpPort);
    client.binary("*x\r\n");
    expect(await client.reply()).toEqual(new ReplyError("ERR Protocol error: invalid multibulk length"));
    expect(await client.closed).toEqual({
      code: 1002,
      reason: "no RESP, an argument over 67108864 bytes (--max-value-bytes) or over 131072 (--max-arguments)",
    });
  });

  test("a command over a limit is answered before a close that names the settings", async () => {
    const server = await startTestServer({ maxValueBytes: 1000, maxArguments: 5 });
    const reason = "no RESP, an argument over 1000 bytes (--max-value-bytes) or over 5 (--max-arguments)";
    for (const command of [
      ["SET", "k", "x".repeat(1001)],
      ["DEL", "1", "2", "3", "4", "5"],
    ]) {
      const client = await TestWebSocket.open(server.httpPort);
      client.send(encodeCommand(command));
      expect(await client.reply()).toEqual(new ReplyError(expect.stringMatching(/^ERR Protocol error: invalid/)));
      expect(await client.closed).toEqual({ code: 1002, reason });
    }
  });

  test("a command of a text frame over a limit is refused alone, by the name of the setting", async () => {
    const server = await startTestServer({ maxValueBytes: 1000, maxArguments: 5 });
    const client = await TestWebSocket.open(server.httpPort);
    const cases: [unknown[], RegExp][] = [
      [["SET", "k", "x".repeat(1001)], /^command\[2\] has 1001 bytes, .* 1000 \(--max-value-bytes\)$/],
      [["SET", "k", "€".repeat(334)], /^command\[2\] has 1002 bytes/],
      [["SET", "k", { base64: Buffer.alloc(1001).toString("base64") }], /--max-value-bytes/],
      [["DEL", 1, 2, 3, 4, 5], /^a command has at most 5 arguments \(--max-arguments\), not 6$/],
    ];
    for (const [command, text] of cases) {
      expect(await client.request({ id: 1, command })).toEqual({
        id: 1,
        error: { code: "invalid-argument", message: expect.stringMatching(text) },
      });
    }
    expect(await client.request({ id: 2, command: ["SET", "k", "€".repeat(333)] })).toEqual({ id: 2, reply: "OK" });
  });

  test("a text frame that no string can hold is refused at its header", async () => {
    const server = await startTestServer({ maxFrameBytes: 512 << 20 });
    const raw = await RawWebSocket.open(server.httpPort);
    raw.socket.write(frame(1, "", { announced: 300 << 20 }));
    await raw.closed;
    expect(raw.received.readUInt16BE(2)).toBe(1009);
    expect(raw.received.subarray(4).toString()).toMatch(/^text frames are limited to 268435456 bytes/);
  });

  test("QUIT is answered before the close, in either kind of frame", async () => {
    const server = await startTestServer();
    const binary = await TestWebSocket.open(server.httpPort);
    binary.binary("QUIT\r\n");
    expect(await binary.reply()).toBe("OK");
    expect(await binary.closed).toHaveProperty("code", 1000);
    const text = await TestWebSocket.open(server.httpPort);
    expect(await text.request({ id: 1, command: ["QUIT"] })).toEqual({ id: 1, reply: "OK" });
    expect(await text.closed).toHaveProperty("code", 1000);
  });

  test("a stopping server answers what it has received and says that it goes", async () => {
    const server = await startTestServer();
    const client = await TestWebSocket.open(server.httpPort);
    client.binary("PING\r\n".repeat(5000));
    client.send('{"id":1,"command":["PING"]}');
    await nextTurn();
    await server.stop();
    for (let index = 0; index < 5000; index++) expect(await client.reply()).toBe("PONG");
    expect(await client.json()).toEqual({ id: 1, reply: "PONG" });
    expect(await client.closed).toHaveProperty("code", 1001);
  });

  test("clients that come and go leave nothing behind", async () => {
    const server = await startTestServer();
    const other = await TestWebSocket.open(server.httpPort);
    other.binary("PING\r\n");
    await other.reply();
    const before = server.engine.stats().memoryUsedBytes;
    for (let round = 0; round < 20; round++) {
      const client = await TestWebSocket.open(server.httpPort);
      client.binary("PING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\nhalf a value");
      client.send('{"id":1,"command":["PING"]}');
      await client.reply();
      client.socket.terminate();
    }
    await eventually(() => server.engine.stats().memoryUsedBytes <= before);
  });
});
