// Files of Redis against the server that writes and loads them, both ways: what it saves is imported and equal key by key,
// with times; what nearkey writes is loaded, and Redis's own digest of it is that of the database it came from.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, describe, expect, test } from "vitest";
import { open } from "../dist/node.js";
import { readRdb } from "../src/rdb/rdb-reader.ts";
import { runCli, testFolder } from "./cli-program.ts";
import { drawSeed } from "./engine-driver.ts";
import { findTool } from "./external-tools.ts";
import { Random } from "./random.ts";
import { RedisProcess } from "./redis-process.ts";
import { ServedProcess } from "./served-process.ts";
import { fillStream, streamContent } from "./stream-files.ts";

const program = findTool("redis-server");
const checker = findTool("redis-check-rdb");
const seed = drawSeed("rdb-redis.test.ts");
const folder = testFolder("rdb-redis");
const running: (() => unknown)[] = [];
afterAll(() => Promise.all(running.map((stop) => stop())));

/** A server of Redis in a folder of its own that saves and loads `dump.rdb` there. */
async function startRedis(place: string, ...options: string[]): Promise<{ redis: Redis; file: string }> {
  const dir = folder.file(place.replaceAll(" ", "_"));
  mkdirSync(dir, { recursive: true });
  const server = await RedisProcess.start(program as string, "--dir", dir, "--enable-debug-command", "yes", ...options);
  const redis = new Redis(server.path);
  running.push(() => {
    redis.disconnect();
    server.stop();
  });
  return { redis, file: join(dir, "dump.rdb") };
}

const FAR = Date.now() + 1e9;

/** Fills a Redis with what nearkey has types for, in every size that is written in a way of its own. */
async function fillSupported(redis: Redis, random: Random): Promise<void> {
  for (const database of [0, 1, 15]) {
    const pipeline = redis.pipeline();
    pipeline.select(database);
    for (let key = 0; key < 150; key++) {
      const name = `${random.pick(["s", "bin\xff\x00", "é"])}${key}`;
      const value = random.pick([
        () => String(random.below(300) - 150),
        () => String((random.below(2 ** 31) - 2 ** 30) * random.pick([1, 2, 2 ** 30])),
        () => "ab".repeat(random.below(40)),
        () => Buffer.from(Array.from({ length: random.below(3000) }, () => random.below(256))),
        () => "x".repeat(random.pick([0, 20, 21, 63, 64, 16_383, 16_384, 70_000])),
      ])();
      const kind = random.pick(["string", "list", "set", "zset", "stream", "hash"]);
      if (kind === "string") pipeline.set(Buffer.from(name, "latin1"), value);
      else if (kind === "list") pipeline.rpush(Buffer.from(name, "latin1"), ...listOf(random, value));
      else if (kind === "zset") pipeline.zadd(Buffer.from(name, "latin1"), ...scoredOf(random, value));
      else if (kind === "set") pipeline.sadd(Buffer.from(name, "latin1"), ...setOf(random, value));
      else if (kind === "stream") fillStream(pipeline, Buffer.from(name, "latin1"), random, value);
      else pipeline.hset(Buffer.from(name, "latin1"), ...hashOf(random, value));
      if (random.oneIn(3)) pipeline.pexpireat(Buffer.from(name, "latin1"), FAR + random.below(1e6));
    }
    await pipeline.exec();
  }
  await redis.select(0);
}

/** Some longer than a batch of an import. */
function listOf(random: Random, value: string | Buffer): (string | Buffer)[] {
  const elements = random.pick([1, 3, 20, 200, 3_000]);
  return Array.from({ length: elements }, (_, index) => (index === 1 ? value : `${random.below(1e5)}`));
}

