// `nearkey cli`: a console at a terminal, one command from the arguments, or the lines of a pipe.

import type { Command } from "commander";
import { ending } from "../connection/ending.ts";
import { addServerFlags, ENVIRONMENT_HELP, type ServerFlags } from "../connection/server-flags.ts";
import { ConsoleSession } from "./console-session.ts";
import { ConsoleTerminal } from "./console-terminal.ts";
import { runPiped } from "./piped-commands.ts";
import { jsonReply, rawReply, shownReply } from "./printed-reply.ts";
import type { WireReply } from "./wire-reply.ts";

interface ConsoleFlags extends ServerFlags {
  readonly json?: boolean;
  /** False for --no-raw, true for --raw, undefined: as the output is. */
  readonly raw?: boolean;
}

const EXAMPLES = `
Examples:
  $ nearkey cli                                   a console: Tab completes, help <command> explains
  $ nearkey cli SET greeting 'hello there' EX 60  one command; its words are those of the shell
  $ nearkey cli GET picture > picture.png         to a file, a reply is its bytes and a line feed
  $ nearkey cli --json HGETALL user:1 | jq .name
  $ nearkey cli < commands.txt                    a command a line, quoted as at the console

At a terminal replies are shown with their types, as redis-cli shows them; into a pipe or a file they go raw. Flags of
nearkey stand before the command. The console's history is $XDG_STATE_HOME/nearkey/history (~/.local/state/…), without
lines that hold a password.

Exit code: 0, 1 when a command was answered with an error or no server answers.`;

/** Adds `nearkey cli` to the program. */
export function registerConsole(program: Command): void {
  const command = program
    .command("cli")
    .description("a console, or one command")
    .argument("[command...]", "a command and its arguments; without them, a console")
    .passThroughOptions();
  addServerFlags(command)
    .option("--json", "print replies as JSON, a line each")
    .option("--raw", "print replies without types and quotes")
    .option("--no-raw", "print them with types and quotes")
    .addHelpText("after", EXAMPLES + ENVIRONMENT_HELP)
    .action((words: string[], flags: ConsoleFlags) => ending(() => runConsole(words, flags)));
}

async function runConsole(words: readonly string[], flags: ConsoleFlags): Promise<number> {
  let terminal: ConsoleTerminal | undefined;
  const session = await ConsoleSession.open(flags.url, (push) => terminal?.pushed(shownReply(push)));
  const print = (reply: WireReply): void => printReply(reply, flags);
  try {
    if (words.length > 0) {
      const reply = await session.run(words);
      print(reply);
      return reply.kind === "error" ? 1 : 0;
    }
    if (!process.stdin.isTTY) return (await runPiped(session, print)) > 0 ? 1 : 0;
    terminal = new ConsoleTerminal(session);
    await terminal.run();
    return 0;
  } finally {
    session.close();
  }
}

function printReply(reply: WireReply, { json, raw = !process.stdout.isTTY }: ConsoleFlags): void {
  if (json) process.stdout.write(`${jsonReply(reply)}\n`);
  else if (raw) process.stdout.write(Buffer.concat([rawReply(reply), Buffer.from("\n")]));
  else process.stdout.write(`${shownReply(reply)}\n`);
}
