// SLOWLOG: what the slow log has kept.

import { ReplyError, type ReplyValue, SimpleString } from "../resp.ts";
import { type HostCall, wrongArity, wrongSubcommand } from "./host-call.ts";
import type { SlowLog } from "./slow-log.ts";

/** Answers `SLOWLOG GET | LEN | RESET | HELP`. */
export function slowLogCommand({ words, facts }: HostCall): ReplyValue {
  const [name = "", ...rest] = words;
  const { slowLog } = facts;
  switch (name.toUpperCase()) {
    case "GET":
      return rest.length > 1 ? wrongSubcommand("SLOWLOG", name) : newest(slowLog, rest[0]);
    case "LEN":
      return rest.length > 0 ? wrongArity("slowlog|len") : slowLog.length;
    case "RESET":
      if (rest.length > 0) return wrongArity("slowlog|reset");
      slowLog.clear();
      return new SimpleString("OK");
    case "HELP":
      return HELP.map((line) => new SimpleString(line));
    default:
      return new ReplyError(`ERR unknown subcommand '${name}'. Try SLOWLOG HELP.`);
  }
}

const HELP = [
  "SLOWLOG <subcommand> [<arg>]. Subcommands are:",
  "GET [<count>]",
  "    Return the newest <count> entries (10 unless given, -1 for all): id, time, microseconds,",
  "    arguments, client's address, client's name.",
  "LEN",
  "    Return how many there are.",
  "RESET",
  "    Forget them.",
  "HELP",
  "    Print this help.",
];

const NEWEST = 10;

function newest(slowLog: SlowLog, count: string | undefined): ReplyValue {
  if (count !== undefined && !/^(-1|0|[1-9]\d{0,17})$/.test(count)) {
    return new ReplyError("ERR count should be greater than or equal to -1");
  }
  const wanted = Number(count ?? NEWEST);
  return slowLog.newest(wanted < 0 ? slowLog.length : wanted);
}
