// The way to a server that outlives its sockets. Commands of one tick are collected into one frame; a window of bytes
// and a number of calls bound what is on the way, and a limit bounds what waits to leave. When the socket breaks, what
// was sent is rejected (it may have run), what was not waits for the next one, which is tried after delays whose bound
// doubles and which are drawn at random below it, so that a thousand clients do not come back in the same instant.

import type { Operation } from "../database/operations.ts";
import { NearkeyError, type NearkeyErrorCode } from "../errors.ts";
import { type Argument, CommandWriter } from "../resp.ts";
import { ClientSocket, type Target } from "./client-socket.ts";
import { StateTeller } from "./client-state.ts";
import { type CallOptions, PendingCall, TIMER_MS_MAX } from "./pending-call.ts";
import { WaitingCalls } from "./waiting-calls.ts";

/** Numbers of a link. */
export interface LinkSettings extends Target {
  readonly reconnect: boolean;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Attempts to come back after a loss; without end by default. */
  readonly tries?: number;
  /** How long a command waits for the connection to come back, in milliseconds. */
  readonly waitMs: number;
  /** Most bytes of commands that wait to be sent. */
  readonly maxWaitingBytes: number;
  /** Most calls on the way; by default only their bytes are bounded. */
  readonly maxInFlight?: number;
  /** The bound of a call that names none. */
  readonly timeoutMs?: number | undefined;
  /** Time for what was issued before a close, in milliseconds; without end by default. */
  readonly closeMs?: number;
}

/** A batch is closed at this length, so that the first commands of a long tick travel while it goes on. */
const BATCH_BYTES = 256 * 1024;
/** Bytes of commands on the way at most, unless one batch alone has more. */
const WINDOW_BYTES = 4 * 1024 * 1024;
/** Another attempt would be answered the same. */
const FINAL: ReadonlySet<NearkeyErrorCode> = new Set([
  "authentication-required",
  "engine-failed",
  "unsupported",
  "wrong-password",
]);

/** Sends operations over one socket after another. */
export class ClientLink {
  readonly states = new StateTeller();
  readonly #settings: LinkSettings;
  readonly #writer = new CommandWriter();
  #collected: PendingCall[] = [];
  #scheduled = false;
  readonly #waiting = new WaitingCalls();
  #socket: ClientSocket | undefined;
  #attempts = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dropTimer: ReturnType<typeof setTimeout> | undefined;
  #closing: Promise<void> | undefined;
  /** Ends an attempt that is under way when the client is closed. */
  readonly #ended = new AbortController();
  #drained: (() => void) | undefined;
  /** Why the connection is away now. */
  #lostBy: NearkeyError | undefined;
  /** Why there will not be another socket. */
  #gone: NearkeyError | undefined;

  private constructor(settings: LinkSettings) {
    this.#settings = settings;
  }

  /**
   * Connects once; only later losses are followed by further attempts.
   *
   * @param signal ends the attempt
   * @throws NearkeyError as ClientSocket.open
   */
  static async open(settings: LinkSettings, signal?: AbortSignal): Promise<ClientLink> {
    const link = new ClientLink(settings);
    link.#socket = await ClientSocket.open(settings, link.#owner(), signal);
    link.states.tell({ state: "open" });
    return link;
  }

