// Field indexes alone: the ordered index against a sorted list, and upkeep under random programs, judged by the engine's
// own validator, which strikes all that elements have and must find the index empty.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { HEAP_BASE, REGISTERS_BASE } from "../assembly/layout.ts";
import { Part } from "./compile-part.ts";

interface Exports {
  initializeMemory(heapStart: number, seed: bigint): void;
  heapBytes(): number;
  insertPosting(postings: number, key: bigint, id: number): number;
  removePosting(postings: number, key: bigint, id: number): number;
  rankOf(postings: number, key: bigint): number;
  seek(postings: number, rank: number): void;
  readonly soughtIds: WebAssembly.Global;
  readonly soughtKey: WebAssembly.Global<"i64">;
  createVectorSet(dimensions: number, metric: number, m: number, efConstruction: number): number;
  takeNode(set: number, level: number): number;
  releaseNode(set: number, id: number): void;
  encodeAttributes(json: number, bytes: number, out: number, capacity: number): number;
  setAttributes(set: number, id: number, json: number, bytes: number, binary: number, encoded: number): void;
  removeAttributes(set: number, id: number): void;
  compilePath(text: number, bytes: number, path: number): number;
  declareField(set: number, path: number): void;
  dropField(set: number, index: number): void;
  validateFields(set: number): number;
  bytesOfSet(set: number): bigint;
  readonly PROGRAM_BASE: WebAssembly.Global;
  readonly SECOND_VECTOR_BASE: WebAssembly.Global;
  readonly state: WebAssembly.Global;
}

const seed = Number(process.env.NEARKEY_SEED ?? Date.now() % 1e9);
const FILES = [
  "memory/memory",
  "filters/postings",
  "filters/postings-change",
  "filters/filter",
  "text/json",
  "vectors/vectorset",
  "vectors/vector-scratch",
  "vectors/attribute-changes",
  "vectors/field-changes",
];

let part: Part<Exports>;
beforeAll(async () => {
  console.log(`field-index.test.ts: seed ${seed}`);
  part = await Part.compile<Exports>(...FILES);
});

function reset(): void {
  part.bytes.fill(0, REGISTERS_BASE, HEAP_BASE);
  part.exports.initializeMemory(HEAP_BASE, 1n);
}

/** Pages that are held. */
function heldPages(): number {
  return new DataView(part.bytes.buffer).getUint32((part.exports.state.value >>> 0) + 32, true);
}

const POSTINGS = HEAP_BASE - 64;

describe("an ordered index", () => {
  /** Few keys, so that many entries share one, and rising ones, which split at the end. */
  const step = fc.record({
    adds: fc.integer({ min: 0, max: 3 }).map((number) => number > 0),
    key: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 1e6 })).map(BigInt),
    id: fc.integer({ min: 0, max: 3000 }),
  });

  /** Plays steps against a sorted list; `spread` times as many entries as there are steps. */
  function play(steps: readonly { adds: boolean; key: bigint; id: number }[], spread: number): void {
    reset();
    new Uint32Array(part.bytes.buffer, POSTINGS, 2).fill(0);
    const { exports } = part;
    const held = heldPages();
    const entries = new Map<string, [bigint, number]>();
    for (const { adds, key, id } of steps) {
      for (let turn = 0; turn < spread; turn++) {
        const pair: [bigint, number] = [key + BigInt(turn * 7), id + turn];
        const known = entries.has(pair.join());
        const change = adds ? exports.insertPosting : exports.removePosting;
        expect(change(POSTINGS, ...pair)).toBe(Number(adds !== known));
        if (adds) entries.set(pair.join(), pair);
        else entries.delete(pair.join());
      }
    }
    const sorted = [...entries.values()].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] - b[1]));
    for (const [rank, [key, id]] of sorted.entries()) {
      exports.seek(POSTINGS, rank);
      const found = new DataView(part.bytes.buffer).getUint32(exports.soughtIds.value >>> 0, true);
      expect([BigInt.asUintN(64, exports.soughtKey.value), found]).toEqual([key, id]);
    }
    for (const { key } of steps.slice(0, 50)) {
      expect(exports.rankOf(POSTINGS, key)).toBe(sorted.filter(([other]) => other < key).length);
    }
    for (const pair of sorted) expect(exports.removePosting(POSTINGS, ...pair)).toBe(1);
    expect([...new Uint32Array(part.bytes.buffer, POSTINGS, 2)]).toEqual([0, 0]);
    expect(heldPages()).toBe(held);
  }

  test("holds what a sorted list holds, and gives all memory back", () => {
    const property = fc.property(fc.array(step, { maxLength: 300 }), (steps) => play(steps, 1));
    fc.assert(property, { seed, numRuns: 60 });
  });

  test("of three levels does too", () => {
    const property = fc.property(fc.array(step, { minLength: 40, maxLength: 60 }), (steps) => play(steps, 1500));
    fc.assert(property, { seed, numRuns: 2 });
  });
});

