// Distance kernels beside the same loop in C++ with SSE, compiled on the spot: nanoseconds for one vector, in cache (256
// KiB of vectors, met in random order), the best of a round's short batches, because a kernel has no bad luck of its
// own. The C++ loop has the same four accumulators and 128-bit registers, so the ratio is what WebAssembly costs. "x4"
// compares one query with four vectors in one pass.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { main } from "assemblyscript/asc";
import { fixed, startReport, times } from "./report.mjs";
import { median } from "./statistics.mjs";

const DIMENSIONS = [16, 128, 384, 784, 1536];
const BARRED = [128, 784];
const RATIO_MAX = 1.15;
const CACHE_BYTES = 256 * 1024;
const CALLS = 4096;

/** Many calls in one, so that no call into WebAssembly is measured. Memory: ids, then the query, then vectors. */
const LOOP = `
import { innerProduct, innerProductx4, squaredL2, squaredL2x4 } from "../assembly/kernels/distance";
const IDS: usize = 0x10000;
const QUERY: usize = 0x20000;
const VECTORS: usize = 0x40000;
@inline
function vector(index: u32, bytes: u32): usize { return VECTORS + load<u32>(IDS + (index << 2)) * bytes; }
export function l2(calls: u32, bytes: u32): f32 {
  let sum: f32 = 0;
  for (let i: u32 = 0; i < calls; i++) sum += squaredL2(QUERY, vector(i, bytes), bytes);
  return sum;
}
export function dot(calls: u32, bytes: u32): f32 {
  let sum: f32 = 0;
  for (let i: u32 = 0; i < calls; i++) sum += innerProduct(QUERY, vector(i, bytes), bytes);
  return sum;
}
export function l2x4(calls: u32, bytes: u32): f32 {
  let sum = f32x4.splat(0);
  for (let i: u32 = 0; i < calls; i += 4) {
    sum = f32x4.add(sum, squaredL2x4(QUERY, vector(i, bytes), vector(i + 1, bytes), vector(i + 2, bytes), vector(i + 3, bytes), bytes));
  }
  return f32x4.extract_lane(sum, 0);
}
export function dotx4(calls: u32, bytes: u32): f32 {
  let sum = f32x4.splat(0);
  for (let i: u32 = 0; i < calls; i += 4) {
    sum = f32x4.add(sum, innerProductx4(QUERY, vector(i, bytes), vector(i + 1, bytes), vector(i + 2, bytes), vector(i + 3, bytes), bytes));
  }
  return f32x4.extract_lane(sum, 0);
}
`;

const NATIVE = `
#include <xmmintrin.h>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>
static inline float lanes(__m128 v) { float f[4]; _mm_storeu_ps(f, v); return f[0] + f[1] + f[2] + f[3]; }
static inline __m128 l2Step(__m128 s, const float* a, const float* b) {
  __m128 d = _mm_sub_ps(_mm_loadu_ps(a), _mm_loadu_ps(b));
  return _mm_add_ps(s, _mm_mul_ps(d, d));
}
static inline __m128 dotStep(__m128 s, const float* a, const float* b) {
  return _mm_add_ps(s, _mm_mul_ps(_mm_loadu_ps(a), _mm_loadu_ps(b)));
}
template <__m128 (*step)(__m128, const float*, const float*)>
__attribute__((noinline)) float kernel(const float* a, const float* b, int n) {
  __m128 s0 = _mm_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
  for (int i = 0; i < n; i += 16) {
    s0 = step(s0, a + i, b + i); s1 = step(s1, a + i + 4, b + i + 4);
    s2 = step(s2, a + i + 8, b + i + 8); s3 = step(s3, a + i + 12, b + i + 12);
  }
  return lanes(_mm_add_ps(_mm_add_ps(s0, s1), _mm_add_ps(s2, s3)));
}
int main() {
  int which, n, calls, repeats;
  while (scanf("%d %d %d %d", &which, &n, &calls, &repeats) == 4) {
    int count = ${CACHE_BYTES} / (n * 4);
    std::vector<float> vectors(count * n), query(n);
    std::vector<uint32_t> ids(calls);
    uint32_t seed = 1;
    auto next = [&] { seed = seed * 1664525u + 1013904223u; return seed >> 8; };
    for (auto& x : vectors) x = next() % 1000 / 1000.0f;
    for (auto& x : query) x = next() % 1000 / 1000.0f;
    for (auto& x : ids) x = next() % count;
    double best = 1e30;
    float sum = 0;
    for (int r = 0; r < repeats; r++) {
      auto started = std::chrono::steady_clock::now();
      for (int i = 0; i < calls; i++) {
        const float* v = &vectors[ids[i] * n];
        sum += which ? kernel<dotStep>(&query[0], v, n) : kernel<l2Step>(&query[0], v, n);
      }
      std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - started;
      if (taken.count() < best) best = taken.count();
    }
    printf("%.4f %g\\n", best / calls, sum);
    fflush(stdout);
  }
}
`;