  #owner() {
    const received = (): void => {
      // Not when the socket opens: one that is closed at once each time must not be tried ever faster.
      if (this.#socket) this.#attempts = 0;
      this.#pump();
    };
    return { received, ended: (error: NearkeyError) => this.#lost(error) };
  }

  /** Encodes an operation now and sends it at the end of the tick. */
  submit<Result>(operation: Operation<Result>, options: CallOptions = {}): Promise<Result> {
    if (this.#closing) return Promise.reject(new NearkeyError("closed", "the client is closed"));
    return this.#collect(operation, options);
  }

  #collect<Result>(operation: Operation<Result>, options: CallOptions): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#gone) throw notSent(this.#gone);
      if (this.#lostBy && this.#settings.waitMs === 0) throw notSent(this.#lostBy);
      const { signal, timeoutMs = this.#settings.timeoutMs } = options;
      if (signal?.aborted) throw notSent(new NearkeyError("aborted", "it was aborted", { cause: signal.reason }));
      if (operation.commands.length === 0) {
        resolve(operation.read([]));
        return;
      }
      const bytes = this.#encode(operation.commands);
      const refuse = operation.undo ? this.#undoing(operation.undo, reject) : reject;
      const call = new PendingCall(operation, bytes, resolve as (value: unknown) => void, refuse);
      call.bound({ timeoutMs, signal });
      this.#collected.push(call);
      if (this.#writer.length >= BATCH_BYTES) this.#closeBatch();
      this.#schedule();
    });
  }

  #encode(commands: readonly (readonly Argument[])[]): number {
    const { maxWaitingBytes } = this.#settings;
    if (this.#waiting.bytes > maxWaitingBytes) this.#waiting.compact();
    if (this.#waiting.bytes > maxWaitingBytes) {
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
      this.#collect({ commands: [undo], read: () => undefined }, { timeoutMs: Number.POSITIVE_INFINITY }).then(
        done,
        done,
      );
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
    this.#waiting.add({ bytes: this.#writer.take(), calls: this.#collected });
    this.#collected = [];
    if (this.#lostBy) this.#dropInTime();
  }

  #pump(): void {
    const socket = this.#socket;
    const { maxInFlight = Number.POSITIVE_INFINITY } = this.#settings;
    while (socket && !socket.doomed && !this.#waiting.empty && socket.inFlight < maxInFlight) {
      const { unansweredBytes } = socket;
      if (unansweredBytes > 0 && unansweredBytes + this.#waiting.nextBytes > WINDOW_BYTES) return;
      const batch = this.#waiting.take(maxInFlight - socket.inFlight);
      if (batch && batch.calls.length > 0) socket.send(batch.bytes, batch.calls);
    }
    if (socket?.idle && this.#waiting.empty && this.#collected.length === 0) this.#drained?.();
  }

  #lost(error: NearkeyError): void {
    this.#socket = undefined;
    this.#lostBy = error;
    this.#comeBack(error);
  }

  /** Plans the next attempt, or gives up. */
  #comeBack(error: NearkeyError): void {
    const { reconnect, tries = Number.POSITIVE_INFINITY } = this.#settings;
    if (!reconnect || this.#closing || FINAL.has(error.code) || this.#attempts >= tries) {
      this.#giveUp(error);
      return;
    }
    const delayMs = this.#delayMs();
    this.#attempts++;
    this.#dropInTime();
    this.#timer = setTimeout(() => void this.#reconnect(), delayMs);
    this.states.tell({ state: "reconnecting", reason: error, attempt: this.#attempts, delayMs });
  }

  /** Full jitter: anywhere from 0 to a bound that doubles. */
  #delayMs(): number {
    const { minDelayMs, maxDelayMs } = this.#settings;
    return Math.random() * Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(this.#attempts, 30));
  }

  #giveUp(error: NearkeyError): void {
    this.#gone = error;
    // What this very tick has issued is not in a batch yet.
    this.#closeBatch();
    this.#drop(error, 0);
    this.#drained?.();
    if (!this.#closing) this.states.tell({ state: "closed", reason: error });
  }

  async #reconnect(): Promise<void> {
    this.states.tell({ state: "connecting", attempt: this.#attempts });
    try {
      const socket = await ClientSocket.open(this.#settings, this.#owner(), this.#ended.signal);
      if (this.#closing) return void socket.close();
      clearTimeout(this.#dropTimer);
      this.#lostBy = undefined;
      this.#socket = socket;
      this.states.tell({ state: "open" });
      this.#pump();
    } catch (error) {
      if (this.#closing) return;
      this.#lostBy = error as NearkeyError;
      this.#comeBack(error as NearkeyError);
    }
  }

  /** Rejects what waits for the connection when its time is over, however long an attempt takes. */
  #dropInTime(): void {
    clearTimeout(this.#dropTimer);
    const { waitMs } = this.#settings;
    const oldestMs = this.#waiting.oldestMs;
    const cause = this.#lostBy;
    if (oldestMs === undefined || cause === undefined || waitMs > TIMER_MS_MAX) return;
    const drop = (): void => {
      this.#drop(cause, waitMs);
      this.#dropInTime();
    };
    this.#dropTimer = setTimeout(drop, Math.max(0, oldestMs + waitMs - Date.now()));
  }

  /** Rejects what has waited at least so long: it was never sent. */
  #drop(cause: NearkeyError, waitedMs: number): void {
    this.#waiting.drop(waitedMs, () => notSent(cause));
  }

  /** Refuses new commands, waits for the replies of those issued as long as it may, and closes the socket. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    clearTimeout(this.#dropTimer);
    this.#ended.abort();
    this.#closeBatch();
    if (this.#socket) await this.#drain(this.#settings.closeMs ?? Number.POSITIVE_INFINITY);
    this.#drop(new NearkeyError("closed", "the client was closed"), 0);
    const socket = this.#socket;
    this.#socket = undefined;
    await socket?.close();
    if (this.states.current !== "closed") this.states.tell({ state: "closed" });
  }

  #drain(closeMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = closeMs > TIMER_MS_MAX ? undefined : setTimeout(() => this.#drained?.(), closeMs);
      this.#drained = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#pump();
    });
  }
}

function notSent(cause: NearkeyError): NearkeyError {
  // An engine that broke says more than a command that was not sent: there is nothing to try again.
  if (cause.code === "engine-failed") return new NearkeyError(cause.code, cause.message, { cause: cause.cause });
  return new NearkeyError("not-sent", `the command was not sent: ${cause.message}`, { cause });
}
