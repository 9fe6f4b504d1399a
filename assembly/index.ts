// The engine's exports: its whole ABI. The host calls these and reads the regions that layout.ts names.

import { HEAP_BASE, Outcome } from "./layout";
import { effectLog, isLogFull } from "./effects/region";
import { commandCount } from "./protocol/catalog";
import { registerConnectionCommands } from "./commands/connection-commands";
import { execute as executeBatch, finishHostCommand as finish } from "./protocol/dispatch";
import { writeReply as write } from "./protocol/host-reply";
import { registerDatabases } from "./commands/keys/databases";
import { registerExpireCommands } from "./commands/keys/expire-commands";
import { expireSome } from "./keyspace/expiry";
import { adoptSome, pagesToAdopt } from "./keyspace/adoption";
import { clearIdleQueues } from "./keyspace/queues";
import { admit, changeLimit, changePolicy, trim } from "./keyspace/eviction";
import { freeStep } from "./keyspace/graveyard";
import { registerCopy } from "./commands/keys/copy";
import { registerHashes } from "./commands/hashes/hashes";
import { registerHashMore } from "./commands/hashes/hash-more";
import { registerIncrements } from "./commands/strings/increments";
import { registerListEdits } from "./commands/lists/list-edits";
import { registerListBlocking } from "./commands/lists/list-blocking";
import { registerListEnds } from "./commands/lists/list-ends";
import { registerListReads } from "./commands/lists/list-reads";
import { registerKeys } from "./commands/keys/keys";
import { countExpiring, countKeys, setClock } from "./keyspace/keyspace";
import { takeCensus as countPages } from "./memory/census";
import { availablePages, growTo, initializeMemory, state } from "./memory/memory";
import { setListpackSize } from "./memory/settings";
import { registerObject } from "./commands/keys/object";
import { registerSort } from "./commands/sort/sort";
import { registerLcs } from "./commands/strings/lcs";
import { registerDump } from "./commands/dump/dump";
import { registerRestore } from "./commands/dump/restore";
import { registerSortedSetCommands } from "./commands/sorted-sets/register-sorted-sets";
import { registerStringEdits } from "./commands/strings/string-edit";
import { registerStrings } from "./commands/strings/strings";
import { registerScriptCommands } from "./commands/script-commands";
import { registerStreams } from "./commands/streams/streams";
import { registerTransactions } from "./commands/transactions";
import { registerBitField } from "./commands/bits/bit-field";
import { registerBitOperation } from "./commands/bits/bit-operation";
import { registerBits } from "./commands/bits/bits";
import { registerHyperLogLogs } from "./commands/hyperloglog/hyperloglogs";
import { registerSketchDebug } from "./commands/hyperloglog/sketch-debug";
import { registerRandomMembers } from "./commands/sets/random-members";
import { registerSetAlgebra } from "./commands/sets/set-algebra";
import { registerSetScan } from "./commands/sets/set-scan";
import { registerSets } from "./commands/sets/sets";
import { registerVectors } from "./commands/vectors/vector-commands";
import { expireElements } from "./commands/vectors/element-expiry";
import { stepUpkeep } from "./vectors/upkeep/step";
import { initializePacking } from "./memory/settings";
import { registerPublishing } from "./commands/pubsub/publishing";
import { registerSubscribing } from "./commands/pubsub/subscribing";
import { serveIdle } from "./protocol/events/host-events";
import { letPool } from "./memory/threads";

export {
  closeConnection,
  databaseOf,
  lastCommandOf,
  modeOf,
  openConnection,
  pinnedPages,
  protocolOf,
  queuedBytes,
  queuedCommands,
  releaseOutput,
  resetConnection,
  setMode,
  setProtocol,
  takeOutput,
  watchedKeys,
} from "./protocol/host-connection";
export { getDirect, getDirectAt, setDirect, setDirectAt } from "./commands/direct";
export {
  addTrackingPrefix,
  endWait,
  isBlocked,
  nextEvent,
  setCaching,
  setNotices,
  setTrackedMax,
  setTracking,
  subscribedChannels,
  subscribedPatterns,
  subscribedShardChannels,
  trackingOf,
} from "./protocol/events/host-events";
export { unmask } from "./protocol/unmask";
export { openShared, searchDirect, searchDirectMany, showShared } from "./commands/vectors/direct-search";
export { openLeft, replyLeft } from "./commands/vectors/left-search";
export { deferLinks, deferPipelines, wakeLinkers } from "./memory/threads";
export {
  askShared,
  filterAddress,
  foundAddress,
  foundCount,
  isFilter,
  linkWaiting,
  queriesAtOnce,
  queryAddress,
  searchShared,
  searchUnshared,
  startWorker,
} from "./commands/shared-work";
export {
  addScriptArgument,
  beginScript,
  callCollected,
  callFromScript,
  dropScriptArguments,
  endScript,
  hasMemoryForScript,
} from "./protocol/script-entry";
export { checksum } from "./memory/checksum";
export {
  addToRecordSum,
  beginPieces,
  beginRecordSum,
  beginReplay,
  effectsClose,
  effectsContinue,
  effectsHeld,
  effectsNext,
  effectsOpen,
  effectsPending,
  effectsPosition,
  effectsRefuse,
  effectsRelease,
  effectsRewind,
  endPieces,
  endRecordSum,
  endReplay,
  replayPiece,
  replayRecords,
} from "./protocol/host-effects";
export { setListpackSize } from "./memory/settings";
export { digestAll as digest } from "./commands/keys/digest";
export { memoryUsage } from "./commands/keys/memory-usage";
export { boundaryHash, heapBase, layoutHash, pageTableBase } from "./keyspace/layout-hash";
export { walkImage } from "./keyspace/image-walk";
export { cutSnapshot, restoreState } from "./keyspace/restore";
export {
  copiesRoom,
  copiesWaiting,
  copyingStatus,
  endSnapshot,
  prepareSnapshot,
  nextSnapshotPage,
  popCopies,
  putBlocks,
} from "./memory/snapshot";

