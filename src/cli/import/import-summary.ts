// What is left to say when an import is over: for a person in a few lines, for a program as JSON.

import { countText } from "../figures.ts";
import type { ImportFlags } from "./import-flags.ts";
import type { ImportJob } from "./import-job.ts";

/** How an import ended. */
export interface Outcome {
  readonly job: Pick<ImportJob<never>, "stored" | "replaced" | "refusals">;
  readonly flags: ImportFlags;
  readonly seconds: number;
  readonly interrupted: boolean;
  /** What a file of Redis told. */
  readonly found: { readonly expired: number; readonly redisVersion: string | undefined } | undefined;
}

/** What a person reads. */
export function summaryText({ job, flags, seconds, interrupted, found }: Outcome): string {
  const what = flags.as === "keys" ? "keys" : `vectors into ${flags.into}`;
  const rate = `${seconds.toFixed(1)} s, ${countText(job.stored / seconds)} a second`;
  const lines = flags.dryRun
    ? [`checked ${countText(job.stored)} ${flags.as} in ${rate}; nothing was stored`]
    : [`imported ${countText(job.stored)} ${what} in ${rate}`];
  if (job.replaced > 0) lines.push(`${countText(job.replaced)} of them replaced one that was there`);
  if (found !== undefined && found.expired > 0) lines.push(`${countText(found.expired)} had expired and were left out`);
  if (interrupted) lines.push("stopped by Ctrl-C: what is counted here is in, nothing else");
  if (job.refusals.count > 0) lines.push(job.refusals.text());
  return lines.join("\n");
}

/** What a program reads. */
export function summaryJson({ job, flags, seconds, interrupted, found }: Outcome): object {
  return {
    imported: flags.dryRun ? 0 : job.stored,
    checked: job.stored + job.refusals.count,
    replaced: job.replaced,
    refused: job.refusals.count,
    reasons: job.refusals.list(),
    into: flags.into ?? null,
    seconds: Number(seconds.toFixed(3)),
    per_second: Math.round(job.stored / seconds),
    interrupted,
    dry_run: flags.dryRun ?? false,
    ...(found === undefined ? {} : { expired: found.expired, redis_version: found.redisVersion ?? null }),
  };
}
