// What /metrics tells about the directory that a database is kept in: commits and how long they took, bytes, what the disk
// refused. Without a directory these metrics have no values.

import type { LogFailure } from "../../log/log-options.ts";
import { COMMIT_BOUNDS_MS, type CommitTimes } from "../../persistence/commit-times.ts";
import { ComputedMetric, histogramValues, type MetricValue } from "./computed-metric.ts";

/** A log as metrics read it. */
export interface LogReading {
  readonly times: CommitTimes;
  /** Bytes of records written since the start. */
  readonly writtenBytes: number;
  /** Why nothing may be written. */
  readonly failure: LogFailure | undefined;
  readonly recovery: { readonly ms: number };
  readonly snapshots: {
    readonly lastTakenMs: number | undefined;
    readonly lastFailure: string | undefined;
    readonly last: { readonly bytes: number; readonly tookMs: number } | undefined;
  };
}

const COMMITS = "nearkey_log_commit_duration_seconds";
const MS_A_SECOND = 1000;

/**
 * The metrics of a log.
 *
 * @param log asked at each scrape; undefined without a directory
 */
export function logMetrics(log: () => LogReading | undefined): ComputedMetric[] {
  const one = (value: (reading: LogReading) => number) => (): MetricValue[] => {
    const reading = log();
    return reading === undefined ? [] : [{ labels: {}, value: value(reading) }];
  };
  return [
    new ComputedMetric(COMMITS, "histogram", "Time that commits to the log took.", () => commitValues(log()?.times)),
    new ComputedMetric(
      "nearkey_log_written_bytes_total",
      "counter",
      "Bytes of records written to the log.",
      one(({ writtenBytes }) => writtenBytes),
    ),
    new ComputedMetric("nearkey_log_failures_total", "counter", "Writes and syncs that the disk refused.", () =>
      [...(log()?.times.failures ?? [])].map(([code, value]) => ({ labels: { code }, value })),
    ),
    new ComputedMetric(
      "nearkey_log_read_only",
      "gauge",
      "Whether writes are refused because the disk refuses them.",
      one(({ failure }) => (failure === undefined ? 0 : 1)),
    ),
    new ComputedMetric(
      "nearkey_recovery_duration_seconds",
      "gauge",
      "Time that reading the directory took at the start.",
      one(({ recovery }) => recovery.ms / MS_A_SECOND),
    ),
    new ComputedMetric(
      "nearkey_snapshot_last_timestamp_seconds",
      "gauge",
      "When the newest snapshot was cut, 0 without one.",
      one(({ snapshots }) => (snapshots.lastTakenMs ?? 0) / MS_A_SECOND),
    ),
    new ComputedMetric(
      "nearkey_snapshot_last_failed",
      "gauge",
      "Whether the last attempt to take a snapshot failed.",
      one(({ snapshots }) => (snapshots.lastFailure === undefined ? 0 : 1)),
    ),
    new ComputedMetric(
      "nearkey_snapshot_last_bytes",
      "gauge",
      "Bytes that the last snapshot since the start wrote.",
      one(({ snapshots }) => snapshots.last?.bytes ?? 0),
    ),
    new ComputedMetric(
      "nearkey_snapshot_last_duration_seconds",
      "gauge",
      "Time that the last snapshot since the start took.",
      one(({ snapshots }) => (snapshots.last?.tookMs ?? 0) / MS_A_SECOND),
    ),
  ];
}

function commitValues(times: CommitTimes | undefined): MetricValue[] {
  if (times === undefined) return [];
  const bounds = COMMIT_BOUNDS_MS.map((ms) => ms / MS_A_SECOND);
  return histogramValues(COMMITS, { labels: {}, bounds, buckets: times.counts, sum: times.sumMs / MS_A_SECOND });
}
