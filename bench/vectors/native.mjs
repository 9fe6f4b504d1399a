// hnswlib in C++ with AVX-512 where the machine has it: native.cpp, compiled on the spot for this very processor, from the
// headers that Debian's libhnswlib-dev or else the package hnswlib-node brings. The honest row: what native code can do
// when it is compiled for the machine it runs on, without any binding. It runs in a process of its own and is given work
// turn by turn like the others.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { cached, comparable, K, keep } from "./truth.mjs";
import { EF_CONSTRUCTION, M } from "./turns.mjs";

const HEADERS = ["/usr/include", join(dirname(import.meta.dirname), "node_modules/hnswlib-node/src")];

/** The compiled program and its folder to remove; undefined, with a line in the report, where it cannot be compiled. */
export function compileNative(report) {
  const folder = mkdtempSync(join(tmpdir(), "nearkey-native-"));
  const headers = HEADERS.find((path) => existsSync(join(path, "hnswlib/hnswlib.h")));
  const program = join(folder, "native");
  const source = join(import.meta.dirname, "native.cpp");
  const options = ["-std=c++17", "-O3", "-march=native", "-DNDEBUG", "-w", `-I${headers}`, source, "-o", program];
  const { error, status, stderr } = spawnSync("g++", options, { encoding: "utf8" });
  if (status === 0) {
    report.peer("g++", spawnSync("g++", ["-dumpfullversion"], { encoding: "utf8" }).stdout.trim());
    return { program, headers, remove: () => rmSync(folder, { recursive: true, force: true }) };
  }
  rmSync(folder, { recursive: true, force: true });
  report.note(`no C++ hnswlib here: ${error?.message ?? stderr.split("\n")[0]}`);
  return undefined;
}

/** A contender that is a process: turns are promises. */
export function openNative(set, { program, headers }) {
  const files = ["base", "queries"].map((name) => {
    const path = cached(set, `${name}.f32`);
    if (!existsSync(path)) keep(path, (part) => writeFileSync(part, comparable(set[name], set)));
    return path;
  });
  const metric = set.metric === "l2" ? "l2" : "ip";
  const child = spawn(program, [...files, set.dim, metric, M, EF_CONSTRUCTION].map(String), {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (...words) => {
    child.stdin.write(`${words.join(" ")}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`the C++ program ended on: ${words.join(" ")}`);
    return value.split(" ").map(Number);
  };
  let ef = 0;
  let fileBytes = 0;
  return {
    name: widthOfName(),
    version: headers === HEADERS[0] ? "debian" : "npm",
    add: async (from, to) => (await ask("add", from, to))[0],
    finish() {},
    async save(path) {
      await ask("save", path);
      fileBytes = statSync(path).size;
    },
    async restore(path) {
      await ask("load", path);
      fileBytes = statSync(path).size;
    },
    bytes: () => fileBytes / set.rows,
    prepare(value) {
      ef = value;
    },
    async turn(from, to, answers) {
      const [seconds, ...ids] = await ask("turn", ef, from, to);
      for (let query = from; query < to; query++) {
        answers[query] = ids.slice((query - from) * K, (query - from + 1) * K);
      }
      return seconds;
    },
    close: () => child.kill(),
  };
}

/** "-march=native" takes the widest registers there are. */
function widthOfName() {
  const { stdout } = spawnSync("g++", ["-march=native", "-dM", "-E", "-x", "c++", "/dev/null"], { encoding: "utf8" });
  const wide = stdout.includes("__AVX512F__") ? "AVX-512" : stdout.includes("__AVX__") ? "AVX" : cpus()[0].model;
  return `hnswlib C++ ${wide}`;
}
