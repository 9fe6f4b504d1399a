// Threads on one memory. Only the main thread executes commands, allocates and frees; workers of a pool do two things beside
// it, search and link nodes, and each has scratch and visited marks of its own. Everything here is compiled out of the build for
// plain memory.
//
// What workers may do while the main thread does what is ruled by a gate. A worker passes it before each node or query
// and counts itself in; the main thread closes it before it changes a vector set in any way that a worker could trip over,
// waits until nobody is inside (at most the time of one node or query), and opens it when its call is done. Searches of
// the main thread need no gate: they read rows while workers change them, see below. Thus no reader waits for a build, and
// a writer waits for less than a millisecond.
//
// Among workers, a link is made and dropped under the locks of both its nodes, so links stay mutual. Rows are read without
// a lock: ids in a row are of nodes whose record, codes and rows were complete before the first link to them, the count is
// stored behind the id that it counts, and an id read twice or not at all costs a search nothing. Two locks are taken in ascending
// order; a third is only tried, and when somebody has it all are given back and the link is looked at anew.

import {
  LOCKS,
  LOCKS_BASE,
  Pool,
  POOL_BASE,
  SCRATCH_BASE,
  SHARED_SEARCHES_MAX,
  WAITING,
  WAITING_BASE,
  WAITING_RECORD_BYTES,
  WORKER_BYTES,
  WORKSPACE_BASE,
  WORKSPACE_BYTES,
} from "../layout";

@external("env", "scratch")
declare function instanceScratch(): u32;

/** Where this instance's scratch lies; workers of a pool have theirs elsewhere. */
export const OWN_SCRATCH: u32 = ASC_FEATURE_THREADS ? instanceScratch() : SCRATCH_BASE;

/** Where this instance's workspace lies; that of a worker is the last of what it has. */
export const OWN_WORKSPACE: u32 =
  ASC_FEATURE_THREADS && OWN_SCRATCH != SCRATCH_BASE ? OWN_SCRATCH + WORKER_BYTES - WORKSPACE_BYTES : WORKSPACE_BASE;

/** How often a lock, or the gate, is looked at before the thread goes to sleep for a while. */
const SPINS: u32 = 2000;
const NAP_NANOSECONDS: i64 = 50_000;
/** Looks at a worker that does not come out, about ten seconds of them: it is gone. */
const PATIENCE: u64 = 4_000_000_000;

/** Whether this instance is a worker's. */
@inline
export function isWorker(): bool {
  return ASC_FEATURE_THREADS && OWN_SCRATCH != SCRATCH_BASE;
}

/** A word of the pool's state. */
@inline
export function word(index: u32): usize {
  return <usize>(POOL_BASE + (index << 2));
}

// ---- the gate

/** The main thread has closed the gate. */
let closed: bool = false;

/** Keeps workers out until the call of the host ends: from here on vector sets may be changed in any way. */
@inline
export function holdPool(): void {
  if (ASC_FEATURE_THREADS) {
    if (!closed && !isWorker() && load<u32>(word(Pool.Active)) != 0) closeGate();
  }
}

function closeGate(): void {
  closed = true;
  atomic.store<u32>(word(Pool.Gate), 1);
  let looks: u64 = 0;
  while (atomic.load<u32>(word(Pool.Running)) != 0) {
    if (atomic.load<u32>(word(Pool.Failed)) != 0 || ++looks == PATIENCE) unreachable();
  }
}

/** Lets workers go on, at the end of a call. */
@inline
export function letPool(): void {
  if (ASC_FEATURE_THREADS) {
    if (closed) openGate();
  }
}

function openGate(): void {
  closed = false;
  atomic.store<u32>(word(Pool.Gate), 0);
  atomic.notify(word(Pool.Gate));
}

/** Passes the gate, as a worker. */
export function enterPool(): void {
  while (true) {
    stopIfFailed();
    atomic.add<u32>(word(Pool.Running), 1);
    if (atomic.load<u32>(word(Pool.Gate)) == 0) return;
    leavePool();
    atomic.wait<i32>(word(Pool.Gate), 1, NAP_NANOSECONDS);
  }
}

export function leavePool(): void {
  atomic.sub<u32>(word(Pool.Running), 1);
}

/** Where another worker broke in the middle of its work, nothing in the set can be trusted. */
function stopIfFailed(): void {
  if (atomic.load<u32>(word(Pool.Failed)) != 0) unreachable();
}

// ---- locks

