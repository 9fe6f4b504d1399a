// The clients that people have, unchanged: redis-cli, ioredis, redis (node-redis) and redis-benchmark against the
// server, with and without a password.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterEach, describe, expect, test } from "vitest";
import { findTool } from "../external-tools.ts";
import { startTestServer, type TestServer } from "../server-fixture.ts";

const run = promisify(execFile);
const toClose: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of toClose.splice(0)) await close();
});

const PASSWORDS = [undefined, "a secret"] as const;

describe.each(PASSWORDS)("with the password %s", (password) => {
  const start = (): Promise<TestServer> => startTestServer({ password });

  test("ioredis", async () => {
    const { respPort } = await start();
    const client = new Redis(respPort, "127.0.0.1", password === undefined ? {} : { password });
    toClose.push(() => client.disconnect());
    expect(await client.set("key", "välue", "PX", 60_000)).toBe("OK");
    expect(await client.get("key")).toBe("välue");
    expect(await client.pttl("key")).toBeGreaterThan(1000);
    expect(await client.incrby("count", 5)).toBe(5);
    expect(await client.hset("hash", { a: "1", b: "2" })).toBe(2);
    expect(await client.hgetall("hash")).toEqual({ a: "1", b: "2" });
    expect(await client.getBuffer("key")).toEqual(Buffer.from("välue"));
    const answers = await client.pipeline().set("a", 1).get("a").get("hash").exec();
    expect(answers?.[1]).toEqual([null, "1"]);
    expect(answers?.[2]?.[0]?.message).toContain("WRONGTYPE");
    await Promise.all(Array.from({ length: 1000 }, (_, index) => client.set(`many:${index}`, index)));
    expect(await client.mget("many:0", "many:999", "many:1000")).toEqual(["0", "999", null]);
    expect(await client.quit()).toBe("OK");
  });

  test.each([2, 3] as const)("redis over RESP%i", async (RESP) => {
    const { respPort } = await start();
    const socket = { port: respPort, host: "127.0.0.1" };
    const client = createClient(password === undefined ? { RESP, socket } : { RESP, socket, password });
    client.on("error", () => undefined);
    toClose.push(() => client.isOpen && client.destroy());
    await client.connect();
    expect(await client.set("key", "value")).toBe("OK");
    expect(await client.get("key")).toBe("value");
    expect(await client.mSet({ a: "1", b: "2" })).toBe("OK");
    expect(await client.mGet(["a", "b", "c"])).toEqual(["1", "2", null]);
    expect(await client.hSet("hash", { x: "1" })).toBe(1);
    expect({ ...(await client.hGetAll("hash")) }).toEqual({ x: "1" });
    expect(await client.incr("n")).toBe(1);
    await expect(client.incr("hash")).rejects.toThrow("WRONGTYPE");
    expect(await client.configGet("maxmemory-policy")).toMatchObject({ "maxmemory-policy": "noeviction" });
    expect(await client.ping()).toBe("PONG");
    await client.close();
  });

  test.skipIf(findTool("redis-cli") === undefined)("redis-cli", async () => {
    const { respPort } = await start();
    const login = password === undefined ? [] : ["-a", password, "--no-auth-warning"];
    const cli = async (...words: string[]): Promise<string> => {
      const { stdout } = await run(findTool("redis-cli") ?? "", ["-p", String(respPort), ...login, ...words]);
      return stdout.trimEnd();
    };
    expect(await cli("PING")).toBe("PONG");
    expect(await cli("SET", "key", "value", "EX", "100")).toBe("OK");
    expect(await cli("GET", "key")).toBe("value");
    expect(await cli("-3", "HSET", "hash", "f", "v")).toBe("1");
    expect(await cli("-3", "--json", "HGETALL", "hash")).toBe('{"f":"v"}');
    expect(await cli("INFO", "server")).toContain("redis_version:8.0.2");
    expect(Number(await cli("COMMAND", "COUNT"))).toBeGreaterThan(50);
    expect(await cli("-n", "2", "DBSIZE")).toBe("0");
  });

  test.skipIf(findTool("redis-benchmark") === undefined)("redis-benchmark", async () => {
    const { respPort } = await start();
    const login = password === undefined ? [] : ["-a", password];
    const tests = "ping,set,get,incr,hset,mset";
    const flags = ["-p", String(respPort), ...login, "-t", tests, "-n", "3000", "-P", "16", "-r", "1000", "--csv"];
    const { stdout, stderr } = await run(findTool("redis-benchmark") ?? "", flags);
    expect(stderr).not.toMatch(/error/i);
    const names = stdout
      .split("\n")
      .map((line) => /^"([^"]*)"/.exec(line)?.[1])
      .filter((name) => name !== undefined && name !== "test");
    expect(names).toEqual(["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "HSET", "MSET (10 keys)"]);
  });
});
