// What `nearkey repair` tells: for people, line by line, and for programs as one object.

import type { LogLoss } from "../../log/log-cut.ts";
import { bytesText, countText } from "../figures.ts";
import { type Examination, isDamaged } from "./examination.ts";

/** How a run of `nearkey repair` ended. */
export type RepairOutcome = "fine" | "damaged" | "repaired";

/** Lines about what was found. */
export function examinationLines(examination: Examination): string[] {
  const { snapshots, snapshotErrors, log, segments } = examination;
  const files = `segments of the log: ${countText(segments)}, snapshots: ${countText(snapshots.length)}`;
  const lines = [files, ...snapshots.map(({ name, state }) => `  ${name}: ${stateTexts[state]}`)];
  for (const message of snapshotErrors) lines.push(`  ${message}`);
  const end = log.end === undefined ? "" : `, in ${log.end.file} before offset ${log.end.offset}`;
  const last = log.position === 0 ? "there is no record" : `the last record is ${log.position}${end}`;
  if (!isDamaged(examination)) return [...lines, `nothing is wrong: ${last}`];
  if (log.damage === undefined) return [...lines, `the log is whole: ${last}; nothing that it leads to is lost`];
  return [...lines, ...damageLines(examination)];
}

const stateTexts = {
  opens: "opens, and is the one that counts",
  damaged: "damaged",
  older: "older; only its head was looked at",
} as const;

function damageLines({ log: { damage, position }, heads, loss }: Examination): string[] {
  if (damage === undefined) return [];
  const lines = [`${damage.file} is damaged at offset ${damage.offset}: ${damage.reason}`];
  for (const { name } of heads) lines.push(`  the head of ${name} can be made again from what stands behind it`);
  if (heads.length > 0) lines.push("  with that the log is whole, and no record is lost");
  if (loss === undefined) return lines;
  const last = position === 0 ? "no record can be reached" : `record ${position} is the last that can be reached`;
  return [...lines, `  ${last}`, `  a cut loses ${lossText(loss)}`, ...loss.files.map(fileLine)];
}

function lossText({ first, last, records, readable, timesMs, bytes }: LogLoss): string {
  if (records === 0) return `no record that is known of (${bytesText(bytes)})`;
  const which = records === 1 ? `record ${first}` : `${countText(records)} records, ${first} to ${last}`;
  const whole = `${countText(readable)} of them whole behind the damage, where nothing leads to them`;
  const times = timesMs === undefined ? "" : `, written ${timeText(timesMs[0])} to ${timeText(timesMs[1])}`;
  return `${which} (${whole}${times}); ${bytesText(bytes)}`;
}

function fileLine({ name, from, bytes }: LogLoss["files"][number]): string {
  return `  goes aside: ${name}${from === 0 ? "" : ` from offset ${from}`}, ${countText(bytes)} bytes`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

/** What is printed with `--json`. */
export function repairJson(
  outcome: RepairOutcome,
  directory: string,
  examination: Examination,
  aside: readonly string[],
): string {
  const { snapshots, snapshotErrors, log, segments, heads, loss } = examination;
  const { damage, position } = log;
  return JSON.stringify({
    outcome,
    directory,
    segments,
    snapshots,
    snapshot_errors: snapshotErrors,
    last_record: position,
    damage:
      damage === undefined
        ? null
        : { file: damage.file, offset: damage.offset, reason: damage.reason, repairable: !damage.isNewer },
    loss:
      loss === undefined
        ? null
        : {
            records: loss.records,
            first: loss.first,
            last: loss.last,
            readable: loss.readable,
            oldest_ms: loss.timesMs?.[0] ?? null,
            newest_ms: loss.timesMs?.[1] ?? null,
            bytes: loss.bytes,
            files: loss.files,
          },
    new_heads: heads.map(({ name }) => name),
    put_aside: aside,
  });
}