@inline
function lockOf(id: u32): usize {
  return <usize>(LOCKS_BASE + ((id & (LOCKS - 1)) << 2));
}

function acquire(lock: usize): void {
  let spins: u32 = 0;
  while (atomic.cmpxchg<u32>(lock, 0, 1) != 0) {
    if (++spins < SPINS) continue;
    stopIfFailed();
    atomic.wait<i32>(lock, 1, NAP_NANOSECONDS);
    spins = 0;
  }
}

@inline
function giveBack(lock: usize): void {
  atomic.store<u32>(lock, 0);
}

/** Locks two nodes; nothing to do where no other thread changes links. */
@inline
export function lockPair(a: u32, b: u32): void {
  if (ASC_FEATURE_THREADS) {
    if (isWorker()) acquirePair(lockOf(a), lockOf(b));
  }
}

function acquirePair(a: usize, b: usize): void {
  acquire(min(a, b));
  if (a != b) acquire(max(a, b));
}

@inline
export function unlockPair(a: u32, b: u32): void {
  if (ASC_FEATURE_THREADS) {
    if (!isWorker()) return;
    giveBack(lockOf(a));
    if (lockOf(a) != lockOf(b)) giveBack(lockOf(b));
  }
}

/** Tries to lock a third node beside the pair; false when another thread has it. */
@inline
export function lockThird(id: u32, a: u32, b: u32): bool {
  if (ASC_FEATURE_THREADS) {
    if (!isWorker() || isHeld(id, a, b)) return true;
    return atomic.cmpxchg<u32>(lockOf(id), 0, 1) == 0;
  }
  return true;
}

@inline
export function unlockThird(id: u32, a: u32, b: u32): void {
  if (ASC_FEATURE_THREADS) {
    if (isWorker() && !isHeld(id, a, b)) giveBack(lockOf(id));
  }
}

@inline
function isHeld(id: u32, a: u32, b: u32): bool {
  const lock = lockOf(id);
  return lock == lockOf(a) || lock == lockOf(b);
}

/** One node at a time becomes the entry point; true when the lock was taken because this one may. */
@inline
export function lockTop(mayRise: bool): bool {
  if (ASC_FEATURE_THREADS) {
    if (!mayRise || !isWorker()) return false;
    acquire(word(Pool.Top));
    return true;
  }
  return false;
}

export function unlockTop(): void {
  if (ASC_FEATURE_THREADS) giveBack(word(Pool.Top));
}

// ---- nodes that wait for their links

// record   0 set (u32), 0 once the set or the node is gone | 4 id (u32) | 8 ef (u32) | 12 build (u32)

@inline
function recordOf(index: u32): usize {
  return <usize>(WAITING_BASE + (index & (WAITING - 1)) * WAITING_RECORD_BYTES);
}

/** Nodes that VADD makes are linked by workers, for this build; -1 when VADD links them. */
let build: i32 = -1;

/** The same for VADDs that come with others in a pipeline: those of which the running call has left some, and how many. */
let pipelineBuild: i32 = -1;
export let nodesLeft: u32 = 0;

/** From now on nodes that VADD makes are linked by workers, until this is called with -1. */
export function deferLinks(to: i32): void {
  build = to;
}

/** From now on nodes of VADDs in pipelines are linked by workers, until this is called with -1. */
export function deferPipelines(to: i32): void {
  pipelineBuild = to;
}

/** A call of the host begins. */
@inline
export function beginLeaving(): void {
  if (ASC_FEATURE_THREADS) nodesLeft = 0;
}

/** Whether the running call has left nodes to workers that it should not go on without. */
@inline
export function hasLeftNodes(): bool {
  if (ASC_FEATURE_THREADS) return nodesLeft != 0;
  return false;
}

/**
 * Puts a node into the ring; false when it has to be linked at once. The caller's stores are seen by whoever takes it.
 *
 * @param pipelined whether the VADD came with others
 */
@inline
export function leaveToPool(set: usize, id: u32, ef: u32, pipelined: bool): bool {
  if (ASC_FEATURE_THREADS) {
    if (build >= 0) return putWaiting(set, id, ef, build);
    if (pipelineBuild < 0 || !pipelined || !putWaiting(set, id, ef, pipelineBuild)) return false;
    nodesLeft++;
    return true;
  }
  return false;
}

function putWaiting(set: usize, id: u32, ef: u32, build: i32): bool {
  const tail = load<u32>(word(Pool.Tail));
  if (tail - atomic.load<u32>(word(Pool.Head)) >= WAITING) return false;
  const record = recordOf(tail);
  store<u32>(record, <u32>set);
  store<u32>(record, id, 4);
  store<u32>(record, ef, 8);
  store<u32>(record, <u32>build, 12);
  atomic.store<u32>(word(Pool.Tail), tail + 1);
  return true;
}

