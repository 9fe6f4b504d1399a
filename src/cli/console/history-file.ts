// The lines of earlier consoles, in the folder that XDG has for state, readable by their owner alone. Lines that hold a
// password are kept nowhere, not even for the arrow keys.

import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

const LINES_MAX = 1000;
/** The file is rewritten, and not only added to, when it has grown to so many lines. */
const REWRITE_LINES = 2 * LINES_MAX;

/** Where the history is kept. */
export function historyPath(): string {
  const state = process.env.XDG_STATE_HOME || join(homedir(), ".local", "state");
  return join(state, "nearkey", "history");
}

/** Whether a line must not be kept: AUTH, HELLO … AUTH, a password among settings. */
export function holdsSecret(line: string): boolean {
  const words = line.trim().toLowerCase().split(/\s+/);
  const [name = ""] = words.map((word) => word.replace(/["']/g, ""));
  if (name === "auth" || name === "acl") return true;
  if (name === "hello") return words.some((word) => /^["']?auth["']?$/.test(word));
  return name === "config" && /pass|auth|key|token|secret/.test(line.toLowerCase());
}

/** Reads and keeps lines. A file that cannot be written costs the history, never the console. */
export class HistoryFile {
  readonly #path: string;

  constructor(path = historyPath()) {
    this.#path = path;
  }

  /** The last lines, newest first, as readline wants them. */
  read(): string[] {
    try {
      const lines = readFileSync(this.#path, "utf8").split("\n").filter(Boolean);
      if (lines.length > REWRITE_LINES) this.#rewrite(lines.slice(-LINES_MAX));
      return lines.slice(-LINES_MAX).reverse();
    } catch {
      return [];
    }
  }

  /** Adds a line, unless it holds a secret. */
  add(line: string): void {
    if (line.trim() === "" || holdsSecret(line)) return;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      appendFileSync(this.#path, `${line}\n`, { mode: 0o600 });
      // The mode above is for a new file only.
      chmodSync(this.#path, 0o600);
    } catch {
      // As the class says.
    }
  }

  #rewrite(lines: readonly string[]): void {
    writeFileSync(this.#path, `${lines.join("\n")}\n`, { mode: 0o600 });
  }
}
