// Gets the bytes of an image in a browser, from wherever the page has them.

import { NearkeyError } from "../errors.ts";
import type { ImageSource } from "./browser-options.ts";

/**
 * The bytes of an image; undefined when none was given.
 *
 * @throws NearkeyError `load-failed`, `invalid-option`
 */
export async function imageBytes(
  source: ImageSource | PromiseLike<ImageSource> | undefined,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const given = await source;
  if (given === undefined || given instanceof Uint8Array) return given;
  if (given instanceof ArrayBuffer) return new Uint8Array(given);
  if (given instanceof Blob) return new Uint8Array(await given.arrayBuffer());
  if (given instanceof Response) return bytesOf(given);
  if (typeof given !== "string" && !(given instanceof URL)) {
    throw new NearkeyError("invalid-option", "image must be an address, a Response, a Blob or bytes");
  }
  try {
    return await bytesOf(await fetch(given, { credentials: "same-origin" }));
  } catch (cause) {
    if (cause instanceof NearkeyError) throw cause;
    throw loadFailed(String(given), cause instanceof Error ? cause.message : String(cause), cause);
  }
}

async function bytesOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  if (!response.ok) throw loadFailed(response.url, `the server answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function loadFailed(from: string, reason: string, cause?: unknown): NearkeyError {
  return new NearkeyError("load-failed", `cannot load the image from ${from}: ${reason}`, { cause });
}
