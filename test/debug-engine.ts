// The engine as tests load it: the debug build, whose assertions are on, through the host file that users run. With
// NEARKEY_TEST_SHARED=1 the build for memory that threads share instead, to see that everything else works in it too.

import { readFileSync } from "node:fs";
import { ConnectionMode, Engine, type EngineOptions, Outcome } from "../src/engine.ts";

const FILE = process.env.NEARKEY_TEST_SHARED === "1" ? "engine.shared.wasm" : "engine.debug.wasm";
let compiled: WebAssembly.Module | undefined;

/** The module, compiled once for a test file. */
export function debugModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(new URL(`../dist/${FILE}`, import.meta.url)));
  return compiled;
}

/** A new engine with the debug module; 64 MiB and no eviction unless said otherwise. */
export function debugEngine(options: Partial<EngineOptions> = {}): Engine {
  return Engine.create(debugModule(), { maxMemoryBytes: 64 << 20, eviction: "noeviction", ...options });
}

/** What became of some bytes: all replies, and whether the connection must be closed. */
export interface Answer {
  output: Buffer;
  closed: boolean;
}

/**
 * Feeds bytes to a connection until they are consumed and takes all replies. A command for the host gets an error
 * reply in its place, and what would wait for a key answers as in a transaction.
 */
export function feed(engine: Engine, connection: number, bytes: Uint8Array, now = Date.now()): Answer {
  const output: Uint8Array[] = [];
  const take = () => {
    for (let block = engine.takeOutput(connection); block !== undefined; block = engine.takeOutput(connection)) {
      output.push(Uint8Array.from(block.view));
      engine.release(connection, block.page);
    }
  };
  engine.connections.setMode(connection, ConnectionMode.NeverBlocks, true);
  for (let offset = 0, outcome = Outcome.Yield; outcome !== Outcome.Done; ) {
    outcome = engine.execute(connection, bytes, offset, now);
    offset += engine.consumed;
    while (outcome === Outcome.Host)
      outcome = engine.reply(connection, Buffer.from("-ERR a command of the host\r\n")) || Outcome.Yield;
    take();
    if (outcome === Outcome.Close || outcome === Outcome.Overflow)
      return { output: Buffer.concat(output), closed: true };
  }
  return { output: Buffer.concat(output), closed: false };
}