/** Members with scores of every kind, ties among them. */
function scoredOf(random: Random, value: string | Buffer): (string | Buffer | number)[] {
  const size = random.pick([1, 30, 128, 129, 700]);
  const scores = ["inf", "-inf", "0", "-1.5", "0.1", "1e-7", "123456789012", "-2.5e30", "3"];
  const first = value.length > 30_000 ? "first" : value;
  return Array.from({ length: size }, (_, at) => [random.pick(scores), at === 0 ? first : `m${at}`]).flat();
}

function setOf(random: Random, value: string | Buffer): (string | Buffer)[] {
  const size = random.pick([1, 30, 400, 700]);
  const numbers = Array.from({ length: size }, (_, index) => String(index * random.pick([1, 70_000, -(2 ** 33)])));
  // A member is as long as a key at most.
  return random.oneIn(2) || value.length > 30_000 ? numbers : [value, ...numbers];
}

function hashOf(random: Random, value: string | Buffer): (string | Buffer)[] {
  const fields = random.pick([1, 3, 20, 200, 700]);
  return Array.from({ length: fields }, (_, index) => [`field ${index}`, index === 0 ? value : String(index)]).flat();
}

/** Everything that a server has, as both answer it; a digest stands for each value. */
async function contentOf(redis: Redis): Promise<Map<string, string>> {
  const content = new Map<string, string>();
  for (let database = 0; database < 16; database++) {
    await redis.select(database);
    for (const key of (await redis.keysBuffer("*")).sort(Buffer.compare)) {
      const type = await redis.type(key);
      const value = await contentOfKey(redis, type, key);
      const time = await redis.call("PEXPIRETIME", key);
      const digest = createHash("sha1").update(JSON.stringify(value)).digest("hex");
      content.set(`${database} ${key.toString("latin1")}`, `${type} ${time} ${digest}`);
    }
  }
  await redis.select(0);
  return content;
}

async function contentOfKey(redis: Redis, type: string, key: Buffer): Promise<unknown> {
  if (type === "string") return redis.getBuffer(key);
  if (type === "list") return redis.lrangeBuffer(key, 0, -1);
  if (type === "zset") return scoresOf(redis, key);
  if (type === "set") return (await redis.smembersBuffer(key)).sort(Buffer.compare);
  if (type === "stream") return streamContent(redis, key);
  return sorted(await redis.hgetallBuffer(key));
}

/** Scores as numbers: 7.0 writes them with more digits. */
async function scoresOf(redis: Redis, key: Buffer): Promise<unknown[]> {
  const flat = await redis.zrangeBuffer(key, "0", "-1", "WITHSCORES");
  return flat.map((text, at) => (at % 2 === 0 ? text : String(Number(String(text).replace("inf", "Infinity")))));
}

function sorted(hash: Record<string, Buffer>): [string, Buffer][] {
  return Object.entries(hash).sort(([a], [b]) => (a < b ? -1 : 1));
}

async function startNearkey(...options: string[]): Promise<{ served: ServedProcess; client: Redis; url: string }> {
  const served = await ServedProcess.start(...options);
  const client = new Redis(served.respPort, "127.0.0.1");
  running.push(async () => {
    client.disconnect();
    await served.stop();
  });
  return { served, client, url: `127.0.0.1:${served.port}` };
}

