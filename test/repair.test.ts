// `nearkey repair` as a user runs it, on directories that the built library wrote and the test then damages: what it says
// would be lost is what is lost, the rest opens, and what was cut is still there.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { open } from "../dist/node.js";
import { runCli, testFolder } from "./cli-program.ts";
import { findTool } from "./external-tools.ts";
import { Random, seedOfRun } from "./random.ts";

const KEYS = 30;
const { file } = testFolder("repair");
let folders = 0;
const newFolder = () => file(String(folders++));

/** Keys that were written as key:0, key:1 and so on, of which the first `count` are there, and no other. */
async function expectKeys(dir: string, count: number): Promise<void> {
  const db = await open({ dir });
  expect(db.command("DBSIZE")).toBe(count);
  for (let index = 0; index < count; index++) expect(db.get(`key:${index}`)).toBe(`value:${index}`);
  await db.close();
  removeSnapshots(dir);
}

/** Writes keys that are in the log alone: the snapshot of the clean stop goes, and the log is what is damaged and cut. */
async function write(dir: string, from: number, count: number): Promise<void> {
  const db = await open({ dir });
  for (let index = from; index < from + count; index++) {
    db.set(`key:${index}`, `value:${index}`);
    await db.commit();
  }
  await db.close();
  removeSnapshots(dir);
}

function removeSnapshots(dir: string): void {
  for (const name of filesOf(dir)) if (name.endsWith(".snapshot")) rmSync(join(dir, name));
}

/** A directory with a log of as many segments as it was opened: each holds KEYS records more. */
async function written(segments: number): Promise<string> {
  const dir = newFolder();
  for (let segment = 0; segment < segments; segment++) await write(dir, segment * KEYS, KEYS);
  expect(filesOf(dir)).toHaveLength(segments);
  return dir;
}

function filesOf(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name !== "lock" && !name.endsWith(".wasm"))
    .sort();
}

/** Everything in a directory, to be compared. */
function contentOf(dir: string): (readonly [string, string])[] {
  return filesOf(dir).map((name) => [name, readFileSync(join(dir, name)).toString("base64")] as const);
}

function flip(path: string, at: number, bit = 0): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ (1 << bit);
  writeFileSync(path, bytes);
}

interface Found {
  outcome: string;
  last_record: number;
  damage: { file: string; offset: number } | null;
  loss: { records: number; first: number; last: number; readable: number; oldest_ms: number; bytes: number } | null;
  new_heads: string[];
  put_aside: string[];
}

async function look(dir: string, ...flags: string[]): Promise<{ code: number | null; found: Found }> {
  const { code, stdout } = await runCli(["repair", "--dir", dir, "--json", ...flags]);
  return { code, found: JSON.parse(stdout) as Found };
}

describe("nothing is wrong", () => {
  test("with what was closed", async () => {
    const dir = await written(2);
    const before = contentOf(dir);
    const { code, stdout } = await runCli(["repair", "--dir", dir, "--yes"]);
    expect(stdout).toMatch(
      /^segments of the log: 2, snapshots: 0\nnothing is wrong: the last record is 60, in log-\d+ /,
    );
    expect(code).toBe(0);
    expect(contentOf(dir)).toEqual(before);
  });

  test("with a torn tail, wherever it is torn", async () => {
    const dir = newFolder();
    const running = await open({ dir, fsync: "never" });
    for (let index = 0; index < KEYS; index++) running.set(`key:${index}`, `value:${index}`);
    await running.commit();
    const copy = newFolder();
    cpSync(dir, copy, { recursive: true, filter: (from) => !from.endsWith("lock") });
    await running.close();
    const [name] = filesOf(copy) as [string];
    const used = readFileSync(join(copy, name)).findLastIndex((byte) => byte !== 0) + 1;
    const random = new Random(seedOfRun());
    truncateSync(join(copy, name), used - 1 - random.below(40));
    const { code, found } = await look(copy, "--yes");
    expect(found).toMatchObject({ outcome: "fine", damage: null, put_aside: [] });
    expect(code).toBe(0);
    await expectKeys(copy, found.last_record);
  });
});

