// The flags of `nearkey import`, and what they mean together: which fields are read, where rows go.

import { type Command, InvalidArgumentError, Option } from "commander";
import type { Metric, Quantization, VectorOptions } from "../../database/vector-options.ts";
import { NearkeyError } from "../../errors.ts";
import type { ServerFlags } from "../connection/server-flags.ts";
import { wholeNumber } from "../number-flags.ts";
import { type FileFormat, fileFormats, formatOfName, hasFields } from "./file-format.ts";
import type { KeyFields } from "./key-row.ts";
import type { VectorFields } from "./vector-row.ts";

/** What commander reads. */
export interface ImportFlags extends ServerFlags {
  readonly dir?: string;
  readonly into?: string;
  readonly as: "vectors" | "keys";
  readonly format?: FileFormat;
  readonly id?: string;
  readonly idPrefix: string;
  readonly vector: readonly string[];
  readonly attributes: readonly string[];
  readonly labels?: string;
  readonly value: string;
  readonly hash: readonly string[];
  readonly ttl: string;
  readonly dim?: number;
  readonly metric?: Metric;
  readonly m?: number;
  readonly efConstruction?: number;
  readonly quantization?: Quantization;
  readonly originals: boolean;
  readonly skip: number;
  readonly limit: number;
  readonly strict?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Adds the flags to the command. */
export function addImportFlags(command: Command): Command {
  return command
    .option("--dir <path>", "instead of a server: the directory of a database that no server has open; made if need be")
    .option("--into <set>", "the vector set that takes the rows; made by the first when it does not exist")
    .addOption(new Option("--as <what>", "what rows become").choices(["vectors", "keys"]).default("vectors"))
    .addOption(new Option("--format <name>", "instead of what the file's name says").choices([...fileFormats]))
    .option("--id <field>", "the field that names a row (default: id, or key with --as keys, if the first row has it)")
    .option("--id-prefix <text>", "goes before each id or key; rows without a name are numbered from 0", "")
    .addOption(list("--vector <fields>", "the field of the vector, or its columns: a,b,c or v*", ["vector"]))
    .addOption(list("--attributes <fields>", "fields that become attributes; * for all others", ["attributes"]))
    .option("--labels <file>", "one label a row, as attribute label: lines of text, .npy or .u8")
    .option("--dim <number>", "numbers in a vector; without it the first row says", wholeNumber(1, 16_384))
    .addOption(
      new Option("--metric <name>", "of a new set (default: cosine)").choices([
        "cosine",
        "l2",
        "ip",
        "manhattan",
        "hamming",
        "jaccard",
      ]),
    )
    .option("--m <number>", "links a node of a new set (default: 16)", wholeNumber(4, 4096))
    .option("--ef-construction <number>", "candidates while linking (default: 200)", wholeNumber(1, 1_000_000))
    .addOption(
      new Option("--quantization <name>", "of a new set (default: int8)").choices([
        "f32",
        "f16",
        "int8",
        "int4",
        "binary",
      ]),
    )
    .option("--no-originals", "of a new set: keep codes alone, for a quarter of the memory")
    .option("--value <field>", "with --as keys: the field of the value; an object becomes a hash", "value")
    .addOption(list("--hash <fields>", "with --as keys: fields that make a hash; * for all others", []))
    .option("--ttl <field>", "with --as keys: the field of the seconds to live", "ttl")
    .option("--skip <rows>", "rows to pass over", wholeNumber(0), 0)
    .addOption(new Option("--limit <rows>", "rows to take at most").argParser(wholeNumber(1)).default(Infinity, "all"))
    .option("--strict", "stop at the first row that is refused")
    .option("--dry-run", "read and check everything, store nothing, need no server")
    .option("--json", "print the summary as JSON");
}

function list(flags: string, description: string, defaults: readonly string[]): Option {
  const parse = (text: string): string[] => {
    const names = text.split(",").map((name) => name.trim());
    if (names.every((name) => name !== "")) return names;
    throw new InvalidArgumentError("It takes names of fields with commas between them.");
  };
  return new Option(flags, description).argParser(parse).default(defaults, defaults.join() || "none");
}

/** The options that a new set is made with, and an existing one must agree with. */
export function vectorOptionsOf(flags: ImportFlags): VectorOptions {
  const { metric, m, efConstruction, dim, quantization, originals } = flags;
  const options: VectorOptions = {};
  if (dim !== undefined) options.dim = dim;
  if (metric !== undefined) options.metric = metric;
  if (m !== undefined) options.m = m;
  if (efConstruction !== undefined) options.efConstruction = efConstruction;
  if (quantization !== undefined) options.quantization = quantization;
  if (!originals) options.keepOriginals = false;
  return options;
}

/** Which fields make an element. */
export function vectorFieldsOf(flags: ImportFlags): VectorFields {
  return { id: flags.id, vector: flags.vector, attributes: flags.attributes, idPrefix: flags.idPrefix };
}

/** Which fields make a key. */
export function keyFieldsOf(flags: ImportFlags): KeyFields {
  const { id, idPrefix, value, ttl } = flags;
  return { id, idPrefix, value, ttl, hashFields: flags.hash };
}

/** Fields without which no row can be taken, and those that were asked for by name. */
export function neededFieldsOf({ as, id, vector, attributes, value, hash, ttl }: ImportFlags): string[] {
  const ids = id === undefined ? [] : [id];
  const asked = (names: readonly string[], byDefault: string): string[] =>
    names.filter((name) => name !== byDefault && name !== "*");
  if (as === "vectors") return [...ids, ...vector, ...asked(attributes, "attributes")];
  return [...ids, ...(hash.length > 0 ? asked(hash, "*") : [value]), ...asked([ttl], "ttl")];
}

/**
 * Checks what flags mean together, and finds each file's format.
 *
 * @throws NearkeyError `invalid-option`
 */
export function formatsOf(files: readonly string[], flags: ImportFlags): FileFormat[] {
  if (files.filter((file) => file === "-").length > 1) {
    throw new NearkeyError("invalid-option", "standard input can be read once");
  }
  const formats = files.map((file) => flags.format ?? formatOfName(file));
  if (formats.includes("rdb")) checkRdb(formats, flags);
  else checkRows(formats, flags);
  return formats;
}

function checkRdb(formats: readonly FileFormat[], { into, id }: ImportFlags): void {
  if (formats.some((format) => format !== "rdb")) {
    throw new NearkeyError("invalid-option", "files of Redis and files of rows are two imports");
  }
  if (into === undefined && id === undefined) return;
  const flag = into === undefined ? "--id" : "--into";
  throw new NearkeyError(
    "invalid-option",
    `${flag} is for rows; in a file of Redis every key has its name and database`,
  );
}

function checkRows(formats: readonly FileFormat[], flags: ImportFlags): void {
  if (flags.as === "vectors" && flags.into === undefined) {
    throw new NearkeyError("invalid-option", "--into names the vector set that takes the rows (or use --as keys)");
  }
  if (flags.as === "keys" && flags.into !== undefined) {
    throw new NearkeyError("invalid-option", "--into names a vector set; with --as keys each row names its own key");
  }
  const without = formats.find((format) => !hasFields(format));
  if (without !== undefined && (flags.id !== undefined || flags.as === "keys")) {
    const flag = flags.as === "keys" ? "--as keys" : "--id";
    throw new NearkeyError("invalid-option", `${flag} needs rows with fields, and ${without} has numbers only`);
  }
}
