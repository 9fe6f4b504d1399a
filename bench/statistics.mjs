// Order statistics, interleaved rounds and reproducible random numbers.

/** The middle value, the mean of the two middle ones when their number is even. */
export function median(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value that a share of all lies at or below; sorts `values` in place when it is a typed array. */
export function percentile(values, share) {
  const sorted = values.sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}

/** What is said of latencies: the middle, the slow ones, the slowest. Sorts `values`, a typed array, in place. */
export function tail(values) {
  const [p50, p99, p9999] = [0.5, 0.99, 0.9999].map((share) => percentile(values, share));
  return { p50, p99, p9999, longest: values[values.length - 1] };
}

/**
 * Runs every contender once in each round, in an order that turns, so that what disturbs the machine for a while
 * disturbs all of them. `contenders` maps names to functions (which may be asynchronous); answers their results by name.
 */
export async function interleave(rounds, contenders) {
  const names = Object.keys(contenders);
  const results = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < names.length; index++) {
      const name = names[(index + round) % names.length];
      results[name].push(await contenders[name](round));
    }
  }
  return results;
}

/** Uniform random 32-bit integers from a seed (mulberry32): the same on every machine. */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}
