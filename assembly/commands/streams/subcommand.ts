// Commands with subcommands: whether one has as many arguments as it takes, and the errors for one that is not known.

import { argumentCount } from "../../protocol/arguments";
import { errorArgument, QUOTED_BYTES_MAX } from "../../protocol/command-error";
import { beginError, endError, errorText } from "../../protocol/reply";

let lowerName: string = "";
let upperName: string = "";

/** Names the command that runs. */
export function beginSubcommand(lower: string, upper: string): void {
  lowerName = lower;
  upperName = upper;
}

/** True when the subcommand has the arguments that it takes, the command's name counted as in the table; replies else. */
export function takes(subcommand: string, arity: i32): bool {
  if (arity > 0 ? argumentCount == <u32>arity : argumentCount >= <u32>-arity) return true;
  beginError();
  errorText("ERR wrong number of arguments for '");
  errorText(lowerName);
  errorText("|");
  errorText(subcommand);
  errorText("' command");
  endError();
  return false;
}

export function replyUnknownSubcommand(): void {
  replyTry("ERR unknown subcommand '");
}

/** Says that an option of a subcommand is not known. */
export function replyWrongSubcommand(): void {
  replyTry("ERR unknown subcommand or wrong number of arguments for '");
}

function replyTry(words: string): void {
  beginError();
  errorText(words);
  errorArgument(1, QUOTED_BYTES_MAX);
  errorText("'. Try ");
  errorText(upperName);
  errorText(" HELP.");
  endError();
}
