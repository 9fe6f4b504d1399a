// The options that only a browser has: where the engine runs, and where its two files are found. The rest is checked
// where it is checked for Node.

import { memoryBytesMax } from "../engine.ts";
import { NearkeyError } from "../errors.ts";
import { type DatabaseSettings, type OpenOptions, resolveOptions } from "../options.ts";

/** The compiled engine, or whatever it can be compiled from. */
export type EngineSource = WebAssembly.Module | Response | URL | string | ArrayBuffer | Uint8Array<ArrayBuffer>;

/** Settings of `open` in a browser; every one has a default. */
export interface BrowserOpenOptions extends OpenOptions {
  /**
   * True (default): the engine runs in a worker, the page never waits for it, and every method gives a promise. False:
   * it runs in this thread and point operations answer at once.
   */
  worker?: boolean | undefined;
  /**
   * `engine.wasm`: its address, a response, its bytes or the compiled module (runtimes at the edge compile nothing
   * themselves). Default: the file beside nearkey's own, which bundlers that know `new URL(…, import.meta.url)` find.
   */
  module?: EngineSource | PromiseLike<EngineSource> | undefined;
  /** Address of `browser-worker.js`, of the page's own origin. Default: the file beside nearkey's own. */
  workerUrl?: URL | string | undefined;
  /**
   * The image that the database begins with: its address, a response, or its bytes. Default: an empty database. Everything
   * in it is checked first.
   */
  image?: ImageSource | PromiseLike<ImageSource> | undefined;
}

/** An image, or whatever its bytes can be had from. */
export type ImageSource = Response | Blob | URL | string | ArrayBuffer | Uint8Array<ArrayBuffer>;

/** BrowserOpenOptions, checked. */
export interface BrowserSettings {
  readonly database: DatabaseSettings;
  readonly worker: boolean;
  readonly module: EngineSource | PromiseLike<EngineSource> | undefined;
  readonly workerUrl: URL | string | undefined;
  readonly image: ImageSource | PromiseLike<ImageSource> | undefined;
}

/**
 * Checks the options.
 *
 * @throws NearkeyError `invalid-option`, with the setting's name in the message
 */
export function resolveBrowserOptions(options: BrowserOpenOptions): BrowserSettings {
  const { worker = true, module, workerUrl, image, ...rest } = options;
  if (typeof worker !== "boolean") {
    throw new NearkeyError("invalid-option", `worker must be true or false, not ${JSON.stringify(worker)}`);
  }
  return {
    database: resolveOptions(rest, memoryBytesMax, ["worker", "image", "module", "workerUrl"]),
    worker,
    module,
    workerUrl,
    image,
  };
}
