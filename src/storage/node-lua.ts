// Lua as Node finds it: the file beside the bundle, compiled when the first script comes, in that turn of the event loop (2 ms),
// once a process.

import * as crypto from "node:crypto";
import { readFileSync } from "node:fs";
import type { ScriptSource } from "../scripts/script-source.ts";

const compiled = new Map<string, WebAssembly.Module>();

/** @param file `lua.wasm`, as the build puts it beside the bundles */
export function nodeScripts(file: URL): ScriptSource {
  return {
    lua() {
      const known = compiled.get(file.href) ?? new WebAssembly.Module(readFileSync(file));
      compiled.set(file.href, known);
      return known;
    },
    sha1: digest,
  };
}

/** In one call where there is one (Node 20.12 and later): an object for each digest costs 3 µs, most of it to be collected again. */
const digest: (bytes: Uint8Array) => string =
  "hash" in crypto
    ? (bytes) => crypto.hash("sha1", bytes, "hex")
    : (bytes) => (crypto as typeof import("node:crypto")).createHash("sha1").update(bytes).digest("hex");
