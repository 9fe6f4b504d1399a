// What the commands of the host share: the call as they see it, and the texts that several of them answer.

import type { Engine } from "../engine.ts";
import { ReplyError, type ReplyValue } from "../resp.ts";
import type { FunctionLibraries } from "../scripts/function-libraries.ts";
import type { Scripting } from "../scripts/scripting.ts";
import type { HostClient, HostFacts } from "./host-facts.ts";

/** What a command of the host works with. */
export interface HostCall {
  /** Arguments after the command's name, decoded as UTF-8. */
  readonly words: readonly string[];
  /** The same as they came: passwords are bytes. */
  readonly bytes: readonly Uint8Array[];
  readonly connection: number;
  readonly client: HostClient;
  readonly engine: Engine;
  readonly facts: HostFacts;
  /** Whether EXEC runs it: then nothing may wait, or others' commands would come between those of the transaction. */
  readonly inTransaction: boolean;
  /** What runs scripts; an error where there is none. */
  scripting(): Scripting | ReplyError;
  /** Libraries of functions; an error where nothing runs them. */
  functions(): FunctionLibraries | ReplyError;
  /** Set by a command after whose answer the connection ends. */
  closes: boolean;
}

/** A reply that is RESP already. */
export class EncodedReply {
  constructor(readonly bytes: Uint8Array) {}
}

/** Text that RESP3 marks as plain text and RESP2 carries as a bulk string. */
export class Verbatim {
  constructor(readonly text: string) {}
}

/** What a command of the host answers. */
export type HostReply = ReplyValue | Verbatim | EncodedReply | undefined;

/** Builds Redis's error for a wrong number of arguments; a subcommand is named `client|setname`. */
export function wrongArity(name: string): ReplyError {
  return new ReplyError(`ERR wrong number of arguments for '${name}' command`);
}

/** The answer to a command that would have to wait inside a transaction. */
export const NOT_IN_TRANSACTION = "ERR this command may take a while and is not allowed in a transaction";

/** Builds Redis's error for a subcommand of a container with more arguments than it knows. */
export function wrongSubcommand(container: string, name: string): ReplyError {
  const text = `ERR unknown subcommand or wrong number of arguments for '${name}'. Try ${container} HELP.`;
  return new ReplyError(text);
}

/** Redis's answer to a client name that would break its line in `CLIENT LIST`. */
export const NAME_ERROR = "ERR Client names cannot contain spaces, newlines or special characters.";

/** True for the characters from `!` to `~` only, as Redis asks of client names. */
export function isPlainName(name: string): boolean {
  return /^[!-~]*$/.test(name);
}
