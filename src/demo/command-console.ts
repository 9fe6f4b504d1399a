// The console: a line to type a command on, and above it what was typed and answered. The arrows bring back earlier
// lines, as in a shell; page up and down scroll the log without leaving the line.

import type { Reply } from "../resp.ts";
import { splitLine } from "./command-line.ts";
import { replyText } from "./reply-text.ts";

/** The elements of the console. */
export interface ConsoleParts {
  readonly log: HTMLElement;
  readonly form: HTMLFormElement;
  readonly line: HTMLInputElement;
}

/** Runs a command: the reply, or a rejection. */
export type RunCommand = (words: readonly (string | Uint8Array)[]) => Promise<Reply>;

type EntryKind = "typed" | "reply" | "failed" | "note";

/** Entries kept in the log, and lines in the history. */
const ENTRIES_MAX = 300;

/** The command console. */
export class CommandConsole {
  readonly #parts: ConsoleParts;
  readonly #run: RunCommand;
  readonly #history: string[] = [];
  /** The history's line that is shown; its length for a new one. */
  #at = 0;
  /** The new line, while an earlier one is shown. */
  #draft = "";
  /** Commands answer in the order they were typed. */
  #last: Promise<void> = Promise.resolve();

  constructor(parts: ConsoleParts, run: RunCommand) {
    this.#parts = parts;
    this.#run = run;
    parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const line = parts.line.value;
      parts.line.value = "";
      void this.run(line);
    });
    parts.line.addEventListener("keydown", (event) => this.#keyDown(event));
    parts.log.addEventListener("click", () => {
      if (getSelection()?.isCollapsed ?? true) parts.line.focus();
    });
    this.#print("note", "Type a command, or press one of those below. The up arrow brings earlier ones back.");
  }

  /** Runs a line as if it had been typed; settles when its reply is printed. */
  run(line: string): Promise<void> {
    const split = splitLine(line);
    if ("words" in split && split.words.length === 0) return this.#last;
    this.#remember(line.trim());
    this.#last = this.#last.then(() => this.#answer(line, split));
    return this.#last;
  }

  async #answer(line: string, split: ReturnType<typeof splitLine>): Promise<void> {
    this.#print("typed", `> ${line.trim()}`);
    if ("problem" in split) return this.#print("failed", split.problem);
    try {
      const reply = await this.#run(split.words);
      this.#print("reply", replyText(reply, repliesWithMap(split.words)));
    } catch (error) {
      this.#print("failed", error instanceof Error ? error.message : String(error));
    }
  }

  #remember(line: string): void {
    if (this.#history.at(-1) !== line) this.#history.push(line);
    if (this.#history.length > ENTRIES_MAX) this.#history.shift();
    this.#at = this.#history.length;
    this.#draft = "";
  }

  #keyDown(event: KeyboardEvent): void {
    if (event.key === "ArrowUp") this.#recall(this.#at - 1);
    else if (event.key === "ArrowDown") this.#recall(this.#at + 1);
    else if (event.key === "PageUp") this.#scroll(-1);
    else if (event.key === "PageDown") this.#scroll(1);
    else if (event.key === "l" && event.ctrlKey) this.#parts.log.replaceChildren();
    else return;
    event.preventDefault();
  }

  #scroll(pages: number): void {
    const { log } = this.#parts;
    log.scrollBy({ top: pages * log.clientHeight * 0.9 });
  }

  #recall(at: number): void {
    if (at < 0 || at > this.#history.length) return;
    const { line } = this.#parts;
    if (this.#at === this.#history.length) this.#draft = line.value;
    this.#at = at;
    line.value = this.#history[at] ?? this.#draft;
    line.setSelectionRange(line.value.length, line.value.length);
  }

  #print(kind: EntryKind, text: string): void {
    const { log } = this.#parts;
    const entry = document.createElement("pre");
    entry.className = kind;
    entry.textContent = text;
    log.append(entry);
    while (log.childElementCount > ENTRIES_MAX) log.firstElementChild?.remove();
    log.scrollTop = log.scrollHeight;
  }
}

const MAP_COMMANDS: readonly string[] = ["HGETALL", "VINFO", "CONFIG"];
const WITH_MAP = /^(withscores|withattribs|withdistances)$/i;

/** Whether a command's reply is a map in RESP3: so are a search's results as soon as they carry more than ids. */
function repliesWithMap([command, ...args]: readonly (string | Uint8Array)[]): boolean {
  const name = String(command).toUpperCase();
  if (name === "VSIM") return args.some((argument) => WITH_MAP.test(String(argument)));
  return MAP_COMMANDS.includes(name);
}
