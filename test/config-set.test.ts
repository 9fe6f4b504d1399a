// CONFIG SET: that what it changes really changes, that several settings change together or not at all, and that the
// file is rewritten without harm.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Reply, ReplyError } from "../src/resp.ts";
import { settingEntries } from "../src/settings/server-settings.ts";
import { RespSocket, startTestServer } from "./server-fixture.ts";
import { TestWebSocket } from "./websocket-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "nearkey-rewrite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MEBI = 1024 * 1024;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function failed(name: string, reason: string): ReplyError {
  return new ReplyError(`ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`);
}

describe("every setting", () => {
  test("can be read, and changed if and only if the table says so", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    await client.command("HELLO 3");
    for (const [, { key, redis, live }] of settingEntries) {
      const name = redis?.name ?? key;
      const answer = (await client.command("CONFIG", "GET", name)) as Record<string, string>;
      expect(Object.keys(answer), key).toEqual([name]);
      const set = await client.command("CONFIG", "SET", name, answer[name] ?? "");
      expect(set, key).toEqual(live ? "OK" : failed(name, "can't set immutable config"));
    }
  });

  test("is found by a pattern; a password never is", async () => {
    const server = await startTestServer({ password: "secret" });
    const client = await RespSocket.open(server.respPort);
    await client.command("HELLO 3 AUTH default secret");
    const all = (await client.command("CONFIG GET *")) as Record<string, string>;
    expect(all).toMatchObject({ databases: "16", "auth-timeout": "10s", "max-frame-bytes": "128mb" });
    expect(all).not.toHaveProperty("requirepass");
    expect(JSON.stringify(all)).not.toContain("secret");
    expect(await client.command("CONFIG GET requirepass")).toEqual({});
    expect(await client.command("CONFIG GET MAXmemory-* nothing auth-*")).toEqual({
      "maxmemory-policy": "noeviction",
      "auth-timeout": "10s",
    });
  });
});

