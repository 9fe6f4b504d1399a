// What CONFIG SET does to a running server: for each setting that may change, the part that holds its value. What a
// setting holds for (new connections, or all) is said where it is described, in the table of settings.

import type { Server as HttpServer } from "node:http";
import type { Server as NetServer } from "node:net";
import type { Engine } from "../engine.ts";
import { setAuthenticated } from "../host/host-commands.ts";
import type { SlowLog } from "../host/slow-log.ts";
import { noticeClasses } from "../settings/notice-classes.ts";
import type { SnapshotSchedule } from "../snapshot/snapshot-schedule.ts";
import type { Connections } from "./connections.ts";
import { SPARE_SOCKETS } from "./http.ts";
import type { Effects } from "./live-settings.ts";
import type { OutputBudget } from "./output-budget.ts";
import type { ServerPassword } from "./password.ts";

/** Values that connections look up when they need them. */
export interface ConnectionLimits {
  outputLimitBytes: number;
  authTimeoutMs: number;
  keepaliveMs: number;
  idleTimeoutMs: number;
  maxValueBytes: number;
  maxArguments: number;
}

/** The parts that hold values. */
export interface EffectTargets {
  readonly engine: Engine;
  readonly connections: Connections;
  readonly limits: ConnectionLimits;
  readonly password: ServerPassword;
  readonly budget: OutputBudget;
  /** Asked when it happens: the listeners are made after the settings. */
  listeners(): { http: HttpServer; resp: NetServer | undefined };
  readonly slowLog: SlowLog;
  readonly scriptLimit: { ms: number };
  /** Absent where nothing is kept: then the settings hold, and have nothing to do. */
  readonly snapshots: Pick<SnapshotSchedule, "times" | "keep"> | undefined;
}

/** Ties settings to the parts of a server. */
export function settingEffects(targets: EffectTargets): Effects {
  const { engine, connections, limits, budget } = targets;
  const limitClients = (): void => engine.setClientLimits(limits);
  return {
    maxMemoryBytes: (bytes) => engine.setMaxMemory(bytes),
    eviction: (policy) => engine.setEviction(policy),
    password: (text) => changePassword(targets, text),
    authTimeoutMs: (ms) => {
      limits.authTimeoutMs = ms;
    },
    keepaliveMs: (ms) => {
      limits.keepaliveMs = ms;
    },
    idleTimeoutMs: (ms) => {
      limits.idleTimeoutMs = ms;
    },
    maxConnections: (count) => {
      connections.maxConnections = count;
      const { http, resp } = targets.listeners();
      http.maxConnections = count + SPARE_SOCKETS;
      if (resp?.maxConnections !== undefined) resp.maxConnections = count + SPARE_SOCKETS;
    },
    maxValueBytes: (bytes) => {
      limits.maxValueBytes = bytes;
      limitClients();
    },
    maxArguments: (count) => {
      limits.maxArguments = count;
      limitClients();
    },
    outputLimitBytes: (bytes) => {
      limits.outputLimitBytes = bytes;
      limitClients();
    },
    slowerThanUs: (us) => {
      targets.slowLog.slowerThanUs = us;
    },
    slowLogLength: (length) => {
      targets.slowLog.maxLength = length;
    },
    scriptLimitMs: (ms) => {
      targets.scriptLimit.ms = ms;
    },
    latencyMs: (ms) => {
      targets.slowLog.latency.thresholdMs = ms;
    },
    outputWaitingBytes: (bytes) => {
      budget.waitingBytes = bytes;
    },
    ...packingEffects(engine),
    notifyKeyspaceEvents: (letters) => void engine.events.setNotices(noticeClasses(letters) ?? 0),
    listpackSize: (size) => engine.setListpackSize(size),
    listCompressDepth: () => undefined,
    ...snapshotEffects(targets),
  };
}

function packingEffects(engine: Engine): Effects {
  return {
    integerSetEntries: (integerSetEntries) => engine.setPacking({ integerSetEntries }),
    packedSetEntries: (packedSetEntries) => engine.setPacking({ packedSetEntries }),
    hllSparseBytes: (hllSparseBytes) => engine.setPacking({ hllSparseBytes }),
    packedSetValue: (packedSetValue) => engine.setPacking({ packedSetValue }),
    streamBlockBytes: (streamBlockBytes) => engine.setPacking({ streamBlockBytes }),
    streamBlockEntries: (streamBlockEntries) => engine.setPacking({ streamBlockEntries }),
    sortedSetEntries: (sortedSetEntries) => engine.setPacking({ sortedSetEntries }),
    sortedSetValue: (sortedSetValue) => engine.setPacking({ sortedSetValue }),
    hashEntries: (hashEntries) => engine.setPacking({ hashEntries }),
    hashValue: (hashValue) => engine.setPacking({ hashValue }),
  };
}

function snapshotEffects({ snapshots }: EffectTargets): Effects {
  return {
    snapshotIntervalMs: (everyMs) => {
      if (snapshots !== undefined) snapshots.times = { ...snapshots.times, everyMs };
    },
    snapshotLogBytes: (everyLogBytes) => {
      if (snapshots !== undefined) snapshots.times = { ...snapshots.times, everyLogBytes };
    },
    snapshotKeep: (count) => {
      if (snapshots !== undefined) snapshots.keep = count;
    },
  };
}

/** Who is in stays in, as in Redis; without a password everybody is. */
function changePassword({ engine, connections, password }: EffectTargets, text: string | undefined): void {
  password.change(text);
  if (text !== undefined) return;
  for (const client of connections.clients()) setAuthenticated(engine, client, true);
}
