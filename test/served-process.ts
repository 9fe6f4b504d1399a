// `nearkey serve` as a user starts it, from dist/, on ports that are free: for tests that talk to it over sockets.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";

const CLI = new URL("../dist/cli.js", import.meta.url).pathname;

/** A running server and what it wrote. */
export class ServedProcess {
  readonly port: number;
  readonly respPort: number;
  readonly #child: ChildProcess;
  #output = "";

  private constructor(port: number, respPort: number, child: ChildProcess) {
    this.port = port;
    this.respPort = respPort;
    this.#child = child;
    const collect = (chunk: Buffer) => {
      this.#output += chunk;
    };
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
  }

  /** Starts the server with more options than its ports and waits until both accept connections. */
  static start(...options: string[]): Promise<ServedProcess> {
    return ServedProcess.startWith({}, ...options);
  }

  /** The same with more variables in its environment. */
  static async startWith(variables: Readonly<Record<string, string>>, ...options: string[]): Promise<ServedProcess> {
    const [port, respPort] = [await freePort(), await freePort()];
    const ports = ["--port", String(port), "--resp-port", String(respPort)];
    const child = spawn(process.execPath, [CLI, "serve", ...ports, ...options], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...variables },
    });
    const served = new ServedProcess(port, respPort, child);
    for (let tries = 0; tries < 400 && served.running; tries++) {
      if ((await accepts(port)) && (await accepts(respPort))) return served;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    child.kill("SIGKILL");
    throw new Error(`the server did not start: ${served.output}`);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Memory the system counts for the process, in bytes; undefined where /proc does not tell. */
  get residentBytes(): number | undefined {
    const status = `/proc/${this.#child.pid}/status`;
    if (!existsSync(status)) return undefined;
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(status, "utf8"))?.[1]) * 1024;
  }

  /** All it printed so far. */
  get output(): string {
    return this.#output;
  }

  /** A connection to the RESP port. */
  async connect(): Promise<Socket> {
    const socket = connect(this.respPort, "127.0.0.1");
    await once(socket, "connect");
    return socket;
  }

  /** Ends it at once, without a chance to do anything. */
  async kill(): Promise<void> {
    if (!this.running) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }

  /** Sends SIGTERM; the exit code, or the signal's name when it had to be killed after ten seconds. */
  async stop(): Promise<number | string> {
    if (!this.running) return this.#child.exitCode ?? "killed";
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    this.#child.kill("SIGTERM");
    const [code, signal] = await once(this.#child, "exit");
    clearTimeout(timer);
    return code ?? signal;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
