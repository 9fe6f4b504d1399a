// The folders of the build and the one way to write into them: under a temporary name, then renamed, so that a
// reader (a test run beside the build, an interrupted build) never sees half a file.

import { existsSync } from "node:fs";
import { chmod, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");
export const DIST = `${ROOT}/dist`;
/** Generated sources and the record of what was built: never shipped, never in git. */
export const BUILD = `${ROOT}/build`;

/** Names of the files that this build put (or found up to date) in dist/. */
export const written = new Set();

/** A failure whose message says all there is to say: printed without a stack. */
export function failure(message) {
  return Object.assign(new Error(message), { expected: true });
}

/** Writes a whole file or nothing. */
export async function writeWhole(path, contents, mode = 0o644) {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, contents);
  await chmod(temporary, mode);
  await rename(temporary, path);
}

/** Writes one file of dist/ and notes its name for the report. */
export async function writeDist(name, contents, mode) {
  await writeWhole(`${DIST}/${name}`, contents, mode);
  written.add(name);
}

/** The entries among `paths` that exist: a part of the product that is not written yet is left out. */
export function existing(paths) {
  return paths.filter((path) => existsSync(`${ROOT}/${path}`));
}

/** Prints what lies in dist/, as it is and as a web server would send it: declarations as one line, the rest by name. */
export async function report(milliseconds) {
  const names = [...written].sort();
  const types = names.filter((name) => name.endsWith(".d.ts"));
  const bytes = new Map();
  for (const name of names) bytes.set(name, await sizesOf(name));
  for (const name of names.filter((name) => !name.endsWith(".d.ts"))) print(name, bytes.get(name));
  if (types.length > 0) {
    const sum = (key) => types.reduce((total, name) => total + bytes.get(name)[key], 0);
    print(`*.d.ts (${types.length})`, { raw: sum("raw"), gzipped: sum("gzipped") });
  }
  console.log(`built in ${(milliseconds / 1000).toFixed(1)} s`);
}

async function sizesOf(name) {
  const contents = await readFile(`${DIST}/${name}`);
  return { raw: contents.length, gzipped: gzipSync(contents).length };
}

function print(name, { raw, gzipped }) {
  console.log(`  dist/${name.padEnd(22)} ${kilobytes(raw)} ${kilobytes(gzipped)} gzipped`);
}

function kilobytes(bytes) {
  return `${(bytes / 1024).toFixed(1).padStart(8)} KiB`;
}
