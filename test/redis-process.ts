// A real redis-server for tests that compare with it: on a Unix socket in a folder of its own, so that no port is
// taken and nothing remains; it keeps nothing on disk.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RawReader, type RawReply } from "./raw-replies.ts";

const SOCKET = "socket";

/** A connection to a redis-server. */
class RedisConnection {
  readonly #socket: Socket;
  readonly #reader = new RawReader();
  #wake: (error?: Error) => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.#reader.push(chunk);
      this.#wake();
    });
    socket.on("error", (error) => this.#wake(error));
  }

  /** Sends bytes and waits for that many replies. */
  async send(bytes: Uint8Array, replies: number): Promise<RawReply[]> {
    this.#socket.write(bytes);
    const received: RawReply[] = [];
    while (true) {
      received.push(...this.#reader.drain());
      if (received.length >= replies) return received;
      await new Promise<void>((resolve, reject) => {
        this.#wake = (error) => (error === undefined ? resolve() : reject(error));
      });
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** A server of its own with two connections to it. */
export class RedisProcess {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly connections: readonly [RedisConnection, RedisConnection];

  /** Its Unix socket. */
  readonly path: string;

  private constructor(folder: string, child: ChildProcess, one: Socket, other: Socket) {
    this.path = join(folder, SOCKET);
    this.#folder = folder;
    this.#child = child;
    this.connections = [new RedisConnection(one), new RedisConnection(other)];
  }

  /** @param others options that come last, and so first */
  static async start(program: string, ...others: readonly string[]): Promise<RedisProcess> {
    const folder = mkdtempSync(join(tmpdir(), "nearkey-redis-"));
    const path = join(folder, SOCKET);
    const options = [
      "--port",
      "0",
      "--unixsocket",
      path,
      "--save",
      "",
      "--appendonly",
      "no",
      "--dir",
      folder,
      ...others,
    ];
    const child = spawn(program, options, { stdio: "ignore" });
    for (let tries = 0; tries < 200; tries++) {
      const one = await tryConnect(path);
      const other = one && (await tryConnect(path));
      if (one !== undefined && other !== undefined) return new RedisProcess(folder, child, one, other);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    child.kill("SIGKILL");
    throw new Error(`${program} does not answer after 5 s`);
  }

  stop(): void {
    for (const connection of this.connections) connection.close();
    this.#child.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function tryConnect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.removeAllListeners();
      resolve(socket);
    });
    socket.once("error", () => resolve(undefined));
  });
}
