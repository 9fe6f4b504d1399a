// A directory looked at as opening it does: the newest snapshot that can be read, the log behind it, each record executed in
// an engine of its own. Whoever calls it holds the directory's lock. It takes as long, and as much memory, as opening.

import { readFile } from "node:fs/promises";
import { Engine, memoryBytesMax } from "../../engine.ts";
import { NearkeyError } from "../../errors.ts";
import { cutLog, findLoss, type LogLoss, putAside } from "../../log/log-cut.ts";
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
  /** What is lost when the log is cut at its damage. */
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
  const loss = damage === undefined || damage.isNewer ? undefined : await findLoss(storage, damage, checksum);
  return {
    snapshots: snapshots.map((name) => ({ name, state: stateOf(name, loaded, errors, storage) })),
    snapshotErrors: errors.map(({ message }) => message),
    log,
    segments: names.filter((name) => segmentNumber(name) !== undefined).length,
    loss,
  };
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
 * Cuts the log before its damage and puts damaged snapshots aside.
 *
 * @returns the names of the files that were put aside
 */
export async function cut(storage: Storage, { snapshots, loss }: Examination): Promise<string[]> {
  const made = loss === undefined ? [] : await cutLog(storage, loss);
  for (const { name, state } of snapshots) if (state === "damaged") made.push(await putAside(storage, name));
  return made;
}
