// Runs once before all tests: they need a built dist/, and a stale engine would make them tell lies.

import { existsSync, readdirSync, statSync } from "node:fs";
import { missingMessage, missingTools, requireAll } from "./external-tools.ts";

const ENGINE = "dist/engine.debug.wasm";

export default function setup(): () => void {
  if (!existsSync(ENGINE) && existsSync("assembly/index.ts"))
    throw new Error(`${ENGINE} is missing: run npm run build first (npm test does)`);
  const built = statSync(ENGINE, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
  const changed = readdirSync("assembly", { recursive: true, encoding: "utf8" }).filter(
    (name) => statSync(`assembly/${name}`).mtimeMs > built,
  );
  if (changed.length > 0) {
    console.warn(`assembly/${changed[0]} is newer than ${ENGINE}: run npm run build (npm test does)`);
  }
  const missing = missingTools();
  if (missing.length > 0 && requireAll) throw new Error(`NEARKEY_REQUIRE_ALL is set and ${missingMessage(missing)}`);
  return () => {
    if (missing.length > 0) console.log(`\nSkipped the tests that need what is missing: ${missingMessage(missing)}`);
  };
}
