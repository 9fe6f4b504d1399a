// The client on a network that breaks: a proxy between it and the real server cuts in the middle of frames, splits and
// delays, or goes silent. Whatever happens, each call ends once, replies belong to their commands, what is said not to
// have run has not, and a client that is closed leaves nothing behind.

import { spawn } from "node:child_process";
import { afterEach, describe, expect, test } from "vitest";
import type { ClientState, NearkeyError } from "../src/client.ts";
import { type Client, type ConnectOptions, connect } from "../src/client-node.ts";
import { CuttingProxy } from "./cutting-proxy.ts";
import { Random, seedOfRun } from "./random.ts";
import { eventually, startTestServer, type TestServer } from "./server-fixture.ts";

const withCode = (code: string) => expect.objectContaining({ name: "NearkeyError", code });
const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const QUICK = { minDelayMs: 2, maxDelayMs: 20 };
const toStop: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of toStop.splice(0).reverse()) await stop();
});

async function throughProxy(options: ConnectOptions = {}, seed = 1) {
  const server = await startTestServer();
  const proxy = await CuttingProxy.start(server.httpPort, new Random(seed));
  toStop.push(() => proxy.stop());
  const client = await connect(proxy.url, { reconnect: QUICK, ...options });
  toStop.push(() => client.close());
  const direct = await connected(server);
  return { server, proxy, client, direct };
}

async function connected(server: TestServer, options: ConnectOptions = {}): Promise<Client> {
  const client = await connect(`ws://127.0.0.1:${server.httpPort}/`, options);
  toStop.push(() => client.close());
  return client;
}

/** Cuts the connection, and waits until the client knows; or until it has another. */
async function cutUntil(state: "reconnecting" | "open", client: Client, proxy: CuttingProxy): Promise<void> {
  const told = new Promise<void>((resolve) => {
    const stop = client.on("state", (change) => {
      if (change.state !== state) return;
      stop();
      resolve();
    });
  });
  proxy.cut();
  await told;
}

