// The client against the real server over real sockets, and against servers that break: what is in flight, what
// waits, and what each is told.

import { afterEach, describe, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { connect as connectInBrowser } from "../src/client.ts";
import { type Client, type ConnectOptions, connect, type WebSocketClass } from "../src/client-node.ts";
import { startTestServer } from "./server-fixture.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const withCode = (code: string) => expect.objectContaining({ name: "NearkeyError", code });
const clients: Client[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function connected(port: number, options?: ConnectOptions): Promise<Client> {
  const client = await connect(`ws://127.0.0.1:${port}/`, options);
  clients.push(client);
  return client;
}

/** A WebSocket class that counts what it sends, and can hold it back. */
function countingSockets() {
  const frames: number[] = [];
  const sockets: WebSocket[] = [];
  class Counting extends WebSocket {
    constructor(url: string) {
      super(url);
      sockets.push(this);
    }
    override send(data: Uint8Array): void {
      frames.push(data.length);
      super.send(data);
    }
  }
  return { frames, sockets, WebSocket: Counting as unknown as WebSocketClass };
}

/** A server that answers the greeting, and everything else as `answer` says. */
async function startFakeServer(
  answer: (socket: WebSocket, text: string) => void,
  greeting = "%1\r\n+proto\r\n:3\r\n",
): Promise<{ port: number; stop(): void }> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  server.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("message", (data: Buffer) => {
      const text = data.toString();
      if (text.includes("HELLO")) socket.send(Buffer.from(greeting));
      else answer(socket, text);
    });
  });
  const stop = () => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  };
  return { port: (server.address() as { port: number }).port, stop };
}

describe("methods", () => {
  test("answer as those of the embedded database", async () => {
    const client = await connected((await startTestServer()).httpPort);
    expect(await client.set("user:1", "Ada", { ttlMs: 60_000 })).toBe(true);
    expect(await client.set("user:1", "Eve", { onlyIf: "absent" })).toBe(false);
    expect(await client.get("user:1")).toBe("Ada");
    expect(await client.get("none")).toBeUndefined();
    const value = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await client.set(value, value);
    expect(await client.getBytes(value)).toEqual(value);
    await client.setMany([
      ["a", "1"],
      ["b", bytes("2")],
    ]);
    expect(await client.getMany(["a", "none", "b"])).toEqual(["1", undefined, "2"]);
    expect(await client.increment("n", 41)).toBe(41);
    expect(await client.has("n")).toBe(true);
    expect(await client.expire("n", 50_000)).toBe(true);
    expect(await client.ttlMs("n")).toBeGreaterThan(49_000);
    expect(await client.ttlMs("a")).toBe(Number.POSITIVE_INFINITY);
    expect(await client.ttlMs("none")).toBeUndefined();
    expect(await client.delete("a", "b", "none")).toBe(2);
    expect(await client.delete()).toBe(0);
    expect(await client.command("HSET", "h", "f", "v")).toBe(1);
    expect(await client.command("HGETALL", "h")).toEqual({ f: "v" });
    expect(await client.commandBytes("HGETALL", "h")).toEqual([bytes("f"), bytes("v")]);
  });

  test("reject for what is an error, and never throw", async () => {
    const client = await connected((await startTestServer()).httpPort);
    await client.command("HSET", "h", "f", "v");
    await expect(client.get("h")).rejects.toEqual(withCode("wrong-type"));
    await expect(client.command("NOPE")).rejects.toEqual(withCode("unknown-command"));
    await expect(client.get(5 as unknown as string)).rejects.toEqual(withCode("invalid-argument"));
    await expect(client.command("GET", null as unknown as string)).rejects.toEqual(withCode("invalid-argument"));
    await expect(client.command("hello", 2)).rejects.toEqual(withCode("invalid-argument"));
    await expect(client.command("SELECT", 1)).rejects.toThrowError(/database 0/);
    await expect(client.command("client", "reply", "off")).rejects.toThrowError(/replies/);
    expect(await client.command("CLIENT", "GETNAME")).toBeNull();
    await expect(client.has("k".repeat(32_705))).rejects.toEqual(withCode("invalid-argument"));
    const many = Array.from({ length: 40_000 }, (_, index) => [`${index}`, ""] as const);
    await expect(client.setMany(many)).rejects.toThrowError(/32768/);
    await client.command("SET", "n", 2n ** 53n - 1n);
    await expect(client.increment("n")).rejects.toEqual(withCode("unsafe-integer"));
    expect(await client.get("n")).toBe("9007199254740991");
  });

  test("take an increment back that no number can tell, even of a client that closes meanwhile", async () => {
    const { httpPort } = await startTestServer();
    const client = await connected(httpPort);
    await client.command("SET", "n", 2n ** 53n - 1n);
    const refused = expect(client.increment("n")).rejects.toEqual(withCode("unsafe-integer"));
    await client.close();
    await refused;
    expect(await (await connected(httpPort)).get("n")).toBe("9007199254740991");
  });

  test("carry values larger than a frame", async () => {
    const client = await connected((await startTestServer()).httpPort);
    const value = "\u20ac".repeat(3_000_000);
    await client.set("long", value);
    expect(await client.get("long")).toBe(value);
  });
});