describe("changes", () => {
  test("which lists are named listpacks, under both of Redis's names", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    await client.command("HELLO 3");
    await client.command("RPUSH l a b c");
    const encodingUnder = async (size: number): Promise<Reply> => {
      expect(await client.command(`CONFIG SET list-max-ziplist-size ${size}`)).toBe("OK");
      return client.command("OBJECT ENCODING l");
    };
    expect(await client.command("OBJECT ENCODING l")).toBe("listpack");
    expect(await encodingUnder(2)).toBe("quicklist");
    expect(await encodingUnder(3)).toBe("listpack");
    await client.command("RPUSH", "l", "x".repeat(5000));
    expect(await encodingUnder(-1)).toBe("quicklist");
    expect(await encodingUnder(-2)).toBe("listpack");
    expect(await client.command("CONFIG GET list-max-listpack-size")).toEqual({ "list-max-listpack-size": "-2" });
    expect(await client.command("CONFIG GET list-max-ziplist-size")).toEqual({ "list-max-ziplist-size": "-2" });
  });

  test("maxmemory and its policy, down to eviction and up again", async () => {
    const server = await startTestServer({ maxMemoryBytes: 64 * MEBI });
    const client = await RespSocket.open(server.respPort);
    const fill = async (count: number): Promise<Reply[]> => {
      const replies: Reply[] = [];
      for (let at = 0; at < count; at += 100) {
        const value = "x".repeat(10_000);
        for (let index = at; index < at + 100; index++) {
          client.write(`SET key:${index} ${value}\r\n`);
        }
        for (let index = 0; index < 100; index++) replies.push(await client.reply());
      }
      return replies;
    };
    expect(await client.command("CONFIG SET maxmemory 16mb")).toBe("OK");
    expect((await fill(2000)).filter((reply) => reply instanceof ReplyError).length).toBeGreaterThan(500);
    expect(server.engine.stats().memoryUsedBytes).toBeLessThanOrEqual(16 * MEBI);
    expect(await client.command("CONFIG SET maxmemory-policy allkeys-lru")).toBe("OK");
    expect((await fill(2000)).every((reply) => reply === "OK")).toBe(true);
    expect(server.engine.stats().evictedKeys).toBeGreaterThan(500);
    expect(await client.command("CONFIG SET maxmemory 64mb maxmemory-policy noeviction")).toBe("OK");
    expect((await fill(2000)).every((reply) => reply === "OK")).toBe(true);
    expect(String(await client.command("INFO memory"))).toContain(`maxmemory:${64 * MEBI}\r\n`);
    expect(String(await client.command("INFO memory"))).toContain("maxmemory_policy:noeviction\r\n");
    expect(server.settings.maxMemoryBytes).toBe(64 * MEBI);
  });

  test("requirepass: asked of who comes, not of who is in; and taken away again", async () => {
    const server = await startTestServer();
    const before = await RespSocket.open(server.respPort);
    expect(await before.command("CONFIG SET requirepass secret")).toBe("OK");
    expect(await before.command("PING")).toBe("PONG");
    const after = await RespSocket.open(server.respPort);
    expect(await after.command("PING")).toHaveProperty("prefix", "NOAUTH");
    expect(await after.command("AUTH other")).toHaveProperty("prefix", "WRONGPASS");
    expect(await after.command("AUTH secret")).toBe("OK");
    const web = await TestWebSocket.open(server.httpPort);
    expect(await web.request({ id: 1, command: ["PING"] })).toMatchObject({
      error: { code: "authentication-required" },
    });
    expect(await before.command("CONFIG", "SET", "requirepass", "")).toBe("OK");
    expect(await web.request({ id: 2, command: ["PING"] })).toEqual({ id: 2, reply: "PONG" });
    const last = await RespSocket.open(server.respPort);
    expect(await last.command("PING")).toBe("PONG");
    expect(await last.command("AUTH secret")).toHaveProperty(
      "message",
      expect.stringContaining("without any password"),
    );
  });

  test("requirepass stays where others may connect", async () => {
    const server = await startTestServer({ host: "0.0.0.0", password: "secret" });
    const client = await RespSocket.open(server.respPort);
    await client.command("AUTH secret");
    expect(await client.command("CONFIG", "SET", "requirepass", "")).toHaveProperty(
      "message",
      expect.stringContaining("can be reached from other machines"),
    );
    const stranger = await RespSocket.open(server.respPort);
    expect(await stranger.command("PING")).toHaveProperty("prefix", "NOAUTH");
  });

  test("timeout: who says nothing for so long is disconnected, who talks is not", async () => {
    const server = await startTestServer();
    const busy = await RespSocket.open(server.respPort);
    const idle = await RespSocket.open(server.respPort);
    const web = await TestWebSocket.open(server.httpPort);
    expect(await idle.command("CONFIG SET timeout 1")).toBe("OK");
    let gone = 0;
    idle.closed.then(() => gone++);
    web.closed.then(() => gone++);
    for (let tries = 0; gone < 2 && tries < 100; tries++) {
      expect(await busy.command("PING")).toBe("PONG");
      await pause(50);
    }
    expect(gone).toBe(2);
    expect(await busy.command("CONFIG SET timeout 0")).toBe("OK");
    await pause(2500);
    expect(await busy.command("PING")).toBe("PONG");
  });

  test("maxclients: one more is turned away, those that are there stay", async () => {
    const server = await startTestServer();
    const first = await RespSocket.open(server.respPort);
    const second = await RespSocket.open(server.respPort);
    expect(await second.command("CONFIG SET maxclients 1")).toBe("OK");
    const third = await RespSocket.open(server.respPort);
    expect(await third.rest()).toBe("-ERR max number of clients reached (--max-connections is 1)\r\n");
    expect(await first.command("CONFIG SET maxclients 3")).toBe("OK");
    const fourth = await RespSocket.open(server.respPort);
    expect(await fourth.command("PING")).toBe("PONG");
  });

  test("proto-max-bulk-len and max-arguments: longer commands are refused", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    expect(await client.command("CONFIG SET proto-max-bulk-len 1mb max-arguments 100")).toBe("OK");
    expect(await client.command("SET", "k", "x".repeat(MEBI))).toBe("OK");
    const long = await RespSocket.open(server.respPort);
    long.write(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${MEBI + 1}\r\n`);
    expect(await long.rest()).toBe("-ERR Protocol error: invalid bulk length\r\n");
    const web = await TestWebSocket.open(server.httpPort);
    web.send(JSON.stringify({ id: 1, command: ["SET", "k", "x".repeat(MEBI + 1)] }));
    expect(await web.json()).toMatchObject({ id: 1, error: { message: expect.stringContaining(String(MEBI)) } });
    const many = await RespSocket.open(server.respPort);
    many.write("*101\r\n");
    expect(await many.rest()).toMatch(/invalid multibulk length, a command has at most 100 arguments/);
  });

  test("client-output-buffer-limit: who reads nothing is cut off sooner", async () => {
    const server = await startTestServer({ maxValueBytes: MEBI });
    const client = await RespSocket.open(server.respPort);
    await client.command("SET", "k", "x".repeat(MEBI));
    const limit = "normal 2mb 0 0";
    expect(await client.command("CONFIG", "SET", "client-output-buffer-limit", limit)).toBe("OK");
    expect(await client.command("CONFIG GET client-output-buffer-limit")).toEqual([
      "client-output-buffer-limit",
      `normal ${2 * MEBI} 0 0`,
    ]);
    // One reply of many values cannot be sent in parts: it is over the limit before any of it is read.
    client.write(`MGET${" k".repeat(40)}\r\n`);
    await client.closed;
  });

  test("auth-timeout: of clients that come from now on", async () => {
    const server = await startTestServer({ password: "secret" });
    const client = await RespSocket.open(server.respPort);
    await client.command("AUTH secret");
    expect(await client.command("CONFIG SET auth-timeout 100ms")).toBe("OK");
    const stranger = await RespSocket.open(server.respPort);
    expect(await stranger.rest()).toBe("-NOAUTH no password within 0.1 seconds (--auth-timeout)\r\n");
  });

  test("snapshot-interval, snapshot-log-bytes, snapshot-keep: when snapshots are taken, and how many stay", async () => {
    const dir = mkdtempSync(join(folder, "kept-"));
    const server = await startTestServer({ dir, snapshotIntervalMs: 0, snapshotLogBytes: 0 });
    const client = await RespSocket.open(server.respPort);
    const snapshots = (): string[] => readdirSync(dir).filter((name) => name.endsWith(".snapshot"));
    await client.command("SET k v");
    expect(await client.command("CONFIG SET snapshot-interval 1s")).toBe("OK");
    await expect.poll(snapshots, { timeout: 30_000 }).toEqual(["00000001.snapshot"]);
    expect(await client.command("CONFIG SET snapshot-interval off snapshot-log-bytes 1kb")).toBe("OK");
    await client.command("SET", "l", "x".repeat(2000));
    await expect.poll(snapshots, { timeout: 30_000 }).toEqual(["00000001.snapshot", "00000002.snapshot"]);
    expect(await client.command("CONFIG SET snapshot-log-bytes 0 snapshot-keep 1")).toBe("OK");
    await client.command("SET k w");
    await client.command("BGREWRITEAOF");
    await expect.poll(snapshots, { timeout: 30_000 }).toEqual(["00000003.snapshot"]);
  }, 120_000);
});

describe("several at once", () => {
  test("all or none", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    const before = await client.command("CONFIG GET *");
    for (const [line, error] of [
      ["timeout 7 maxmemory lots", failed("maxmemory", "argument must be a memory value")],
      ["timeout 7 MaxClients 0", failed("MaxClients", "argument must be between 1 and 1000000 inclusive")],
      ["timeout 7 port 1", failed("port", "can't set immutable config")],
      ["timeout 7 Timeout 8", failed("Timeout", "duplicate parameter")],
      ["timeout 7 tiemout 8", new ReplyError("ERR Unknown option or number of arguments for CONFIG SET - 'tiemout'")],
      ["timeout 7 appendonly yes", failed("appendonly", "can't set immutable config")],
      [
        "timeout 7 auth-timeout 5",
        failed("auth-timeout", 'it takes a duration such as "10s", in ms, s, m or h, from 1ms to 1h'),
      ],
    ] as const) {
      expect(await client.command(`CONFIG SET ${line}`), line).toEqual(error);
    }
    const tooSmall = await client.command("CONFIG SET timeout 7 proto-max-bulk-len 500mb");
    expect(tooSmall).toHaveProperty(
      "message",
      expect.stringMatching(/argument 'proto-max-bulk-len'\) - --output-limit must/),
    );
    expect(await client.command("CONFIG GET *")).toEqual(before);
    expect(
      await client.command("CONFIG", "SET", "timeout", "7", "appendonly", "no", "save", "", "maxclients", "50"),
    ).toBe("OK");
    expect(await client.command("CONFIG GET timeout maxclients")).toEqual(["timeout", "7", "maxclients", "50"]);
  });

  test("settings that only fit together are changed together", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    const words = ["CONFIG", "SET", "proto-max-bulk-len", "200mb", "client-output-buffer-limit", "normal 300mb 0 0"];
    expect(await client.command(...words)).toBe("OK");
  });
});

describe("CONFIG REWRITE", () => {
  const TEXT = '# of the shop\nmax-memory = "64mb" # enough\npassword = "secret"\n';

  test("writes what was changed, on its line, a password as its hash", async () => {
    const path = join(folder, "nearkey.toml");
    writeFileSync(path, TEXT, { mode: 0o600 });
    const server = await startTestServer({ settingsFile: path, password: "secret", maxMemoryBytes: 64 * MEBI });
    const client = await RespSocket.open(server.respPort);
    await client.command("AUTH secret");
    expect(await client.command("CONFIG REWRITE")).toBe("OK");
    expect(readFileSync(path, "utf8")).toBe(TEXT);
    expect(await client.command("CONFIG SET maxmemory 32mb timeout 60 requirepass geheim")).toBe("OK");
    expect(await client.command("CONFIG REWRITE")).toBe("OK");
    const text = readFileSync(path, "utf8");
    const [comment, memory, password, timeout] = text.split("\n");
    expect([comment, memory, timeout]).toEqual([
      "# of the shop",
      'max-memory = "32mb" # enough',
      'idle-timeout = "1m"',
    ]);
    expect(password).toMatch(/^password = "scrypt:ln=14,/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const hash = JSON.parse((password ?? "").slice("password = ".length));
    const next = await startTestServer({ password: hash });
    const again = await RespSocket.open(next.respPort);
    expect(await again.command("AUTH geheim")).toBe("OK");
  });

  test("of several clients at once happens one after the other", async () => {
    const path = join(folder, "often.toml");
    writeFileSync(path, "");
    const server = await startTestServer({ settingsFile: path });
    const clients = await Promise.all(Array.from({ length: 8 }, () => RespSocket.open(server.respPort)));
    await clients[0]?.command("CONFIG SET maxmemory 32mb");
    const replies = await Promise.all(clients.map((client) => client.command("CONFIG REWRITE")));
    expect(replies).toEqual(clients.map(() => "OK"));
    expect(readFileSync(path, "utf8")).toBe('max-memory = "32mb"\n');
  });

  test("leaves a file alone that it cannot edit, and says so", async () => {
    const path = join(folder, "hard.toml");
    const text = 'max-memory = """\n64mb"""\n';
    writeFileSync(path, text);
    const server = await startTestServer({ settingsFile: path });
    const client = await RespSocket.open(server.respPort);
    await client.command("CONFIG SET maxmemory 32mb");
    expect(await client.command("CONFIG REWRITE")).toHaveProperty("message", expect.stringContaining("by hand"));
    expect(readFileSync(path, "utf8")).toBe(text);
    rmSync(path);
    expect(await client.command("CONFIG REWRITE")).toHaveProperty("message", expect.stringContaining("ENOENT"));
  });

  test("without a file is Redis's error", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    expect(await client.command("CONFIG REWRITE")).toEqual(
      new ReplyError("ERR The server is running without a config file"),
    );
  });
});
