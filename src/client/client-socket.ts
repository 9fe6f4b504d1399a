// One WebSocket from its opening to its end: the greeting (RESP3, and the password), commands out, replies in. Replies
// come in the order of the commands, so what waits is a queue; when the socket ends, everything in it may have run or
// not, and is told so. Reconnecting is somebody else's task: client-link.ts makes another of these.

import { errorOfReply, NearkeyError, type NearkeyErrorCode } from "../errors.ts";
import { type Argument, encodeCommand, type Reply, ReplyDecoder, ReplyError } from "../resp.ts";
import { PendingCall, TIMER_MS_MAX } from "./pending-call.ts";

/** What the client needs of a WebSocket: the standard's object, or that of the `ws` library. */
export interface WebSocketLike {
  binaryType: string;
  send(bytes: Uint8Array): void;
  close(code?: number, reason?: string): void;
  /** Ends it without a handshake, where there is such a thing. */
  terminate?(): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
}

/** What a socket says when it closes; one that is no network's (a worker in a browser) may name the very error. */
interface CloseFacts {
  readonly code?: number;
  readonly reason?: string;
  readonly error?: NearkeyError;
}

/** The class that makes them. */
export type WebSocketClass = new (url: string) => WebSocketLike;

/** How to reach a server. */
export interface Target {
  readonly url: string;
  readonly password: string | undefined;
  readonly WebSocket: WebSocketClass;
  /** Time for opening and greeting, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Time without a byte from the server while replies are due, in milliseconds. */
  readonly replyTimeoutMs: number;
  /** Time without a byte from the server after which it is asked whether it lives, in milliseconds; never by default. */
  readonly heartbeatMs?: number;
  /** The database that commands work in; 0 by default. */
  readonly database?: number;
  /** What `CLIENT LIST` calls the connection. */
  readonly name?: string | undefined;
}

/** Who hears from a socket. */
export interface SocketOwner {
  /** Replies came: more may be sent. */
  received(): void;
  /** The socket ended after it was open; its requests have been rejected. */
  ended(error: NearkeyError): void;
}

/** Frames are cut at this length: a server bounds them, and borders mean nothing. */
const FRAME_BYTES = 1 << 20;

/** Time for the other side to say goodbye too. */
const GOODBYE_MS = 1000;
/** Close codes with which a server says that something was over a limit or against the rules. */
const REFUSING_CODES: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009]);

type State = "opening" | "greeting" | "open" | "ended";

/** A connection to a server. */
export class ClientSocket {
  /** Bytes of commands sent whose replies have not come. */
  unansweredBytes = 0;
  readonly #target: Target;
  readonly #owner: SocketOwner;
  readonly #socket: WebSocketLike;
  readonly #decoder = new ReplyDecoder();
  readonly #calls = new CallQueue();
  #state: State = "opening";
  #opened: ((error?: NearkeyError) => void) | undefined;
  /** Replies to the greeting that have not come. */
  #greetings = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastReceivedMs = 0;
  /** What the server said of a command that it could not read; the reason comes with the close that follows. */
  #verdict: ReplyError | undefined;
  #closed: (() => void) | undefined;

  private constructor(target: Target, owner: SocketOwner) {
    this.#target = target;
    this.#owner = owner;
    this.#socket = new target.WebSocket(target.url);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.#greet();
    this.#socket.onmessage = (event: { data: unknown }) => this.#receive(event.data);
    this.#socket.onerror = (event: { message?: string }) => this.#fail(event.message || "the socket failed");
    this.#socket.onclose = (event: CloseFacts) => this.#onClose(event);
    this.#failAfter(target.connectTimeoutMs, `no answer within ${target.connectTimeoutMs} ms`);
  }

