// The console at a terminal: a line editor with history and completion, hints behind the cursor while a command is typed,
// and replies as redis-cli shows them. Ctrl-C drops the line (or the wait for a reply), Ctrl-D leaves.

import { createInterface, type Interface, type Key } from "node:readline";
import { splitLine } from "../../demo/command-line.ts";
import type { Argument } from "../../resp.ts";
import { type CommandPages, complete, helpText, hintFor, readCommandPages } from "./command-pages.ts";
import type { ConsoleSession } from "./console-session.ts";
import { HistoryFile, holdsSecret } from "./history-file.ts";
import { shownReply } from "./printed-reply.ts";

const HISTORY_LINES = 1000;
const CLEAR_SCREEN = "\x1b[2J\x1b[H";
const CLEAR_REST = "\x1b[K";

/** A console between a person and a session. */
export class ConsoleTerminal {
  readonly #session: ConsoleSession;
  readonly #history = new HistoryFile();
  readonly #line: Interface;
  #pages: CommandPages = new Map();
  #busy = false;
  /** Lines that were pasted together are answered one after another. */
  #answered: Promise<void> = Promise.resolve();
  #left: () => void = () => undefined;

  constructor(session: ConsoleSession) {
    this.#session = session;
    this.#line = createInterface({
      input: process.stdin,
      output: process.stdout,
      completer: (line: string) => complete(this.#pages, line),
      history: this.#history.read(),
      historySize: HISTORY_LINES,
      removeHistoryDuplicates: true,
    });
  }

  /** Runs until the person leaves. */
  async run(): Promise<void> {
    await this.#learn();
    const left = new Promise<void>((resolve) => {
      this.#left = resolve;
    });
    this.#line.on("history", dropSecrets);
    this.#line.on("line", (line) => {
      this.#answered = this.#answered.then(() => this.#answer(line));
    });
    this.#line.on("SIGINT", () => this.#cancel());
    this.#line.on("close", () => this.#left());
    process.stdin.prependListener("keypress", (_text: string, key: Key | undefined) => {
      // Otherwise the hint would stay behind the line that was sent.
      if (key?.name === "return") process.stdout.write(CLEAR_REST);
    });
    process.stdin.on("keypress", () => setImmediate(() => this.#hint()));
    this.#prompt();
    await left;
    process.stdout.write("\n");
  }

  /** Prints what the server sent unasked. */
  pushed(text: string): void {
    process.stdout.write(`\r${CLEAR_REST}${text}\n`);
    if (!this.#busy) this.#line.prompt(true);
  }

  async #learn(): Promise<void> {
    this.#pages = await readCommandPages(this.#session).catch(() => new Map());
  }

  #prompt(): void {
    this.#line.setPrompt(this.#session.prompt);
    this.#line.prompt();
  }

  async #answer(line: string): Promise<void> {
    this.#history.add(line);
    this.#busy = true;
    const text = await this.#textFor(line);
    this.#busy = false;
    if (text === undefined) {
      this.#line.close();
      return;
    }
    if (text !== "") process.stdout.write(`${text}\n`);
    this.#prompt();
  }

  /** What a line is answered; undefined: the person leaves. */
  async #textFor(line: string): Promise<string | undefined> {
    const split = splitLine(line);
    if ("problem" in split) return split.problem;
    const [name, ...rest] = split.words;
    if (name === undefined) return "";
    switch (String(name).toLowerCase()) {
      case "exit":
      case "quit":
        return undefined;
      case "clear":
        process.stdout.write(CLEAR_SCREEN);
        return "";
      case "help":
        return helpText(this.#pages, rest[0] === undefined ? undefined : String(rest[0]));
      default:
        return this.#runCommand(split.words);
    }
  }

  async #runCommand(words: readonly Argument[]): Promise<string> {
    try {
      const reply = await this.#session.run(words);
      if (this.#pages.size === 0) await this.#learn();
      return shownReply(reply);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #cancel(): void {
    process.stdout.write("^C\n");
    // A reply that does not come is waited for no longer: the next command connects again.
    if (this.#busy) {
      this.#session.close();
      return;
    }
    this.#line.write(null, { ctrl: true, name: "e" });
    this.#line.write(null, { ctrl: true, name: "u" });
    this.#prompt();
  }

  /** Shows the arguments still to come, behind the cursor and in grey, and puts the cursor back. */
  #hint(): void {
    const { line, cursor } = this.#line;
    if (this.#busy || cursor !== line.length) return;
    const hint = hintFor(this.#pages, line);
    const room = (process.stdout.columns ?? 80) - this.#line.getCursorPos().cols - 1;
    // A hint that wraps could not be taken back.
    const shown = hint.length < room && this.#line.getCursorPos().rows === 0 ? hint : "";
    process.stdout.write(shown === "" ? CLEAR_REST : `${CLEAR_REST}\x1b[90m${shown}\x1b[39m\x1b[${shown.length}D`);
  }
}

/** Takes lines with passwords out of what the arrows bring back. */
function dropSecrets(lines: string[]): void {
  for (let index = lines.length - 1; index >= 0; index--) {
    if (holdsSecret(lines[index] as string)) lines.splice(index, 1);
  }
}
