// One WebSocket from its opening to its end: the greeting (RESP3, and the password), commands out, replies in. Replies
// come in the order of the commands, so what waits is a queue; when the socket ends, everything in it may have run or
// not, and is told so. Reconnecting is somebody else's task: client-link.ts makes another of these.

import type { Operation } from "../database/operations.ts";
import { errorOfReply, NearkeyError } from "../errors.ts";
import { type Argument, encodeCommand, type Reply, ReplyDecoder, ReplyError } from "../resp.ts";

/** What the client needs of a WebSocket: the standard's object, or that of the `ws` library. */
export interface WebSocketLike {
  binaryType: string;
  send(bytes: Uint8Array): void;
  close(code?: number, reason?: string): void;
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

/** An operation on its way; it settles once. */
export interface Request {
  readonly operation: Operation<unknown>;
  /** Bytes of its commands. */
  readonly bytes: number;
  readonly replies: Reply[];
  resolve(value: unknown): void;
  reject(error: NearkeyError): void;
}

/** How to reach a server. */
export interface Target {
  readonly url: string;
  readonly password: string | undefined;
  readonly WebSocket: WebSocketClass;
  /** Time for opening and greeting, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Time without a byte from the server while replies are due, in milliseconds. */
  readonly replyTimeoutMs: number;
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

/** What a timer can count to; longer is as good as never. */
const TIMER_MS_MAX = 2 ** 31 - 1;

type State = "opening" | "greeting" | "open" | "ended";

/** A connection to a server. */
export class ClientSocket {
  /** Bytes of commands sent whose replies have not come. */
  unansweredBytes = 0;
  readonly #target: Target;
  readonly #owner: SocketOwner;
  readonly #socket: WebSocketLike;
  readonly #decoder = new ReplyDecoder();
  readonly #requests = new RequestQueue();
  #state: State = "opening";
  #opened: ((error?: NearkeyError) => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastReceivedMs = 0;

  private constructor(target: Target, owner: SocketOwner) {
    this.#target = target;
    this.#owner = owner;
    this.#socket = new target.WebSocket(target.url);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.#greet();
    this.#socket.onmessage = (event: { data: unknown }) => this.#receive(event.data);
    this.#socket.onerror = (event: { message?: string }) => this.#fail(event.message || "the socket failed");
    this.#socket.onclose = (event: CloseFacts) => (event.error ? this.#end(event.error) : this.#fail(closeText(event)));
    const late = `no answer within ${target.connectTimeoutMs} ms`;
    this.#timer = setTimeout(() => this.#fail(late), Math.min(target.connectTimeoutMs, TIMER_MS_MAX));
  }

  /**
   * Connects and greets.
   *
   * @throws NearkeyError `connection-failed`, `authentication-required`, `wrong-password`, `unsupported`
   */
  static open(target: Target, owner: SocketOwner): Promise<ClientSocket> {
    return new Promise((resolve, reject) => {
      let socket: ClientSocket;
      try {
        socket = new ClientSocket(target, owner);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        reject(new NearkeyError("connection-failed", `cannot connect to ${target.url}: ${reason}`, { cause }));
        return;
      }
      socket.#opened = (error) => (error ? reject(error) : resolve(socket));
    });
  }

  /** Whether no request waits for a reply. */
  get idle(): boolean {
    return this.#requests.length === 0;
  }

  /** Sends commands; their requests settle in this order. */
  send(bytes: Uint8Array, requests: readonly Request[]): void {
    if (this.idle) this.#watch();
    for (const request of requests) this.#requests.push(request);
    this.unansweredBytes += bytes.length;
    for (let at = 0; at < bytes.length; at += FRAME_BYTES) this.#socket.send(bytes.subarray(at, at + FRAME_BYTES));
  }

  /** Ends the socket; what waits is rejected. */
  close(): void {
    this.#end(
      new NearkeyError("connection-lost", "the client was closed before the reply came; the command may have run"),
    );
  }

  #greet(): void {
    this.#state = "greeting";
    const { password } = this.#target;
    const greeting: Argument[] = ["HELLO", 3];
    if (password !== undefined) greeting.push("AUTH", "default", password);
    this.#socket.send(encodeCommand(greeting));
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
    while (this.#state !== "ended") {
      const request = this.#requests.first;
      this.#decoder.bytes = request?.operation.bytes ?? false;
      const next = this.#decoder.next();
      if (next === undefined) return;
      if (next.push) continue;
      if (this.#state === "greeting") this.#greeted(next.value);
      else if (request) this.#answer(request, next.value);
      else throw new NearkeyError("protocol-error", "the server answered a command that was not sent");
    }
  }

  #greeted(reply: Reply): void {
    if (reply instanceof ReplyError) {
      this.#end(refusedGreeting(reply));
      return;
    }
    clearTimeout(this.#timer);
    this.#state = "open";
    this.#opened?.();
    this.#opened = undefined;
  }

  #answer(request: Request, reply: Reply): void {
    request.replies.push(reply);
    if (request.replies.length < request.operation.commands.length) return;
    this.#requests.shift();
    this.unansweredBytes -= request.bytes;
    settle(request);
  }

  /** Ends the socket when replies are due and nothing has come for too long: a peer that is gone says nothing. */
  #watch(): void {
    const { replyTimeoutMs } = this.#target;
    clearTimeout(this.#timer);
    this.#lastReceivedMs = Date.now();
    const check = (): void => {
      if (this.idle || this.#state === "ended") return;
      const leftMs = this.#lastReceivedMs + replyTimeoutMs - Date.now();
      if (leftMs <= 0) this.#fail(`nothing came for ${replyTimeoutMs} ms`);
      else this.#timer = setTimeout(check, Math.min(leftMs, TIMER_MS_MAX));
    };
    this.#timer = setTimeout(check, Math.min(replyTimeoutMs, TIMER_MS_MAX));
  }

  #fail(reason: string): void {
    const { url } = this.#target;
    if (this.#opened) this.#end(new NearkeyError("connection-failed", `cannot connect to ${url}: ${reason}`));
    else {
      const text = `the connection to ${url} broke (${reason}) before the reply came; the command may have run`;
      this.#end(new NearkeyError("connection-lost", text));
    }
  }

  #end(error: NearkeyError): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    clearTimeout(this.#timer);
    this.#socket.onmessage = null;
    this.#socket.close();
    for (let request = this.#requests.shift(); request; request = this.#requests.shift()) {
      request.reject(new NearkeyError(error.code, error.message, { cause: error.cause }));
    }
    if (this.#opened) this.#opened(error);
    else this.#owner.ended(error);
    this.#opened = undefined;
  }
}

/** First in, first out; leaving is cheap however long it is. */
class RequestQueue {
  #items: Request[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): Request | undefined {
    return this.#items[this.#head];
  }

  push(request: Request): void {
    this.#items.push(request);
  }

  shift(): Request | undefined {
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

/** Gives a request what its replies mean. */
function settle(request: Request): void {
  for (const reply of request.replies) {
    if (!(reply instanceof ReplyError)) continue;
    request.reject(errorOfReply(reply));
    return;
  }
  try {
    request.resolve(request.operation.read(request.replies));
  } catch (error) {
    request.reject(error as NearkeyError);
  }
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