describe("a network that cuts, splits and delays", () => {
  test("each call ends once, with its own reply, and what did not run is told apart", { timeout: 60_000 }, async () => {
    const seed = seedOfRun();
    const random = new Random(seed);
    const { client, proxy, direct } = await throughProxy({ waitMs: 20_000 }, seed);
    proxy.mischief = {
      cutAfter: () => (random.oneIn(4) ? undefined : 150 + random.below(6000)),
      delayMs: 1,
      pieceBytes: 300,
    };
    proxy.cut();
    const sure = new Map<string, number>();
    const maybe = new Map<string, number>();
    let settled = 0;
    let issued = 0;
    const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);
    for (let round = 0; round < 60; round++) {
      const calls: Promise<void>[] = [];
      for (let index = random.below(40); index >= 0; index--) {
        const key = `n${random.below(8)}`;
        issued += 2;
        const echo = `${round}:${index}:${"x".repeat(random.below(200))}`;
        calls.push(
          client.increment(key).then(
            () => void count(sure, key),
            (error: NearkeyError) => {
              expect(["connection-lost", "not-sent"], `NEARKEY_SEED=${seed}`).toContain(error.code);
              if (error.code === "connection-lost") count(maybe, key);
            },
          ),
          client.command("ECHO", echo).then(
            (reply) => expect(reply, `NEARKEY_SEED=${seed}`).toBe(echo),
            (error: NearkeyError) => expect(["connection-lost", "not-sent"]).toContain(error.code),
          ),
        );
      }
      for (const call of calls) void call.finally(() => settled++);
      if (random.oneIn(2)) await Promise.all(calls);
      else await delay(random.below(10));
    }
    proxy.mischief = {};
    await cutUntil("open", client, proxy);
    await eventually(() => settled === issued);
    expect(await client.command("PING")).toBe("PONG");
    expect(settled).toBe(issued);
    expect(maybe.size, "the proxy cut nothing").toBeGreaterThan(0);
    for (let key = 0; key < 8; key++) {
      const value = Number((await direct.get(`n${key}`)) ?? 0);
      const least = sure.get(`n${key}`) ?? 0;
      expect(value, `NEARKEY_SEED=${seed}, n${key}`).toBeGreaterThanOrEqual(least);
      expect(value, `NEARKEY_SEED=${seed}, n${key}`).toBeLessThanOrEqual(least + (maybe.get(`n${key}`) ?? 0));
    }
  });

  test("a cut at every byte of an exchange harms nothing but that call", { timeout: 60_000 }, async () => {
    const { client, proxy, direct } = await throughProxy();
    let cutAt: number | undefined;
    proxy.mischief = { cutAfter: () => cutAt };
    const outcomes = new Set<string>();
    for (let bytes = 1; bytes < 1000; bytes += 13) {
      cutAt = undefined;
      await cutUntil("open", client, proxy);
      const before = Number((await direct.get("n")) ?? 0);
      cutAt = bytes;
      await cutUntil("reconnecting", client, proxy);
      // Each connection from now on ends after so many bytes: in the upgrade, the greeting, the command or its reply.
      const call = client.increment("n").catch((error: NearkeyError) => error.code);
      const outcome = await Promise.race([call, delay(60).then(() => "waits")]);
      outcomes.add(typeof outcome === "number" ? "ran" : outcome);
      cutAt = undefined;
      const last = await call;
      const after = Number((await direct.get("n")) ?? 0);
      if (last === "connection-lost") expect(after - before, `cut after ${bytes} bytes`).toBeLessThanOrEqual(1);
      else expect([last, after], `cut after ${bytes} bytes`).toEqual([before + 1, before + 1]);
    }
    expect([...outcomes].sort()).toEqual(["connection-lost", "ran", "waits"]);
  });

  test("a peer that goes silent is noticed, with calls on the way and without", async () => {
    const { client, proxy } = await throughProxy({ replyTimeoutMs: 60, heartbeatMs: 30 });
    proxy.stalled = true;
    await expect(client.get("k")).rejects.toThrowError(/nothing came for 60 ms/);
    proxy.stalled = false;
    expect(await client.command("PING")).toBe("PONG");
    const seen = proxy.connections;
    await delay(100);
    expect(proxy.connections).toBe(seen);
    proxy.stalled = true;
    await eventually(() => client.state !== "open");
    proxy.stalled = false;
    expect(await client.command("PING")).toBe("PONG");
  });

  test("states are told with reason, attempt and delay", async () => {
    const { client, proxy } = await throughProxy();
    const changes: ClientState[] = [];
    const stop = client.on("state", (change) => changes.push(change));
    expect(client.state).toBe("open");
    proxy.cut();
    await eventually(() => changes.at(-1)?.state === "open");
    expect(changes.map(({ state }) => state)).toEqual(["reconnecting", "connecting", "open"]);
    expect(changes[0]).toMatchObject({ reason: withCode("connection-lost"), attempt: 1 });
    expect(changes[0]?.delayMs).toBeGreaterThanOrEqual(0);
    expect(changes[0]?.delayMs).toBeLessThanOrEqual(QUICK.minDelayMs);
    stop();
    await client.close();
    expect(client.state).toBe("closed");
    expect(changes).toHaveLength(3);
    expect(() => client.on("error" as "state", () => undefined)).toThrowError(withCode("invalid-argument"));
  });

  test("password, database, name and protocol hold after coming back", async () => {
    const server = await startTestServer({ password: "s3cret" });
    const proxy = await CuttingProxy.start(server.httpPort, new Random(1));
    toStop.push(() => proxy.stop());
    const options = { password: "s3cret", database: 3, name: "worker-1", reconnect: QUICK };
    const client = await connect(proxy.url, options);
    toStop.push(() => client.close());
    for (let round = 0; round < 3; round++) {
      await client.set(`k${round}`, "v");
      expect(await client.command("CLIENT", "GETNAME")).toBe("worker-1");
      expect(await client.command("CLIENT", "INFO")).toMatch(/ db=3 .*resp=3/);
      await cutUntil("open", client, proxy);
    }
    const other = await connected(server, { password: "s3cret" });
    expect(await other.command("DBSIZE")).toBe(0);
  });

  test("a client gives up after so many tries, and says why", async () => {
    const { client, proxy } = await throughProxy({ reconnect: { ...QUICK, tries: 3 } });
    const attempts: (number | undefined)[] = [];
    client.on("state", ({ state, attempt }) => state === "connecting" && attempts.push(attempt));
    await proxy.stop();
    await eventually(() => client.state === "closed");
    expect(attempts).toEqual([1, 2, 3]);
    await expect(client.get("k")).rejects.toEqual(withCode("not-sent"));
  });

  test("without waiting, calls of a broken connection fail at once", async () => {
    const { client, proxy } = await throughProxy({ waitMs: 0, reconnect: { minDelayMs: 60_000, maxDelayMs: 60_000 } });
    await cutUntil("reconnecting", client, proxy);
    await expect(client.get("k")).rejects.toEqual(withCode("not-sent"));
  });

  test("what waits is given up in time, however long an attempt takes", async () => {
    const { client, proxy } = await throughProxy({ waitMs: 50, reconnect: { minDelayMs: 60_000, maxDelayMs: 60_000 } });
    await cutUntil("reconnecting", client, proxy);
    await expect(client.get("k")).rejects.toEqual(withCode("not-sent"));
  });
});

