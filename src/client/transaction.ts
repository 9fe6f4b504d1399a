// A transaction as one operation: MULTI, the commands and EXEC travel back to back, so that no other command of the same
// connection comes between them, and a connection that breaks inside leaves a transaction that was never executed.

import type { Operation } from "../database/operations.ts";
import { errorOfReply, NearkeyError } from "../errors.ts";
import { type Reply, ReplyError } from "../resp.ts";

/**
 * Makes the operation that runs others all at once, and gives the replies of each.
 *
 * @throws NearkeyError `invalid-argument` when some want bytes and others text: one reply holds them all
 */
export function transactionOf(operations: readonly Operation<unknown>[]): Operation<Reply[][]> {
  const [first] = operations;
  const bytes = first?.bytes ?? false;
  if (operations.some((operation) => (operation.bytes ?? false) !== bytes)) {
    throw new NearkeyError("invalid-argument", "a transaction reads either text or bytes, not both: make two of it");
  }
  const commands = operations.flatMap((operation) => operation.commands);
  const read = (replies: readonly Reply[]): Reply[][] => shared(operations, replies.at(-1) as Reply[]);
  return { commands: [["MULTI"], ...commands, ["EXEC"]], bytes, read };
}

function shared(operations: readonly Operation<unknown>[], replies: readonly Reply[]): Reply[][] {
  let at = 0;
  return operations.map(({ commands }) => {
    at += commands.length;
    return replies.slice(at - commands.length, at);
  });
}

/**
 * What an operation's replies inside EXEC mean.
 *
 * @throws NearkeyError the first error among them
 */
export function resultOf<Result>(operation: Operation<Result>, replies: readonly Reply[]): Result {
  for (const reply of replies) if (reply instanceof ReplyError) throw errorOfReply(reply);
  return operation.read(replies);
}
