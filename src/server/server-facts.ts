// What the server tells about itself through INFO, CONFIG GET and CLIENT LIST: its settings under the names that
// Redis gives them, its process, and the engine's counters since the last CONFIG RESETSTAT.

import { randomBytes } from "node:crypto";
import type { Engine } from "../engine.ts";
import { type HostFacts, REDIS_VERSION } from "../host/host-facts.ts";
import { statisticsOf } from "../host/host-statistics.ts";
import { VERSION } from "../version.ts";
import type { Connections } from "./connections.ts";
import { processFacts } from "./process-facts.ts";
import type { ServerOptions } from "./server-options.ts";

/** Gathers the facts of a server. */
export function serverFacts(
  engine: Engine,
  connections: Connections,
  options: ServerOptions,
  checkPassword: HostFacts["checkPassword"],
): HostFacts {
  return {
    redisVersion: REDIS_VERSION,
    nearkeyVersion: VERSION,
    startedMs: Date.now(),
    runId: randomBytes(20).toString("hex"),
    settings: settingsOf(options),
    checkPassword,
    clients: () => connections.clients(),
    connectionCounts: () => connections.counts(),
    ...statisticsOf(engine),
    processFacts,
  };
}

/** Settings that Redis has and nearkey has in another way, or always so, stand here with their effective value. */
function settingsOf(options: ServerOptions): ReadonlyMap<string, string> {
  return new Map([
    ["bind", options.host],
    ["port", String(options.respPort ?? 0)],
    ["maxclients", String(options.maxConnections)],
    ["maxmemory", String(options.maxMemoryBytes)],
    ["maxmemory-policy", options.eviction],
    ["proto-max-bulk-len", String(options.maxValueBytes)],
    ["client-output-buffer-limit", `normal ${options.outputLimitBytes} 0 0`],
    ["databases", "16"],
    ["timeout", "0"],
    ["tcp-keepalive", "0"],
    ["hz", "10"],
    ["save", ""],
    ["appendonly", "no"],
    ["appendfsync", "no"],
    ["dir", ""],
    ["dbfilename", ""],
    ["cluster-enabled", "no"],
    ["notify-keyspace-events", ""],
    ["io-threads", "1"],
    ["protected-mode", options.password === undefined ? "yes" : "no"],
  ]);
}
