// The metrics that the engine's own counters make: commands and their durations, keys, memory. Every value is read at
// the scrape, which reads each part of the engine once.

import type { Engine } from "../../engine.ts";
import { durationBounds } from "../../engine-statistics.ts";
import type { CommandStatistics, EngineStats, MemoryStatistics } from "../../engine-types.ts";
import { ComputedMetric, histogramValues, type MetricValue } from "./computed-metric.ts";

const DATABASES = 16;

const secondBounds = durationBounds.map((microseconds) => microseconds / 1e6);

/** What one scrape reads of the engine. */
export class EngineReading {
  readonly stats: EngineStats;
  readonly memory: MemoryStatistics;
  readonly commands: readonly CommandStatistics[];
  readonly errors: ReadonlyMap<string, number>;
  readonly keys: readonly { database: number; keys: number; expiring: number }[];

  constructor(engine: Engine) {
    this.stats = engine.stats();
    this.memory = engine.statistics.memory();
    this.commands = engine.statistics.commands();
    this.errors = engine.statistics.errors();
    this.keys = Array.from({ length: DATABASES }, (_, database) => ({
      database,
      ...engine.countKeys(database),
    })).filter(({ database, keys }) => database === 0 || keys > 0);
  }
}

/** The metrics of an engine; `read` answers what the scrape in progress has read. */
export function engineMetrics(read: () => EngineReading): ComputedMetric[] {
  return [...commandMetrics(read), ...keyMetrics(read), ...memoryMetrics(read)];
}

function one(value: number): MetricValue[] {
  return [{ labels: {}, value }];
}

function commandMetrics(read: () => EngineReading): ComputedMetric[] {
  const durations = "nearkey_command_duration_seconds";
  const label = ({ name }: CommandStatistics) => ({ command: name.toLowerCase() });
  const each = (value: (command: CommandStatistics) => number) => () =>
    read().commands.map((command) => ({ labels: label(command), value: value(command) }));
  return [
    new ComputedMetric("nearkey_commands_total", "counter", "Commands executed.", () => one(read().stats.commands)),
    new ComputedMetric(durations, "histogram", "Time that commands took inside the engine.", () =>
      read().commands.flatMap((command) => {
        const { buckets, microseconds } = command;
        const histogram = { labels: label(command), bounds: secondBounds, buckets, sum: microseconds / 1e6 };
        return histogramValues(durations, histogram);
      }),
    ),
    new ComputedMetric(
      "nearkey_command_failures_total",
      "counter",
      "Commands that were answered with an error.",
      each(({ failed }) => failed),
    ),
    new ComputedMetric(
      "nearkey_command_rejections_total",
      "counter",
      "Commands refused before they ran: a wrong number of arguments, no password.",
      each(({ rejected }) => rejected),
    ),
    new ComputedMetric("nearkey_errors_total", "counter", "Error replies by their first word.", () =>
      [...read().errors].map(([code, value]) => ({ labels: { code }, value })),
    ),
  ];
}

function keyMetrics(read: () => EngineReading): ComputedMetric[] {
  const counter = (name: string, help: string, value: (stats: EngineStats) => number) =>
    new ComputedMetric(`nearkey_${name}_total`, "counter", help, () => one(value(read().stats)));
  const byDatabase = (count: "keys" | "expiring") => () =>
    read().keys.map((each) => ({ labels: { database: String(each.database) }, value: each[count] }));
  return [
    counter("keyspace_hits", "Reads that found their key.", ({ hits }) => hits),
    counter("keyspace_misses", "Reads that did not.", ({ misses }) => misses),
    counter("expired_keys", "Keys removed because their time came.", ({ expiredKeys }) => expiredKeys),
    counter(
      "expired_elements",
      "Elements of vector sets removed because their time came.",
      ({ expiredElements }) => expiredElements,
    ),
    counter("evicted_keys", "Keys removed to make room.", ({ evictedKeys }) => evictedKeys),
    new ComputedMetric("nearkey_keys", "gauge", "Keys of a database.", byDatabase("keys")),
    new ComputedMetric("nearkey_expiring_keys", "gauge", "Keys that have a time to live.", byDatabase("expiring")),
  ];
}

function memoryMetrics(read: () => EngineReading): ComputedMetric[] {
  const cells = (name: string, help: string, lines: (cell: MemoryStatistics["cells"][number]) => MetricValue[]) =>
    new ComputedMetric(name, "gauge", help, () => read().memory.cells.flatMap(lines));
  return [
    new ComputedMetric("nearkey_memory_used_bytes", "gauge", "Memory held, everything counted.", () =>
      one(read().stats.memoryUsedBytes),
    ),
    new ComputedMetric("nearkey_memory_limit_bytes", "gauge", "Memory that may be held.", () =>
      one(read().stats.memoryLimitBytes),
    ),
    new ComputedMetric("nearkey_memory_bytes", "gauge", "Memory by what holds it; all but free is used.", () =>
      Object.entries(read().memory.kinds).map(([kind, value]) => ({ labels: { kind }, value })),
    ),
    cells("nearkey_cells", "Cells of a size class, used and free.", ({ zone, bytes, used, free }) => [
      { labels: { zone, size: String(bytes), state: "used" }, value: used },
      { labels: { zone, size: String(bytes), state: "free" }, value: free },
    ]),
    cells("nearkey_cell_pages", "Pages of 64 KiB that the cells of a size class are in.", ({ zone, bytes, pages }) => [
      { labels: { zone, size: String(bytes) }, value: pages },
    ]),
    new ComputedMetric("nearkey_pages_taken_total", "counter", "Pages of 64 KiB taken from the pool, or fresh.", () => [
      { labels: { source: "pool" }, value: read().memory.pagesReused },
      { labels: { source: "fresh" }, value: read().memory.pagesFresh },
    ]),
    new ComputedMetric("nearkey_pages_released_total", "counter", "Pages given back to the pool.", () =>
      one(read().memory.pagesReleased),
    ),
  ];
}
