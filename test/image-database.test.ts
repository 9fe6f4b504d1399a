// Images as programs use them: exported to a file or to bytes, opened again, refused with a sentence; and from a directory by
// the command line.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SnapshotStore } from "../src/snapshot/snapshot-store.ts";
import { NodeStorage } from "../src/storage/node-storage.ts";
import { runCli, testFolder } from "./cli-program.ts";
import { EngineDriver } from "./engine-driver.ts";

const { open } = (await import(new URL("../dist/node.js", import.meta.url).href)) as typeof import("../src/node.ts");
const { path: place } = testFolder("image");

describe("an image", () => {
  it("goes through a file and through bytes", async () => {
    const path = join(place, "a.image");
    await using db = await open({ maxMemory: "64mb" });
    db.set("greeting", "hello");
    db.set("soon", "gone", { ttlMs: 60_000 });
    const set = db.vectors("v", { dim: 3 });
    await set.set("one", [1, 0, 0]);
    await set.set("two", [0, 1, 0]);
    await db.exportTo(path);
    db.set("greeting", "later");
    for (const image of [path, new URL(`file://${path}`), new Uint8Array(readFileSync(path))]) {
      await using other = await open({ maxMemory: "64mb", eviction: "allkeys-lru", image });
      expect(other.get("greeting")).toBe("hello");
      expect(other.command("PTTL", "soon")).toBeGreaterThan(1_000);
      expect((await other.vectors("v").search([1, 0.1, 0], { k: 1 })).map(({ id }) => id)).toEqual(["one"]);
      other.set("greeting", "here");
      expect(db.get("greeting")).toBe("later");
    }
    await using again = await open({ maxMemory: "64mb", image: await db.exportImage() });
    expect(again.get("greeting")).toBe("later");
  });

  it("takes nothing from the snapshots of a directory", async () => {
    const dir = join(place, "exported");
    const fill = (db: Awaited<ReturnType<typeof open>>, word: string, from: number, to: number): void => {
      for (let key = from; key < to; key++) db.set(`key:${key}`, `${word}:${key}:${"x".repeat(200)}`);
    };
    {
      await using db = await open({ maxMemory: "64mb", dir, snapshot: { everyMs: 0, keep: 1 } });
      fill(db, "first", 0, 20_000);
      await db.snapshot();
      fill(db, "between", 0, 2000);
      await db.exportTo(join(place, "exported.image"));
      fill(db, "last", 19_000, 19_100);
    }
    await using db = await open({ maxMemory: "64mb", dir });
    const wordOf = (key: number) => (key < 2000 ? "between" : key >= 19_000 && key < 19_100 ? "last" : "first");
    for (let key = 0; key < 20_000; key++) {
      expect(db.get(`key:${key}`)).toBe(`${wordOf(key)}:${key}:${"x".repeat(200)}`);
    }
  });

  it("is refused with what to do", async () => {
    const path = join(place, "b.image");
    writeFileSync(path, "no image at all");
    await expect(open({ image: path })).rejects.toMatchObject({
      code: "storage-damaged",
      message: `${path}, offset 0: it does not begin as a snapshot does; is it the right file?`,
    });
    await expect(open({ image: join(place, "absent") })).rejects.toMatchObject({ code: "storage-failed" });
    await using db = await open();
    await expect(db.exportTo(join(place, "no", "folder"))).rejects.toMatchObject({ code: "storage-failed" });
  });

  it("is made of a directory by the command line", async () => {
    const dir = join(place, "directory");
    const storage = new NodeStorage(dir);
    const unlock = await storage.lock();
    const driver = new EngineDriver();
    driver.must("SET", "k", "v");
    await (await SnapshotStore.open(storage)).take(driver.engine);
    await unlock();
    await expect(open({ image: join(dir, "00000001.snapshot") })).rejects.toMatchObject({ code: "invalid-option" });
    const path = join(place, "c.image");
    const { code, stdout, stderr } = await runCli(["snapshot", "--dir", dir, path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe(`${path}: 00000001.snapshot of ${dir}\n`);
    await using db = await open({ image: path });
    expect(db.get("k")).toBe("v");
  });
});
