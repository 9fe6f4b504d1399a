// Formats and lints assembly/ with biome (`--write` repairs what can be repaired). AssemblyScript is TypeScript to
// biome except for decorators on functions, so it reads copies in which such a line is a comment. The rules that
// assume JavaScript's numbers and equality are off in assembly-biome.json.

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const SOURCES = `${ROOT}/assembly`;
/** Named like the sources, so that what biome prints can be followed. */
const COPIES = `${ROOT}/build/style/assembly`;
const DECORATOR = /^( *)@(inline|lazy|global|unsafe|external.*)$/gm;
const COMMENTED = /^( *)\/\/@(inline|lazy|global|unsafe|external.*)$/gm;

const write = process.argv.includes("--write");
const names = readdirSync(SOURCES, { recursive: true }).filter((name) => name.endsWith(".ts"));

rmSync(COPIES, { recursive: true, force: true });
for (const name of names) {
  mkdirSync(dirname(`${COPIES}/${name}`), { recursive: true });
  writeFileSync(`${COPIES}/${name}`, readFileSync(`${SOURCES}/${name}`, "utf8").replace(DECORATOR, "$1//@$2"));
}

const biome = `${ROOT}/node_modules/@biomejs/biome/bin/biome`;
const options = [
  `--config-path=${ROOT}/scripts/assembly-biome.json`,
  "--error-on-warnings",
  "--max-diagnostics=60",
  ...(write ? ["--write"] : []),
];
const { status } = spawnSync(process.execPath, [biome, "check", ...options, "assembly"], {
  cwd: dirname(COPIES),
  stdio: "inherit",
});

if (write) {
  for (const name of names) {
    const repaired = readFileSync(`${COPIES}/${name}`, "utf8").replace(COMMENTED, "$1@$2");
    if (repaired !== readFileSync(`${SOURCES}/${name}`, "utf8")) writeFileSync(`${SOURCES}/${name}`, repaired);
  }
}
process.exitCode = status ?? 1;
