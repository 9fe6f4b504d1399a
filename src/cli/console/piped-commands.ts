// Commands from a pipe, one a line, quoted as at the console: sent without waiting for each other, as many as a window
// allows, and answered in their order.

import { createInterface } from "node:readline";
import { splitLine } from "../../demo/command-line.ts";
import type { ConsoleSession } from "./console-session.ts";
import type { WireReply } from "./wire-reply.ts";

/** Commands on the way at a time. */
const WINDOW = 256;

/**
 * Runs the lines of standard input.
 *
 * @param print called for each reply, in order
 * @returns how many failed: error replies, and lines that could not be read
 */
export async function runPiped(session: ConsoleSession, print: (reply: WireReply) => void): Promise<number> {
  const waiting: Promise<WireReply>[] = [];
  let failed = 0;
  const printFirst = async (): Promise<void> => {
    const reply = await (waiting.shift() as Promise<WireReply>);
    if (reply.kind === "error") failed++;
    print(reply);
  };
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    const split = splitLine(line);
    if ("problem" in split) waiting.push(Promise.resolve({ kind: "error", text: `ERR ${split.problem}` }));
    else if (split.words.length > 0) waiting.push(settled(session.run(split.words)));
    if (waiting.length >= WINDOW) await printFirst();
  }
  while (waiting.length > 0) await printFirst();
  return failed;
}

/** Nobody listens yet when it fails: it is heard in its turn. */
function settled(reply: Promise<WireReply>): Promise<WireReply> {
  reply.catch(() => undefined);
  return reply;
}