describe("commands of one tick", () => {
  test("travel in one frame, in order", async () => {
    const { frames, WebSocket } = countingSockets();
    const client = await connected((await startTestServer()).httpPort, { WebSocket });
    expect(frames).toHaveLength(1);
    const replies = await Promise.all(Array.from({ length: 1000 }, () => client.increment("n")));
    expect(replies).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
    expect(frames).toHaveLength(2);
  });

  test("by the hundred thousand are sent in batches under a window", async () => {
    const { frames, WebSocket } = countingSockets();
    const client = await connected((await startTestServer()).httpPort, { WebSocket });
    const all = Array.from({ length: 100_000 }, (_, index) => client.set(`key:${index}`, "v".repeat(100)));
    expect((await Promise.all(all)).every(Boolean)).toBe(true);
    expect(frames.length).toBeGreaterThan(30);
    expect(Math.max(...frames)).toBeLessThan(300_000);
    expect(await client.command("DBSIZE")).toBe(100_000);
  });

  test("a pipeline gives their results as one list", async () => {
    const { frames, WebSocket } = countingSockets();
    const client = await connected((await startTestServer()).httpPort, { WebSocket });
    const pipeline = client.pipeline().set("a", "1").increment("a", 4).getBytes("a").get("none");
    expect(pipeline).toHaveLength(4);
    const results: [boolean, number, Uint8Array | undefined, string | undefined] = await pipeline.send();
    expect(results).toEqual([true, 5, bytes("5"), undefined]);
    expect(frames).toHaveLength(2);
    expect(await pipeline.send()).toEqual([]);
  });

  test("a pipeline runs whole when one of them fails", async () => {
    const client = await connected((await startTestServer()).httpPort);
    const pipeline = () => client.pipeline().set("t", "ten").increment("t").increment("n");
    await expect(pipeline().send()).rejects.toEqual(withCode("not-a-number"));
    expect(await pipeline().settle()).toEqual([
      { status: "fulfilled", value: true },
      { status: "rejected", reason: withCode("not-a-number") },
      { status: "fulfilled", value: 2 },
    ]);
    expect(() => client.pipeline().get(1 as unknown as string)).toThrowError(withCode("invalid-argument"));
  });
});

describe("connecting", () => {
  test("needs the right password where one is set", async () => {
    const { httpPort } = await startTestServer({ password: "s3cret" });
    const client = await connected(httpPort, { password: "s3cret" });
    expect(await client.command("PING")).toBe("PONG");
    await expect(connected(httpPort)).rejects.toEqual(withCode("authentication-required"));
    await expect(connected(httpPort)).rejects.toThrowError(/option password/);
    await expect(connected(httpPort, { password: "guess" })).rejects.toEqual(withCode("wrong-password"));
  });

  test("fails clearly where nothing listens, and nobody answers", async () => {
    await expect(connect("ws://127.0.0.1:1/")).rejects.toEqual(withCode("connection-failed"));
    const server = await startFakeServer(() => undefined, "");
    const silent = connect(`ws://127.0.0.1:${server.port}/`, { connectTimeoutMs: 50 });
    await expect(silent).rejects.toThrowError(/no answer within 50 ms/);
    server.stop();
  });

  test("refuses what cannot be meant", async () => {
    await expect(connect("http://127.0.0.1/")).rejects.toEqual(withCode("invalid-option"));
    await expect(connect("ws://127.0.0.1/", { waitMs: -1 })).rejects.toEqual(withCode("invalid-option"));
  });

  test("says so where there is no WebSocket", async () => {
    vi.stubGlobal("WebSocket", undefined);
    await expect(connectInBrowser("ws://127.0.0.1/")).rejects.toEqual(withCode("unsupported"));
    vi.unstubAllGlobals();
  });
});

