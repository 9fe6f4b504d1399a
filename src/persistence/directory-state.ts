// What a directory holds, brought into an engine: the newest snapshot that can be read, then the log behind it. When a
// snapshot is damaged the one before takes its place, or an empty database, and the log must have everything since: a
// snapshot got its name only when the log up to it was on disk, so whatever ends before it lost something.

import type { Engine } from "../engine.ts";
import { NearkeyError } from "../errors.ts";
import { type LogDamage, type LogFound, readLog } from "../log/log-reader.ts";
import { type Loaded, SnapshotStore } from "../snapshot/snapshot-store.ts";
import type { Storage } from "../storage/storage.ts";
import { EffectsSource } from "./effects-source.ts";

/** What opening found. */
export interface Recovery {
  readonly found: LogFound;
  /** Last record of the snapshot that it began with; 0 without one. */
  readonly snapshotSequence: number;
  /** Bytes read of snapshots. */
  readonly snapshotBytes: number;
  /** Why newer snapshots were passed over. */
  readonly passedOver: readonly NearkeyError[];
  /** How long it took, milliseconds. */
  readonly ms: number;
}

/** Makes an engine that nobody uses yet. */
export type CreateEngine = (layout?: bigint) => Engine | Promise<Engine>;

/** A directory that was read. */
export interface DirectoryState {
  readonly engine: Engine;
  readonly store: SnapshotStore;
  readonly recovery: Recovery;
}

/**
 * Reads a storage that belongs to this process; changes nothing in it.
 *
 * @param create makes an engine that nobody uses yet, for snapshots of a layout where one is named; called again for each
 *   snapshot that turns out to be damaged
 * @param keep snapshots that are kept
 * @throws NearkeyError `storage-damaged`, `unsupported` when another version wrote it, `out-of-memory`
 */
export async function readDirectory(create: CreateEngine, storage: Storage, keep: number): Promise<DirectoryState> {
  const startMs = performance.now();
  const store = await SnapshotStore.open(storage, keep);
  const loaded = await loadNewest(store, create);
  const found = await readLog(storage, new EffectsSource(loaded.engine));
  const [passedOver] = loaded.passedOver;
  if (passedOver !== undefined) checkReach(storage, passedOver, loaded, found, store.knownSequence);
  if (found.damage !== undefined) throw damageError(storage, found.damage);
  const recovery = {
    found,
    snapshotSequence: loaded.sequence,
    snapshotBytes: loaded.bytes,
    passedOver: loaded.passedOver,
    ms: performance.now() - startMs,
  };
  return { engine: loaded.engine, store, recovery };
}

/** The newest snapshot; an empty database where there is none, or none that can be read. */
async function loadNewest(store: SnapshotStore, create: CreateEngine): Promise<Omit<Loaded, "name">> {
  const empty = { sequence: 0, bytes: 0 };
  try {
    return (await store.load(create)) ?? { ...empty, engine: await create(), passedOver: [] };
  } catch (error) {
    if (!(error instanceof NearkeyError) || error.code !== "storage-damaged") throw error;
    return { ...empty, engine: await create(), passedOver: [error] };
  }
}

/** What a damaged snapshot held must be in the log. */
function checkReach(
  storage: Storage,
  cause: NearkeyError,
  { sequence }: Pick<Loaded, "sequence">,
  found: LogFound,
  known: number,
): void {
  // Without any snapshot the log must have everything; beside one there may be none, when nothing had changed since.
  const begins = sequence > 0 || found.end !== undefined;
  if (begins && found.damage === undefined && found.position >= known) return;
  const log = found.damage === undefined ? `ends at record ${found.position}` : found.damage.reason;
  throw new NearkeyError(
    "storage-damaged",
    `${cause.message}. The snapshot before it has everything up to record ${sequence}, and the log in ${storage.place} ` +
      `does not have what came after: ${log}. Nothing was changed. Put a copy of the directory back`,
    { cause },
  );
}

/** The error of a directory whose log is not as it was written. */
export function damageError({ place }: Storage, damage: LogDamage): NearkeyError {
  const { file, offset, reason, position, known } = damage;
  const lost =
    known === undefined ? "" : `; record ${known} had been on disk, and ${position} is the last that can be read`;
  return new NearkeyError(
    "storage-damaged",
    `${place}/${file} is damaged at offset ${offset}: ${reason}${lost}. Nothing was changed. Put a copy of the directory ` +
      `back, or let 'nearkey repair --dir ${place}' show what would be lost and cut it`,
  );
}
