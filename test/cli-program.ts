// The built command line as a user runs it: a process of its own, fed and read to its end.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const CLI = new URL("../dist/cli.js", import.meta.url).pathname;

/** How a run ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run is given beside its arguments. */
export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly environment?: Record<string, string>;
}

/** A running command. */
export class CliProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";

  constructor(args: readonly string[], { input, environment }: RunOptions = {}) {
    const env = { ...process.env, NEARKEY_PASSWORD: "", NEARKEY_URL: "", ...environment };
    this.child = spawn(process.execPath, [CLI, ...args], { env, stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdout?.setEncoding("utf8").on("data", (text) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text) => {
      this.stderr += text;
    });
    this.child.stdin?.on("error", () => undefined);
    if (input !== undefined) this.child.stdin?.end(input);
    this.ended = new Promise((resolve) => {
      this.child.on("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Waits until what it printed satisfies a test; fails when it ends before. */
  async until(found: (program: CliProcess) => boolean): Promise<void> {
    while (!found(this)) {
      const ended = await Promise.race([this.ended, new Promise<undefined>((resolve) => setTimeout(resolve, 10))]);
      if (ended !== undefined && !found(this)) throw new Error(`it ended with ${ended.code}: ${ended.stderr}`);
    }
  }
}

/** Runs a command to its end; without input its standard input is empty. */
export function runCli(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return new CliProcess(args, { input: "", ...options }).ended;
}

/** A folder for the files of one test file, removed at its end. */
export function testFolder(name: string): { readonly path: string; file(name: string): string } {
  const path = mkdtempSync(join(tmpdir(), `nearkey-${name}-`));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return { path, file: (name) => join(path, name) };
}
