// Scripts, functions and what tools ask a server about itself: all of them the host's, which has Lua, the clock and the lists
// of clients. Only their place in the command table is here.

import { CommandFlag } from "../layout";
import { register, startGroup } from "../protocol/catalog";

/** Never called: the host answers. */
function host(): void {
  unreachable();
}

const AT_HOST: u32 = CommandFlag.Host;
const FORBIDDEN: u32 = CommandFlag.Host | CommandFlag.NoScript;
const SCRIPT: u32 = CommandFlag.Host | CommandFlag.NoScript | CommandFlag.RunsScript;
const READING: u32 = CommandFlag.Host | CommandFlag.NoScript | CommandFlag.ReadOnly;

/** A command without keys, or whose keys are counted by an argument. */
function add(name: string, arity: i32, flags: u32, since: string, summary: string): void {
  register(name, arity, flags, 0, 0, 0, host, since, summary);
}

export function registerScriptCommands(): void {
  startGroup("scripting");
  add("EVAL", -3, SCRIPT, "2.6.0", "Runs a script.");
  add("EVALSHA", -3, SCRIPT, "2.6.0", "Runs a script that the server knows by its digest.");
  add("EVAL_RO", -3, READING, "7.0.0", "Runs a script that only reads.");
  add("EVALSHA_RO", -3, READING, "7.0.0", "Runs a known script that only reads.");
  add("SCRIPT", -2, FORBIDDEN, "2.6.0", "Loads, finds and forgets scripts.");
  add("FUNCTION", -2, FORBIDDEN, "7.0.0", "Loads, lists and deletes libraries of functions.");
  add("FCALL", -3, SCRIPT, "7.0.0", "Calls a function.");
  add("FCALL_RO", -3, READING, "7.0.0", "Calls a function that only reads.");
  startGroup("server");
  add("TIME", 1, AT_HOST | CommandFlag.Fast, "2.6.0", "Answers the time of the server.");
  add("LATENCY", -2, FORBIDDEN, "2.8.13", "Answers what took long, by its kind.");
  add("ACL", -2, FORBIDDEN, "6.0.0", "Answers who may do what.");
  add("DEBUG", -2, FORBIDDEN, "1.0.0", "Helps tests, where it is allowed.");
  add("LOLWUT", -1, AT_HOST | CommandFlag.ReadOnly | CommandFlag.Fast, "5.0.0", "Draws, and answers the version.");
  add("ROLE", 1, FORBIDDEN | CommandFlag.Fast, "2.8.12", "Answers the server's part in replication.");
  startGroup("generic");
  add("WAIT", 3, AT_HOST, "3.0.0", "Answers how many replicas have what was written.");
  add("WAITAOF", 4, FORBIDDEN, "7.2.0", "Waits until what was written is on disk.");
}
