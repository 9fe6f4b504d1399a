// Options that cannot be meant are refused by name wherever they are given: passed over in silence, a misspelt one would mean
// its default, and nobody would know.

import { describe, expect, test } from "vitest";
import { open } from "../dist/node.js";
import { connect } from "../src/client-node.ts";
import type { NodeOpenOptions } from "../src/node.ts";
import { openTestDatabase } from "./database-fixture.ts";

const given = (options: unknown): NodeOpenOptions => options as NodeOpenOptions;

describe("open", () => {
  test.each([
    ["data", 'the argument of open must be an object such as { dir: "data" }, not "data"'],
    [null, "the argument of open must be an object"],
    [{ dir: "" }, 'dir must be the path of a directory, not ""'],
    [{ dir: 5 }, "dir must be the path of a directory, not 5"],
    [{ dir: "/nowhere", snapshot: true }, "snapshot must be an object such as { everyMs: 60_000 }, not true"],
  ])("refuses %j", async (options, message) => {
    await expect(open(given(options))).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining(message),
    });
  });

  test("reads a file that is not there in words of reading", async () => {
    await expect(open({ image: "/nowhere/backup.nearkey" })).rejects.toMatchObject({
      code: "storage-failed",
      message: "cannot read /nowhere/backup.nearkey: there is no such file or folder: check the path (ENOENT)",
    });
  });
});

describe("connect", () => {
  test.each([
    [{ pasword: "x" }, 'connect has no option "pasword"; there are password, database'],
    ["secret", "the options of connect must be an object such as { password }"],
    [{ reconnect: { retries: 3 } }, 'reconnect has no option "retries"; there are minDelayMs, maxDelayMs, tries'],
    [{ reconnect: "no" }, "reconnect must be an object such as { tries: 5 }, or true or false"],
  ])("refuses %j", async (options, message) => {
    await expect(connect("ws://127.0.0.1:1/", options as object)).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining(message),
    });
  });
});

describe("methods", () => {
  const { db } = openTestDatabase();
  const docs = db.vectors("docs", { dim: 2 });
  docs.set("a", [1, 2]);
  const any = (value: unknown): object => value as object;

  test.each<[string, () => unknown, string, string]>([
    ["set", () => db.set("k", "v", any(60_000)), "invalid-argument", "must be an object such as { ttlMs: 60_000 }"],
    ["set of a vector", () => docs.set("b", [1, 2], null, any(5)), "invalid-argument", "not 5"],
    ["search", () => docs.search([1, 2], any(5)), "invalid-argument", "must be an object such as { k: 10 }, not 5"],
    ["search exact", () => docs.search([1, 2], any({ exact: "yes" })), "invalid-argument", 'or false, not "yes"'],
    ["vectors", () => db.vectors("others", any(null)), "invalid-option", "must be an object"],
  ])("%s refuses what is no option", (_, call, code, message) => {
    expect(call).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });

  test("optimize refuses null", async () => {
    await expect(docs.optimize(any(null))).rejects.toMatchObject({ code: "invalid-option" });
  });

  test("searchManyAsync says which query is wrong, searchAsync has but one", async () => {
    await expect(docs.searchManyAsync([[1, 2], [1]])).rejects.toMatchObject({
      code: "wrong-dimension",
      message: expect.stringMatching(/^query 1: the vector has 1 numbers/),
    });
    await expect(docs.searchAsync([1])).rejects.toMatchObject({ message: expect.stringMatching(/^the vector has 1/) });
  });
});

describe("setMany that is aborted", () => {
  test.each([0, 5])(
    "after %i slices rejects with aborted and the signal's reason, and leaves nothing",
    async (slices) => {
      const { db } = openTestDatabase();
      const docs = db.vectors("docs", { dim: 4 });
      const ids = Array.from({ length: 500 }, (_, index) => `id:${index}`);
      const controller = new AbortController();
      const reason = new Error("enough");
      let left = slices;
      if (slices === 0) controller.abort(reason);
      const onProgress = () => {
        if (--left === 0) controller.abort(reason);
      };
      const inserting = docs.setMany(ids, new Float32Array(2000).fill(1), { signal: controller.signal, onProgress });
      await expect(inserting).rejects.toMatchObject({ name: "NearkeyError", code: "aborted", cause: reason });
      expect(docs.size).toBe(0);
    },
  );

  test("leaves what somebody else had added before it", async () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 4 });
    docs.set("first", [1, 1, 1, 1]);
    const ids = Array.from({ length: 500 }, (_, index) => `id:${index}`);
    const controller = new AbortController();
    let isAdded = false;
    const onProgress = (done: number): void => {
      // Some of them in the middle, which it still holds for new.
      if (!isAdded) for (let index = 0; index < 500; index += 7) docs.set(`id:${index}`, [2, 2, 2, 2]);
      isAdded = true;
      if (done >= 400) controller.abort();
    };
    const inserting = docs.setMany(ids, new Float32Array(2000).fill(1), { signal: controller.signal, onProgress });
    await expect(inserting).rejects.toMatchObject({ code: "aborted" });
    expect(docs.has("first")).toBe(true);
    const stayed = ids.filter((id) => docs.has(id));
    // But for those of its first slice, all that were another's are there.
    expect(stayed.every((id) => Number(id.slice(3)) % 7 === 0)).toBe(true);
    expect(stayed.length).toBeGreaterThan(40);
  });
});
