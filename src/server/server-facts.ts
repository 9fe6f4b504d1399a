// What the server tells about itself through INFO, CONFIG GET and CLIENT LIST: its settings under the names that
// Redis gives them, its process, and the engine's counters since the last CONFIG RESETSTAT.

import { randomBytes } from "node:crypto";
import type { Engine } from "../engine.ts";
import { type HostFacts, type PasswordCheck, type Rates, REDIS_VERSION } from "../host/host-facts.ts";
import { slowLogOf } from "../host/slow-commands.ts";
import type { SlowLog } from "../host/slow-log.ts";
import { VERSION } from "../version.ts";
import type { Connections } from "./connections.ts";
import type { LiveSettings } from "./live-settings.ts";
import { processFacts } from "./process-facts.ts";
import type { ServerOptions } from "./server-options.ts";

/** Gathers the facts of a server. */
export function serverFacts(
  engine: Engine,
  connections: Connections,
  settings: LiveSettings,
  password: PasswordCheck,
  rates: () => Rates,
  slowLog: SlowLog,
): HostFacts {
  return {
    redisVersion: REDIS_VERSION,
    nearkeyVersion: VERSION,
    startedMs: Date.now(),
    runId: randomBytes(20).toString("hex"),
    settings,
    changes: settings,
    password,
    clients: () => connections.clients(),
    closeClient: (client) => connections.close(client),
    slowLog,
    connectionCounts: () => connections.counts(),
    rates,
    resetStatistics: () => {
      engine.statistics.reset();
      connections.resetCounts();
    },
    processFacts,
  };
}

/** The slow log of a server, and the events beside it, with their thresholds. */
export function watchedSlowness(engine: Engine, connections: Connections, options: ServerOptions): SlowLog {
  const slowLog = slowLogOf(engine, () => connections.clients());
  slowLog.slowerThanUs = options.slowerThanUs;
  slowLog.maxLength = options.slowLogLength;
  slowLog.latency.thresholdMs = options.latencyMs;
  return slowLog;
}

/** What scripts need of a server. The limit is an object, so that a setting may change it. */
export function scriptFacts({ log, scriptLimitMs, scripts }: ServerOptions) {
  return { scripts, scriptLimit: { ms: scriptLimitMs }, scriptLog: (text: string) => log(`script: ${text}`) };
}
