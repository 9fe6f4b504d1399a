// The way to a server that outlives its sockets. Commands of one tick are collected into one frame; a window of bytes
// that wait for replies bounds what is on the way, and a limit bounds what waits to leave. When the socket breaks, what
// was sent is rejected (it may have run), what was not waits for the next one, which is tried after delays that double
// and are drawn at random, so that a thousand clients do not come back in the same instant.

import type { Operation } from "../database/operations.ts";
import { NearkeyError } from "../errors.ts";
import { type Argument, CommandWriter } from "../resp.ts";
import { ClientSocket, type Request, type Target } from "./client-socket.ts";

/** Numbers of a link. */
export interface LinkSettings extends Target {
  readonly reconnect: boolean;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** How long a command waits for the connection to come back, in milliseconds. */
  readonly waitMs: number;
  /** Most bytes of commands that wait to be sent. */
  readonly maxWaitingBytes: number;
}

/** A batch is closed at this length, so that the first commands of a long tick travel while it goes on. */
const BATCH_BYTES = 256 * 1024;
/** Bytes of commands on the way at most, unless one batch alone has more. */
const WINDOW_BYTES = 4 * 1024 * 1024;

interface Batch {
  readonly bytes: Uint8Array;
  readonly requests: readonly Request[];
  readonly sinceMs: number;
}

/** Sends operations over one socket after another. */
export class ClientLink {
  readonly #settings: LinkSettings;
  readonly #writer = new CommandWriter();
  #collected: Request[] = [];
  #scheduled = false;
  #waiting: Batch[] = [];
  #waitingBytes = 0;
  #socket: ClientSocket | undefined;
  #attempts = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  /** Why there will not be another socket. */
  #gone: NearkeyError | undefined;

  private constructor(settings: LinkSettings) {
    this.#settings = settings;
  }

  /**
   * Connects once; only later losses are followed by further attempts.
   *
   * @throws NearkeyError as ClientSocket.open
   */
  static async open(settings: LinkSettings): Promise<ClientLink> {
    const link = new ClientLink(settings);
    link.#socket = await ClientSocket.open(settings, link.#owner());
    return link;
  }

  #owner() {
    return { received: () => this.#pump(), ended: (error: NearkeyError) => this.#lost(error) };
  }

  /** Encodes an operation now and sends it at the end of the tick. */
  submit<Result>(operation: Operation<Result>): Promise<Result> {
    if (this.#closing) return Promise.reject(new NearkeyError("closed", "the client is closed"));
    return this.#collect(operation);
  }

  #collect<Result>(operation: Operation<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#gone) throw notSent(this.#gone);
      if (operation.commands.length === 0) {
        resolve(operation.read([]));
        return;
      }
      const bytes = this.#encode(operation.commands);
      const refuse = operation.undo ? this.#undoing(operation.undo, reject) : reject;
      this.#collected.push({
        operation,
        bytes,
        replies: [],
        resolve: resolve as (value: unknown) => void,
        reject: refuse,
      });
      if (this.#writer.length >= BATCH_BYTES) this.#closeBatch();
      this.#schedule();
    });
  }

  #encode(commands: readonly (readonly Argument[])[]): number {
    const { maxWaitingBytes } = this.#settings;
    if (this.#waitingBytes > maxWaitingBytes) {
      throw new NearkeyError(
        "not-sent",
        `more than ${maxWaitingBytes} bytes of commands wait to be sent: await some first`,
      );
    }
    const before = this.#writer.length;
    for (const command of commands) this.#writer.command(command);
    return this.#writer.length - before;
  }

  /** Takes the change back before the caller hears that its result could not be given. */
  #undoing(undo: readonly Argument[], reject: (error: NearkeyError) => void): (error: NearkeyError) => void {
    return (error) => {
      if (error.code !== "unsafe-integer") return reject(error);
      const done = () => reject(error);
      // Even of a client that closes meanwhile: that waits for what was issued.
      this.#collect({ commands: [undo], read: () => undefined }).then(done, done);
    };
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#closeBatch();
      this.#pump();
    });
  }

  #closeBatch(): void {
    if (this.#collected.length === 0) return;
    const bytes = this.#writer.take();
    this.#waiting.push({ bytes, requests: this.#collected, sinceMs: Date.now() });
    this.#waitingBytes += bytes.length;
    this.#collected = [];
  }

  #pump(): void {
    const socket = this.#socket;
    while (socket && this.#waiting.length > 0) {
      const batch = this.#waiting[0] as Batch;
      if (socket.unansweredBytes > 0 && socket.unansweredBytes + batch.bytes.length > WINDOW_BYTES) return;
      this.#waiting.shift();
      this.#waitingBytes -= batch.bytes.length;
      socket.send(batch.bytes, batch.requests);
    }
    if (socket?.idle && this.#collected.length === 0) this.#drained?.();
  }

  #lost(error: NearkeyError): void {
    this.#socket = undefined;
    // An engine that broke is gone with all that was in it.
    if (this.#settings.reconnect && !this.#closing && error.code !== "engine-failed") {
      this.#reconnectLater();
      return;
    }
    this.#gone = error;
    // What this very tick has issued is not in a batch yet.
    this.#closeBatch();
    this.#drop(error, 0);
    this.#drained?.();
  }

  #reconnectLater(): void {
    const { minDelayMs, maxDelayMs } = this.#settings;
    const delayMs = Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts++;
    this.#timer = setTimeout(() => void this.#reconnect(), delayMs * (0.5 + Math.random() / 2));
  }

  async #reconnect(): Promise<void> {
    try {
      const socket = await ClientSocket.open(this.#settings, this.#owner());
      if (this.#closing) return socket.close();
      this.#attempts = 0;
      this.#socket = socket;
      this.#pump();
    } catch (error) {
      this.#drop(error as NearkeyError, this.#settings.waitMs);
      if (!this.#closing) this.#reconnectLater();
    }
  }

  /** Rejects what has waited at least so long: it was never sent. */
  #drop(cause: NearkeyError, waitedMs: number): void {
    const now = Date.now();
    const kept: Batch[] = [];
    for (const batch of this.#waiting) {
      if (now - batch.sinceMs < waitedMs) {
        kept.push(batch);
        continue;
      }
      this.#waitingBytes -= batch.bytes.length;
      for (const request of batch.requests) request.reject(notSent(cause));
    }
    this.#waiting = kept;
  }

  /** Refuses new commands, waits for the replies of those issued, and closes the socket. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#closeBatch();
    if (this.#socket) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
        this.#pump();
      });
    }
    this.#drop(new NearkeyError("closed", "the client was closed"), 0);
    this.#socket?.close();
    this.#socket = undefined;
  }
}

function notSent(cause: NearkeyError): NearkeyError {
  // An engine that broke says more than a command that was not sent: there is nothing to try again.
  if (cause.code === "engine-failed") return new NearkeyError(cause.code, cause.message, { cause: cause.cause });
  return new NearkeyError("not-sent", `the command was not sent: ${cause.message}`, { cause });
}
