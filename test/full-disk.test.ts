// A disk that is really full: the server that users run, on a file system in memory that has room for little. Writes are
// refused and reads go on; once there is space again writes go on by themselves; what was acknowledged is there after the
// process was killed. Mounting takes a permission; without it the test is skipped, and says so.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, expect, test } from "vitest";
import { runCli } from "./cli-program.ts";
import { ServedProcess } from "./served-process.ts";

const MIB = 1024 * 1024;
/** Room for five segments; what is beside the database leaves two of them. */
const DISK_MIB = 84;
const BESIDE_MIB = 44;
const CLIENTS = 4;
const KEYS_A_CLIENT = 20;
const VALUE_BYTES = 20_000;
/** More than the disk takes. */
const ROUNDS_MAX = (2 * DISK_MIB * MIB) / VALUE_BYTES / CLIENTS;

const mounted: string[] = [];
afterAll(() => {
  for (const place of mounted) {
    execFileSync("umount", ["--lazy", place]);
    rmdirSync(place);
  }
});

/** A file system of its own; undefined where this process may not mount one. */
function smallDisk(): string | undefined {
  const place = mkdtempSync(join(tmpdir(), "nearkey-full-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "tmpfs", place], { stdio: "pipe" });
    mounted.push(place);
    return place;
  } catch {
    rmdirSync(place);
    return undefined;
  }
}

/** What one client knows of its keys: the number that was acknowledged last, and the one sent last. */
class Writer {
  readonly acknowledged: number[] = [];
  readonly sent: number[] = [];
  private round = 0;

  constructor(private readonly client: number) {}

  keyOf(key: number): string {
    return `${this.client}:${key}`;
  }

  /** Writes until it is refused; answers with what. */
  async write(redis: Redis, rounds: number): Promise<string | undefined> {
    for (let count = 0; count < rounds; count++) {
      const key = this.round++ % KEYS_A_CLIENT;
      const number = (this.sent[key] ?? 0) + 1;
      this.sent[key] = number;
      try {
        await redis.set(this.keyOf(key), `${number}:`.padEnd(VALUE_BYTES, "x"));
      } catch (error) {
        return (error as Error).message;
      }
      this.acknowledged[key] = number;
    }
    return undefined;
  }

  async check(redis: Redis): Promise<void> {
    for (const [key, number] of this.sent.entries()) {
      const found = Number.parseInt((await redis.get(this.keyOf(key))) ?? "0", 10);
      expect(found, `key ${this.keyOf(key)}`).toBeGreaterThanOrEqual(this.acknowledged[key] ?? 0);
      expect(found, `key ${this.keyOf(key)}`).toBeLessThanOrEqual(number);
    }
  }
}

/** One connection for each writer. */
function connections({ respPort }: ServedProcess): Redis[] {
  return Array.from({ length: CLIENTS }, () => {
    const redis = new Redis(respPort, "127.0.0.1", { retryStrategy: () => 20 });
    redis.on("error", () => undefined);
    return redis;
  });
}

test("a disk that fills up refuses writes alone, and takes them again when it has space", async (context) => {
  const disk = smallDisk();
  if (disk === undefined) return context.skip("this process may not mount a tmpfs that could fill up: run as root");
  const dir = join(disk, "database");
  mkdirSync(dir);
  const beside = join(disk, "beside");
  writeFileSync(beside, Buffer.alloc(BESIDE_MIB * MIB));
  const served = await ServedProcess.start("--dir", dir);
  context.onTestFinished(() => served.kill());
  const redises = connections(served);
  const [redis] = redises as [Redis];
  const writers = redises.map((_, client) => new Writer(client));
  const all = (rounds: number) =>
    Promise.all(writers.map((writer, client) => writer.write(redises[client] as Redis, rounds)));

  for (const refusal of await all(ROUNDS_MAX)) {
    expect(refusal).toMatch(/^MISCONF the log cannot be written/);
  }
  expect(await redis.info("persistence")).toMatch(/nearkey_read_only:1\r\nnearkey_failure:the disk is full \(ENOSPC\)/);
  expect((await fetch(`http://127.0.0.1:${served.port}/health`)).status).toBe(503);
  await Promise.all(writers.map((writer) => writer.check(redis)));
  await expect(redis.del("0:0")).rejects.toThrow("MISCONF");

  rmSync(beside);
  await expect.poll(() => redis.set("let in", "again").catch(() => ""), { timeout: 10_000 }).toBe("OK");
  expect((await fetch(`http://127.0.0.1:${served.port}/health`)).status).toBe(200);
  expect(await all(KEYS_A_CLIENT)).toEqual(redises.map(() => undefined));
  for (const each of redises) each.disconnect();
  await served.kill();

  expect(await runCli(["repair", "--dir", dir])).toMatchObject({ code: 0 });
  const again = await ServedProcess.start("--dir", dir);
  context.onTestFinished(() => again.kill());
  const reader = new Redis(again.respPort, "127.0.0.1");
  await Promise.all(writers.map((writer) => writer.check(reader)));
  expect(await reader.get("let in")).toBe("again");
  reader.disconnect();
}, 60_000);
