// Lists against arrays: random programs of every list command on lists of a few and of thousands of elements, with elements
// of each length that is stored in a way of its own, once with the heap at its usual place and once at the end of the address
// range.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Argument, Reply } from "../src/resp.ts";
import { drawSeed, EngineDriver, isError } from "./engine-driver.ts";

const seed = drawSeed("lists.property.test.ts");

const length = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: 0, max: 12 }) },
  { weight: 4, arbitrary: fc.constantFrom(100, 126, 127, 128, 129, 255, 256, 500) },
  { weight: 2, arbitrary: fc.constantFrom(1_000, 2_043, 2_044, 2_045, 4_095, 4_096) },
  { weight: 1, arbitrary: fc.constantFrom(4_097, 8_200, 32_704, 32_705, 65_536, 140_000) },
);
const element = fc
  .tuple(length, fc.nat(3))
  .map(([bytes, salt]) => `${salt}abcdefghijklmnop`.repeat(bytes / 17 + 1).slice(0, bytes));
const index = fc.oneof(fc.integer({ min: -30, max: 30 }), fc.integer({ min: -3_000, max: 3_000 }));
const end = fc.constantFrom("LEFT" as const, "RIGHT" as const);
const key = fc.constantFrom(0, 1, 2);

type Step = (lists: string[][]) => { command: Argument[]; reply: Reply };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(key, end, fc.array(element, { minLength: 1, maxLength: 8 })).map(push),
  fc.tuple(key, end, fc.integer({ min: 1, max: 1_500 }), element).map(([at, side, count, value]) => {
    const short = value.slice(0, 90);
    return push([at, side, Array.from({ length: count }, (_, number) => `${number % 50}${short}`)]);
  }),
  fc.tuple(key, end, fc.integer({ min: 1, max: 2_000 }), fc.boolean()).map(pop),
  fc.tuple(key, index, element).map(set),
  fc.tuple(key, fc.nat(3_000), fc.boolean(), element).map(insert),
  fc.tuple(key, fc.integer({ min: -40, max: 40 }), fc.nat(3_000)).map(remove),
  fc.tuple(key, fc.integer({ min: 0, max: 600 }), fc.integer({ min: -600, max: 3_000 })).map(trim),
  fc.tuple(key, key, end, end).map(move),
  fc.tuple(key, index, index).map(range),
  fc.tuple(key, fc.nat(3_000), fc.integer({ min: 1, max: 4 }), fc.boolean()).map(position),
);

const named = (at: number): string => `list${at}`;
const listOf = (lists: string[][], at: number): string[] => lists[at] as string[];

function push([at, side, elements]: [number, "LEFT" | "RIGHT", string[]]): Step {
  return (lists) => {
    if (side === "LEFT") lists[at] = [...elements.toReversed(), ...listOf(lists, at)];
    else lists[at] = [...listOf(lists, at), ...elements];
    return { command: [side === "LEFT" ? "LPUSH" : "RPUSH", named(at), ...elements], reply: listOf(lists, at).length };
  };
}

function pop([at, side, count, one]: [number, "LEFT" | "RIGHT", number, boolean]): Step {
  return (lists) => {
    const list = listOf(lists, at);
    const wanted = one ? 1 : count;
    const taken = side === "LEFT" ? list.splice(0, wanted) : list.splice(-wanted).reverse();
    const command = [side === "LEFT" ? "LPOP" : "RPOP", named(at)];
    if (one) return { command, reply: taken[0] ?? null };
    return { command: [...command, count], reply: taken.length === 0 ? null : taken };
  };
}

function set([at, place, value]: [number, number, string]): Step {
  return (lists) => {
    const list = listOf(lists, at);
    const from = place < 0 ? place + list.length : place;
    const command = ["LSET", named(at), place, value];
    if (list.length === 0) return { command, reply: "ERR no such key" };
    if (from < 0 || from >= list.length) return { command, reply: "ERR index out of range" };
    list[from] = value;
    return { command, reply: "OK" };
  };
}

function insert([at, near, before, value]: [number, number, boolean, string]): Step {
  return (lists) => {
    const list = listOf(lists, at);
    const pivot = list[near % (list.length || 1)] ?? "none";
    const from = list.indexOf(pivot);
    if (from >= 0) list.splice(before ? from : from + 1, 0, value);
    const reply = list.length === 0 ? 0 : from < 0 ? -1 : list.length;
    return { command: ["LINSERT", named(at), before ? "BEFORE" : "AFTER", pivot, value], reply };
  };
}