describe("a damaged log", () => {
  test("with bits flipped in the middle is cut before them, after it was shown", async () => {
    const random = new Random(seedOfRun());
    const whole = await written(1);
    const [name] = filesOf(whole) as [string];
    const bytes = readFileSync(join(whole, name));
    for (let round = 0; round < 5; round++) {
      const dir = newFolder();
      cpSync(whole, dir, { recursive: true });
      // Behind the head and the first record, of 72 bytes: with that one the whole file would go aside.
      flip(join(dir, name), 136 + random.below(bytes.length - 136 - 200), random.below(8));
      const before = contentOf(dir);
      const dry = await look(dir, "--dry-run");
      expect(dry.code).toBe(1);
      expect(dry.found.outcome).toBe("damaged");
      expect(contentOf(dir)).toEqual(before);
      const { last_record: kept, loss, damage } = dry.found;
      expect(loss).toMatchObject({ first: kept + 1, last: KEYS, records: KEYS - kept });
      expect(loss?.readable).toBeGreaterThanOrEqual(KEYS - kept - 1);
      if ((loss?.readable ?? 0) > 0) expect(Date.now() - (loss?.oldest_ms ?? 0)).toBeLessThan(600_000);
      await expect(open({ dir })).rejects.toMatchObject({ code: "storage-damaged" });
      const done = await look(dir, "--yes");
      expect(done.code).toBe(0);
      expect(done.found.outcome).toBe("repaired");
      const [aside] = done.found.put_aside as [string];
      expect(aside).toBe(`${name}-from-${damage?.offset}.cut`);
      const parts = [readFileSync(join(dir, name)), readFileSync(join(dir, aside))];
      const broken = Buffer.from(before[0]?.[1] ?? "", "base64");
      expect(Buffer.concat(parts).equals(broken.subarray(0, broken.findLastIndex((byte) => byte !== 0) + 1))).toBe(
        true,
      );
      expect(await look(dir)).toMatchObject({ code: 0, found: { outcome: "fine", last_record: kept } });
      await expectKeys(dir, kept);
      await write(dir, kept, 3);
      await expectKeys(dir, kept + 3);
    }
  });

  test("whose only head has a flipped bit is an error, and gets its head again without losing a record", async () => {
    const random = new Random(seedOfRun());
    for (let round = 0; round < 3; round++) {
      const dir = await written(1);
      const [name] = filesOf(dir) as [string];
      const whole = readFileSync(join(dir, name));
      flip(join(dir, name), random.below(64), random.below(8));
      await expect(open({ dir })).rejects.toMatchObject({ code: "storage-damaged" });
      const dry = await look(dir, "--dry-run");
      expect(dry).toMatchObject({ code: 1, found: { outcome: "damaged", new_heads: [name], loss: null } });
      const { code, found } = await look(dir, "--yes");
      expect(found).toMatchObject({ outcome: "repaired", put_aside: [`${name}-head.cut`] });
      expect(code).toBe(0);
      expect(readFileSync(join(dir, name)).equals(whole)).toBe(true);
      await expectKeys(dir, KEYS);
    }
  });

  test("with a head that is garbled gets it again where another segment tells whose log it is", async () => {
    for (const garbled of [0, 1, 2]) {
      const dir = await written(3);
      const name = filesOf(dir)[garbled] as string;
      const bytes = readFileSync(join(dir, name));
      bytes.fill(0xa5, 0, 64);
      writeFileSync(join(dir, name), bytes);
      const { code, stdout } = await runCli(["repair", "--dir", dir, "--yes"]);
      expect(stdout).toContain(`the head of ${name} can be made again from what stands behind it`);
      expect(stdout).toContain("with that the log is whole, and no record is lost");
      expect(code).toBe(0);
      await expectKeys(dir, 3 * KEYS);
    }
  });

  test("whose head and records are damaged is cut as before", async () => {
    const dir = await written(1);
    const [name] = filesOf(dir) as [string];
    flip(join(dir, name), 20);
    flip(join(dir, name), 1000);
    const { found } = await look(dir, "--dry-run");
    expect(found).toMatchObject({ outcome: "damaged", new_heads: [], last_record: 0 });
    expect(found.loss?.records).toBe(KEYS);
  });

  test("without a segment in the middle ends before it", async () => {
    const dir = await written(3);
    const [, second, third] = filesOf(dir) as [string, string, string];
    rmSync(join(dir, second));
    const { code, stdout } = await runCli(["repair", "--dir", dir, "--yes"]);
    expect(stdout).toContain("record 30 is the last that can be reached");
    expect(stdout).toContain("a cut loses 60 records, 31 to 90 (30 of them whole behind the damage");
    expect(stdout).toContain(`${dir} is repaired, and opens`);
    expect(code).toBe(0);
    expect(existsSync(join(dir, `${third}.cut`))).toBe(true);
    await expectKeys(dir, 30);
  });

  test("without its first segment leads to no record at all", async () => {
    const dir = await written(3);
    const [first, second, third] = filesOf(dir) as [string, string, string];
    rmSync(join(dir, first));
    const { code, found } = await look(dir, "--yes");
    expect(found).toMatchObject({ outcome: "repaired", last_record: 0, loss: { records: 90, readable: 60 } });
    expect(code).toBe(0);
    expect(filesOf(dir)).toEqual([`${second}.cut`, `${third}.cut`]);
    await expectKeys(dir, 0);
  });

  test("is cut a second time beside what was put aside the first time", async () => {
    const dir = await written(2);
    const [first, second] = filesOf(dir) as [string, string];
    flip(join(dir, first), 80);
    writeFileSync(join(dir, `${second}.cut`), "from before");
    const { found } = await look(dir, "--yes");
    expect(found.put_aside).toContain(`${second}-2.cut`);
    expect(readFileSync(join(dir, `${second}.cut`), "utf8")).toBe("from before");
  });

  test("stays as it is without a word from whoever owns it", async () => {
    const dir = await written(1);
    flip(join(dir, filesOf(dir)[0] as string), 80);
    const before = contentOf(dir);
    const { code, stdout } = await runCli(["repair", "--dir", dir]);
    expect(stdout).toContain("nothing was changed: --yes cuts");
    expect(code).toBe(1);
    expect(contentOf(dir)).toEqual(before);
  });

  test.skipIf(findTool("script") === undefined)("is cut when a terminal says yes", async () => {
    for (const [answer, code] of [
      ["no", 1],
      ["y", 0],
    ] as const) {
      const dir = await written(1);
      flip(join(dir, filesOf(dir)[0] as string), 80);
      const cli = new URL("../dist/cli.js", import.meta.url).pathname;
      const args = ["-qec", `'${process.execPath}' '${cli}' repair --dir '${dir}'`, "/dev/null"];
      let ended = 0;
      try {
        execFileSync(findTool("script") ?? "", args, { input: `${answer}\n`, stdio: ["pipe", "pipe", "pipe"] });
      } catch (error) {
        ended = (error as { status: number }).status;
      }
      expect(ended, answer).toBe(code);
    }
  });
});