describe.skipIf(program === undefined || checker === undefined)("with redis-server", () => {
  test.each([
    ["as it is set up", []],
    ["unpacked, without a checksum", ["--rdbcompression", "no", "--rdbchecksum", "no"]],
    [
      "in hash tables alone",
      ["--hash-max-listpack-entries", "0", "--set-max-intset-entries", "0", "--zset-max-listpack-entries", "0"],
    ],
  ])("%s: import and export change nothing", { timeout: 60_000 }, async (_name, options) => {
    const { redis, file } = await startRedis(`from ${options.join(" ")}`, ...options);
    await fillSupported(redis, new Random(seed));
    await redis.hset("changed", "field", "value");
    await redis.set("dies", "soon", "PX", 1);
    await redis.call("DEBUG", "SET-ACTIVE-EXPIRE", "0");
    await redis.save();
    const dir = folder.file(`kept${options.join("_")}`);
    const { served, client, url } = await startNearkey("--dir", dir);
    await client.hset("changed", "there", "before");
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { code, stdout } = await runCli(["import", "--url", url, "--json", file]);
    expect(code).toBe(0);
    const keys = 451;
    expect(JSON.parse(stdout)).toMatchObject({ imported: keys, refused: 0, expired: 1, redis_version: "7.0.15" });
    expect(await redis.get("dies")).toBeNull();
    const content = await contentOf(redis);
    expect(content.size).toBe(keys);
    expect(await contentOf(client)).toEqual(content);
    // Back: through a snapshot of the directory into another Redis.
    client.disconnect();
    expect(await served.stop()).toBe(0);
    const target = folder.file(`to_${options.join("_")}`);
    mkdirSync(target);
    const made = await runCli(["snapshot", "--dir", dir, join(target, "dump.rdb")]);
    expect(made).toMatchObject({
      code: 0,
      stderr: "",
      stdout: expect.stringContaining(`dump.rdb: ${keys} keys, 0000000`),
    });
    expect(String(execFileSync(checker as string, [join(target, "dump.rdb")]))).toContain("RDB looks OK!");
    const other = await startRedis(`to ${options.join(" ")}`);
    expect(await contentOf(other.redis)).toEqual(content);
    expect(await other.redis.call("DEBUG", "DIGEST")).toBe(await redis.call("DEBUG", "DIGEST"));
    expect(await other.redis.call("DEBUG", "RELOAD")).toBe("OK");
    expect(await other.redis.call("DEBUG", "DIGEST")).toBe(await redis.call("DEBUG", "DIGEST"));
  });

  test.each([
    ["packed", []],
    ["in small nodes", ["--list-max-listpack-size", "3", "--list-compress-depth", "1"]],
    ["unpacked", ["--zset-max-listpack-entries", "0", "--set-max-intset-entries", "0", "--rdbcompression", "no"]],
  ])("collections of every type are read to the last element: %s", { timeout: 60_000 }, async (_name, options) => {
    const { redis, file } = await startRedis(`types ${options.join(" ")}`, ...options);
    const random = new Random(seed);
    const word = (): string =>
      random.pick([String(random.below(1e9) - 5e8), "x".repeat(random.below(9000)), `w${random.below(1e6)}`]);
    for (const size of [1, 10, 130, 600]) {
      await redis.rpush(`list ${size}`, ...Array.from({ length: size }, word));
      await redis.sadd(`set ${size}`, ...Array.from({ length: size }, word));
      await redis.sadd(`numbers ${size}`, ...Array.from({ length: size }, (_, index) => index * random.pick([1, 1e5])));
      await redis.zadd(`sorted ${size}`, ...Array.from({ length: size }, () => [random.below(1e6) / 7, word()]).flat());
      for (let entry = 0; entry < size; entry++) await redis.xadd(`stream ${size}`, "*", "field", word());
      await redis.xgroup("CREATE", `stream ${size}`, "group", "0");
      await redis.xreadgroup("GROUP", "group", "reader", "COUNT", 5, "STREAMS", `stream ${size}`, ">");
    }
    await redis.zadd("scores", "inf", "most", "-inf", "least", "1e-7", "small");
    await redis.save();
    const found = await elementsOf(file);
    expect(found.size).toBe(21);
    for (const [key, { kind, elements }] of found) {
      if (kind === "list") expect(elements, key).toEqual(await redis.lrange(key, "0", "-1"));
      if (kind === "set") expect(elements.sort(), key).toEqual((await redis.smembers(key)).sort());
      if (kind === "sorted set") {
        const flat = await redis.zrange(key, "0", "-1", "WITHSCORES");
        expect(scores(elements), key).toEqual(scores(flat));
      }
    }
    const tried = await runCli(["import", "--dry-run", "--json", file]);
    expect(tried.code).toBe(0);
    expect(JSON.parse(tried.stdout)).toMatchObject({ refused: 0 });
  });

  test("what is refused is told of with its key, and the rest is in", async () => {
    const { redis, file } = await startRedis("refused");
    await redis.mset("a", 1, "b", 2);
    await redis.set("k".repeat(40_000), "too long a name");
    await redis.call("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)");
    await redis.save();
    const { client, url } = await startNearkey();
    const { code, stdout } = await runCli(["import", "--url", url, file, "--id-prefix", "copy:"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^imported 2 keys in /);
    expect(stdout).toContain("functions are not supported yet (offset ");
    expect(stdout).toMatch(/ key exceeds 32704 bytes.* \("k{60}…" of database 0/i);
    expect(await client.mget("copy:a", "copy:b")).toEqual(["1", "2"]);
    const strict = await runCli(["import", "--url", url, file, "--strict"]);
    expect(strict.stderr).toContain("(--strict stops at the first)");
  });

  test("a file that is cut off or damaged is an error with its offset, behind what was imported", async () => {
    const { redis, file } = await startRedis("damaged", "--rdbcompression", "no");
    for (let key = 0; key < 2000; key++) redis.set(`key:${key}`, "value".repeat(10));
    await redis.save();
    const bytes = readFileSync(file);
    const torn = folder.file("torn.rdb");
    writeFileSync(torn, bytes.subarray(0, bytes.length / 2));
    const { client, url } = await startNearkey();
    const cut = await runCli(["import", "--url", url, torn]);
    expect(cut).toMatchObject({ code: 1, stdout: expect.stringMatching(/^imported \d+ keys in /) });
    expect(cut.stderr).toMatch(
      /nearkey: .*torn\.rdb, offset \d+: it ends after \d+ bytes, in the middle of what begins here/,
    );
    expect(await client.dbsize()).toBe(Number(/imported (\d+)/.exec(cut.stdout.replace(",", ""))?.[1]));
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 100) ^ 1, bytes.length - 100);
    writeFileSync(torn, bytes);
    expect((await runCli(["import", "--dry-run", torn])).stderr).toContain("the checksum of the file is wrong");
    expect((await runCli(["import", "--dry-run", "--into", "set", file])).stderr).toContain("--into is for rows");
  });
});

