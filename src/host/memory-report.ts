// MEMORY: what a key takes, and the whole. Figures are pages and cells as they are held, not an allocator's guesses, so
// the reports about fragmentation and allocators that Redis adds have nothing to say here and are left out.

import { FIXED_BYTES } from "../engine-types.ts";
import { ReplyError, type ReplyValue, SimpleString } from "../resp.ts";
import { type HostCall, Verbatim, wrongArity } from "./host-call.ts";

/** Fields of a large hash that are read unless SAMPLES says otherwise. */
const SAMPLES = 1024;
/** Part of the limit from which on the doctor says that it will be reached. */
const NEARLY_FULL = 0.9;

/** Answers `MEMORY USAGE | STATS | DOCTOR | PURGE | HELP`. */
export function memoryCommand(call: HostCall): ReplyValue | Verbatim {
  const [name = "", ...rest] = call.words;
  switch (name.toUpperCase()) {
    case "USAGE":
      return rest.length === 0 ? wrongArity("memory|usage") : usage(call, rest.slice(1));
    case "STATS":
      return rest.length > 0 ? wrongArity("memory|stats") : stats(call);
    case "DOCTOR":
      return rest.length > 0 ? wrongArity("memory|doctor") : new Verbatim(diagnosis(call));
    case "PURGE":
      // An empty page goes back to the pool at once, and WebAssembly's memory never shrinks.
      return rest.length > 0 ? wrongArity("memory|purge") : new SimpleString("OK");
    case "HELP":
      return HELP.map((line) => new SimpleString(line));
    default:
      return new ReplyError(`ERR unknown subcommand '${name}'. Try MEMORY HELP.`);
  }
}

const HELP = [
  "MEMORY <subcommand> [<arg> ...]. Subcommands are:",
  "USAGE <key> [SAMPLES <count>]",
  "    Return the bytes that a key takes. Of a large hash <count> fields are read and stand for",
  `    all (${SAMPLES} unless given, 0 reads all).`,
  "STATS",
  "    Return what memory is used for.",
  "DOCTOR",
  "    Return what may become a problem.",
  "PURGE",
  "    Answer OK: there is nothing to give back.",
  "HELP",
  "    Print this help.",
];

function usage({ engine, connection, bytes }: HostCall, options: readonly string[]): ReplyValue {
  const samples = samplesOf(options);
  if (typeof samples !== "number") return samples;
  return engine.memoryUsage(engine.database(connection), bytes[1] as Uint8Array, samples, Date.now()) ?? null;
}

function samplesOf([option, count, ...more]: readonly string[]): number | ReplyError {
  if (option === undefined) return SAMPLES;
  if (option.toUpperCase() !== "SAMPLES" || count === undefined || more.length > 0) {
    return new ReplyError("ERR syntax error");
  }
  if (!/^-?\d{1,18}$/.test(count)) return new ReplyError("ERR value is not an integer or out of range");
  return Number(count) < 0 ? new ReplyError("ERR syntax error") : Math.min(Number(count), 0xffffffff);
}

function stats({ engine, facts }: HostCall): ReplyValue {
  const { memoryUsedBytes, memoryLimitBytes, keys } = engine.stats();
  let outputBytes = 0;
  for (const client of facts.clients()) {
    for (const connection of client.connections) {
      outputBytes += engine.pinnedBytes(connection) + engine.connections.transaction(connection).queuedBytes;
    }
  }
  const datasetBytes = Math.max(0, memoryUsedBytes - FIXED_BYTES - outputBytes);
  return {
    "total.allocated": memoryUsedBytes,
    "startup.allocated": FIXED_BYTES,
    "clients.normal": outputBytes,
    "overhead.total": FIXED_BYTES + outputBytes,
    "keys.count": keys,
    "keys.bytes-per-key": keys === 0 ? 0 : Math.floor(datasetBytes / keys),
    "dataset.bytes": datasetBytes,
    maxmemory: memoryLimitBytes,
  };
}

function diagnosis({ engine, facts }: HostCall): string {
  const { memoryUsedBytes, memoryLimitBytes, keys } = engine.stats();
  if (keys === 0) return "There are no keys, so there is nothing to complain about.";
  if (memoryUsedBytes < memoryLimitBytes * NEARLY_FULL) return "Memory is in order: the limit is far.";
  const policy = facts.settings.get("maxmemory-policy") ?? "noeviction";
  const outlook = policy === "noeviction" ? "writes will be refused" : `keys are evicted by ${policy}`;
  return `Memory is nearly full: ${memoryUsedBytes} of ${memoryLimitBytes} bytes are held, and at the limit ${outlook}.`;
}
