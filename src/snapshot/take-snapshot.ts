// Taking a snapshot beside commands: slices of about a millisecond with pauses between them, so that commands keep most of
// the time. Copies of changed blocks go first, and the fuller their room is the shorter are the pauses. What the storage
// has not taken yet lies in memory, within a bound: beyond it, only copies that need room are still fetched, and beyond
// a second bound the snapshot is given up. No command waits for a slow storage, and memory has an end; the log, which makes
// clients wait for a slow disk, has everything.

import type { EngineSnapshot } from "../engine-snapshot.ts";
import { NearkeyError } from "../errors.ts";
import type { StorageFile } from "../storage/storage.ts";
import { ChunkPool } from "./chunk-pool.ts";
import type { SnapshotHeader } from "./snapshot-format.ts";
import { SnapshotWriter } from "./snapshot-writer.ts";

/** How a snapshot shares the thread with commands. */
export interface Pace {
  /** Share of the time that it may take while copies do not press, up to 1: no pauses. */
  readonly share: number;
  /** Whether memory for copies is touched before the cut, which comes later then. Default: the cut is made at once. */
  readonly makesReady?: boolean;
  /** Milliseconds that it takes at once. Default 1. */
  readonly sliceMs?: number;
  /** Bytes of copies that the storage may be behind with before the snapshot is given up. Default 512 MiB. */
  readonly backlogBytesMax?: number;
}

/** Where waiting is done by the event loop. */
export const UNHURRIED: Pace = { share: 0.125, makesReady: true };
export const HURRIED: Pace = { share: 1 };

const SLICE_MS = 1;
const PAUSE_MS_MAX = 50;
/** What a batch that left little room for copies may take to fetch some. */
const HURRIED_SLICE_MS = 0.5;
/** Room for copies that is taken when a batch must fetch them however long it takes. */
const FULL = 0.9;
/** The storage is behind by so much: it is waited for. So the chunks that are there suffice, and one is being written. */
const BACKLOG_BYTES = 12 * 1024 * 1024;
/** It is behind by so much with copies alone: it is too slow. */
const BACKLOG_BYTES_MAX = 512 * 1024 * 1024;
/** Room for copies that is taken when the pauses end: little, so that few of its pages are ever touched. */
const PRESSING = 0.1;

/** The engine as a snapshot needs it. */
export interface SnapshotEngine {
  readonly snapshot: EngineSnapshot;
  /** Called after a batch that left little room for copies. */
  onCopies: (() => void) | undefined;
  /** Awaited before the cut, where others than commands change the state; what it answers is called at the end. */
  readonly beforeCut?: (() => Promise<() => void>) | undefined;
}

/** What is written into the file's header; the cut adds the rest. */
export type CutHeader = Pick<SnapshotHeader, "parent" | "exported">;

/** A snapshot that was written. */
export interface Written {
  readonly header: SnapshotHeader;
  readonly bytes: number;
  /** Pages that had blocks to be written. */
  readonly pages: number;
}

/**
 * Writes the state of an engine while it goes on: as it is when this is called, once threads are done with what they are at;
 * in a pace that makes memory ready as it is once that is done, a second and a half later for a gibibyte.
 *
 * @param file an empty file
 * @param head called at the cut
 * @param chunks where it is gathered; nobody else's meanwhile
 * @throws NearkeyError `storage-failed` when the storage refuses or is too slow, `aborted` when more blocks changed at once
 *   than there was room for: then another attempt may succeed
 */
export async function takeSnapshot(
  engine: SnapshotEngine,
  file: Pick<StorageFile, "append">,
  head: () => CutHeader,
  pace: Pace,
  chunks = new ChunkPool(),
): Promise<Written> {
  const { snapshot } = engine;
  if (snapshot.isBusy) throw new NearkeyError("aborted", "a snapshot is being taken already");
  if (pace.makesReady) await makeReady(snapshot, chunks, head().parent === 0n, pace);
  // Nothing is awaited where nothing has to be: the state is that of the call then.
  if (engine.beforeCut === undefined) return cutAndWrite(engine, file, head, pace, chunks);
  const goOn = await engine.beforeCut().catch((error: unknown) => {
    snapshot.end(false);
    throw error;
  });
  try {
    return await cutAndWrite(engine, file, head, pace, chunks);
  } finally {
    goOn();
  }
}