describe("a connection that breaks", () => {
  test("rejects what is in flight, sends what waits, and comes back", async () => {
    let broken = 0;
    const server = await startFakeServer((socket, text) => {
      if (text.includes("doomed")) {
        broken++;
        socket.terminate();
      } else {
        socket.send(Buffer.from("$5\r\nhello\r\n"));
      }
    });
    const client = await connected(server.port, { reconnect: { minDelayMs: 5 } });
    expect(await client.get("k")).toBe("hello");
    await expect(client.get("doomed")).rejects.toEqual(withCode("connection-lost"));
    expect(await client.get("waits")).toBe("hello");
    expect(broken).toBe(1);
    await client.close();
    server.stop();
  });

  test("gives up what waited too long, as not sent", async () => {
    const server = await startFakeServer(() => undefined);
    const client = await connected(server.port, { reconnect: { minDelayMs: 5, maxDelayMs: 20 }, waitMs: 60 });
    const inFlight = client.get("a");
    await new Promise((resolve) => setTimeout(resolve, 20));
    server.stop();
    await expect(inFlight).rejects.toEqual(withCode("connection-lost"));
    await expect(client.get("b")).rejects.toEqual(withCode("not-sent"));
  });

  test("stays broken when it should", async () => {
    const server = await startFakeServer((socket) => socket.close(1008, "enough"));
    const client = await connected(server.port, { reconnect: false });
    await expect(client.get("a")).rejects.toThrowError(/closed by the server: enough/);
    await expect(client.get("b")).rejects.toEqual(withCode("not-sent"));
    server.stop();
  });

  test("counts as broken when replies are due and nothing comes", async () => {
    const server = await startFakeServer(() => undefined);
    const client = await connected(server.port, { replyTimeoutMs: 30, reconnect: false });
    await expect(client.get("a")).rejects.toThrowError(/nothing came for 30 ms/);
    server.stop();
  });

  test("is one whose server answers no RESP, or too much", async () => {
    for (const wire of ["what?\r\n", "+OK\r\n+OK\r\n"]) {
      const server = await startFakeServer((socket) => socket.send(Buffer.from(wire)));
      const client = await connected(server.port, { reconnect: false });
      const first = client.command("PING");
      if (wire.startsWith("what")) await expect(first).rejects.toEqual(withCode("protocol-error"));
      else expect(await first).toBe("OK");
      await expect(client.command("PING")).rejects.toEqual(withCode("not-sent"));
      server.stop();
    }
  });

  test("survives a restart of the server", async () => {
    const first = await startTestServer();
    const client = await connected(first.httpPort, { reconnect: { minDelayMs: 5, maxDelayMs: 50 } });
    await client.set("k", "v");
    await first.stop();
    const later = client.get("k");
    await startTestServer({ port: first.httpPort });
    expect(await later).toBeUndefined();
  });
});

describe("backpressure", () => {
  test("keeps at most a window on the way", async () => {
    let received = 0;
    const server = await startFakeServer((_socket, text) => {
      received += text.length;
    });
    const client = await connected(server.port, { reconnect: false });
    const all = Promise.allSettled(Array.from({ length: 200 }, () => client.set("k", "v".repeat(100_000))));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(received).toBeGreaterThan(1_000_000);
    expect(received).toBeLessThan(5_000_000);
    server.stop();
    const codes = (await all).map((outcome) => outcome.status === "rejected" && outcome.reason.code);
    expect(new Set(codes)).toEqual(new Set(["connection-lost", "not-sent"]));
  });

  test("refuses more than may wait", async () => {
    const server = await startFakeServer(() => undefined);
    const client = await connected(server.port, { reconnect: false, maxWaitingBytes: 1_000_000 });
    const all = Promise.allSettled(Array.from({ length: 30 }, () => client.set("k", "v".repeat(300_000))));
    await new Promise((resolve) => setTimeout(resolve, 50));
    server.stop();
    const outcomes = await all;
    expect(outcomes.at(-1)).toMatchObject({
      reason: { code: "not-sent", message: expect.stringMatching(/1000000 bytes/) },
    });
  });
});

describe("close", () => {
  test("waits for what was issued, is idempotent, and refuses what comes after", async () => {
    const client = await connected((await startTestServer()).httpPort);
    const pending = [client.set("k", "v"), client.get("k")];
    const closing = client.close();
    expect(client.close()).toBe(closing);
    await closing;
    expect(await Promise.all(pending)).toEqual([true, "v"]);
    await expect(client.get("k")).rejects.toEqual(withCode("closed"));
    await client[Symbol.asyncDispose]();
  });

  test("rejects what could not be sent", async () => {
    const server = await startFakeServer(() => undefined);
    const client = await connected(server.port, { reconnect: { minDelayMs: 10_000 } });
    server.stop();
    await expect(client.get("a")).rejects.toBeDefined();
    const waits = client.get("b");
    const outcome = expect(waits).rejects.toEqual(withCode("not-sent"));
    await client.close();
    await outcome;
  });
});
