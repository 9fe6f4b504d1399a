// ACL, as far as it reads: there is one user, `default`, who may do everything and whose password is a setting. Tools and libraries
// ask; what would make users says where the password is.

import type { CommandDescription } from "../../engine.ts";
import { ReplyError, type ReplyValue, SimpleString } from "../../resp.ts";
import { type HostCall, wrongArity } from "../host-call.ts";
import { categories, categoriesOf } from "./command-categories.ts";

const USER = "default";
/** The default and the most bits of GENPASS. */
const PASSWORD_BITS = 256;
const PASSWORD_BITS_MAX = 4096;

/** Answers `ACL CAT | DRYRUN | GENPASS | GETUSER | LIST | LOG | USERS | WHOAMI | HELP`. */
export function aclCommand(call: HostCall): ReplyValue {
  const [name = "", ...rest] = call.words;
  switch (name.toUpperCase()) {
    case "CAT":
      return rest.length > 1 ? wrongArity("acl|cat") : category(call, rest[0]);
    case "DRYRUN":
      return rest.length < 2 ? wrongArity("acl|dryrun") : dryRun(call, rest);
    case "GENPASS":
      return rest.length > 1 ? wrongArity("acl|genpass") : generate(rest[0]);
    case "GETUSER":
      if (rest.length !== 1) return wrongArity("acl|getuser");
      return rest[0] === USER ? describe(call) : null;
    case "LIST":
      return rest.length > 0 ? wrongArity("acl|list") : [`user ${USER} ${flagsOf(call).join(" ")} ~* &* +@all`];
    case "LOG":
      return log(rest);
    case "USERS":
      return rest.length > 0 ? wrongArity("acl|users") : [USER];
    case "WHOAMI":
      return rest.length > 0 ? wrongArity("acl|whoami") : USER;
    case "SETUSER":
    case "DELUSER":
    case "LOAD":
    case "SAVE":
      return new ReplyError(
        "ERR there is one user, default, whose password is the setting 'password' (CONFIG SET requirepass)",
      );
    case "HELP":
      return HELP.map((line) => new SimpleString(line));
    default:
      return new ReplyError(`ERR unknown subcommand '${name}'. Try ACL HELP.`);
  }
}

const HELP = [
  "ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "CAT [<category>]",
  "    Return the categories, or the commands of one.",
  "DRYRUN <username> <command> [<arg> ...]",
  "    Return whether a user may run a command.",
  "GENPASS [<bits>]",
  "    Return a random password, of 256 bits unless said otherwise.",
  "GETUSER <username>",
  "    Return what a user may do.",
  "LIST",
  "    Return the users and what they may do.",
  "LOG [<count> | RESET]",
  "    Return an empty list: nothing is ever denied to who is let in.",
  "USERS",
  "    Return the names of users.",
  "WHOAMI",
  "    Return the name of the user.",
  "HELP",
  "    Print this help.",
];

function flagsOf({ facts }: HostCall): string[] {
  return facts.password?.required ? ["on", "sanitize-payload"] : ["on", "nopass", "sanitize-payload"];
}

function describe(call: HostCall): ReplyValue {
  return { flags: flagsOf(call), passwords: [], commands: "+@all", keys: "~*", channels: "&*", selectors: [] };
}

function category({ engine }: HostCall, name: string | undefined): ReplyValue {
  if (name === undefined) return [...categories];
  const wanted = categories.find((each) => each === name.toLowerCase());
  if (wanted === undefined) return new ReplyError(`ERR Unknown category '${name}'`);
  const has = (command: CommandDescription): boolean => categoriesOf(command).includes(wanted);
  return engine
    .commands()
    .filter(has)
    .map((command) => command.name.toLowerCase());
}

function dryRun({ engine }: HostCall, [user = "", name = "", ...args]: readonly string[]): ReplyValue {
  if (user !== USER) return new ReplyError(`ERR User '${user}' not found`);
  const command = engine.commands().find((each) => each.name === name.toUpperCase());
  if (command === undefined) return new ReplyError(`ERR Command '${name}' not found`);
  const count = args.length + 1;
  const fits = command.arity > 0 ? count === command.arity : count >= -command.arity;
  return fits ? new SimpleString("OK") : wrongArity(name.toLowerCase());
}

function generate(given: string | undefined): ReplyValue {
  const bits = given === undefined ? PASSWORD_BITS : Number(given);
  if (!Number.isInteger(bits) || bits < 1 || bits > PASSWORD_BITS_MAX) {
    return new ReplyError(
      "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096",
    );
  }
  const digits = Math.ceil(bits / 4);
  const bytes = crypto.getRandomValues(new Uint8Array(Math.ceil(digits / 2)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .slice(0, digits);
}

function log([option, ...more]: readonly string[]): ReplyValue {
  if (more.length > 0) return wrongArity("acl|log");
  if (option !== undefined && /^reset$/i.test(option)) return new SimpleString("OK");
  if (option === undefined || /^\d{1,9}$/.test(option)) return [];
  return new ReplyError("ERR value is out of range, must be positive");
}
