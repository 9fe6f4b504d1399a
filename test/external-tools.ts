// Programs that some tests compare with or drive, and that npm does not install. Where one is missing its tests are
// skipped, and the run says which and how to have them; under NEARKEY_REQUIRE_ALL=1 a missing one fails the run.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Name of the tool, the programs that serve as it (best first), and the Debian package that brings it. */
const TOOLS = {
  "redis-server": { programs: ["redis-server"], package: "redis-server" },
  "redis-cli": { programs: ["redis-cli"], package: "redis-tools" },
  "redis-benchmark": { programs: ["redis-benchmark"], package: "redis-tools" },
  "redis-check-rdb": { programs: ["redis-check-rdb"], package: "redis-tools" },
  openssl: { programs: ["openssl"], package: "openssl" },
  script: { programs: ["script"], package: "bsdutils" },
  promtool: { programs: ["promtool"], package: "prometheus" },
  prometheus: { programs: ["prometheus"], package: "prometheus" },
  chromium: { programs: ["chromium", "chromium-browser", "google-chrome-stable"], package: "chromium" },
} as const;

export type ToolName = keyof typeof TOOLS;

/** True when a missing tool must fail the run instead of skipping tests. */
export const requireAll = process.env.NEARKEY_REQUIRE_ALL === "1";

/**
 * Path of a tool, or undefined when it is not installed: `describe.skipIf(findTool("redis-cli") === undefined)`.
 * @throws Error when it is missing and NEARKEY_REQUIRE_ALL is 1.
 */
export function findTool(name: ToolName): string | undefined {
  const path = search(name);
  if (path === undefined && requireAll) throw new Error(missingMessage([name]));
  return path;
}

/** The tools that are not installed. */
export function missingTools(): ToolName[] {
  return (Object.keys(TOOLS) as ToolName[]).filter((name) => search(name) === undefined);
}

/** What is missing and how to have it, as one sentence. */
export function missingMessage(names: readonly ToolName[]): string {
  const packages = [...new Set(names.map((name) => TOOLS[name].package))];
  return `${names.join(", ")} not found (on Debian: apt-get install ${packages.join(" ")})`;
}

function search(name: ToolName): string | undefined {
  for (const program of TOOLS[name].programs) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, program);
      if (isExecutable(path)) return path;
    }
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
