// Every test file runs in a process of its own: an engine that traps, or a server that leaks, harms one file.

import { defineConfig } from "vitest/config";

/** Where the counts go as JSON, for a caller that reports them. */
const report = process.env.NEARKEY_TEST_REPORT;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/global-setup.ts"],
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    pool: "forks",
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
