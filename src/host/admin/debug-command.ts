// DEBUG, for tests that need a server which is slow or starts anew: behind a setting, as in Redis, since it stops everybody.

import { ReplyError, type ReplyValue, SimpleString } from "../../resp.ts";
import { type HostCall, NOT_IN_TRANSACTION } from "../host-call.ts";

const SECONDS_MAX = 3600;
const OK = new SimpleString("OK");

/** Answers `DEBUG SLEEP | RELOAD | ERROR | HELP`. */
export function debugCommand(call: HostCall): ReplyValue | Promise<ReplyValue> {
  if (!isAllowed(call)) return new ReplyError(REFUSAL);
  const [name = "", ...rest] = call.words;
  switch (name.toUpperCase()) {
    case "SLEEP":
      return sleep(rest[0] ?? "");
    case "RELOAD":
      return reload(call);
    case "ERROR":
      return new ReplyError(rest[0] ?? "");
    case "HELP":
      return HELP.map((line) => new SimpleString(line));
    default:
      return new ReplyError(`ERR unknown subcommand '${name}'. Try DEBUG HELP.`);
  }
}

const REFUSAL =
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local ' +
  "connection, otherwise you need to set this option in the configuration file, and then restart the server.";

const HELP = [
  "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "ERROR <string>",
  "    Return an error with this text.",
  "RELOAD",
  "    Take a snapshot of everything and wait for it. What is in memory stays as it is.",
  "SLEEP <seconds>",
  "    Stop the server for so long. Decimals allowed.",
  "HELP",
  "    Print this help.",
];

function isAllowed({ client, facts }: HostCall): boolean {
  const senders = facts.settings.get("enable-debug-command");
  const isLocal = /^(127\.|\[?::1|\[?::ffff:127\.)/.test(client.address);
  return senders === "yes" || (senders === "local" && isLocal);
}

/** Nobody is served meanwhile: the thread itself waits. */
function sleep(given: string): ReplyValue {
  const seconds = Number(given);
  if (given === "" || !(seconds >= 0 && seconds <= SECONDS_MAX))
    return new ReplyError("ERR value is not a valid float");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
  return OK;
}

function reload({ facts, inTransaction }: HostCall): ReplyValue | Promise<ReplyValue> {
  if (facts.snapshots === undefined) return new ReplyError("ERR nothing is kept: start the server with --dir");
  if (inTransaction || facts.snapshots.isImmediate) return new ReplyError(NOT_IN_TRANSACTION);
  return facts.snapshots.take(true).then(
    () => OK,
    (error) => new ReplyError(`ERR Error trying to save: ${error instanceof Error ? error.message : error}`),
  );
}
