// Gets the engine's module in a browser. Much can go wrong on the way that a page's author sees only as a broken page:
// the file was not copied, a server answers its start page instead, the type is wrong, the page's policy forbids
// WebAssembly, the browser is too old. Each has an error that says what to do. A wrong type alone is forgiven, with a
// line on the console: the bytes are compiled after they came instead of while they come.

import { NearkeyError } from "../errors.ts";
import type { EngineSource } from "./browser-options.ts";

const WASM_TYPE = "application/wasm";
/** `\0asm`: how every module begins. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const REMEDY =
  "Put engine.wasm of nearkey's dist/ beside the bundle, or give open the option module (its address, its bytes or " +
  "the compiled module); docs/browser.md has a line for each bundler";

// The smallest module that needs SIMD: a function of type () → v128 that gives i8x16.splat(0).
const SIMD_PROBE = Uint8Array.of(
  ...MAGIC,
  ...[1, 0, 0, 0],
  ...[1, 5, 1, 0x60, 0, 1, 0x7b],
  ...[3, 2, 1, 0],
  ...[10, 8, 1, 6, 0, 0x41, 0, 0xfd, 0x0f, 0x0b],
);

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/**
 * Compiles the engine, from one address once a page.
 *
 * @throws NearkeyError `load-failed`, `unsupported` without WebAssembly, SIMD or the page's leave to compile
 */
export async function engineModule(
  source: EngineSource | PromiseLike<EngineSource> | undefined,
): Promise<WebAssembly.Module> {
  checkRuntime();
  const given = await source;
  if (given instanceof WebAssembly.Module) return given;
  if (given instanceof ArrayBuffer || given instanceof Uint8Array) return compile(given, "the bytes given as module");
  if (given instanceof Response) return moduleOf(given);
  if (given !== undefined && typeof given !== "string" && !(given instanceof URL)) {
    throw new NearkeyError("invalid-option", "module must be an address, a Response, bytes or a WebAssembly.Module");
  }
  return fetched(given === undefined ? defaultAddress() : String(given));
}

function checkRuntime(): void {
  if (typeof WebAssembly !== "object") {
    throw new NearkeyError("unsupported", "this browser has no WebAssembly, or its settings switch it off");
  }
  if (WebAssembly.validate(SIMD_PROBE)) return;
  throw new NearkeyError(
    "unsupported",
    "this browser has no SIMD in WebAssembly: it takes Chrome or Edge 91, Firefox 89, Safari 16.4 or newer",
  );
}

/** Written so that bundlers see an asset in it. */
function defaultAddress(): string {
  try {
    return new URL("./engine.wasm", import.meta.url).href;
  } catch (cause) {
    // A bundle that is no module has no address of its own.
    throw new NearkeyError("load-failed", `this bundle does not know its own address. ${REMEDY}`, { cause });
  }
}

function fetched(address: string): Promise<WebAssembly.Module> {
  let module = compiled.get(address);
  if (module === undefined) {
    module = fetchModule(address);
    compiled.set(address, module);
    // What failed may work next time.
    module.catch(() => compiled.delete(address));
  }
  return module;
}

async function fetchModule(address: string): Promise<WebAssembly.Module> {
  let response: Response;
  try {
    response = await fetch(address, { credentials: "same-origin" });
  } catch (cause) {
    throw loadFailed(address, cause instanceof Error ? cause.message : String(cause), cause);
  }
  return moduleOf(response);
}

async function moduleOf(response: Response): Promise<WebAssembly.Module> {
  const from = response.url || "the response given as module";
  if (!response.ok) throw loadFailed(from, `the server answered ${response.status}`);
  const type = response.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (type === WASM_TYPE && WebAssembly.compileStreaming !== undefined) {
    return WebAssembly.compileStreaming(response).catch((cause) => {
      throw compileFailed(from, cause);
    });
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  const isModule = MAGIC.every((byte, index) => bytes[index] === byte);
  if (!isModule) throw loadFailed(from, `what came is no WebAssembly but ${type || "of no type"}`);
  if (type !== WASM_TYPE) {
    console.warn(`nearkey: ${from} came as ${type || "no type"}; as ${WASM_TYPE} it is compiled while it loads`);
  }
  return compile(bytes, from);
}

async function compile(bytes: ArrayBuffer | Uint8Array<ArrayBuffer>, from: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw compileFailed(from, cause);
  }
}

function loadFailed(from: string, reason: string, cause?: unknown): NearkeyError {
  return new NearkeyError("load-failed", `cannot load the engine from ${from}: ${reason}. ${REMEDY}`, { cause });
}

function compileFailed(from: string, cause: unknown): NearkeyError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (!/security policy|unsafe-eval/i.test(reason)) return loadFailed(from, reason, cause);
  return new NearkeyError(
    "unsupported",
    "the page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src",
    { cause },
  );
}
