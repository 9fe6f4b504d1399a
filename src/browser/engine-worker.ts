// The page's side of the worker: starts it, and lends it to the client as if it were a WebSocket, so that what the
// client knows about commands in flight holds here too. A worker that fails takes its database with it; then every
// stream ends with `engine-failed`. Only replies beyond all bounds end a stream alone, and the next one goes on with
// the same database.

import type { WebSocketClass, WebSocketLike } from "../client/client-socket.ts";
import { NearkeyError } from "../errors.ts";
import type { DatabaseSettings } from "../options.ts";
import type { WorkerMessage } from "./worker-messages.ts";

const REMEDY =
  "Put browser-worker.js of nearkey's dist/ beside the bundle, or give open the option workerUrl; docs/browser.md has " +
  "a line for each bundler. open({ worker: false }) needs no worker";

/** A worker with a database in it. */
export class EngineWorker {
  readonly #worker: Worker;
  #stream: WorkerStream | undefined;
  #streams = 0;
  #failure: NearkeyError | undefined;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /**
   * Starts a worker and opens a database in it.
   *
   * @param url of browser-worker.js; undefined for the one beside this file
   * @param image what the database begins with; undefined for nothing
   * @throws NearkeyError `load-failed`, `unsupported`, `out-of-memory`
   */
  static start(
    url: URL | string | undefined,
    module: WebAssembly.Module,
    settings: DatabaseSettings,
    image: Uint8Array<ArrayBuffer> | undefined,
  ): Promise<EngineWorker> {
    const worker = makeWorker(url);
    return new Promise((resolve, reject) => {
      const refuse = (error: NearkeyError): void => {
        worker.terminate();
        reject(error);
      };
      worker.onerror = ({ message }) => refuse(loadFailed(url, message || "it was not found or is no script"));
      worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
        if (data === "ready") resolve(new EngineWorker(worker).#listen());
        else if ("failed" in data) refuse(new NearkeyError(data.failed.code, data.failed.message));
      };
      worker.postMessage({ module, settings, image });
    });
  }

  #listen(): this {
    this.#worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => this.#receive(data);
    this.#worker.onerror = ({ message }) => this.#fail(`the engine's worker failed: ${message || "no reason given"}`);
    this.#worker.onmessageerror = () => this.#fail("a message of the engine's worker could not be read");
    return this;
  }

  /** A class of sockets into the database; the newest one has it. */
  get WebSocket(): WebSocketClass {
    const open = (stream: WorkerStream): number => this.#open(stream);
    const send = (number: number, bytes: ArrayBuffer): void => {
      this.#worker.postMessage({ stream: number, bytes }, [bytes]);
    };
    return class extends WorkerStream {
      constructor() {
        super(open, send);
      }
    };
  }

  /** Ends worker and database. */
  terminate(): void {
    this.#worker.terminate();
  }

  #open(stream: WorkerStream): number {
    if (this.#failure !== undefined) throw this.#failure;
    this.#stream = stream;
    return ++this.#streams;
  }

  #receive(message: WorkerMessage): void {
    if (message === "ready") return;
    if ("failed" in message) {
      const { code, message: text } = message.failed;
      if (code === "engine-failed") this.#fail(text);
      else this.#stream?.end(new NearkeyError(code, text));
    } else if (message.stream === this.#streams) {
      this.#stream?.receive(message.bytes);
    }
  }

  #fail(message: string): void {
    this.#failure ??= new NearkeyError("engine-failed", message);
    this.#worker.terminate();
    this.#stream?.end(this.#failure);
  }
}

/** A stream of commands and replies, in the shape of a WebSocket. */
class WorkerStream implements WebSocketLike {
  binaryType = "arraybuffer";
  onopen: WebSocketLike["onopen"] = null;
  onmessage: WebSocketLike["onmessage"] = null;
  onerror: WebSocketLike["onerror"] = null;
  onclose: WebSocketLike["onclose"] = null;
  readonly #number: number;
  readonly #send: (number: number, bytes: ArrayBuffer) => void;

  constructor(open: (stream: WorkerStream) => number, send: (number: number, bytes: ArrayBuffer) => void) {
    this.#number = open(this);
    this.#send = send;
    queueMicrotask(() => this.onopen?.({} as never));
  }

  send(bytes: Uint8Array): void {
    this.#send(this.#number, bytes.slice().buffer);
  }

  close(): void {}

  receive(bytes: ArrayBuffer): void {
    this.onmessage?.({ data: bytes } as never);
  }

  end(error: NearkeyError): void {
    this.onclose?.({ error } as never);
  }
}

/** Written so that bundlers see a worker in it. */
function makeWorker(url: URL | string | undefined): Worker {
  if (typeof Worker === "undefined") {
    throw new NearkeyError("unsupported", "there are no workers here: open({ worker: false }) does without");
  }
  try {
    if (url !== undefined) return new Worker(url, { type: "module" });
    return new Worker(new URL("./browser-worker.js", import.meta.url), { type: "module" });
  } catch (cause) {
    throw loadFailed(url, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function loadFailed(url: URL | string | undefined, reason: string, cause?: unknown): NearkeyError {
  const from = url === undefined ? "beside the bundle" : `at ${url}`;
  return new NearkeyError("load-failed", `cannot start the worker ${from}: ${reason}. ${REMEDY}`, { cause });
}