/** Wakes workers that wait for nodes. */
export function wakeLinkers(): void {
  if (ASC_FEATURE_THREADS) atomic.notify(word(Pool.Tail));
}

// What the worker has taken; the set is 0 when it or the node is gone.
export let takenSet: usize = 0;
export let takenId: u32 = 0;
export let takenEf: u32 = 0;
let takenBuild: u32 = 0;

/** Takes a node from the ring, inside the gate; false, outside it, when there are none and none will come. */
export function takeWaiting(): bool {
  while (true) {
    enterPool();
    const head = atomic.load<u32>(word(Pool.Head));
    const tail = atomic.load<u32>(word(Pool.Tail));
    if (head == tail) {
      leavePool();
      if (atomic.load<u32>(word(Pool.Builders)) == 0) return false;
      atomic.wait<i32>(word(Pool.Tail), <i32>tail, NAP_NANOSECONDS * 100);
      continue;
    }
    const record = recordOf(head);
    takenSet = load<u32>(record);
    takenId = load<u32>(record, 4);
    takenEf = load<u32>(record, 8);
    takenBuild = load<u32>(record, 12);
    // Whoever was first at this place has it; what another one read here meanwhile is not used.
    if (atomic.cmpxchg<u32>(word(Pool.Head), head, head + 1) == head) return true;
    leavePool();
  }
}

/** Notes that nobody has to wait for what was taken any more, and leaves. */
export function finishTaken(): void {
  atomic.add<u32>(word(Pool.Done + takenBuild), 1);
  // Whoever waits for a build looks again when nothing is left to be taken.
  if (atomic.load<u32>(word(Pool.Head)) == atomic.load<u32>(word(Pool.Tail)))
    atomic.notify(word(Pool.Done + takenBuild));
  leavePool();
}

// ---- nodes and sets that go

/**
 * A node without links, which may wait for them, is about to be freed, or linked by the main thread: its record is void.
 * Another node that got its id would be taken by that record while the main thread still makes it, or by two workers at
 * once. Workers are held.
 */
@inline
export function forgetWaiting(set: usize, id: u32): void {
  if (ASC_FEATURE_THREADS) {
    if (load<u32>(word(Pool.Head)) != load<u32>(word(Pool.Tail))) forgetRecords(set, id);
  }
}

function forgetRecords(set: usize, id: u32): void {
  const tail = load<u32>(word(Pool.Tail));
  for (let at = load<u32>(word(Pool.Head)); at != tail; at++) {
    const record = recordOf(at);
    if (load<u32>(record) == <u32>set && load<u32>(record, 4) == id) store<u32>(record, 0);
  }
}

/** A set is about to be freed: nothing of it is linked or searched any more. */
@inline
export function forgetInPool(set: usize): void {
  if (ASC_FEATURE_THREADS) {
    const isKnown = (load<u32>(word(Pool.Active)) | load<u32>(word(Pool.Searching))) != 0;
    if (isKnown || load<u32>(word(Pool.Head)) != load<u32>(word(Pool.Tail))) forgetSet(set);
  }
}

function forgetSet(set: usize): void {
  holdPool();
  const tail = load<u32>(word(Pool.Tail));
  for (let at = load<u32>(word(Pool.Head)); at != tail; at++) {
    if (load<u32>(recordOf(at)) == <u32>set) store<u32>(recordOf(at), 0);
  }
  for (let search: u32 = 0; search < SHARED_SEARCHES_MAX; search++) {
    if (load<u32>(word(Pool.Sets + search)) == <u32>set) store<u32>(word(Pool.Sets + search), 0);
  }
}

/** Whether ids of deleted nodes may be used again: not while searches on threads may still name them. */
@inline
export function mayReuseIds(): bool {
  return !ASC_FEATURE_THREADS || load<u32>(word(Pool.Searching)) == 0;
}

/** Whether ids may be given to other nodes now: no search will name them, and no node waits under its id. Holds workers. */
export function mayRenameIds(): bool {
  if (ASC_FEATURE_THREADS) {
    if (!mayReuseIds() || load<u32>(word(Pool.Builders)) != 0) return false;
    holdPool();
    return load<u32>(word(Pool.Head)) == load<u32>(word(Pool.Tail));
  }
  return true;
}
