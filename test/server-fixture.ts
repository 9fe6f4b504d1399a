// A server inside the test's process, with the engine whose assertions are on, on ports that the system chooses; and
// a plain RESP socket that tests write bytes to and read replies from.

import { connect, type Socket } from "node:net";
import { afterEach } from "vitest";
import { encodeCommand, type Reply, ReplyDecoder } from "../src/resp.ts";
import { type Server, startServer } from "../src/server/server.ts";
import type { ServerOptions } from "../src/server/server-options.ts";
import { nodeScripts } from "../src/storage/node-lua.ts";
import { debugModule } from "./debug-engine.ts";

const module = debugModule();
const scripts = nodeScripts(new URL("../dist/lua.wasm", import.meta.url));
const toClose: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

export interface TestServer extends Server {
  readonly respPort: number;
  readonly httpPort: number;
}

/** Starts a server that stops when the test ends; an engine that traps fails the test. */
export async function startTestServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  let failure: unknown;
  const settings = { port: 0, respPort: 0, maxMemoryBytes: 256 * 1024 * 1024, scripts, ...options };
  const server = await startServer(module, settings, (error) => {
    failure = error;
  });
  toClose.push(async () => {
    await server.stop();
    if (failure !== undefined) throw failure;
  });
  return Object.assign(server, { respPort: server.resp?.port ?? 0, httpPort: server.http.port });
}

/** A TCP connection that decodes what it receives, when asked. */
export class RespSocket {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  /** Bytes received and not taken yet. */
  receivedBytes = 0;
  private readonly chunks: Buffer[] = [];
  private readonly decoder = new ReplyDecoder();
  private wake: () => void = () => undefined;
  private ended = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes) => {
      this.chunks.push(bytes);
      this.receivedBytes += bytes.length;
      this.wake();
    });
    socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.ended = true;
        this.wake();
        resolve();
      });
    });
  }

  static open(port: number): Promise<RespSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1" });
      toClose.push(() => void socket.destroy());
      const client = new RespSocket(socket);
      socket.once("connect", () => resolve(client));
      socket.once("error", reject);
    });
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Waits for so many bytes and takes them. */
  async bytes(count: number): Promise<Buffer> {
    await this.until(() => this.receivedBytes >= count);
    const all = this.take();
    this.chunks.push(all.subarray(count));
    this.receivedBytes = all.length - count;
    return all.subarray(0, count);
  }

  /** Everything received until the other side closed. */
  async rest(): Promise<string> {
    await this.closed;
    return this.take().toString();
  }

  /** Sends a command, given as words or as one line that is split at spaces, and answers its reply. */
  async command(...words: string[]): Promise<Reply> {
    this.write(encodeCommand(words.length === 1 ? (words[0] ?? "").split(" ") : words));
    return this.reply();
  }

  async reply(): Promise<Reply> {
    while (true) {
      const next = this.decoder.next();
      if (next !== undefined) return next.value;
      await this.until(() => this.receivedBytes > 0);
      this.decoder.push(this.take());
    }
  }

  private take(): Buffer {
    this.receivedBytes = 0;
    return Buffer.concat(this.chunks.splice(0));
  }

  private async until(ready: () => boolean): Promise<void> {
    while (!ready()) {
      if (this.ended) throw new Error(`the connection closed; received ${JSON.stringify(this.take().toString())}`);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

/** Waits until a condition holds, for at most five seconds. */
export async function eventually(holds: () => boolean): Promise<void> {
  const untilMs = performance.now() + 5000;
  while (!holds()) {
    if (performance.now() > untilMs) throw new Error("it did not come to hold");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
