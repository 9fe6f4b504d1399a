// A plain connection for tests of what comes without being asked for: commands out, whole replies in, each as text with every
// byte visible (`*[$"message" $"news" $"1"]`).

import { connect, type Socket } from "node:net";
import { type Argument, encodeCommand } from "../src/resp.ts";
import { RawReader, show } from "./raw-replies.ts";

/** A RESP socket. */
export class Listener {
  readonly closed: Promise<void>;
  private readonly reader = new RawReader();
  private readonly replies: string[] = [];
  private heard: () => void = () => undefined;

  private constructor(readonly socket: Socket) {
    socket.on("data", (bytes: Buffer) => {
      this.reader.push(bytes);
      for (const reply of this.reader.drain()) this.replies.push(show(reply));
      this.heard();
    });
    socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.heard();
        resolve();
      });
    });
  }

  static async open(port: number, protocol: 2 | 3 = 2, socket = connect(port, "127.0.0.1")): Promise<Listener> {
    const listener = new Listener(socket);
    if (protocol === 3) await listener.ask("HELLO", 3);
    return listener;
  }

  send(...command: Argument[]): void {
    this.socket.write(encodeCommand(command));
  }

  /** The next reply or push, in order. */
  async next(): Promise<string> {
    while (this.replies.length === 0) {
      if (this.socket.destroyed) throw new Error("the connection is closed");
      await new Promise<void>((resolve) => {
        this.heard = resolve;
      });
    }
    return this.replies.shift() as string;
  }

  async take(count: number): Promise<string[]> {
    const list: string[] = [];
    while (list.length < count) list.push(await this.next());
    return list;
  }

  /** One command and what comes next. */
  ask(...command: Argument[]): Promise<string> {
    this.send(...command);
    return this.next();
  }

  /** What is there and was not taken. */
  get waiting(): readonly string[] {
    return this.replies;
  }
}
