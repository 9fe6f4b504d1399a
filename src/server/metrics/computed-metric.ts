// A metric whose values are asked for when it is scraped. prom-client's own counters are counted up one event at a time in
// JavaScript; ours are counted elsewhere (the engine, sockets) and only read here, histograms with their buckets.

/** One line of a metric. */
export interface MetricValue {
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
  /** The line's name where it is not the metric's: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
}

/** A histogram that was counted elsewhere: buckets by upper bound, the last without one. */
export interface CountedHistogram {
  readonly labels: Readonly<Record<string, string>>;
  readonly bounds: readonly number[];
  readonly buckets: ArrayLike<number>;
  readonly sum: number;
}

/** A metric as prom-client's registry takes it. */
export class ComputedMetric {
  readonly aggregator = "sum";

  constructor(
    readonly name: string,
    readonly type: "counter" | "gauge" | "histogram",
    readonly help: string,
    private readonly values: () => readonly MetricValue[],
  ) {}

  get(): { name: string; help: string; type: string; values: readonly MetricValue[]; aggregator: string } {
    const { name, help, type, aggregator } = this;
    return { name, help, type, values: this.values(), aggregator };
  }
}

/** The lines of a histogram; Prometheus counts a value in every bucket whose bound it is not above. */
export function histogramValues(name: string, histogram: CountedHistogram): MetricValue[] {
  const { labels, bounds, buckets, sum } = histogram;
  const lines: MetricValue[] = [];
  let count = 0;
  for (let index = 0; index <= bounds.length; index++) {
    count += buckets[index] ?? 0;
    const le = index < bounds.length ? String(bounds[index]) : "+Inf";
    lines.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: count });
  }
  lines.push({ metricName: `${name}_sum`, labels, value: sum });
  lines.push({ metricName: `${name}_count`, labels, value: count });
  return lines;
}