function remove([at, count, near]: [number, number, number]): Step {
  return (lists) => {
    const list = listOf(lists, at);
    const value = list[near % (list.length || 1)] ?? "none";
    let left = count === 0 ? list.length : Math.abs(count);
    const keep = (other: string): boolean => other !== value || left-- <= 0;
    lists[at] = count < 0 ? list.reverse().filter(keep).reverse() : list.filter(keep);
    return { command: ["LREM", named(at), count, value], reply: list.length - listOf(lists, at).length };
  };
}

function trim([at, from, to]: [number, number, number]): Step {
  return (lists) => {
    const list = listOf(lists, at);
    lists[at] = list.slice(from, to < 0 ? Math.max(0, list.length + to + 1) : to + 1);
    return { command: ["LTRIM", named(at), from, to], reply: "OK" };
  };
}

function move([at, to, side, other]: [number, number, "LEFT" | "RIGHT", "LEFT" | "RIGHT"]): Step {
  return (lists) => {
    const value = side === "LEFT" ? listOf(lists, at).shift() : listOf(lists, at).pop();
    if (value !== undefined && other === "LEFT") listOf(lists, to).unshift(value);
    else if (value !== undefined) listOf(lists, to).push(value);
    return { command: ["LMOVE", named(at), named(to), side, other], reply: value ?? null };
  };
}

function range([at, from, to]: [number, number, number]): Step {
  return (lists) => {
    const list = listOf(lists, at);
    const start = Math.max(0, from < 0 ? from + list.length : from);
    const last = to < 0 ? to + list.length : to;
    return { command: ["LRANGE", named(at), from, to], reply: start > last ? [] : list.slice(start, last + 1) };
  };
}

function position([at, near, rank, backwards]: [number, number, number, boolean]): Step {
  return (lists) => {
    const list = listOf(lists, at);
    const value = list[near % (list.length || 1)] ?? "none";
    const all = list.flatMap((other, place) => (other === value ? [place] : []));
    const found = (backwards ? all.reverse() : all).slice(rank - 1);
    return { command: ["LPOS", named(at), value, "RANK", backwards ? -rank : rank, "COUNT", 0], reply: found };
  };
}

function play(driver: EngineDriver, steps: readonly Step[]): string[][] {
  const lists: string[][] = [[], [], []];
  for (const next of steps) {
    const { command, reply } = next(lists);
    const answer = driver.run(...command);
    const what = command
      .map((part) => String(part).slice(0, 20))
      .slice(0, 6)
      .join(" ");
    expect(isError(answer) ? answer.message : answer, what).toEqual(reply);
    expect(driver.run("LLEN", command[1] as string), what).toBe(lists[Number(String(command[1]).slice(4))]?.length);
  }
  return lists;
}

function compare(driver: EngineDriver, lists: readonly string[][]): void {
  for (const [at, list] of lists.entries()) {
    expect(driver.run("LRANGE", named(at), 0, -1)).toEqual(list);
    expect(driver.run("EXISTS", named(at))).toBe(list.length === 0 ? 0 : 1);
    for (const place of [0, 1, list.length >> 1, list.length - 2]) {
      expect(driver.run("LINDEX", named(at), place)).toBe(list.at(place) ?? null);
    }
  }
}

describe("a list", () => {
  it.each([0, 0xf000_0000])("is an array, whatever is done to it (heap at %i)", { timeout: 120_000 }, (heapStart) => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60, size: "max" }), (steps) => {
        const driver = new EngineDriver({ heapStart, maxMemoryBytes: 32 << 20 });
        const lists = play(driver, steps);
        compare(driver, lists);
        driver.settle();
        const digest = driver.engine.effects.digest();
        for (const at of [0, 1, 2]) driver.run("COPY", named(at), `copy${at}`);
        for (const at of [0, 1, 2]) driver.run("DEL", named(at));
        for (const at of [0, 1, 2]) driver.run("RENAME", `copy${at}`, named(at));
        expect(driver.engine.effects.digest()).toBe(digest);
        compare(driver, lists);
        driver.run("FLUSHALL");
        driver.settle();
        expect(driver.heldPages).toBeLessThan(6);
      }),
      { seed, numRuns: 60 },
    );
  });
});
