// A vector set as commands that make it again: the options that it was made with, each element with its vector, attributes
// and time, and its indexes. The graph and the codes are made anew; of a set that keeps codes alone the vectors are what
// its codes say.

import { NearkeyError } from "../errors.ts";
import type { Argument, Reply } from "../resp.ts";
import type { CommandRunner } from "./command-runner.ts";
import { textOf } from "./content.ts";

/** Elements asked for at a time. */
const ELEMENTS = 64;

/** VADD's words for what VINFO answers. */
const CODINGS: Readonly<Record<string, string>> = { f32: "NOQUANT", f16: "F16", int8: "Q8", int4: "Q4", bin: "BIN" };

/**
 * Reads a vector set as commands, in groups.
 *
 * @throws NearkeyError `unsupported` for a coding that is not known here
 */
export function* vectorCommands(runner: CommandRunner, key: Uint8Array): Generator<Argument[][]> {
  const facts = pairsOf(runner.one("VINFO", key) as Reply[]);
  const names = runner.one("VRANDMEMBER", key, Number(facts.get("size"))) as Uint8Array[];
  const given = Number(facts.get("projection-input-dim") ?? 0);
  let options = optionsOf(facts);
  if (given > 0) {
    // What is stored of a vector is given back as it is, but not to a set that is not there: the first element is added twice.
    const first = new Uint8Array(Float32Array.from({ length: given }, (_, index) => (index === 0 ? 1 : 0)).buffer);
    const reduce = ["REDUCE", facts.get("vector-dim") ?? ""];
    yield [["VADD", key, ...reduce, "FP32", first, names[0] as Uint8Array, ...options]];
    options = [];
  }
  for (let first = 0; first < names.length; first += ELEMENTS) {
    const group = names.slice(first, first + ELEMENTS);
    const commands = elementCommands(runner, key, group);
    commands[0]?.push(...options);
    if (given > 0) for (const command of commands) command.push("PROJECTED");
    options = [];
    yield commands;
  }
  const indexes = runner.one("VINDEXES", key) as Reply[];
  if (indexes.length > 0) yield indexes.map((index) => ["VINDEX", key, "ADD", pathOf(index)]);
}

function pairsOf(flat: readonly Reply[]): Map<string, string> {
  const pairs = new Map<string, string>();
  for (let at = 0; at < flat.length; at += 2) pairs.set(textOf(flat[at]), textOf(flat[at + 1]));
  return pairs;
}

function optionsOf(facts: ReadonlyMap<string, string>): Argument[] {
  const fact = (name: string): string => facts.get(name) ?? "";
  const coding = CODINGS[fact("quant-type")];
  if (coding === undefined) throw new NearkeyError("unsupported", `a coding of vectors called ${fact("quant-type")}`);
  const options = ["METRIC", fact("metric"), "M", fact("hnsw-m"), "EF", fact("ef-construction"), coding];
  return isTrue(fact("originals")) ? options : [...options, "NOORIGINALS"];
}

/** A boolean of RESP2 is a number. */
function isTrue(text: string): boolean {
  return text === "1" || text === "true";
}

function elementCommands(runner: CommandRunner, key: Uint8Array, names: readonly Uint8Array[]): Argument[][] {
  const asked = names.flatMap((name): Argument[][] => [
    ["VEMB", key, name],
    ["VGETATTR", key, name],
  ]);
  const replies = runner.run([...asked, ["VPEXPIRETIME", key, "ELEMENTS", names.length, ...names]]);
  const times = replies.at(-1) as Reply[];
  return names.map((name, index) => {
    const command: Argument[] = ["VADD", key, "FP32", vectorOf(replies[index * 2] as Reply[]), name];
    const attributes = replies[index * 2 + 1];
    if (attributes instanceof Uint8Array) command.push("SETATTR", attributes);
    if (Number(times[index]) > 0) command.push("PXAT", Number(times[index]));
    return command;
  });
}

function vectorOf(numbers: readonly Reply[]): Uint8Array {
  return new Uint8Array(Float32Array.from(numbers, (number) => Number(textOf(number))).buffer);
}

/** What VINDEXES says of an index begins with its path. */
function pathOf(index: Reply): Argument {
  return Array.isArray(index) ? textOf(index[1]) : textOf(index);
}
