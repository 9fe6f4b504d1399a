// Every storage keeps the same promises: one contract, run on each. What only files have (locks that outlive their
// process, modes, what a crash left behind) follows after it.

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { MemoryStorage } from "../src/storage/memory-storage.ts";
import { NodeStorage } from "../src/storage/node-storage.ts";
import type { Storage } from "../src/storage/storage.ts";

const root = mkdtempSync(join(tmpdir(), "nearkey-storage-"));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;
const newFolder = () => join(root, String(folders++));

const text = (value: string) => Buffer.from(value);
async function contentOf(storage: Storage, name: string): Promise<string> {
  const file = await storage.open(name);
  const bytes = new Uint8Array(file.size);
  expect(await file.read(0, bytes)).toBe(bytes.length);
  await file.close();
  return Buffer.from(bytes).toString();
}

describe.each([
  ["memory", () => new MemoryStorage()],
  ["a directory", () => new NodeStorage(newFolder())],
])("a storage in %s", (_, make) => {
  let storage: Storage;
  let unlock: () => Promise<void>;
  beforeEach(async () => {
    storage = make();
    unlock = await storage.lock();
  });

  test("writes pieces behind each other, anywhere, and reads them back", async () => {
    const file = await storage.open("one", { create: true });
    await file.append([text("hello "), text(""), text("world")]);
    await file.write(6, [text("W")]);
    await file.write(14, [text("!")]);
    await file.sync();
    expect(file.size).toBe(15);
    const into = new Uint8Array(20);
    expect(await file.read(0, into)).toBe(15);
    expect(Buffer.from(into.subarray(0, 15)).toString()).toBe("hello World\0\0\0!");
    expect(await file.read(15, into)).toBe(0);
    await file.close();
    expect(await contentOf(storage, "one")).toBe("hello World\0\0\0!");
  });

  test("takes pieces by the thousand and by the megabyte", async () => {
    const file = await storage.open("big", { create: true });
    const pieces = Array.from({ length: 3000 }, (_, index) => Buffer.alloc(1000, index & 255));
    await file.append(pieces);
    const back = new Uint8Array(3_000_000);
    expect(await file.read(0, back)).toBe(back.length);
    expect(Buffer.concat(pieces).equals(back)).toBe(true);
    await file.close();
  });

  test("takes much of a new file from memory of any alignment, behind something short and before it", async () => {
    const { buffer } = new WebAssembly.Memory({ initial: 64 });
    const aligned = new Uint8Array(buffer).fill(7);
    const unaligned = Buffer.alloc(aligned.length, 8);
    const parts = [Buffer.alloc(4096, 1), aligned, aligned.subarray(4096), unaligned, text("end"), aligned];
    await storage.replace("new", async (file) => {
      for (const part of parts) await file.append([part]);
      expect(file.size).toBe(parts.reduce((bytes, { length }) => bytes + length, 0));
    });
    const file = await storage.open("new");
    const back = new Uint8Array(file.size);
    expect(await file.read(0, back)).toBe(back.length);
    expect(Buffer.concat(parts).equals(back)).toBe(true);
    await file.close();
  });

  test("opens what is there, makes what is asked for, and says what is missing", async () => {
    await expect(storage.open("none")).rejects.toMatchObject({ code: "ENOENT" });
    await (await storage.open("some", { create: true })).close();
    expect(await contentOf(storage, "some")).toBe("");
    expect(await storage.list()).toEqual(["some"]);
  });

  test("replaces a file whole or not at all", async () => {
    await storage.replace("file", async (file) => void (await file.append([text("first")])));
    const failing = storage.replace("file", async (file) => {
      await file.append([text("sec")]);
      throw new Error("no more");
    });
    await expect(failing).rejects.toThrow("no more");
    expect(await contentOf(storage, "file")).toBe("first");
    await storage.replace("file", async (file) => void (await file.append([text("third")])));
    expect(await contentOf(storage, "file")).toBe("third");
    expect(await storage.list()).toEqual(["file"]);
  });

  test("renames over another, removes, and minds no absence", async () => {
    await storage.replace("a", async (file) => void (await file.append([text("A")])));
    await storage.replace("b", async (file) => void (await file.append([text("B")])));
    await storage.rename("a", "b");
    expect(await contentOf(storage, "b")).toBe("A");
    await storage.remove("b");
    await storage.remove("b");
    expect(await storage.list()).toEqual([]);
    await expect(storage.rename("b", "c")).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("cuts and extends with zeros", async () => {
    const file = await storage.open("cut", { create: true });
    await file.append([text("abcdef")]);
    await file.truncate(3);
    await file.truncate(5);
    await file.close();
    expect(await contentOf(storage, "cut")).toBe("abc\0\0");
  });

  test("is taken once, and again after it was given back", async () => {
    await expect(storage.lock()).rejects.toMatchObject({ code: "directory-in-use" });
    await unlock();
    const again = await storage.lock();
    expect(await storage.list()).toEqual([]);
    await again();
  });
});

describe("the lock of a directory", () => {
  const lockOf = (folder: string) => join(folder, "lock");
  const holderOf = (folder: string) => JSON.parse(readFileSync(lockOf(folder), "utf8"));

  test("names the process and the directory that it holds", async () => {
    const folder = newFolder();
    const unlock = await new NodeStorage(folder).lock();
    const second = new NodeStorage(folder).lock();
    await expect(second).rejects.toThrow(`the directory ${folder} is open in this process already`);
    expect(readdirSync(folder)).toEqual(["lock"]);
    await unlock();
    expect(readdirSync(folder)).toEqual([]);
  });

  async function relock(change: (holder: Record<string, unknown>) => object | string): Promise<void> {
    const folder = newFolder();
    const unlock = await new NodeStorage(folder).lock();
    const changed = change(holderOf(folder));
    writeFileSync(lockOf(folder), typeof changed === "string" ? changed : JSON.stringify(changed));
    const again = await new NodeStorage(folder).lock();
    expect(holderOf(folder)).toMatchObject({ pid: process.pid });
    expect(readdirSync(folder)).toEqual(["lock"]);
    await unlock();
    expect(readdirSync(folder)).toEqual(["lock"]);
    await again();
  }

  test("is stale when its process is gone", async () => {
    const child = spawn(process.execPath, ["-e", "0"]);
    const pid = child.pid;
    await new Promise((resolve) => child.once("exit", resolve));
    await relock((holder) => ({ ...holder, pid, token: "another" }));
  });

  test("is stale when the number is another process's by now", async () => {
    await relock((holder) => ({ ...holder, started: "1", token: "another" }));
  });

  test("is stale after the machine was started anew", async () => {
    await relock((holder) => ({ ...holder, boot: "another boot", token: "another" }));
  });

  test("is stale when it says nothing", async () => {
    await relock(() => "");
  });

  test("is taken by one of many that find it stale at the same time", async () => {
    const folder = newFolder();
    const unlock = await new NodeStorage(folder).lock();
    writeFileSync(lockOf(folder), JSON.stringify({ ...holderOf(folder), boot: "another boot", token: "another" }));
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => new NodeStorage(folder).lock()));
    const taken = tries.filter((one) => one.status === "fulfilled");
    expect(taken).toHaveLength(1);
    await unlock();
    await taken[0]?.value();
  });
});

test("what a crash left half written is removed, and files are their owner's alone", async () => {
  const folder = newFolder();
  const storage = new NodeStorage(folder);
  await (await storage.lock())();
  writeFileSync(join(folder, "snapshot.nearkey-new"), "half");
  const unlock = await storage.lock();
  expect(readdirSync(folder)).toEqual(["lock"]);
  await (await storage.open("log", { create: true })).close();
  expect(statSync(join(folder, "log")).mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  await unlock();
});

test("a directory that cannot be made is named", async () => {
  const file = newFolder();
  writeFileSync(file, "");
  await expect(new NodeStorage(join(file, "below")).lock()).rejects.toMatchObject({ code: "storage-failed" });
});
