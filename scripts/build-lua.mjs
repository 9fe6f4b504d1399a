// Lua comes from the package that compiles it: its module is copied as it is, with the licence that must go with it. The rest of that
// package is not needed, so it is installed for the build alone.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { writeDist } from "./build-files.mjs";

const PACKAGE = "wasmoon-lua5.1";
const NOTICE = "\nLua, which is in lua.wasm: Copyright (C) 1994-2012 Lua.org, PUC-Rio, under the same terms.\n";

export async function copyLua() {
  const folder = dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`));
  await writeDist("lua.wasm", await readFile(`${folder}/dist/liblua5.1.wasm`));
  await writeDist("lua.LICENSE", (await readFile(`${folder}/LICENSE`, "utf8")) + NOTICE);
}
