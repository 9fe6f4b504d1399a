// The manual of scripts, functions and what tools ask a server.

import { entry, KEY, type ManualEntry } from "./manual-entry.ts";

const { READ, READ_AND_CHANGE } = KEY;
const SCRIPT = "That of the commands that it calls";
const KEYS = "numkeys [key [key ...]] [arg [arg ...]]";
const ENDED =
  "A script is ended after `script-time-limit`, or ten times as long once it has changed something; nobody is served meanwhile, so there is no BUSY.";
const LOST = "Libraries end with the process.";
const ONE_USER = "There is one user, `default`; what would change users is refused.";

/** The number of keys comes behind the script. */
function counted(one: ManualEntry): ManualEntry {
  return { ...one, keyCount: 2 };
}

/** By upper-case name. */
export const SCRIPT_MANUAL: Readonly<Record<string, ManualEntry>> = {
  EVAL: counted(entry(`script ${KEYS}`, SCRIPT, READ_AND_CHANGE, ENDED)),
  EVALSHA: counted(entry(`sha1 ${KEYS}`, SCRIPT, READ_AND_CHANGE, ENDED)),
  EVAL_RO: counted(entry(`script ${KEYS}`, SCRIPT, READ)),
  EVALSHA_RO: counted(entry(`sha1 ${KEYS}`, SCRIPT, READ)),
  SCRIPT: entry(
    "(LOAD script | EXISTS sha1 [sha1 ...] | FLUSH [ASYNC | SYNC] | KILL | DEBUG (YES | SYNC | NO) | HELP)",
    "O(N) with N the bytes of the script, or the scripts",
    undefined,
    "KILL has never anything to kill, and there is no debugger.",
  ),
  FUNCTION: entry(
    "(LOAD [REPLACE] code | DELETE library | FLUSH [ASYNC | SYNC] | LIST [LIBRARYNAME pattern] [WITHCODE] | STATS | DUMP | " +
      "RESTORE payload [FLUSH | APPEND | REPLACE] | KILL | HELP)",
    "O(N) with N the libraries, or the bytes of their code",
    undefined,
    LOST,
  ),
  FCALL: counted(entry(`function ${KEYS}`, SCRIPT, READ_AND_CHANGE, ENDED)),
  FCALL_RO: counted(entry(`function ${KEYS}`, SCRIPT, READ)),
  TIME: entry("", "O(1)"),
  LATENCY: entry(
    "(LATEST | HISTORY event | RESET [event ...] | GRAPH event | DOCTOR | HISTOGRAM [command ...] | HELP)",
    "O(N) with N the samples, or the commands",
    undefined,
    "The one event is `command`.",
  ),
  ACL: entry(
    "(WHOAMI | LIST | USERS | GETUSER user | CAT [category] | DRYRUN user command [arg ...] | GENPASS [bits] | LOG [count | RESET] | HELP)",
    "O(N) with N the commands, for CAT; else O(1)",
    undefined,
    ONE_USER,
  ),
  DEBUG: entry(
    "(SLEEP seconds | RELOAD | ERROR text | HELP)",
    "O(1)",
    undefined,
    "RELOAD takes a snapshot and reads nothing.",
  ),
  LOLWUT: entry("[VERSION version]", "O(1)"),
  ROLE: entry("", "O(1)", undefined, "Always a master without replicas."),
  WAIT: entry("numreplicas timeout", "O(1)", undefined, "There are no replicas: it waits in vain."),
  WAITAOF: entry(
    "numlocal numreplicas timeout",
    "O(1)",
    undefined,
    "Answers 1 for this server where the log is synchronized always, since every reply waits for that; else 0 once the time has passed.",
  ),
};
