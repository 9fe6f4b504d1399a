// A database taken along from a running server, as a user does it and over HTTP: whole and of this moment, with a directory and
// without one, for whoever has the password and for no page of another site.

import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { Redis } from "ioredis";
import { afterAll, describe, expect, test } from "vitest";
import { open } from "../dist/node.js";
import { readRdb } from "../src/rdb/rdb-reader.ts";
import { takeSnapshot, UNHURRIED } from "../src/snapshot/take-snapshot.ts";
import { runCli, testFolder } from "./cli-program.ts";
import { ServedProcess } from "./served-process.ts";
import { startTestServer } from "./server-fixture.ts";

const folder = testFolder("snapshot-page");
const running: ServedProcess[] = [];
afterAll(() => Promise.all(running.map((served) => served.stop())));

async function serve(variables: Record<string, string>, ...options: string[]) {
  const served = await ServedProcess.startWith(variables, ...options);
  running.push(served);
  const redis = new Redis(served.respPort, "127.0.0.1", { password: variables.NEARKEY_PASSWORD ?? "" });
  return { served, redis, url: `127.0.0.1:${served.port}` };
}

async function fill(redis: Redis): Promise<void> {
  await redis.set("text", "value", "PX", 1_000_000);
  await redis.hset("hash", { field: "one" });
  for (let key = 0; key < 300; key++) redis.set(`key:${key}`, "x".repeat(5000));
  await redis.call("VADD", "set", "VALUES", 2, 1, 0, "a");
  await redis.call("VADD", "set", "VALUES", 2, 0, 1, "b");
}

describe.each([
  ["with a directory", ["--dir", folder.file("kept")]],
  ["without one", []],
])("%s", (name, options) => {
  test("an image of what the server holds now opens anywhere", { timeout: 60_000 }, async () => {
    const { redis, url, served } = await serve({}, ...options);
    await fill(redis);
    const path = folder.file(`${name.replaceAll(" ", "-")}.nearkey`);
    const before = readdirSync(tmpdir()).filter((each) => each.startsWith("nearkey-snapshot-"));
    const made = await runCli(["snapshot", "--url", url, path]);
    expect(made).toMatchObject({ code: 0, stdout: `${path}: a snapshot of ${url}\n` });
    await redis.set("text", "later");
    await using db = await open({ image: path });
    expect(db.get("text")).toBe("value");
    expect(db.command("PTTL", "text")).toBeGreaterThan(500_000);
    expect(db.command("DBSIZE")).toBe(303);
    expect((await db.vectors("set").search([1, 0.1], { k: 1 })).map(({ id }) => id)).toEqual(["a"]);
    const rdb = folder.file(`${name.replaceAll(" ", "-")}.rdb`);
    const written = await runCli(["snapshot", "--url", url, rdb]);
    expect(written).toMatchObject({ code: 1, stdout: `${rdb}: 302 keys, a snapshot of ${url}\n` });
    expect(written.stderr).toContain("left out: 1 of the type vectorset");
    let keys = 0;
    for await (const items of readRdb(bytesOf(rdb), rdb)) keys += items.filter(({ what }) => what === "key").length;
    expect(keys).toBe(302);
    expect(readdirSync(tmpdir()).filter((each) => each.startsWith("nearkey-snapshot-"))).toEqual(before);
    expect(readdirSync(folder.path).filter((each) => each.startsWith("."))).toEqual([]);
    redis.disconnect();
    expect(await served.stop()).toBe(0);
  });
});

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  yield readFileSync(path);
}

test("it is for whoever has the password, and for no page of another site", async () => {
  const { redis, url, served } = await serve({ NEARKEY_PASSWORD: "secret" });
  await fill(redis);
  const path = folder.file("secret.nearkey");
  const refused = await runCli(["snapshot", "--url", url, path]);
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("asks for a password: set NEARKEY_PASSWORD"),
  });
  const wrong = await runCli(["snapshot", "--url", url, path], { environment: { NEARKEY_PASSWORD: "guess" } });
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("refused the password") });
  const right = await runCli(["snapshot", "--url", url, path], { environment: { NEARKEY_PASSWORD: "secret" } });
  expect(right.code).toBe(0);
  const page = `http://${url}/snapshot`;
  const authorization = "Bearer secret";
  expect((await fetch(page, { headers: { authorization } })).status).toBe(400);
  const ours = { authorization, "nearkey-snapshot": "1" };
  expect((await fetch(page, { headers: { ...ours, origin: "https://elsewhere.example" } })).status).toBe(403);
  expect((await fetch(page, { method: "OPTIONS" })).status).toBe(405);
  expect((await fetch(page, { headers: ours, method: "HEAD" })).status).toBe(200);
  const gone = await fetch(page, { headers: ours });
  await gone.body?.cancel();
  expect(await redis.get("text")).toBe("value");
  expect(served.running).toBe(true);
  redis.disconnect();
});

test.skipIf(!existsSync("/proc/self/fd"))("one that cannot be taken leaves no file behind, open or not", async () => {
  const { engine, respPort, httpPort } = await startTestServer();
  const redis = new Redis(respPort, "127.0.0.1");
  await fill(redis);
  const ask = async (): Promise<number> => {
    const reply = await fetch(`http://127.0.0.1:${httpPort}/snapshot`, { headers: { "nearkey-snapshot": "1" } });
    await reply.arrayBuffer();
    return reply.status;
  };
  let write = (): void => undefined;
  const written = new Promise<void>((resolve) => {
    write = resolve;
  });
  const other = takeSnapshot(engine, { append: () => written }, () => ({ parent: 0n, exported: false }), UNHURRIED);
  expect([await ask(), await ask()]).toEqual([503, 503]);
  write();
  await other;
  expect(await ask()).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(openFiles().filter((path) => path.includes("nearkey-snapshot-"))).toEqual([]);
  redis.disconnect();
});

/** Paths of the files that this process has open. */
function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((name) => {
    try {
      return [readlinkSync(`/proc/self/fd/${name}`)];
    } catch {
      return [];
    }
  });
}

test("it comes from one place, and says so when nobody is there", async () => {
  const both = await runCli(["snapshot", "--dir", "x", "--url", "127.0.0.1:1", folder.file("none")]);
  expect(both).toMatchObject({ code: 1, stderr: expect.stringContaining("--dir and --url exclude each other") });
  const nobody = await runCli(["snapshot", "--url", "127.0.0.1:1", folder.file("none")]);
  expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining("no server answers at ws://127.0.0.1:1/") });
});