describe("bounds of a call", () => {
  test("a late reply is passed over, and none is shifted", async () => {
    const { client, proxy } = await throughProxy();
    proxy.mischief = { delayMs: 20, pieceBytes: 20 };
    const bounded = client.with({ timeoutMs: 1 });
    const late = Array.from({ length: 5 }, (_, index) => bounded.command("ECHO", `late ${index}`));
    const kept = Array.from({ length: 5 }, (_, index) => client.command("ECHO", `kept ${index}`));
    const outcomes = await Promise.allSettled(late);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(["timed-out", "not-sent"]).toContain(outcome.reason.code);
    }
    expect(outcomes.some(({ status }) => status === "rejected")).toBe(true);
    expect(await Promise.all(kept)).toEqual(["kept 0", "kept 1", "kept 2", "kept 3", "kept 4"]);
  });

  test("a call that times out or is aborted while it waits is never sent", async () => {
    const { client, proxy, direct } = await throughProxy({ connectTimeoutMs: 100 });
    proxy.stalled = true;
    await cutUntil("reconnecting", client, proxy);
    const abort = new AbortController();
    const timed = client.with({ timeoutMs: 5 }).increment("timed");
    const aborted = client.with({ signal: abort.signal }).increment("aborted");
    const kept = client.increment("kept");
    const outcomes = Promise.allSettled([timed, aborted]);
    abort.abort(new Error("enough"));
    expect(await outcomes).toEqual([
      { status: "rejected", reason: withCode("not-sent") },
      { status: "rejected", reason: expect.objectContaining({ code: "not-sent", cause: new Error("enough") }) },
    ]);
    proxy.stalled = false;
    expect(await kept).toBe(1);
    expect(await direct.getMany(["timed", "aborted", "kept"])).toEqual([undefined, undefined, "1"]);
  });

  test("a call that is aborted on its way may have run, and says so", async () => {
    const { client, proxy } = await throughProxy();
    proxy.stalled = true;
    const abort = new AbortController();
    const call = client.with({ signal: abort.signal }).get("k");
    await delay(5);
    abort.abort();
    await expect(call).rejects.toEqual(withCode("aborted"));
    await expect(client.with({ signal: abort.signal }).get("k")).rejects.toEqual(withCode("not-sent"));
    proxy.cut();
    proxy.stalled = false;
  });

  test("connecting can be aborted", async () => {
    const { proxy } = await throughProxy();
    proxy.stalled = true;
    const connecting = connect(proxy.url, { signal: AbortSignal.timeout(20) });
    await expect(connecting).rejects.toEqual(withCode("aborted"));
    await expect(connect(proxy.url, { signal: AbortSignal.abort() })).rejects.toEqual(withCode("aborted"));
    proxy.cut();
    proxy.stalled = false;
  });

  test("no more calls are on the way than may be, and those that wait keep their order", async () => {
    const { client, proxy } = await throughProxy({ maxInFlight: 3 });
    proxy.stalled = true;
    const first = Promise.allSettled(Array.from({ length: 10 }, () => client.increment("n")));
    await delay(10);
    proxy.cut();
    proxy.stalled = false;
    const outcomes = await first;
    const codes = outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason.code : outcome.value));
    expect(codes).toEqual([...Array(3).fill("connection-lost"), 1, 2, 3, 4, 5, 6, 7]);
  });
});

