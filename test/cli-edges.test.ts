// What programs and people do to a command line beside using it as meant: they close its pipes, name columns and folders that
// are not there, and stop it in the middle.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { open } from "../dist/node.js";
import { runCli, testFolder } from "./cli-program.ts";
import { rdbFile, text } from "./rdb-file.ts";
import { ServedProcess } from "./served-process.ts";

const folder = testFolder("edges");
const cli = new URL("../dist/cli.js", import.meta.url).pathname;

test("a table without a column that was asked for is refused once, before any row", async () => {
  const path = folder.file("rows.csv");
  writeFileSync(path, `id,name,v1,v2\n${"1,a,1,2\n".repeat(50)}`);
  for (const [flags, missing] of [
    [["--into", "set"], "vector"],
    [["--into", "set", "--vector", "w*"], "w*"],
    [["--into", "set", "--vector", "v*", "--id", "sku"], "sku"],
    [["--into", "set", "--vector", "v*", "--attributes", "name,price"], "price"],
    [["--as", "keys"], "value"],
    [["--as", "keys", "--hash", "name,price"], "price"],
    [["--as", "keys", "--value", "name", "--ttl", "age"], "age"],
  ] as const) {
    const { code, stdout, stderr } = await runCli(["import", path, "--dry-run", ...flags]);
    expect(stderr).toContain(`there is no column "${missing}" in the first line; there are id, name, v1, v2`);
    expect(stdout).toMatch(/^checked 0 /);
    expect(code).toBe(1);
  }
  const { code } = await runCli(["import", path, "--dry-run", "--into", "set", "--vector", "v*", "--attributes", "*"]);
  expect(code).toBe(0);
});

test("an import goes on when nobody reads its standard error", async () => {
  const path = folder.file("many.jsonl");
  const line = `{"id":"x","vector":[1,2,3]}\n`;
  writeFileSync(path, line.repeat(200_000));
  const child = spawn(process.execPath, [cli, "import", path, "--into", "set", "--dry-run"]);
  child.stderr.destroy();
  let stdout = "";
  child.stdout.on("data", (piece) => {
    stdout += piece;
  });
  const [code] = await once(child, "close");
  expect(stdout).toMatch(/^checked 200,000 vectors/);
  expect(code).toBe(0);
});

test("files go into a directory without a server, and into one that is in use not", { timeout: 60_000 }, async () => {
  const dir = folder.file("imported");
  const dump = folder.file("dump.rdb");
  writeFileSync(dump, rdbFile(11, 254, 3, 0, text("greeting"), text("hello")));
  const imported = await runCli(["import", dump, "--dir", dir]);
  expect(imported).toMatchObject({ code: 0, stdout: expect.stringMatching(/^imported 1 keys in/) });
  const rows = folder.file("rows.jsonl");
  writeFileSync(rows, `{"id":"a","vector":[1,0]}\n{"id":"b","vector":[0,1]}\n`);
  expect(await runCli(["import", rows, "--into", "set", "--dir", dir])).toMatchObject({ code: 0 });
  {
    await using db = await open({ dir });
    const replies = db.execute(Buffer.from("SELECT 3\r\nGET greeting\r\n"));
    expect(Buffer.from(replies).toString()).toContain("hello");
    expect(db.vectors("set").size).toBe(2);
    const { code, stderr } = await runCli(["import", rows, "--into", "set", "--dir", dir]);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("is in use by process") });
  }
  const both = await runCli(["import", rows, "--into", "set", "--dir", dir, "--url", "ws://127.0.0.1:1"]);
  expect(both).toMatchObject({ code: 1, stderr: expect.stringContaining("--dir and --url exclude each other") });
});

test("a server says that it was given a folder of something else, or settings of a directory without one", async () => {
  const dir = folder.file("project");
  mkdirSync(dir);
  for (const name of ["package.json", "a.txt", "b.txt", "c.txt", "half.new"]) writeFileSync(join(dir, name), "x");
  const foreign = await ServedProcess.start("--dir", dir);
  expect(await foreign.stop()).toBe(0);
  expect(foreign.output).toContain(`--dir ${dir} holds no database but a.txt, b.txt, c.txt and 2 more`);
  expect(readdirSync(dir)).toContain("half.new");
  const again = await ServedProcess.start("--dir", dir);
  expect(await again.stop()).toBe(0);
  const without = await ServedProcess.start("--fsync", "periodic", "--snapshot-keep", "3");
  expect(await without.stop()).toBe(0);
  expect(without.output).toContain("--fsync, --snapshot-keep without --dir: nothing is kept on disk");
});

test("nearkey snapshot that is stopped leaves no file", { timeout: 60_000 }, async () => {
  const dir = folder.file("stopped");
  {
    await using db = await open({ dir });
    for (let key = 0; key < 200_000; key++) db.set(`key:${key}`, "v".repeat(100));
  }
  const target = folder.file("never");
  mkdirSync(target);
  const child = spawn(process.execPath, [cli, "snapshot", "--dir", dir, join(target, "backup.nearkey")]);
  await new Promise((resolve) => setTimeout(resolve, 150));
  child.kill("SIGINT");
  const [code] = await once(child, "close");
  // Stopped before its handler was there, in the middle, or too late.
  const left = readdirSync(target);
  if (code === 0) expect(left).toEqual(["backup.nearkey"]);
  else expect(left).toEqual([]);
});
