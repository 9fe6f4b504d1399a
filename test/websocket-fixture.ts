// A WebSocket client for tests: what arrives is kept in order, binary as one stream of bytes and text frame by frame.

import { type ClientOptions, WebSocket } from "ws";
import { type Reply, ReplyDecoder } from "../src/resp.ts";

/** What a refused upgrade was answered. */
export interface Refused {
  readonly status: number;
  readonly text: string;
}

export class TestWebSocket {
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  binaryFrames = 0;
  private readonly decoder = new ReplyDecoder();
  private readonly chunks: Buffer[] = [];
  private readonly texts: string[] = [];
  private wake: () => void = () => undefined;
  private ended = false;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (bytes: Buffer, isBinary) => {
      if (isBinary) this.binaryFrames++;
      if (isBinary) this.chunks.push(bytes);
      else this.texts.push(bytes.toString());
      this.wake();
    });
    socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        this.ended = true;
        this.wake();
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Connects, or answers why it may not. */
  static open(
    port: number,
    options: ClientOptions & { protocols?: string[]; path?: string } = {},
  ): Promise<TestWebSocket> {
    const { protocols, path = "/", ...rest } = options;
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols ?? [], rest);
    const client = new TestWebSocket(socket);
    return new Promise((resolve, reject) => {
      socket.once("open", () => resolve(client));
      socket.once("error", reject);
    });
  }

  /** Expects the upgrade to be refused. */
  static refused(port: number, options: ClientOptions & { protocols?: string[]; path?: string }): Promise<Refused> {
    const { protocols, path = "/", ...rest } = options;
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols ?? [], rest);
    return new Promise((resolve, reject) => {
      socket.once("open", () => reject(new Error("the upgrade was accepted")));
      socket.on("error", () => undefined);
      socket.once("unexpected-response", (request, response) => {
        let text = "";
        response.on("data", (bytes) => {
          text += bytes;
        });
        response.on("end", () => {
          request.destroy();
          resolve({ status: response.statusCode ?? 0, text });
        });
      });
    });
  }

  send(frame: string | Uint8Array): void {
    this.socket.send(frame);
  }

  /** Sends inline commands as one binary frame. */
  binary(lines: string): void {
    this.socket.send(Buffer.from(lines));
  }

  /** The next reply in binary frames. */
  async reply(): Promise<Reply> {
    while (true) {
      const next = this.decoder.next();
      if (next !== undefined) return next.value;
      await this.until(() => this.chunks.length > 0);
      this.decoder.push(Buffer.concat(this.chunks.splice(0)));
    }
  }

  /** The next text frame, parsed. */
  async json(): Promise<unknown> {
    await this.until(() => this.texts.length > 0);
    return JSON.parse(this.texts.shift() ?? "");
  }

  /** Sends a request as JSON and answers the next text frame. */
  async request(request: unknown): Promise<unknown> {
    this.send(typeof request === "string" ? request : JSON.stringify(request));
    return this.json();
  }

  private async until(ready: () => boolean): Promise<void> {
    while (!ready()) {
      if (this.ended) throw new Error("the WebSocket closed");
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