test("vector sets are left out of a file for Redis, which the exit code tells", async () => {
  const dir = folder.file("vectors");
  const db = await open({ dir });
  db.set("k", "v");
  db.command("VADD", "set", "VALUES", 2, 1, 0, "a");
  await db.close();
  const made = await runCli(["snapshot", "--dir", dir, "--format", "rdb", folder.file("vectors.out")]);
  expect(made).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("vectors.out: 1 keys, 00000001.snapshot of "),
  });
  expect(made.stderr).toBe("left out: 1 of the type vectorset, which files of Redis do not have\n");
  expect([...(await elementsOf(folder.file("vectors.out"))).keys()]).toEqual(["k"]);
});

async function elementsOf(file: string): Promise<Map<string, { kind: string; elements: string[] }>> {
  const found = new Map<string, { kind: string; elements: string[] }>();
  for await (const items of readRdb(createReadStream(file), file)) {
    for (const item of items) {
      if (item.what !== "key") continue;
      const key = Buffer.from(item.key).toString();
      const value = found.get(key) ?? { kind: item.kind, elements: [] };
      value.elements.push(...item.elements.map((element) => Buffer.from(element).toString()));
      found.set(key, value);
    }
  }
  return found;
}

/** Members with their scores as numbers: two ways of writing one number are the same. */
function scores(flat: readonly string[]): [string, number][] {
  const pairs: [string, number][] = [];
  for (let at = 0; at < flat.length; at += 2) {
    pairs.push([flat[at] as string, Number((flat[at + 1] as string).replace("inf", "Infinity"))]);
  }
  return pairs.sort(([a], [b]) => (a < b ? -1 : 1));
}
