// The worker's side: one database, and a loop from message to message. It executes what comes as the server does, one
// call into the engine for all commands of a message, and between two messages the engine gets its ticks.

import type { Database } from "../database/database.ts";
import { NearkeyError } from "../errors.ts";
import { createDatabase } from "./browser-database.ts";
import type { FailedMessage, PageMessage, StartMessage, WorkerMessage } from "./worker-messages.ts";

/** What the worker needs of its global scope. */
export interface WorkerScope {
  onmessage: ((event: MessageEvent<PageMessage>) => void) | null;
  postMessage(message: WorkerMessage, transfer: Transferable[]): void;
}

/** Serves one database to the page that made the worker. */
export class WorkerHost {
  readonly #scope: WorkerScope;
  #database: Database | undefined;
  /** Streams up to this one lost the order of their replies. */
  #lostStream = -1;

  constructor(scope: WorkerScope) {
    this.#scope = scope;
    scope.onmessage = ({ data }) => {
      try {
        this.#receive(data);
      } catch (error) {
        scope.postMessage(failedMessage(error), []);
      }
    };
  }

  #receive(message: PageMessage): void {
    if ("module" in message) {
      this.#start(message).catch((error: unknown) => this.#scope.postMessage(failedMessage(error), []));
      return;
    }
    const { stream, bytes } = message;
    if (this.#database === undefined || stream <= this.#lostStream) return;
    const replies = this.#execute(this.#database, stream, new Uint8Array(bytes));
    if (replies.length > 0) this.#scope.postMessage({ stream, bytes: wholeBuffer(replies) }, [replies.buffer]);
    if (!this.#database.cutShort) return;
    this.#lostStream = stream;
    throw new NearkeyError("not-sent", "a command sent before this one could not be read, and this one has not run");
  }

  /** The page sends no command before it is ready. */
  async #start({ module, settings, image }: StartMessage): Promise<void> {
    this.#database = await createDatabase(module, settings, image);
    this.#scope.postMessage("ready", []);
  }

  #execute(database: Database, stream: number, commands: Uint8Array): Uint8Array {
    try {
      return database.execute(commands);
    } catch (error) {
      this.#lostStream = stream;
      throw error;
    }
  }
}

/** The database gives replies in a buffer of their own. */
function wholeBuffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.buffer as ArrayBuffer;
}

function failedMessage(error: unknown): FailedMessage {
  if (error instanceof NearkeyError) return { failed: { code: error.code, message: error.message } };
  const reason = error instanceof Error ? error.message : String(error);
  return { failed: { code: "engine-failed", message: `the engine's worker failed: ${reason}` } };
}
