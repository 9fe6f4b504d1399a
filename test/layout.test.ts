// The memory map in docs/memory.md is drawn by hand; here it is held against the constants.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as layout from "../assembly/layout.ts";

const drawing = readFileSync(new URL("../docs/memory.md", import.meta.url), "utf8");

test.each([
  ["REGISTERS", layout.REGISTERS_BASE],
  ["ARGUMENTS", layout.ARGUMENTS_BASE],
  ["headroom", layout.INPUT_BASE - layout.INPUT_HEADROOM],
  ["INPUT", layout.INPUT_BASE],
  ["slack", layout.INPUT_BASE + layout.INPUT_BYTES],
  ["SCRATCH", layout.SCRATCH_BASE],
  ["WORKSPACE", layout.WORKSPACE_BASE],
  ["STATISTICS", layout.STATISTICS_BASE],
  ["DIRTY", layout.DIRTY_BASE],
  ["header", layout.STATE_BASE],
  ["slab heads", layout.SLAB_HEADS_BASE],
  ["shards", layout.SHARDS_BASE],
  ["PAGE TABLE", layout.PAGE_TABLE_BASE],
  ["HEAP", layout.HEAP_BASE],
])("docs/memory.md draws %s where layout.ts puts it", (region, base) => {
  expect(drawing).toContain(`0x${base.toString(16).padStart(6, "0")}  ${region}`);
});

test("the heap starts at a page and every region ends where the next begins", () => {
  expect(layout.HEAP_BASE % layout.PAGE_BYTES).toBe(0);
  expect(layout.EFFECTS_BASE + layout.EFFECTS_BYTES).toBeLessThanOrEqual(
    layout.REGISTERS_BASE + layout.REGISTERS_BYTES,
  );
  expect(layout.PAGE_TABLE_BASE % layout.PAGE_RECORD_BYTES).toBe(0);
});
