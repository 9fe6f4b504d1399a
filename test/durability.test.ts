// A database in a directory, as programs and clients see it: it comes back, whatever became of the process; what was
// answered is there; a disk that refuses makes it read-only. The server is the one that users run, killed at any moment.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, describe, expect, test } from "vitest";
import { open } from "../dist/node.js";
import { runCli } from "./cli-program.ts";
import { Random, seedOfRun } from "./random.ts";
import { ServedProcess } from "./served-process.ts";

const KILLS = Number(process.env.NEARKEY_KILLS ?? 3);
const CLIENTS = 8;
const KEYS_A_CLIENT = 50;

const root = mkdtempSync(join(tmpdir(), "nearkey-durability-"));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;
const newFolder = () => join(root, String(folders++));

describe("embedded", () => {
  test("a database comes back with all types, times to live and databases", async () => {
    const dir = newFolder();
    const db = await open({ dir });
    db.set("text", "value");
    db.set("short", "lived", { ttlMs: 3_600_000 });
    db.command("HSET", "hash", "field", "one");
    db.set("large", "x".repeat(300_000));
    db.command("VADD", "set", "VALUES", 3, 1, 0, 0, "a");
    db.command("VADD", "set", "VALUES", 3, 0, 1, 0, "b");
    await db.commit();
    await db.close();
    await db.close();
    await using again = await open({ dir });
    expect(again.get("text")).toBe("value");
    expect(again.command("PTTL", "short")).toBeGreaterThan(3_000_000);
    expect(again.command("HGET", "hash", "field")).toBe("one");
    expect(again.get("large")).toBe("x".repeat(300_000));
    expect(again.command("VCARD", "set")).toBe(2);
  });

  test("many who wait for a commit share one", async () => {
    await using db = await open({ dir: newFolder() });
    const commits = Array.from({ length: 500 }, async (_, index) => {
      db.set(`key:${index}`, "value");
      await db.commit();
    });
    await Promise.all(commits);
    const report = String(db.command("INFO", "persistence"));
    expect(Number(/nearkey_commits:(\d+)/.exec(report)?.[1])).toBeLessThan(50);
  });

  test("more is written in one go than the log's region holds, without an await", async () => {
    const dir = newFolder();
    const db = await open({ dir, fsync: "never" });
    const value = "x".repeat(10_000);
    for (let index = 0; index < 9000; index++) db.set(`key:${index}`, value);
    await db.close();
    await using again = await open({ dir });
    expect(again.command("DBSIZE")).toBe(9000);
  });

  test("a directory in use is refused, and free again after close", async () => {
    const dir = newFolder();
    const db = await open({ dir });
    await expect(open({ dir })).rejects.toMatchObject({ code: "directory-in-use" });
    await db.close();
    await (await open({ dir })).close();
  });

  test.skipIf(!existsSync("/proc/self"))("a directory that cannot be is an error that says what to do", async () => {
    const file = join(root, "a file");
    writeFileSync(file, "");
    const tries = [
      ["/proc/none", "none can be made there: check the path (ENOENT)"],
      ["/proc/none/deeper", "none can be made there: check the path (ENOENT)"],
      [file, "something else has that name (EEXIST)"],
      [join(file, "in it"), "a part of the path is a file, and no folder: check the path (ENOTDIR)"],
    ] as const;
    for (const [dir, advice] of tries) {
      const error = await open({ dir }).then(
        () => undefined,
        (reason) => reason,
      );
      expect(error).toMatchObject({ code: "storage-failed" });
      expect(error.message).toContain(`cannot use the directory ${dir} (dir names it): `);
      expect(error.message).toContain(advice);
    }
    const served = await runCli(["serve", "--port", "0", "--resp-port", "0", "--dir", "/proc/none"]);
    expect(served).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("/proc/none (--dir names it): there is no such"),
    });
    const made = await runCli(["snapshot", "--dir", join(root, "absent"), join(root, "x.nearkey")]);
    expect(made).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot read the directory") });
    await expect(open({ image: join(root, "absent.nearkey") })).rejects.toThrow(
      `cannot read ${root}/absent.nearkey: there is no such file or folder`,
    );
    await (await open({ dir: join(root, "one", "in", "another") })).close();
  });

  test("options that cannot be are refused", async () => {
    await expect(open({ dir: newFolder(), fsyncIntervalMs: 0 })).rejects.toMatchObject({ code: "invalid-option" });
    await expect(open({ dir: newFolder(), fsync: "often" as "always" })).rejects.toThrow("fsync must be one of");
  });

  test("a flipped bit is an error that names file and offset, wherever it is, and changes nothing", async () => {
    const dir = newFolder();
    const db = await open({ dir });
    for (let index = 0; index < 20; index++) {
      db.set(`key:${index}`, "value");
      await db.commit();
    }
    await db.close();
    // Without the snapshot of a clean stop, which would make up for any damage.
    rmSync(join(dir, "00000001.snapshot"));
    const [name] = readdirSync(dir).filter((each) => each.startsWith("log-")) as [string];
    const whole = readFileSync(join(dir, name));
    const random = new Random(seedOfRun());
    for (let flip = 0; flip < 20; flip++) {
      const broken = Buffer.from(whole);
      // Behind the head, before the last mark: each of these bits is of a record or of a mark that others prove.
      const at = 64 + random.below(whole.length - 64 - 32);
      broken[at] = (broken[at] as number) ^ (1 << random.below(8));
      writeFileSync(join(dir, name), broken);
      const error = await open({ dir }).then(
        async (opened) => void (await opened.close()),
        (reason) => reason,
      );
      expect(error?.code, `bit of byte ${at}`).toBe("storage-damaged");
      expect(error.message).toContain(`${dir}/${name} is damaged at offset`);
      expect(readFileSync(join(dir, name)).equals(broken)).toBe(true);
    }
    writeFileSync(join(dir, name), whole);
    await (await open({ dir })).close();
  });
});