async function cutAndWrite(
  engine: SnapshotEngine,
  file: Pick<StorageFile, "append">,
  head: () => CutHeader,
  pace: Pace,
  chunks: ChunkPool,
): Promise<Written> {
  const { snapshot } = engine;
  if (snapshot.status !== "off") throw new NearkeyError("aborted", "a snapshot is being taken already");
  const given = head();
  const cut = snapshot.begin(given.parent === 0n);
  const { accessKind, sequence } = cut;
  const header = { ...given, sequence, accessKind, layout: snapshot.layout, id: drawId(), timeMs: Date.now() };
  const writer = new SnapshotWriter(snapshot, file, header, cut, chunks);
  engine.onCopies = () => makeRoom(snapshot, writer);
  let complete = false;
  try {
    await copyAll(snapshot, writer, pace);
    await writer.finish();
    complete = true;
  } finally {
    engine.onCopies = undefined;
    snapshot.end(complete);
    if (!complete) await writer.abandon();
    chunks.reset();
  }
  return { header, bytes: writer.bytes, pages: cut.pages };
}

/**
 * Touches the memory that commands and the snapshot will need behind the cut, in slices: there it would be paid by whoever
 * asks then.
 */
async function makeReady(snapshot: EngineSnapshot, chunks: ChunkPool, whole: boolean, pace: Pace): Promise<void> {
  const sliceMs = pace.sliceMs ?? SLICE_MS;
  let more = true;
  let startedMs = performance.now();
  const rest = async (): Promise<void> => {
    const spentMs = performance.now() - startedMs;
    if (spentMs < sliceMs) return;
    await pause(Math.min(spentMs * (1 / pace.share - 1), PAUSE_MS_MAX));
    startedMs = performance.now();
  };
  try {
    while (more) {
      more = snapshot.prepare(whole);
      if (more) await rest();
    }
    while (chunks.touch(snapshot.wantedBytes)) await rest();
  } catch (error) {
    snapshot.end(false);
    throw error;
  }
}

function makeRoom(snapshot: EngineSnapshot, writer: SnapshotWriter): void {
  const untilMs = performance.now() + HURRIED_SLICE_MS;
  while ((performance.now() < untilMs || snapshot.fill > FULL) && writer.addCopies());
}

async function copyAll(snapshot: EngineSnapshot, writer: SnapshotWriter, pace: Pace): Promise<void> {
  while (true) {
    const startedMs = performance.now();
    const behind = writer.backlogBytes > BACKLOG_BYTES;
    const more = copySlice(snapshot, writer, behind, startedMs + (pace.sliceMs ?? SLICE_MS));
    if (snapshot.status === "outrun") {
      throw new NearkeyError("aborted", "more changed at once than there was room to copy for the snapshot");
    }
    if (writer.failed) await writer.settled();
    if (!more) return;
    if (writer.backlogBytes > (pace.backlogBytesMax ?? BACKLOG_BYTES_MAX)) throw tooSlow(writer.backlogBytes);
    const pressed = snapshot.fill > PRESSING || pace.share >= 1;
    const spentMs = performance.now() - startedMs;
    await pause(pressed && !behind ? 0 : Math.min(spentMs * (1 / pace.share - 1), PAUSE_MS_MAX));
  }
}

function tooSlow(bytes: number): NearkeyError {
  const mebibytes = Math.round(bytes / (1024 * 1024));
  return new NearkeyError(
    "storage-failed",
    `the disk is too slow for a snapshot beside so many changes: it is ${mebibytes} MiB behind; take one when fewer are made`,
  );
}

/** Fetches for about a millisecond; false when nothing is left. While the storage is behind, only copies that press. */
function copySlice(snapshot: EngineSnapshot, writer: SnapshotWriter, behind: boolean, untilMs: number): boolean {
  do {
    if ((!behind || snapshot.fill > PRESSING) && writer.addCopies()) continue;
    if (behind) return true;
    if (!writer.addPage()) return false;
  } while (performance.now() < untilMs);
  return true;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (ms >= 1 || typeof setImmediate === "undefined") setTimeout(resolve, ms);
    else setImmediate(resolve);
  });
}

function drawId(): bigint {
  return (crypto.getRandomValues(new BigUint64Array(1))[0] as bigint) || 1n;
}
