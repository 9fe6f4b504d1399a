// Distances and scores as clients see them, from the keys that searches order by. Distance: Euclidean for L2, 1 - cosine,
// minus the inner product, what is measured for the others. Score grows with nearness: (1 + cosine) / 2 as in Redis, the inner
// product itself, 1 - distance for Jaccard, 1 / (1 + distance) for the others.

import { distanceOfKey, Metric } from "../kernels/distance";

/** The distance of the metric's name, from a key. */
export function distanceFrom(metric: u32, key: u32): f64 {
  const measured = <f64>distanceOfKey(key);
  if (metric == Metric.L2) return Math.sqrt(measured);
  // Of unit vectors the squared distance is twice 1 - cosine; rounding may carry it a little past 2.
  return metric == Metric.Cosine ? min<f64>(measured * 0.5, 2) : measured;
}

export function scoreFrom(metric: u32, distance: f64): f64 {
  if (metric == Metric.Cosine) return 1 - distance * 0.5;
  if (metric == Metric.InnerProduct) return -distance;
  return metric == Metric.Jaccard ? 1 - distance : 1 / (1 + distance);
}

/** The metric as VADD takes it and VINFO tells it. */
export function wordOfMetric(metric: u32): string {
  if (metric == Metric.Cosine) return "COSINE";
  if (metric == Metric.L2) return "L2";
  if (metric == Metric.InnerProduct) return "IP";
  if (metric == Metric.Manhattan) return "MANHATTAN";
  return metric == Metric.Hamming ? "HAMMING" : "JACCARD";
}