test("a snapshot that is none goes aside, and the log that holds everything stays", async () => {
  const dir = await written(1);
  writeFileSync(join(dir, "00000001.snapshot"), "x".repeat(5000));
  const { code, stdout } = await runCli(["repair", "--dir", dir, "--dry-run"]);
  expect(stdout).toContain("00000001.snapshot: damaged");
  expect(stdout).toContain("the log is whole: the last record is 30");
  expect(code).toBe(1);
  const done = await look(dir, "--yes");
  expect(done).toMatchObject({ code: 0, found: { outcome: "repaired", put_aside: ["00000001.snapshot.cut"] } });
  await expectKeys(dir, KEYS);
});

test("a damaged newest snapshot goes aside, and nothing is lost with the one before it and the log", async () => {
  const dir = newFolder();
  for (let from = 0; from < 3; from++) {
    const db = await open({ dir });
    db.set(`key:${from}`, `value:${from}`);
    await db.close();
  }
  const newest = filesOf(dir).findLast((name) => name.endsWith(".snapshot")) as string;
  flip(join(dir, newest), 5000);
  const { code, stdout } = await runCli(["repair", "--dir", dir, "--dry-run"]);
  expect(stdout).toContain(`${newest}: damaged`);
  expect(stdout).toContain(`${newest}, offset `);
  expect(stdout).toContain("the log is whole: the last record is 3");
  expect(code).toBe(1);
  const done = await look(dir, "--yes");
  expect(done).toMatchObject({ code: 0, found: { outcome: "repaired", loss: null, put_aside: [`${newest}.cut`] } });
  expect((await look(dir)).found).toMatchObject({ outcome: "fine", last_record: 3 });
  await expectKeys(dir, 3);
});

test("a folder of something else holds no database, and nothing is written into it", async () => {
  const dir = newFolder();
  mkdirSync(dir);
  writeFileSync(join(dir, "package.json"), "{}");
  writeFileSync(join(dir, "download.new"), "half");
  const { code, stderr } = await runCli(["repair", "--dir", dir]);
  expect(stderr).toContain(`there is no database in ${dir}`);
  expect(code).toBe(2);
  expect(filesOf(dir)).toEqual(["download.new", "package.json"]);
  await (await open({ dir })).close();
  expect(filesOf(dir)).toEqual(["download.new", "package.json"]);
});

test("wrong use is 2, a directory in use is refused", async () => {
  expect((await runCli(["repair"])).code).toBe(2);
  expect((await runCli(["repair", "--dir", file("absent")])).code).toBe(2);
  expect(existsSync(file("absent"))).toBe(false);
  const dir = newFolder();
  await using db = await open({ dir });
  expect((await runCli(["repair", "--dir", dir, "--yes", "--dry-run"])).code).toBe(2);
  const { code, stderr } = await runCli(["repair", "--dir", dir]);
  expect(stderr).toContain("is in use by process");
  expect(code).toBe(1);
  db.set("still", "open");
});