  /**
   * Connects and greets.
   *
   * @param signal ends the attempt
   * @throws NearkeyError `connection-failed`, `authentication-required`, `wrong-password`, `unsupported`, `aborted`
   */
  static open(target: Target, owner: SocketOwner, signal?: AbortSignal): Promise<ClientSocket> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw aborted(signal);
      let socket: ClientSocket;
      try {
        socket = new ClientSocket(target, owner);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new NearkeyError("connection-failed", `cannot connect to ${target.url}: ${reason}`, { cause });
      }
      const stop = () => socket.#end(aborted(signal as AbortSignal));
      signal?.addEventListener("abort", stop);
      socket.#opened = (error) => {
        signal?.removeEventListener("abort", stop);
        if (error) reject(error);
        else resolve(socket);
      };
    });
  }

  /** Whether no call waits for a reply. */
  get idle(): boolean {
    return this.#calls.length === 0;
  }

  /** Calls that wait for their replies. */
  get inFlight(): number {
    return this.#calls.length;
  }

  /** Whether the server has said that it reads no further: what is not sent yet has better chances elsewhere. */
  get doomed(): boolean {
    return this.#verdict !== undefined;
  }

  /** Sends commands; their calls settle in this order. */
  send(bytes: Uint8Array, calls: readonly PendingCall[]): void {
    const wasIdle = this.idle;
    for (const call of calls) {
      call.sent = true;
      this.#calls.push(call);
    }
    if (wasIdle) {
      this.#lastReceivedMs = Date.now();
      this.#watch();
    }
    this.unansweredBytes += bytes.length;
    for (let at = 0; at < bytes.length; at += FRAME_BYTES) this.#socket.send(bytes.subarray(at, at + FRAME_BYTES));
  }

  /** Ends the socket; what waits is rejected. Resolves when the other side has said goodbye too, or after a second. */
  close(): Promise<void> {
    if (this.#state === "ended") return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#socket.terminate?.();
        resolve();
      }, GOODBYE_MS);
      this.#closed = () => {
        clearTimeout(timer);
        resolve();
      };
      const text = "the client was closed before the reply came; the command may have run";
      this.#end(new NearkeyError("connection-lost", text));
    });
  }

  #greet(): void {
    this.#state = "greeting";
    const { password, name, database = 0 } = this.#target;
    const greeting: Argument[] = ["HELLO", 3];
    if (password !== undefined) greeting.push("AUTH", "default", password);
    if (name !== undefined) greeting.push("SETNAME", name);
    this.#greetings = 1;
    this.#socket.send(encodeCommand(greeting));
    if (database === 0) return;
    this.#greetings = 2;
    this.#socket.send(encodeCommand(["SELECT", database]));
  }

  #receive(data: unknown): void {
    if (this.#state === "ended" || !(data instanceof ArrayBuffer)) return;
    this.#lastReceivedMs = Date.now();
    this.#decoder.push(new Uint8Array(data));
    try {
      this.#decode();
    } catch (error) {
      this.#end(error as NearkeyError);
      return;
    }
    this.#owner.received();
  }

  #decode(): void {
    while (this.#state !== "ended" && this.#verdict === undefined) {
      const call = this.#calls.first;
      this.#decoder.bytes = call?.operation.bytes ?? false;
      const next = this.#decoder.next();
      if (next === undefined) return;
      if (next.push) continue;
      if (this.#state === "greeting") this.#greeted(next.value);
      else if (call) this.#answer(call, next.value);
      else throw new NearkeyError("protocol-error", "the server answered a command that was not sent");
    }
  }

  #greeted(reply: Reply): void {
    if (reply instanceof ReplyError) {
      this.#end(refusedGreeting(reply));
      return;
    }
    if (--this.#greetings > 0) return;
    clearTimeout(this.#timer);
    this.#state = "open";
    this.#opened?.();
    this.#opened = undefined;
    this.#watch();
  }

  #answer(call: PendingCall, reply: Reply): void {
    if (reply instanceof ReplyError && reply.message.startsWith(PROTOCOL_ERROR)) {
      this.#verdict = reply;
      clearTimeout(this.#timer);
      this.#failAfter(GOODBYE_MS, "the server did not close it");
      return;
    }
    call.replies.push(reply);
    if (call.replies.length < call.operation.commands.length) return;
    this.#calls.shift();
    this.unansweredBytes -= call.bytes;
    call.settle();
  }

  /**
   * Ends the socket when replies are due and nothing has come for too long: a peer that is gone says nothing. When none
   * are due, asks for one now and then.
   */
  #watch(): void {
    const { replyTimeoutMs, heartbeatMs = Number.POSITIVE_INFINITY } = this.#target;
    clearTimeout(this.#timer);
    const limitMs = this.idle ? heartbeatMs : replyTimeoutMs;
    const leftMs = Math.max(0, this.#lastReceivedMs + limitMs - Date.now());
    // Replies may come and leave the socket idle meanwhile: it is looked at as often as that asks for.
    const delayMs = Math.min(leftMs, heartbeatMs);
    if (delayMs < Number.POSITIVE_INFINITY)
      this.#timer = setTimeout(() => this.#look(), Math.min(delayMs, TIMER_MS_MAX));
  }

  #look(): void {
    if (this.#state === "ended") return;
    const { replyTimeoutMs, heartbeatMs = Number.POSITIVE_INFINITY } = this.#target;
    const silentMs = Date.now() - this.#lastReceivedMs;
    if (this.idle && silentMs >= heartbeatMs) this.#ping();
    else if (!this.idle && silentMs >= replyTimeoutMs) this.#fail(`nothing came for ${replyTimeoutMs} ms`);
    else this.#watch();
  }

  #ping(): void {
    const command: Argument[] = ["PING"];
    const bytes = encodeCommand(command);
    const nobody = () => undefined;
    this.send(bytes, [new PendingCall({ commands: [command], read: nobody }, bytes.length, nobody, nobody)]);
  }

  #failAfter(ms: number, reason: string): void {
    this.#timer = setTimeout(() => this.#fail(reason), Math.min(ms, TIMER_MS_MAX));
  }

  #onClose(event: CloseFacts): void {
    this.#closed?.();
    const code = REFUSING_CODES.has(event.code ?? 0) ? "closed-by-server" : "connection-lost";
    if (event.error === undefined) {
      this.#fail(closeText(event), code);
    } else {
      this.#rejectUnread(event.error.message);
      this.#end(event.error);
    }
  }

  /** Tells the call whose command the server could not read, and why as far as the server says. */
  #rejectUnread(reason: string): void {
    if (this.#verdict === undefined || this.#state === "ended") return;
    this.#calls.shift()?.reject(new NearkeyError("protocol-error", `${this.#verdict.message}; ${reason}`));
  }

  #fail(reason: string, code: NearkeyErrorCode = "connection-lost"): void {
    const { url } = this.#target;
    if (this.#opened) {
      this.#end(new NearkeyError("connection-failed", `cannot connect to ${url}: ${reason}`));
      return;
    }
    this.#rejectUnread(reason);
    const text = `the connection to ${url} broke (${reason}) before the reply came; the command may have run`;
    this.#end(new NearkeyError(code, text));
  }

  #end(error: NearkeyError): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    clearTimeout(this.#timer);
    this.#socket.onmessage = null;
    // One that is silent would not say goodbye either; a browser's has no other way.
    if (this.#closed === undefined && this.#socket.terminate) this.#socket.terminate();
    else this.#socket.close();
    for (let call = this.#calls.shift(); call; call = this.#calls.shift()) {
      call.reject(new NearkeyError(error.code, error.message, { cause: error.cause }));
    }
    if (this.#opened) this.#opened(error);
    else this.#owner.ended(error);
    this.#opened = undefined;
  }
}

/** How a server begins what it says of bytes that it cannot read; after it nothing is answered. */
const PROTOCOL_ERROR = "ERR Protocol error";

/** First in, first out; leaving is cheap however long it is. */
class CallQueue {
  #items: PendingCall[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): PendingCall | undefined {
    return this.#items[this.#head];
  }

  push(call: PendingCall): void {
    this.#items.push(call);
  }

  shift(): PendingCall | undefined {
    const first = this.#items[this.#head];
    if (first === undefined) return undefined;
    this.#head++;
    if (this.#head * 2 > this.#items.length + 64) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }
}

function aborted(signal: AbortSignal): NearkeyError {
  return new NearkeyError("aborted", "connecting was aborted", { cause: signal.reason });
}

function closeText({ code, reason }: CloseFacts): string {
  if (reason) return `closed by the server: ${reason}`;
  return code === undefined || code === 1006 ? "closed without a word" : `closed with code ${code}`;
}

/** Redis's text for a missing password speaks of HELLO, which whoever called `connect` has never seen. */
function refusedGreeting(reply: ReplyError): NearkeyError {
  const error = errorOfReply(reply);
  if (error.code !== "authentication-required") return error;
  return new NearkeyError(error.code, "the server asks for a password: give connect the option password");
}
