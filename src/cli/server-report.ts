// INFO as numbers and as a table. What INFO counts since the server's start becomes a rate between two reports.

import { shownAddress } from "./connection/server-flags.ts";
import { barText, bytesText, countText, durationText, percentText } from "./figures.ts";

/** INFO's fields as it names them, and when they were read. */
export interface Report {
  readonly fields: ReadonlyMap<string, string>;
  /** On a clock of this process that does not jump. */
  readonly readMs: number;
}

/** Takes INFO's text apart. */
export function parseReport(text: string, readMs: number): Report {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return { fields, readMs };
}

/** Every field, what is written as a number as one. */
export function reportJson({ fields }: Report): Record<string, string | number> {
  const json: Record<string, string | number> = {};
  for (const [name, value] of fields) json[name] = /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  return json;
}

/** The fields of a report as numbers; undefined for what the server does not report. */
function numberOf({ fields }: Report, name: string): number | undefined {
  const value = fields.get(name);
  return value === undefined || value === "" || Number.isNaN(Number(value)) ? undefined : Number(value);
}

/**
 * Writes the table.
 *
 * @param before an earlier report of the same server, for rates
 */
export function reportText(report: Report, before: Report | undefined, url: string): string {
  const number = (name: string): number => numberOf(report, name) ?? 0;
  const version = report.fields.get("nearkey_version") ?? report.fields.get("redis_version") ?? "";
  const rows: [string, string | undefined][] = [
    ["memory", memoryText(report)],
    ["process", residentText(report)],
    ["keys", keysText(report)],
    ["hit rate", hitText(report, before)],
    ["commands", counted(report, before, "total_commands_processed")],
    ["evicted", counted(report, before, "evicted_keys")],
    ["expired", counted(report, before, "expired_keys")],
    ["connections", connectionsText(report)],
  ];
  const title = `nearkey ${version} at ${shownAddress(url)}, up ${durationText(number("uptime_in_seconds"))}`;
  const shown = rows.filter(([, text]) => text !== undefined).map(([name, text]) => `${name.padEnd(12)}${text}`);
  return [title, ...shown].join("\n");
}

function memoryText(report: Report): string | undefined {
  const used = numberOf(report, "used_memory");
  if (used === undefined) return undefined;
  const limit = numberOf(report, "maxmemory") ?? 0;
  const policy = report.fields.get("maxmemory_policy");
  if (limit === 0) return bytesText(used);
  const share = used / limit;
  return `${barText(share)} ${bytesText(used)} of ${bytesText(limit)} (${percentText(share)}), ${policy ?? ""}`;
}

function residentText(report: Report): string | undefined {
  const resident = numberOf(report, "used_memory_rss");
  return resident === undefined ? undefined : `${bytesText(resident)} resident`;
}

/** The keys of all databases: `db0:keys=3,expires=1`. */
function keysText({ fields }: Report): string {
  let keys = 0;
  let expiring = 0;
  let databases = 0;
  for (const [name, value] of fields) {
    const match = /^keys=(\d+),expires=(\d+)/.exec(value);
    if (!/^db\d+$/.test(name) || match === null) continue;
    keys += Number(match[1]);
    expiring += Number(match[2]);
    databases++;
  }
  const where = databases > 1 ? ` in ${databases} databases` : "";
  return `${countText(keys)}${where}, ${countText(expiring)} of them expire`;
}

function hitText(report: Report, before: Report | undefined): string | undefined {
  const [hits, misses] = [since(report, before, "keyspace_hits"), since(report, before, "keyspace_misses")];
  if (hits + misses === 0) return before === undefined ? "no reads yet" : "no reads just now";
  const span = before === undefined ? "since the start" : "just now";
  return `${percentText(hits / (hits + misses))} of ${countText(hits + misses)} reads ${span}`;
}

function since(report: Report, before: Report | undefined, name: string): number {
  const now = numberOf(report, name) ?? 0;
  const then = before === undefined ? 0 : (numberOf(before, name) ?? 0);
  // A server that restarted, or CONFIG RESETSTAT, counts from 0 again.
  return now < then ? now : now - then;
}

/** A count and its rate: between two reports, or over the server's life. */
function counted(report: Report, before: Report | undefined, name: string): string | undefined {
  const count = numberOf(report, name);
  if (count === undefined) return undefined;
  const uptime = numberOf(report, "uptime_in_seconds") ?? 0;
  const seconds = before === undefined ? uptime : (report.readMs - before.readMs) / 1000;
  const rate = seconds > 0 ? since(report, before, name) / seconds : 0;
  const span = before === undefined ? " on average" : "";
  return `${countText(count).padEnd(14)}${countText(rate)} a second${span}`;
}

function connectionsText(report: Report): string | undefined {
  const open = numberOf(report, "connected_clients");
  if (open === undefined) return undefined;
  const total = countText(numberOf(report, "total_connections_received") ?? 0);
  const rejected = countText(numberOf(report, "rejected_connections") ?? 0);
  return `${countText(open)} open, ${total} since the start, ${rejected} refused`;
}
