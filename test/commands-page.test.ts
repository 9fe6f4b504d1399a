// docs/commands.md is what the command table and the manual say.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { commandsPage } from "../scripts/commands-template.ts";
import { MANUAL } from "../src/host/command-manual.ts";
import { debugEngine } from "./debug-engine.ts";

const commands = debugEngine().commands();

test("docs/commands.md is up to date (node scripts/commands-page.mjs writes it)", () => {
  expect(readFileSync("docs/commands.md", "utf8")).toBe(commandsPage(commands));
});

test("every command is in the manual, and its key flags where it has keys", () => {
  expect(commands.map(({ name }) => name).sort()).toEqual(Object.keys(MANUAL).sort());
  const wrong = commands.filter(({ name, firstKey }) => {
    const { keys, keyCount, keysBehind } = MANUAL[name] ?? {};
    const hasKeys = firstKey !== 0 || keyCount !== undefined || keysBehind !== undefined;
    return (keys === undefined) === hasKeys;
  });
  expect(wrong).toEqual([]);
});
