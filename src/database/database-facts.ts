// What an embedded database answers to INFO, CONFIG GET and CLIENT LIST: no sockets, no password, and its own
// connections as the only clients.

import type { Engine } from "../engine.ts";
import {
  type HostClient,
  type HostFacts,
  type ProcessFacts,
  REDIS_VERSION,
  type SnapshotFacts,
} from "../host/host-facts.ts";
import { slowLogOf } from "../host/slow-commands.ts";
import type { DatabaseSettings } from "../options.ts";
import type { KeptDatabase, KeptSnapshots } from "../persistence/kept-database.ts";
import type { ScriptSource } from "../scripts/script-source.ts";
import { VERSION } from "../version.ts";

/** What surrounds the database, as far as it is there. */
export interface FactSources {
  processFacts?: (() => ProcessFacts) | undefined;
  scripts?: ScriptSource | undefined;
  persistence?: Pick<KeptDatabase, "report" | "snapshots"> | undefined;
}

/**
 * Gathers the facts of an embedded database.
 *
 * @param clients its connections, read whenever they are asked for
 */
export function databaseFacts(
  engine: Engine,
  settings: DatabaseSettings,
  clients: () => readonly HostClient[],
  host: FactSources,
): HostFacts {
  return {
    snapshots: host.persistence && immediate(host.persistence.snapshots),
    redisVersion: REDIS_VERSION,
    nearkeyVersion: VERSION,
    startedMs: Date.now(),
    runId: randomHex(20),
    settings: new Map([
      ["maxmemory", String(settings.maxMemoryBytes)],
      ["maxmemory-policy", settings.eviction],
      ["databases", "16"],
      ["save", ""],
      ["appendonly", host.persistence === undefined ? "no" : "yes"],
    ]),
    clients,
    slowLog: slowLogOf(engine, clients),
    connectionCounts: () => ({
      active: clients().length,
      total: clients().length,
      rejected: 0,
      receivedBytes: 0,
      sentBytes: 0,
    }),
    resetStatistics: () => engine.statistics.reset(),
    processFacts: host.processFacts,
    scripts: host.scripts,
    persistence: () => host.persistence?.report(),
  };
}

/** Snapshots for commands that are answered before anything else happens. */
function immediate(snapshots: KeptSnapshots): SnapshotFacts {
  return {
    isImmediate: true,
    get isTaking() {
      return snapshots.isTaking;
    },
    get lastTakenMs() {
      return snapshots.lastTakenMs;
    },
    get lastFailure() {
      return snapshots.lastFailure;
    },
    take: (whole) => snapshots.take(whole),
  };
}

function randomHex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}
