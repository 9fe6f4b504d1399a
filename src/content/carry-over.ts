// What one engine holds, made again in another: how a database comes from one layout of memory to the next. Commands are the
// same in both, whatever their memories look like.

import type { Engine } from "../engine.ts";
import type { Argument } from "../resp.ts";
import { CommandRunner } from "./command-runner.ts";
import type { ContentKey } from "./content.ts";
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
  scoresFirst,
  stringOf,
} from "./content.ts";
import { streamCommands } from "./stream-content.ts";
import { vectorCommands } from "./vector-content.ts";

/**
 * Fills an empty engine with all that another one holds, which nobody else uses.
 *
 * @param nowMs keys that have expired by then stay behind
 * @returns keys that were carried over
 * @throws NearkeyError `out-of-memory` when it does not fit under the new one's limit
 */
export function carryOver(from: Engine, to: Engine, nowMs: number): number {
  const source = new CommandRunner(from, nowMs);
  const target = new CommandRunner(to, nowMs);
  let keys = 0;
  for (let database = 0; database < DATABASES; database++) {
    if (countKeys(source, database).keys === 0) continue;
    target.one("SELECT", database);
    for (const key of keysOf(source, database)) {
      for (const commands of commandsOf(source, key)) target.run(commands);
      keys++;
    }
  }
  source.close();
  target.close();
  return keys;
}

function* commandsOf(source: CommandRunner, { database, key, type, expiresAtMs }: ContentKey): Generator<Argument[][]> {
  if (type === "string") {
    yield [["SET", key, stringOf(source, key), ...(expiresAtMs === undefined ? [] : ["PXAT", expiresAtMs])]];
    return;
  }
  if (type === "hash") {
    for (const fields of fieldsOf(source, key, countFields(source, key))) yield [["HSET", key, ...fields]];
  } else if (type === "list") {
    const count = countElements(source, key);
    for (const elements of elementsOf(source, key, count)) yield [["RPUSH", key, ...elements]];
  } else if (type === "set") {
    for (const members of membersOf(source, key, countMembers(source, key))) yield [["SADD", key, ...members]];
  } else if (type === "zset") {
    for (const members of scoredOf(source, key, countScored(source, key)))
      yield [["ZADD", key, ...scoresFirst(members)]];
  } else if (type === "stream") yield* streamCommands(source, database, key);
  else yield* vectorCommands(source, key);
  if (expiresAtMs !== undefined) yield [["PEXPIREAT", key, expiresAtMs]];
}
