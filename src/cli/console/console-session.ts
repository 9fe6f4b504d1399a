// What a console knows beyond one connection: the database it selected, the password that was accepted, whether a
// transaction is open. After a loss the next command connects again and brings them back, except the transaction, which
// the server has forgotten.

import type { NearkeyError } from "../../errors.ts";
import type { Argument } from "../../resp.ts";
import { advised, withPassword } from "../connection/server-connection.ts";
import { shownAddress } from "../connection/server-flags.ts";
import { ConsoleConnection } from "./console-connection.ts";
import type { WireReply } from "./wire-reply.ts";

/** A session with a server. */
export class ConsoleSession {
  readonly #url: string;
  readonly #pushed: (push: WireReply) => void;
  #connection: ConsoleConnection | undefined;
  /** The one attempt that all commands wait for which found no connection. */
  #reconnecting: Promise<ConsoleConnection> | undefined;
  #password: string | undefined;
  #database = 0;
  #inTransaction = false;

  private constructor(url: string, pushed: (push: WireReply) => void) {
    this.#url = url;
    this.#pushed = pushed;
  }

  /**
   * Connects; a password comes from the environment or, at a terminal, from a person.
   *
   * @throws NearkeyError that says what to do
   */
  static async open(url: string, pushed: (push: WireReply) => void): Promise<ConsoleSession> {
    const session = new ConsoleSession(url, pushed);
    await withPassword(url, async (password) => {
      session.#connection = await ConsoleConnection.open(url, password, pushed);
      session.#password = password;
    });
    return session;
  }

  /** What stands before a line: host, database, transaction, or that nobody is there. */
  get prompt(): string {
    if (!this.#connection?.open) return "not connected> ";
    const database = this.#database === 0 ? "" : `[${this.#database}]`;
    return `${shownAddress(this.#url)}${database}${this.#inTransaction ? "(TX)" : ""}> `;
  }

  /**
   * Runs a command, connecting again when the connection was lost before.
   *
   * @throws NearkeyError `connection-lost` when it breaks meanwhile, and as `open`
   */
  async run(words: readonly Argument[]): Promise<WireReply> {
    const connection = this.#connection?.open ? this.#connection : await this.#reconnected();
    const reply = await connection.run(words);
    this.#note(words, reply);
    return reply;
  }

  /** Leaves. */
  close(): void {
    this.#connection?.close();
  }

  #reconnected(): Promise<ConsoleConnection> {
    this.#reconnecting ??= this.#reconnect().finally(() => {
      this.#reconnecting = undefined;
    });
    return this.#reconnecting;
  }

  async #reconnect(): Promise<ConsoleConnection> {
    this.#inTransaction = false;
    try {
      const connection = await ConsoleConnection.open(this.#url, this.#password, this.#pushed);
      if (this.#database !== 0) await connection.run(["SELECT", this.#database]);
      this.#connection = connection;
      return connection;
    } catch (error) {
      throw advised(error as NearkeyError, this.#url);
    }
  }

  /** Keeps what a command changed about the session. */
  #note(words: readonly Argument[], reply: WireReply): void {
    if (reply.kind === "error") return;
    switch (String(words[0]).toUpperCase()) {
      case "SELECT":
        if (!this.#inTransaction) this.#database = Number(words[1]);
        return;
      case "AUTH":
        this.#password = String(words.at(-1));
        return;
      case "MULTI":
        this.#inTransaction = true;
        return;
      case "EXEC":
      case "DISCARD":
        this.#inTransaction = false;
        return;
      case "RESET":
        this.#database = 0;
        this.#inTransaction = false;
        return;
    }
  }
}