describe("transactions", () => {
  test("run all at once, and give each result", async () => {
    const { client } = await throughProxy();
    const results = await client.transaction().set("a", "1").increment("a", 4).get("a").getMany(["a", "none"]).send();
    expect(results).toEqual([true, 5, "5", ["5", undefined]]);
    expect(await client.transaction().send()).toEqual([]);
    expect(await client.transaction().commandBytes("GET", "a").send()).toEqual([new TextEncoder().encode("5")]);
  });

  test("a command that fails while it runs leaves the others, one that is none leaves nothing", async () => {
    const { client } = await throughProxy();
    await client.command("HSET", "h", "f", "v");
    expect(await client.transaction().increment("n").increment("h").increment("n").settle()).toEqual([
      { status: "fulfilled", value: 1 },
      { status: "rejected", reason: withCode("wrong-type") },
      { status: "fulfilled", value: 2 },
    ]);
    const none = await client.transaction().increment("n").command("NOPE").settle();
    expect(none.map((outcome) => outcome.status)).toEqual(["rejected", "rejected"]);
    expect(await client.get("n")).toBe("2");
    await expect(client.transaction().command("SELECT", 1).send()).rejects.toEqual(withCode("invalid-argument"));
    await expect(client.transaction().get("n").getBytes("n").send()).rejects.toEqual(withCode("invalid-argument"));
  });

  test("cut anywhere, they run whole or not at all", { timeout: 60_000 }, async () => {
    const { client, proxy, direct } = await throughProxy();
    let cutAt: number | undefined;
    proxy.mischief = { cutAfter: () => cutAt, pieceBytes: 11 };
    for (let bytes = 200; bytes < 900; bytes += 13) {
      cutAt = undefined;
      await cutUntil("open", client, proxy);
      cutAt = bytes;
      await cutUntil("reconnecting", client, proxy);
      const transaction = client.transaction().increment("a").set("x", "y".repeat(100)).increment("b").send();
      await Promise.race([transaction.catch(() => undefined), delay(40)]);
      cutAt = undefined;
      await transaction.catch((error: NearkeyError) => expect(error.code).toBe("connection-lost"));
      const [a, b] = await direct.getMany(["a", "b"]);
      expect(a, `cut after ${bytes} bytes`).toBe(b);
    }
  });
});

describe("what the server says at the end", () => {
  test("reaches the calls that were on the way", async () => {
    const server = await startTestServer({ maxFrameBytes: 100_000, maxValueBytes: 50_000 });
    const client = await connected(server, { reconnect: QUICK });
    const calls = Promise.allSettled([client.set("k", "x".repeat(50_000)), client.set("l", "x".repeat(50_000))]);
    for (const outcome of await calls) {
      expect(outcome).toMatchObject({
        reason: { code: "closed-by-server", message: expect.stringMatching(/100000 bytes \(--max-frame-bytes\)/) },
      });
    }
    await expect(client.set("k", "x".repeat(50_001))).rejects.toMatchObject({
      code: "protocol-error",
      message: expect.stringMatching(/invalid bulk length.*50000 bytes \(--max-value-bytes\)/),
    });
    expect(await client.set("k", "x".repeat(49_000))).toBe(true);
  });
});

describe("close", () => {
  test("waits no longer than it may for a server that is silent", async () => {
    const { client, proxy } = await throughProxy({ closeTimeoutMs: 50 });
    proxy.stalled = true;
    const call = client.get("k");
    const lost = expect(call).rejects.toEqual(withCode("connection-lost"));
    const started = performance.now();
    await client.close();
    expect(performance.now() - started).toBeLessThan(4000);
    await lost;
    expect(client.state).toBe("closed");
  });

  test("leaves nothing that keeps a process alive, whatever the connection did", { timeout: 30_000 }, async () => {
    const { httpPort } = await startTestServer();
    const program = `
      import { connect } from ${JSON.stringify(new URL("../dist/client-node.js", import.meta.url).href)};
      const lost = await connect("ws://127.0.0.1:${httpPort}/");
      await lost.with({ timeoutMs: 60_000 }).get("k");
      await lost.close();
      await connect("ws://127.0.0.1:1/").catch(() => undefined);
      console.log("done");
    `;
    const started = performance.now();
    const output = await runProgram(program);
    expect(output).toBe("done\n");
    expect(performance.now() - started).toBeLessThan(8000);
  });
});

/** What a module prints until its process ends by itself. */
async function runProgram(source: string): Promise<string> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (bytes) => {
    output += bytes;
  });
  await new Promise((resolve) => child.once("close", resolve));
  return output;
}
