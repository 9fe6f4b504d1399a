// Everything in an engine that Redis has a type for, as a file that Redis loads.

import { CommandRunner } from "../content/command-runner.ts";
import {
  countElements,
  countFields,
  countKeys,
  countMembers,
  countScored,
  DATABASES,
  elementsOf,
  fieldsOf,
  keysOf,
  membersOf,
  scoredOf,
  stringOf,
} from "../content/content.ts";
import type { Engine } from "../engine.ts";
import type { StorageFile } from "../storage/storage.ts";
import { RdbWriter } from "./rdb-writer.ts";
import { writeStream } from "./stream-export.ts";

/** Types that a file of Redis has. */
const WRITTEN: ReadonlySet<string> = new Set(["string", "hash", "list", "set", "zset", "stream"]);

/** What became of the keys. */
export interface RdbExport {
  /** Keys in the file. */
  readonly keys: number;
  /** Keys that are not, by their type: a file of Redis has no vector sets that every Redis reads. */
  readonly leftOut: ReadonlyMap<string, number>;
}

/**
 * Writes a file of Redis.
 *
 * @param engine one that nobody else uses
 * @param file an empty file
 * @param nowMs keys that have expired by then stay behind
 * @param facts what the file says of itself
 */
export async function writeRdb(
  engine: Engine,
  file: Pick<StorageFile, "append">,
  nowMs: number,
  facts: Readonly<Record<string, string>>,
): Promise<RdbExport> {
  const runner = new CommandRunner(engine, nowMs);
  const writer = new RdbWriter(file);
  const leftOut = new Map<string, number>();
  let written = 0;
  for (const [name, value] of Object.entries(facts)) writer.fact(name, value);
  for (let database = 0; database < DATABASES; database++) {
    const { keys, expiring } = countKeys(runner, database);
    if (keys > 0) writer.database(database, keys, expiring);
    for (const { key, type, expiresAtMs } of keysOf(runner, database)) {
      if (type === "string") writer.string(key, stringOf(runner, key), expiresAtMs);
      else if (type === "hash") await writeHash(runner, writer, key, expiresAtMs);
      else if (type === "list") await writeList(runner, writer, key, expiresAtMs);
      else if (type === "set") await writeSet(runner, writer, key, expiresAtMs);
      else if (type === "stream") await writeStream(runner, writer, database, key, expiresAtMs);
      else if (type === "zset") await writeSortedSet(runner, writer, key, expiresAtMs);
      else leftOut.set(type, (leftOut.get(type) ?? 0) + 1);
      if (WRITTEN.has(type)) written++;
      await writer.flush();
    }
  }
  await writer.end();
  runner.close();
  return { keys: written, leftOut };
}

async function writeList(
  runner: CommandRunner,
  writer: RdbWriter,
  key: Uint8Array,
  expiresAtMs: number | undefined,
): Promise<void> {
  const count = countElements(runner, key);
  writer.list(key, count, expiresAtMs);
  for (const elements of elementsOf(runner, key, count)) {
    for (const element of elements) writer.text(element);
    await writer.flush();
  }
}

async function writeHash(
  runner: CommandRunner,
  writer: RdbWriter,
  key: Uint8Array,
  expiresAtMs: number | undefined,
): Promise<void> {
  const count = countFields(runner, key);
  writer.hash(key, count, expiresAtMs);
  for (const strings of fieldsOf(runner, key, count)) {
    for (const string of strings) writer.text(string);
    await writer.flush();
  }
}

async function writeSet(
  runner: CommandRunner,
  writer: RdbWriter,
  key: Uint8Array,
  expiresAtMs: number | undefined,
): Promise<void> {
  const count = countMembers(runner, key);
  writer.set(key, count, expiresAtMs);
  for (const members of membersOf(runner, key, count)) {
    for (const member of members) writer.text(member);
    await writer.flush();
  }
}

async function writeSortedSet(
  runner: CommandRunner,
  writer: RdbWriter,
  key: Uint8Array,
  expiresAtMs: number | undefined,
): Promise<void> {
  const count = countScored(runner, key);
  writer.sortedSet(key, count, expiresAtMs);
  for (const members of scoredOf(runner, key, count)) {
    for (const [index, text] of members.entries()) {
      if (index % 2 === 0) writer.text(text);
      else writer.score(text);
    }
    await writer.flush();
  }
}
