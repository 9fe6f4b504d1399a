// The folders of the build and the one way to write into them: under a temporary name, then renamed, so that a
// reader (a test run beside the build, an interrupted build) never sees half a file.

import { existsSync } from "node:fs";
import { chmod, rename, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");
export const DIST = `${ROOT}/dist`;
/** Generated sources and the record of what was built: never shipped, never in git. */
export const BUILD = `${ROOT}/build`;

/** File names this build put (or found up to date) in dist/, with their sizes in bytes. */
export const written = new Map();

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

/** Writes one file of dist/ and notes its size for the report. */
export async function writeDist(name, contents, mode) {
  await writeWhole(`${DIST}/${name}`, contents, mode);
  written.set(name, Buffer.byteLength(contents));
}

/** The entries among `paths` that exist: a part of the product that is not written yet is left out. */
export function existing(paths) {
  return paths.filter((path) => existsSync(`${ROOT}/${path}`));
}

/** Prints what lies in dist/: declarations as one line, everything else by name. */
export function report(milliseconds) {
  const names = [...written.keys()].sort();
  const types = names.filter((name) => name.endsWith(".d.ts"));
  for (const name of names.filter((name) => !name.endsWith(".d.ts"))) {
    console.log(`  dist/${name.padEnd(22)} ${kilobytes(written.get(name))}`);
  }
  if (types.length > 0) {
    const bytes = types.reduce((sum, name) => sum + written.get(name), 0);
    console.log(`  dist/${`*.d.ts (${types.length})`.padEnd(22)} ${kilobytes(bytes)}`);
  }
  console.log(`built in ${(milliseconds / 1000).toFixed(1)} s`);
}

function kilobytes(bytes) {
  return `${(bytes / 1024).toFixed(1).padStart(8)} KiB`;
}
