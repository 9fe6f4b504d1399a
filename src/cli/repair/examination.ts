// A directory looked at as opening it does: the newest snapshot that can be read, the log behind it, each record executed in
// an engine of its own. Whoever calls it holds the directory's lock. It takes as long, and as much memory, as opening.

import { readFile } from "node:fs/promises";
import { Engine, memoryBytesMax } from "../../engine.ts";
import { NearkeyError } from "../../errors.ts";
import { cutLog, findLoss, freeName, type LogLoss, putAside, type RecordChecksum } from "../../log/log-cut.ts";
import { findHeads, type NewHead, withHeads, writeHeads } from "../../log/log-heads.ts";
import { type LogFound, readLog } from "../../log/log-reader.ts";
import { segmentNumber } from "../../log/segment-files.ts";
import { EffectsSource } from "../../persistence/effects-source.ts";
import { type Loaded, SnapshotStore } from "../../snapshot/snapshot-store.ts";
import type { Storage } from "../../storage/storage.ts";
import { ENGINE_FILE } from "../serve-command.ts";

/** A snapshot and what it is good for. */
export interface SnapshotFinding {
  readonly name: string;
  /** `older` ones were not needed and are checked no further than their heads. */
  readonly state: "opens" | "damaged" | "older";
}

/** What is in a directory. */
export interface Examination {
  /** Oldest first. */
  readonly snapshots: readonly SnapshotFinding[];
  /** What is wrong with those that are damaged, as messages with file and offset. */
  readonly snapshotErrors: readonly string[];
  readonly log: LogFound;
  readonly segments: number;
  /** Heads of segments that make the log whole again, so that nothing is lost; empty where none do. */
  readonly heads: readonly NewHead[];
  /** What is lost when the log is cut at its damage; undefined where new heads mend it. */
  readonly loss: LogLoss | undefined;
}

/** Whether anything is wrong. */
export function isDamaged({ log, snapshotErrors }: Examination): boolean {
  return log.damage !== undefined || snapshotErrors.length > 0;
}

/**
 * Examines a directory; nothing in it is changed.
 *
 * @throws NearkeyError `unsupported` when its newest snapshot is another version's, `out-of-memory`
 */
export async function examine(storage: Storage): Promise<Examination> {
  const module = await WebAssembly.compile(await readFile(ENGINE_FILE));
  const create = (): Engine =>
    Engine.create(module, {
      maxMemoryBytes: memoryBytesMax,
      eviction: "noeviction",
      reserveMemory: true,
      timed: false,
    });
  const names = await storage.list();
  const snapshots = names.filter((name) => /^\d{8,}\.snapshot$/.test(name)).sort();
  const { loaded, errors } = await load(storage, create);
  const engine = loaded?.engine ?? create();
  const log = await readLog(storage, new EffectsSource(engine));
  const { damage } = log;
  const checksum = (bytes: Uint8Array): bigint => engine.effects.checksum(bytes);
  const isRepairable = damage !== undefined && !damage.isNewer;
  const heads = isRepairable ? await mendingHeads(storage, create, checksum) : [];
  const loss = isRepairable && heads.length === 0 ? await findLoss(storage, damage, checksum) : undefined;
  return {
    snapshots: snapshots.map((name) => ({ name, state: stateOf(name, loaded, errors, storage) })),
    snapshotErrors: errors.map(({ message }) => message),
    log,
    heads,
    segments: names.filter((name) => segmentNumber(name) !== undefined).length,
    loss,
  };
}

/**
 * Heads with which the log is whole: it is read with them from the start, in an engine of its own, and behind its end there
 * is no record that was not reached.
 */
async function mendingHeads(storage: Storage, create: () => Engine, checksum: RecordChecksum): Promise<NewHead[]> {
  const heads = await findHeads(storage);
  if (heads.length === 0) return [];
  const files = withHeads(storage, heads);
  const { loaded } = await load(storage, create);
  const { damage, position, end } = await readLog(files, new EffectsSource(loaded?.engine ?? create()));
  if (damage !== undefined) return [];
  const everything = { file: end?.file ?? "", offset: 0, reason: "", position, known: undefined };
  const { readable } = await findLoss(files, everything, checksum);
  return readable === 0 ? heads : [];
}

async function load(
  storage: Storage,
  create: () => Engine,
): Promise<{ loaded: Loaded | undefined; errors: readonly NearkeyError[] }> {
  try {
    const loaded = await (await SnapshotStore.open(storage)).load(create);
    return { loaded, errors: loaded?.passedOver ?? [] };
  } catch (error) {
    if (!(error instanceof NearkeyError) || error.code !== "storage-damaged") throw error;
    return { loaded: undefined, errors: [error] };
  }
}

function stateOf(
  name: string,
  loaded: Loaded | undefined,
  errors: readonly NearkeyError[],
  { place }: Storage,
): SnapshotFinding["state"] {
  if (name === loaded?.name) return "opens";
  const isNamed = errors.some(({ message }) => message.startsWith(`${place}/${name}`));
  return isNamed || loaded === undefined || name > loaded.name ? "damaged" : "older";
}

/**
 * Mends the log, or cuts it before its damage, and puts damaged snapshots aside.
 *
 * @returns the names of the files that were put aside
 */
export async function mend(storage: Storage, { snapshots, heads, loss }: Examination): Promise<string[]> {
  const made = await writeHeads(storage, heads, (name) => freeName(storage, name));
  if (loss !== undefined) made.push(...(await cutLog(storage, loss)));
  for (const { name, state } of snapshots) if (state === "damaged") made.push(await putAside(storage, name));
  return made;
}
