// One WebSocket of a console: commands out in order, typed replies in. The client of the package would not do: it greets,
// chooses its database and reconnects by itself, and gives values where a console shows wire types.

import { WebSocket } from "ws";
import { errorOfReply, NearkeyError, ReplyError } from "../../errors.ts";
import { type Argument, encodeCommand } from "../../resp.ts";
import { WireReader, type WireReply } from "./wire-reply.ts";

interface Waiting {
  readonly resolve: (reply: WireReply) => void;
  readonly reject: (error: NearkeyError) => void;
}

/** A greeted connection. */
export class ConsoleConnection {
  readonly #socket: WebSocket;
  readonly #reader = new WireReader();
  readonly #waiting: Waiting[] = [];
  readonly #pushed: (push: WireReply) => void;
  #ended: NearkeyError | undefined;

  private constructor(socket: WebSocket, pushed: (push: WireReply) => void) {
    this.#socket = socket;
    this.#pushed = pushed;
    socket.on("message", (bytes: Buffer) => this.#receive(bytes));
    socket.on("error", (error) => this.#end("connection-lost", error.message));
    socket.on("close", () => this.#end("connection-lost", "closed by the server"));
  }

  /**
   * Connects and greets.
   *
   * @param pushed called with what comes without being asked for
   * @throws NearkeyError `connection-failed`, `authentication-required`, `wrong-password`
   */
  static async open(
    url: string,
    password: string | undefined,
    pushed: (push: WireReply) => void,
  ): Promise<ConsoleConnection> {
    const socket = new WebSocket(url, { handshakeTimeout: 10_000 });
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", (error) => {
        reject(new NearkeyError("connection-failed", `cannot connect to ${url}: ${error.message}`));
      });
    });
    const connection = new ConsoleConnection(socket, pushed);
    const greeting = await connection.run([
      "HELLO",
      3,
      ...(password === undefined ? [] : ["AUTH", "default", password]),
    ]);
    if (greeting.kind !== "error") return connection;
    connection.close();
    throw errorOfReply(new ReplyError(greeting.text));
  }

  /** Whether commands can be sent. */
  get open(): boolean {
    return this.#ended === undefined;
  }

  /**
   * Sends a command.
   *
   * @throws NearkeyError `connection-lost`: it may have run
   */
  run(words: readonly Argument[]): Promise<WireReply> {
    return new Promise((resolve, reject) => {
      if (this.#ended) throw this.#ended;
      this.#waiting.push({ resolve, reject });
      this.#socket.send(encodeCommand(words));
    });
  }

  /** Ends the connection; what waits is rejected. */
  close(): void {
    this.#end("connection-lost", "the console left");
    this.#socket.close();
  }

  #receive(bytes: Buffer): void {
    try {
      for (const reply of this.#reader.read(bytes)) {
        if (reply.kind === "push") this.#pushed(reply);
        else this.#waiting.shift()?.resolve(reply);
      }
    } catch (error) {
      this.#end("protocol-error", (error as Error).message);
      this.#socket.terminate();
    }
  }

  #end(code: "connection-lost" | "protocol-error", reason: string): void {
    if (this.#ended) return;
    this.#ended = new NearkeyError(code, `the connection broke (${reason}); a command on its way may have run`);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}
