// `nearkey demo` as a user starts it, from dist/, with fewer digits: for tests of the command and of its page.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

const CLI = new URL("../dist/cli.js", import.meta.url).pathname;
const ADDRESS = /the demo is at (http:\S+)/;
const START_MS_MAX = 60_000;

/** A running demo. */
export class DemoProcess {
  readonly #child: ChildProcess;
  #output = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    const collect = (chunk: Buffer) => {
      this.#output += chunk;
    };
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
  }

  /** Starts it, and waits until it has said its address. */
  static async start(...options: string[]): Promise<DemoProcess> {
    const env = { ...process.env, NEARKEY_PASSWORD: "" };
    const child = spawn(process.execPath, [CLI, "demo", ...options], { env, stdio: ["ignore", "pipe", "pipe"] });
    const demo = new DemoProcess(child);
    const started = performance.now();
    while (!ADDRESS.test(demo.output)) {
      const ended = child.exitCode !== null || performance.now() - started > START_MS_MAX;
      if (ended) throw new Error(`the demo did not start: ${demo.output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return demo;
  }

  /** All it printed so far. */
  get output(): string {
    return this.#output;
  }

  /** Where its page is. */
  get address(): string {
    return ADDRESS.exec(this.#output)?.[1] ?? "";
  }

  /** Sends SIGTERM and waits; the exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode !== null) return this.#child.exitCode;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    const [code] = await once(this.#child, "exit");
    clearTimeout(timer);
    return code;
  }
}