test("snapshots of an embedded database: by hand, by settings, and by none where there is no directory", async () => {
  const dir = newFolder();
  const db = await open({ dir, snapshot: { everyLogBytes: 1000 } });
  db.set("k", "v");
  await db.snapshot();
  expect(readdirSync(dir)).toContain("00000001.snapshot");
  expect(() => db.command("SAVE")).toThrow("use BGSAVE, or await db.snapshot()");
  db.set("large", "x".repeat(2000));
  await db.commit();
  await expect.poll(() => readdirSync(dir), { timeout: 10_000 }).toContain("00000002.snapshot");
  expect(String(db.command("BGSAVE"))).toBe("Background saving started");
  await db.close();
  await using again = await open({ dir });
  expect(again.get("large")).toHaveLength(2000);
  expect(String(again.command("INFO", "persistence"))).toContain("nearkey_recovery_records:0");
  await using plain = await open();
  await expect(plain.snapshot()).rejects.toMatchObject({ code: "unsupported" });
  await expect(open({ dir: newFolder(), snapshot: { keep: 0 } })).rejects.toThrow("snapshot.keep must be");
});

test("a server saves on demand and at a clean stop, and starts from that", async () => {
  const dir = newFolder();
  const served = await ServedProcess.start("--dir", dir, "--snapshot-interval", "off", "--snapshot-log-bytes", "0");
  const redis = new Redis(served.respPort, "127.0.0.1");
  await redis.call("VADD", "set", "VALUES", 2, 1, 0, "a");
  await redis.call("VADD", "set", "VALUES", 2, 0, 1, "b");
  const links = await redis.call("VLINKS", "set", "a");
  expect(await redis.save()).toBe("OK");
  expect(readdirSync(dir)).toContain("00000001.snapshot");
  expect(Number(await redis.lastsave())).toBeGreaterThan(Date.now() / 1000 - 60);
  await redis.set("later", "1");
  redis.disconnect();
  expect(await served.stop()).toBe(0);
  expect(readdirSync(dir)).toContain("00000002.snapshot");
  const again = await ServedProcess.start("--dir", dir);
  const client = new Redis(again.respPort, "127.0.0.1");
  const report = await client.info("persistence");
  expect(report).toContain("rdb_changes_since_last_save:0\r\n");
  expect(report).toContain("nearkey_recovery_records:0\r\n");
  expect(await client.call("VLINKS", "set", "a")).toEqual(links);
  expect(await client.get("later")).toBe("1");
  client.disconnect();
  expect(await again.stop()).toBe(0);
});

/** What a client wrote to its keys: the number answered last, and the one sent last. */
interface Account {
  readonly answered: number[];
  readonly sent: number[];
}

async function writeUntilCut(port: number, client: number, account: Account): Promise<void> {
  const redis = new Redis(port, "127.0.0.1", { retryStrategy: null, maxRetriesPerRequest: 0 });
  redis.on("error", () => undefined);
  try {
    for (let round = 0; ; round++) {
      const key = round % KEYS_A_CLIENT;
      const number = (account.sent[key] ?? 0) + 1;
      account.sent[key] = number;
      await redis.set(`${client}:${key}`, number);
      account.answered[key] = number;
    }
  } catch {
    redis.disconnect();
  }
}

