// Everything that /metrics tells, in Prometheus's text format. prom-client keeps the registry, writes the format and knows
// the process; what nearkey counts itself is only read when a scrape asks. Metrics are listed in docs/metrics.md, and a
// test compares.

import { collectDefaultMetrics, type Metric, Registry } from "prom-client";
import type { Engine } from "../../engine.ts";
import { VERSION } from "../../version.ts";
import type { Connections } from "../connections.ts";
import { batchBounds, type Protocol, type ProtocolTraffic } from "../protocol-traffic.ts";
import { ComputedMetric, histogramValues, type MetricValue } from "./computed-metric.ts";
import { EngineReading, engineMetrics } from "./engine-metrics.ts";
import { type LogReading, logMetrics } from "./log-metrics.ts";

/**
 * What prom-client would add and Prometheus's own check refuses (a gauge named `_total`), and the count of open files,
 * which lists a folder with an entry for each connection.
 */
const LEFT_OUT = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
  "process_open_fds",
];
/** How often the event loop's delay is sampled. */
const EVENT_LOOP_SAMPLE_MS = 10;

/** What metrics are made of. */
export interface MetricSources {
  readonly engine: Engine;
  readonly connections: Connections;
  /** Commands over the slow limit since the start. */
  slowCommands(): number;
  /** The log; undefined without a directory, or before it is read. */
  log(): LogReading | undefined;
}

/** The metrics of a server. */
export class ServerMetrics {
  private readonly registry = new Registry();
  /** What the engine said, for the scrape in progress. */
  private reading: EngineReading | undefined;

  constructor(private readonly sources: MetricSources) {
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS });
    for (const name of LEFT_OUT) this.registry.removeSingleMetric(name);
    const own = [...engineMetrics(() => this.read()), ...serverMetrics(sources), ...logMetrics(() => sources.log())];
    for (const metric of own) this.registry.registerMetric(metric as unknown as Metric);
  }

  /** The format's name and version, for the header. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** All metrics as text. */
  async text(): Promise<string> {
    this.reading = undefined;
    return this.registry.metrics();
  }

  private read(): EngineReading {
    this.reading ??= new EngineReading(this.sources.engine);
    return this.reading;
  }
}

function serverMetrics({ connections, slowCommands }: MetricSources): ComputedMetric[] {
  const protocols = Object.entries(connections.traffic) as [Protocol, ProtocolTraffic][];
  const each = (value: (traffic: ProtocolTraffic) => number) => (): MetricValue[] =>
    protocols.map(([protocol, traffic]) => ({ labels: { protocol }, value: value(traffic) }));
  const bytes = (direction: "receivedBytes" | "sentBytes") => (): MetricValue[] =>
    Object.entries(connections.moved()).map(([protocol, moved]) => ({ labels: { protocol }, value: moved[direction] }));
  const batches = "nearkey_batch_commands";
  return [
    new ComputedMetric("nearkey_build_info", "gauge", "Always 1; the version is a label.", () => [
      { labels: { version: VERSION }, value: 1 },
    ]),
    new ComputedMetric("nearkey_slow_commands_total", "counter", "Commands over the limit of the slow log.", () => [
      { labels: {}, value: slowCommands() },
    ]),
    new ComputedMetric(
      "nearkey_connections",
      "gauge",
      "Clients connected now.",
      each(({ active }) => active),
    ),
    new ComputedMetric(
      "nearkey_connections_accepted_total",
      "counter",
      "Clients that connected.",
      each(({ total }) => total),
    ),
    new ComputedMetric(
      "nearkey_connections_rejected_total",
      "counter",
      "Clients turned away over the limit of connections.",
      each(({ rejected }) => rejected),
    ),
    new ComputedMetric("nearkey_received_bytes_total", "counter", "Bytes received of clients.", bytes("receivedBytes")),
    new ComputedMetric("nearkey_sent_bytes_total", "counter", "Bytes sent to clients.", bytes("sentBytes")),
    new ComputedMetric("nearkey_websocket_frames_total", "counter", "Frames of messages.", () => {
      const { receivedFrames, sentFrames } = connections.moved().websocket;
      return [
        { labels: { direction: "received" }, value: receivedFrames },
        { labels: { direction: "sent" }, value: sentFrames },
      ];
    }),
    new ComputedMetric(batches, "histogram", "Commands that one read of a socket brought.", () =>
      protocols.flatMap(([protocol, { batches: counts }]) => {
        const { buckets, commands } = counts;
        return histogramValues(batches, { labels: { protocol }, bounds: batchBounds, buckets, sum: commands });
      }),
    ),
  ];
}
