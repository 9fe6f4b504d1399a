// The sections of INFO about commands: how often and how long they ran, how they failed. Percentiles come from buckets of
// powers of two: a value is the upper bound of the bucket it is in, at most twice the truth.

import { durationBounds } from "../engine-statistics.ts";
import type { CommandStatistics } from "../engine-types.ts";
import type { HostCall } from "./host-call.ts";

type Fields = readonly (readonly [string, string])[];

const PERCENTILES = [50, 99, 99.9] as const;

/** `cmdstat_get:calls=…,usec=…,usec_per_call=…,rejected_calls=…,failed_calls=…`. */
export function commandFields({ engine }: HostCall): Fields {
  return engine.statistics.commands().map((command) => {
    const { calls, microseconds, rejected, failed } = command;
    const each = calls === 0 ? 0 : microseconds / calls;
    const line =
      `calls=${calls},usec=${Math.round(microseconds)},usec_per_call=${each.toFixed(2)},` +
      `rejected_calls=${rejected},failed_calls=${failed}`;
    return [`cmdstat_${command.name.toLowerCase()}`, line];
  });
}

/** `errorstat_WRONGTYPE:count=…`. */
export function errorFields({ engine }: HostCall): Fields {
  return [...engine.statistics.errors()].map(([code, count]) => [`errorstat_${code}`, `count=${count}`]);
}

/** `latency_percentiles_usec_get:p50=…,p99=…,p99.9=…`. */
export function latencyFields({ engine }: HostCall): Fields {
  const timed = engine.statistics.commands().filter(({ calls, untimed }) => calls > untimed);
  return timed.map((command) => {
    const values = PERCENTILES.map((percent) => `p${percent}=${durationAt(command, percent).toFixed(3)}`);
    return [`latency_percentiles_usec_${command.name.toLowerCase()}`, values.join(",")];
  });
}

/** Microseconds that so many percent of the timed calls took at most. */
function durationAt({ buckets, calls, untimed }: CommandStatistics, percent: number): number {
  const wanted = ((calls - untimed) * percent) / 100;
  const last = durationBounds.length - 1;
  let seen = 0;
  for (let index = 0; index < last; index++) {
    seen += buckets[index] ?? 0;
    if (seen >= wanted) return durationBounds[index] ?? 0;
  }
  return durationBounds[last] ?? 0;
}