test.each(["always", "periodic"])(
  `a server killed ${KILLS} times under load of ${CLIENTS} clients has what it answered (%s)`,
  async (mode) => {
    const random = new Random(seedOfRun());
    const dir = newFolder();
    const accounts = Array.from({ length: CLIENTS }, (): Account => ({ answered: [], sent: [] }));
    for (let kill = 0; kill <= KILLS; kill++) {
      const served = await ServedProcess.start("--dir", dir, "--fsync", mode, "--fsync-interval", "50ms");
      const redis = new Redis(served.respPort, "127.0.0.1");
      for (const [client, { answered, sent }] of accounts.entries()) {
        for (const [key, number] of sent.entries()) {
          const found = Number(await redis.get(`${client}:${key}`));
          expect(found, `key ${client}:${key}`).toBeGreaterThanOrEqual(answered[key] ?? 0);
          expect(found, `key ${client}:${key}`).toBeLessThanOrEqual(number);
          sent[key] = found;
        }
      }
      redis.disconnect();
      const writers = accounts.map((account, client) => writeUntilCut(served.respPort, client, account));
      writers.push(saveUntilCut(served.respPort));
      await new Promise((resolve) => setTimeout(resolve, 50 + random.below(400)));
      if (kill === KILLS) expect(await served.stop()).toBe(0);
      else await served.kill();
      await Promise.all(writers);
    }
    expect(accounts.some(({ answered }) => answered.length > 0)).toBe(true);
  },
  60_000 + KILLS * 10_000,
);

/** One snapshot after another, so that a process that is killed is killed while one is taken. */
async function saveUntilCut(port: number): Promise<void> {
  const redis = new Redis(port, "127.0.0.1", { retryStrategy: null, maxRetriesPerRequest: 0 });
  redis.on("error", () => undefined);
  try {
    while (true) await redis.save();
  } catch {
    redis.disconnect();
  }
}

const SHIM = `
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>
static int sync_of(long call, int fd) {
  if (access(FLAG, F_OK) != 0) return (int)syscall(call, fd);
  errno = EIO;
  return -1;
}
int fsync(int fd) { return sync_of(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_of(SYS_fdatasync, fd); }
`;

/** A library whose fsync fails while a file is there; undefined without a compiler. */
function failingSync(flag: string): string | undefined {
  const folder = newFolder();
  const library = join(folder, "shim.so");
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, "shim.c"), SHIM);
    execFileSync("cc", ["-shared", "-fPIC", `-DFLAG="${flag}"`, "-o", library, join(folder, "shim.c")], {
      stdio: "pipe",
    });
    return library;
  } catch (error) {
    if (existsSync("/usr/bin/cc")) throw error;
    return undefined;
  }
}

test("a disk whose fsync fails makes the server read-only, nothing is acknowledged, and it comes back", async (context) => {
  const flag = join(root, "fsync-fails");
  const library = failingSync(flag);
  if (library === undefined) return context.skip("there is no C compiler (cc) to build a failing fsync with");
  const dir = newFolder();
  const served = await ServedProcess.startWith({ LD_PRELOAD: library }, "--dir", dir);
  const redis = new Redis(served.respPort, "127.0.0.1", { retryStrategy: () => 20 });
  redis.on("error", () => undefined);
  expect(await redis.set("before", "1")).toBe("OK");
  writeFileSync(flag, "");
  await expect(redis.set("during", "1")).rejects.toThrow(/MISCONF|closed/);
  await expect(redis.set("refused", "1")).rejects.toThrow("MISCONF the log cannot be written");
  expect(await redis.get("before")).toBe("1");
  expect(await redis.info("persistence")).toMatch(/nearkey_read_only:1\r\nnearkey_failure:the disk failed \(EIO\)/);
  const health = await fetch(`http://127.0.0.1:${served.port}/health`);
  expect(health.status).toBe(503);
  expect(await health.json()).toMatchObject({ status: "read-only" });
  const asked = await runCli(["health", "--url", `127.0.0.1:${served.port}`]);
  expect(asked).toMatchObject({ code: 1, stdout: expect.stringMatching(/^read-only: up /) });
  const metrics = await (await fetch(`http://127.0.0.1:${served.port}/metrics`)).text();
  expect(metrics).toMatch(/^nearkey_log_read_only 1$/m);
  expect(metrics).toMatch(/^nearkey_log_failures_total\{code="EIO"\} [1-9]/m);
  rmSync(flag);
  for (let tries = 0; tries < 200 && (await redis.set("after", "1").catch(() => "")) !== "OK"; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(await redis.info("persistence")).toContain("nearkey_read_only:0");
  redis.disconnect();
  await served.kill();
  await using db = await open({ dir });
  expect(db.get("before")).toBe("1");
  expect(db.get("after")).toBe("1");
  expect(db.get("refused")).toBeUndefined();
});