const report = startReport("kernels");
const folder = mkdtempSync(join(tmpdir(), "nearkey-kernels-"));
try {
  await measure(await compileLoop(), compileNative());
} finally {
  rmSync(folder, { recursive: true, force: true });
}
report.finish();

/** The loop compiled as the release engine is. */
async function compileLoop() {
  let binary;
  const { error, stderr } = await main(
    [
      ...["bench/kernels-loop.ts", "--outFile", "loop.wasm", "--config", "none", "--runtime", "stub"],
      ...["--enable", "simd", "--use", "abort=", "--initialMemory", "32", "-O3", "--noAssert"],
    ],
    {
      baseDir: new URL("..", import.meta.url).pathname,
      readFile: (name, base) => (name === "bench/kernels-loop.ts" ? LOOP : readSource(name, base)),
      writeFile: (_name, contents) => {
        binary = contents;
      },
    },
  );
  if (error) throw new Error(stderr.toString());
  return new WebAssembly.Instance(new WebAssembly.Module(binary)).exports;
}

async function readSource(name, base) {
  const { readFile } = await import("node:fs/promises");
  return readFile(join(base, name), "utf8").catch(() => null);
}

/** The native program, undefined where there is no g++ or no SSE. */
function compileNative() {
  writeFileSync(join(folder, "kernels.cpp"), NATIVE);
  const options = ["-O3", "-msse4.2", "kernels.cpp", "-o", "kernels"];
  const { error, status, stderr } = spawnSync("g++", options, { cwd: folder, encoding: "utf8" });
  if (status === 0) {
    report.peer("g++", spawnSync("g++", ["-dumpfullversion"], { encoding: "utf8" }).stdout.trim());
    return join(folder, "kernels");
  }
  report.note(`no C++ beside it: ${error?.message ?? stderr.split("\n")[0]}`);
  return undefined;
}

async function measure(loop, native) {
  const rows = [];
  for (const [which, name] of ["l2", "dot"].entries()) {
    for (const dimensions of DIMENSIONS) rows.push(measureOne(loop, native, which, name, dimensions));
  }
  report.table(
    `Nanoseconds a vector in cache, median of ${report.rounds}`,
    [
      { key: "name", title: "kernel" },
      { key: "dimensions", title: "numbers" },
      { key: "single", title: "one", format: fixed(1) },
      { key: "four", title: "x4", format: fixed(1) },
      { key: "native", title: "C++ SSE", format: fixed(1) },
      { key: "ratio", title: "one / C++", format: times },
    ],
    rows,
  );
  for (const { name, dimensions, ratio } of rows) {
    if (ratio === undefined || !BARRED.includes(dimensions)) continue;
    report.bar(`${name} of ${dimensions}, of the time of C++ with SSE`, ratio, { atMost: RATIO_MAX });
  }
}

function measureOne(loop, native, which, name, dimensions) {
  const bytes = dimensions * 4;
  fillMemory(loop.memory.buffer, bytes);
  const repeats = Math.max(8, Math.round((report.quick ? 5e6 : 5e7) / (CALLS * dimensions)));
  const wasm = (kernel) => {
    let best = Number.POSITIVE_INFINITY;
    for (let repeat = 0; repeat < repeats; repeat++) {
      const started = performance.now();
      kernel(CALLS, bytes);
      best = Math.min(best, performance.now() - started);
    }
    return (best * 1e6) / CALLS;
  };
  for (const kernel of [loop[name], loop[`${name}x4`]]) wasm(kernel);
  const times = { single: [], four: [], native: [] };
  for (let round = 0; round < report.rounds; round++) {
    times.single.push(wasm(loop[name]));
    if (native) times.native.push(runNative(native, which, dimensions, repeats));
    times.four.push(wasm(loop[`${name}x4`]));
  }
  const row = { name, dimensions, single: median(times.single), four: median(times.four) };
  if (!native) return row;
  return { ...row, native: median(times.native), ratio: row.single / median(times.native) };
}

function fillMemory(buffer, bytes) {
  const count = Math.floor(CACHE_BYTES / bytes);
  const ids = new Uint32Array(buffer, 0x10000, CALLS);
  for (let index = 0; index < CALLS; index++) ids[index] = (Math.imul(index + 1, 2654435761) >>> 8) % count;
  new Float32Array(buffer, 0x20000, (buffer.byteLength - 0x20000) / 4).fill(0.5);
}

function runNative(program, which, dimensions, repeats) {
  const input = `${which} ${dimensions} ${CALLS} ${repeats}\n`;
  return Number.parseFloat(spawnSync(program, [], { input, encoding: "utf8" }).stdout);
}
