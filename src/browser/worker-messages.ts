// What page and worker say to each other. Commands and replies are RESP in buffers that change hands, not copied by the
// browser; all commands of a tick are one message. A number says which stream of commands a message belongs to: after
// an error that lost the order of replies the page begins a new one, and what is still under way of the old is dropped.

import type { NearkeyErrorCode } from "../errors.ts";
import type { DatabaseSettings } from "../options.ts";

/** The first message to the worker. */
export interface StartMessage {
  readonly module: WebAssembly.Module;
  readonly settings: DatabaseSettings;
  readonly image: Uint8Array<ArrayBuffer> | undefined;
}

/** Commands on their way to the worker, replies on their way back. */
export interface StreamMessage {
  readonly stream: number;
  readonly bytes: ArrayBuffer;
}

/** An error; errors themselves lose their code on the way. */
export interface FailedMessage {
  readonly failed: { readonly code: NearkeyErrorCode; readonly message: string };
}

/** What the worker hears. */
export type PageMessage = StartMessage | StreamMessage;

/** What the page hears. */
export type WorkerMessage = "ready" | StreamMessage | FailedMessage;
