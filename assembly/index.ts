// The engine's exports: its whole ABI. The host calls these and reads the regions that layout.ts names.

import { HEAP_BASE, Outcome } from "./layout";
import { commandCount } from "./catalog";
import { registerConnectionCommands } from "./connection-commands";
import { execute as executeBatch, writeReply as write } from "./dispatch";
import { registerExpireCommands } from "./expire-commands";
import { expireSome } from "./expiry";
import { freeStep } from "./graveyard";
import { registerCopy } from "./copy";
import { registerHashes } from "./hashes";
import { registerHashMore } from "./hash-more";
import { registerIncrements } from "./increments";
import { registerKeys } from "./keys";
import { countExpiring, countKeys, setClock } from "./keyspace";
import { availablePages, initializeMemory, state } from "./memory";
import { registerStringEdits } from "./string-edit";
import { registerStrings } from "./strings";
import { registerVectors } from "./vector-commands";

export {
  closeConnection,
  databaseOf,
  openConnection,
  pinnedPages,
  protocolOf,
  releaseOutput,
  resetConnection,
  setAuthenticated,
  setProtocol,
  takeOutput,
} from "./host-connection";
export { getDirect, setDirect } from "./direct";

/** Prepares an empty database whose pages start at `heapStart` (0 for the usual place). Called once. */
export function initialize(heapStart: u32, seed: u64): void {
  initializeMemory(heapStart == 0 ? HEAP_BASE : heapStart, seed);
  registerCommands();
}

function registerCommands(): void {
  registerConnectionCommands();
  registerStrings();
  registerStringEdits();
  registerIncrements();
  registerKeys();
  registerExpireCommands();
  registerCopy();
  registerHashes();
  registerHashMore();
  registerVectors();
}

/** Executes `bytes` received at INPUT_BASE for a connection; `now` in ms since epoch. */
export function execute(connection: usize, bytes: u32, now: f64): Outcome {
  return executeBatch(connection, bytes, <i64>now);
}

/** Appends `bytes` at INPUT_BASE, a reply of the host, to the connection's replies. */
export function writeReply(connection: usize, bytes: u32): Outcome {
  return write(connection, bytes);
}

const SEGMENTS_A_TICK: u32 = 32;

/** Removes expired keys and frees deleted objects, a bounded number; true when more work waits. */
export function tick(now: f64): bool {
  setClock(<i64>now);
  let left = SEGMENTS_A_TICK;
  while (left > 0 && freeStep()) left--;
  const expiring = expireSome();
  return expiring || state.graveyard != 0;
}

export function describedCommands(): u32 {
  return commandCount();
}

export function heldPages(): u32 {
  return state.heldPages;
}

export function roomInPages(): u32 {
  return availablePages();
}

export { countExpiring, countKeys };