/** Redis's own: lists of up to 8 KiB are named listpacks. */
const LISTPACK_SIZE: i32 = -2;

/** Prepares an empty database whose pages start at `heapStart` (0 for the usual place). Called once. */
export function initialize(heapStart: u32, seed: u64): void {
  initializePacking();
  initializeMemory(heapStart == 0 ? HEAP_BASE : heapStart, seed);
  setListpackSize(LISTPACK_SIZE);
  registerCommands();
}

function registerCommands(): void {
  registerConnectionCommands();
  registerDatabases();
  registerTransactions();
  registerObject();
  registerStrings();
  registerStringEdits();
  registerLcs();
  registerIncrements();
  registerKeys();
  registerExpireCommands();
  registerCopy();
  registerHashes();
  registerHashMore();
  registerListEnds();
  registerListReads();
  registerListEdits();
  registerListBlocking();
  registerBits();
  registerBitOperation();
  registerBitField();
  registerHyperLogLogs();
  registerSketchDebug();
  registerSets();
  registerRandomMembers();
  registerSetAlgebra();
  registerSetScan();
  registerSort();
  registerStreams();
  registerDump();
  registerRestore();
  registerSortedSetCommands();
  registerVectors();
  registerSubscribing();
  registerPublishing();
  registerScriptCommands();
}

/**
 * Executes `bytes` received at INPUT_BASE for a connection; `now` in ms since epoch, `started` the clock as it was read
 * just now, 0 when it was not.
 */
export function execute(connection: usize, bytes: u32, now: f64, started: f64): Outcome {
  const outcome = executeBatch(connection, bytes, <i64>now, started);
  letPool();
  return outcome;
}

/** Appends `bytes` at INPUT_BASE, a piece of a reply of the host, to the connection's replies. */
export function writeReply(connection: usize, bytes: u32): void {
  write(connection, bytes);
}

/** Ends the command that the host has answered; Host when a transaction goes on with another one of the host's. */
export function finishHostCommand(connection: usize): Outcome {
  const outcome = finish(connection);
  letPool();
  return outcome;
}

const SEGMENTS_A_TICK: u32 = 32;

/** Removes expired keys, frees deleted objects and comes down to a lowered limit, a bounded step; true when more work waits. */
export function tick(now: f64): bool {
  setClock(<i64>now);
  let left = SEGMENTS_A_TICK;
  while (left > 0 && freeStep()) left--;
  const expiring = expireSome();
  const dying = expireElements();
  const trimming = !(effectLog.recording != 0 && isLogFull()) && trim();
  const adopting = !trimming && adopt();
  const working = stepUpkeep();
  clearIdleQueues();
  serveIdle();
  letPool();
  return expiring || dying || trimming || adopting || working || state.graveyard != 0;
}

/** Takes some more keys in, once there is room for what that takes. */
function adopt(): bool {
  const pages = pagesToAdopt();
  return (pages == 0 || admit(pages)) && adoptSome();
}

export function describedCommands(): u32 {
  return commandCount();
}

/** Counts pages by kind and cells by size class; answers where, see memory/census.ts. */
export function takeCensus(): usize {
  return countPages();
}

export function heldPages(): u32 {
  return state.heldPages;
}

export function roomInPages(): u32 {
  return availablePages();
}

/** Sets the pages that the database may hold; what is too much goes with the next ticks where the policy evicts. */
export function setLimit(pages: u32): void {
  changeLimit(pages);
}

/** Sets one of Eviction. */
export function setEviction(policy: u32): void {
  changePolicy(policy);
}

/** Gives the memory so many pages at least; false when it cannot have them. */
export function growMemory(pages: u32): bool {
  return growTo(pages);
}

export { countExpiring, countKeys };
