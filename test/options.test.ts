// The options of `open`: sizes as Redis writes them, defaults, and what is refused by name.

import { describe, expect, test } from "vitest";
import { parseSize, resolveOptions } from "../src/options.ts";

const MAX = 4_294_901_760;
const refused = expect.objectContaining({ name: "NearkeyError", code: "invalid-option" });

describe("sizes", () => {
  test.each([
    ["0", 0],
    ["100", 100],
    ["100b", 100],
    ["1k", 1000],
    ["1kb", 1024],
    ["2m", 2_000_000],
    ["2mb", 2_097_152],
    ["3g", 3_000_000_000],
    ["3gb", 3_221_225_472],
    ["512MB", 536_870_912],
    [12_345, 12_345],
  ])("reads %s", (size, bytes) => {
    expect(parseSize(size, "maxMemory")).toBe(bytes);
  });

  test.each(["", "mb", "1.5gb", "-1", "1tb", "1 gb", "1kib", "0x10", -1, 1.5, Number.NaN, 2 ** 53])(
    "refuses %s",
    (size) => {
      expect(() => parseSize(size, "maxMemory")).toThrowError(refused);
      expect(() => parseSize(size, "maxMemory")).toThrowError(/maxMemory/);
    },
  );
});

describe("the options of open", () => {
  test("have defaults", () => {
    expect(resolveOptions({}, MAX)).toEqual({ maxMemoryBytes: 1024 ** 3, eviction: "noeviction" });
  });

  test("say how much one memory holds", () => {
    expect(() => resolveOptions({ maxMemory: "4gb" }, MAX)).toThrowError(/4294901760 bytes/);
    expect(resolveOptions({ maxMemory: MAX }, MAX).maxMemoryBytes).toBe(MAX);
  });

  test("refuse what cannot be meant", () => {
    expect(() => resolveOptions({ maxMemory: 1024 }, MAX)).toThrowError(refused);
    expect(() => resolveOptions({ eviction: "volatile-all" as "noeviction" }, MAX)).toThrowError(
      /noeviction, allkeys-lru, /,
    );
    expect(() => resolveOptions({ maxmemory: "1gb" } as object, MAX)).toThrowError(/"maxmemory"/);
  });
});
