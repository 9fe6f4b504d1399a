// Bundles the entries with esbuild, one file each, so that dist/ stays flat and an importer loads what it names and
// nothing else. What runs in Node leaves its dependencies to npm; what also runs in a browser carries everything.

import { readdir, readFile } from "node:fs/promises";
import { build } from "esbuild";
import { existing, failure, ROOT, writeDist } from "./build-files.mjs";

const NODE_ENTRIES = ["src/node.ts", "src/client-node.ts", "src/cli.ts", "src/pool-worker.ts"];
const BROWSER_ENTRIES = ["src/client.ts", "src/browser.ts"];
const WORKER_ENTRY = "src/browser-worker.ts";
/** It exports nothing, and tools ask whether it is a module at all. */
const MODULE_MARK = { js: "export {};" };
const DEMO = "src/demo";

const SHARED_OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  format: "esm",
  write: false,
  charset: "utf8",
  legalComments: "none",
  logLevel: "silent",
  outdir: "dist",
};

export async function buildBundles() {
  await Promise.all([
    bundle({ entryPoints: existing(NODE_ENTRIES), platform: "node", target: "node20", packages: "external" }),
    bundle({ entryPoints: existing(BROWSER_ENTRIES), platform: "browser", target: "es2022" }),
    bundle({ entryPoints: existing([WORKER_ENTRY]), platform: "browser", target: "es2022", footer: MODULE_MARK }),
  ]);
}

/** The demo page: demo.ts bundled, everything else in its folder copied under its own name. */
export async function buildDemo() {
  if (existing([`${DEMO}/demo.ts`]).length === 0) return;
  await bundle({ entryPoints: [`${DEMO}/demo.ts`], platform: "browser", target: "es2022", minify: true });
  for (const name of await readdir(`${ROOT}/${DEMO}`)) {
    if (!name.endsWith(".ts")) await writeDist(name, await readFile(`${ROOT}/${DEMO}/${name}`));
  }
}

async function bundle(options) {
  if (options.entryPoints.length === 0) return;
  const result = await build({ ...SHARED_OPTIONS, ...options }).catch((error) => {
    throw failure(error.message);
  });
  for (const warning of result.warnings) console.error(`  ${warning.location?.file}: ${warning.text}`);
  for (const file of result.outputFiles) {
    const name = file.path.slice(file.path.lastIndexOf("/") + 1);
    await writeDist(name, file.contents, file.text.startsWith("#!") ? 0o755 : 0o644);
  }
}