describe("indexes of a set", () => {
  const value = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom<unknown>("a", "ab", "b", "", "2", null, true, 0.1, 0.10000000000000002, 1e300),
    fc.array(fc.constantFrom<unknown>(1, 2, "a", "b", null, [1], 0.1, 0.10000000000000002), { maxLength: 4 }),
    fc.constant({ z: 1 }),
    fc.array(fc.integer(), { minLength: 60, maxLength: 80 }),
  );
  const step = fc.record({
    kind: fc.constantFrom("set", "set", "set", "remove", "add", "delete", "declare", "drop"),
    at: fc.nat(),
    object: fc.dictionary(fc.constantFrom("x", "y", "o"), fc.oneof(value, fc.record({ z: value })), { maxKeys: 3 }),
  });
  const paths = [".x", ".y", ".o.z"];

  function setText(set: number, id: number, text: string): void {
    const json = Buffer.from(text);
    const { exports } = part;
    const from = exports.SECOND_VECTOR_BASE.value >>> 0;
    const to = exports.PROGRAM_BASE.value >>> 0;
    part.bytes.set(json, from);
    const encoded = exports.encodeAttributes(from, json.length, to, 3 * json.length);
    exports.setAttributes(set, id, from, json.length, to, Math.max(encoded, 0));
  }

  function declare(set: number, path: string): void {
    const [place] = part.place(path);
    const to = part.exports.PROGRAM_BASE.value >>> 0;
    expect(part.exports.compilePath(...place, to)).toBeGreaterThan(0);
    part.exports.declareField(set, to);
  }

  test("list what elements have after each step", () => {
    const property = fc.property(fc.array(step, { minLength: 1, maxLength: 80 }), (steps) => {
      reset();
      const { exports } = part;
      const set = exports.createVectorSet(4, 1, 4, 10) >>> 0;
      const bare = exports.bytesOfSet(set);
      const live: number[] = [];
      const declared: string[] = [];
      for (const { kind, at, object } of steps) {
        const id = live[at % live.length];
        const path = paths[at % paths.length] as string;
        if (kind === "add") live.push(exports.takeNode(set, 0) >>> 0);
        else if (kind === "declare" && !declared.includes(path))
          declare(set, declared[declared.push(path) - 1] as string);
        else if (kind === "drop" && declared.length > 0) {
          exports.dropField(set, at % declared.length);
          declared.splice(at % declared.length, 1);
        } else if (id !== undefined && kind === "set") setText(set, id, JSON.stringify(object));
        else if (id !== undefined && kind === "remove") exports.removeAttributes(set, id);
        else if (id !== undefined && kind === "delete") {
          exports.removeAttributes(set, id);
          exports.releaseNode(set, id);
          live.splice(at % live.length, 1);
        }
        expect(exports.validateFields(set), kind).toBe(0);
      }
      for (const id of live) exports.removeAttributes(set, id);
      while (declared.pop() !== undefined) exports.dropField(set, 0);
      for (const id of live) exports.releaseNode(set, id);
      // Blocks of nodes stay; all else is accounted for, and gone.
      const { bytes: node } = { bytes: exports.bytesOfSet(set) };
      const again = exports.createVectorSet(4, 1, 4, 10) >>> 0;
      for (const _ of live) exports.takeNode(again, 0);
      expect(node >= bare).toBe(true);
      expect(new DataView(part.bytes.buffer).getUint32(set + FIELD_BYTES_OFFSET, true)).toBe(0);
    });
    fc.assert(property, { seed, numRuns: 150 });
  });
});

/** Of VectorSet.fieldBytes. */
const FIELD_BYTES_OFFSET = 13 * 4;
