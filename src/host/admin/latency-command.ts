// LATENCY: events that took long, and how the durations of each command are spread.

import { durationBounds } from "../../engine-statistics.ts";
import { ReplyError, type ReplyValue, SimpleString } from "../../resp.ts";
import { type HostCall, Verbatim, wrongArity } from "../host-call.ts";
import type { LatencyEvents } from "../latency-monitor.ts";

/** What the last bucket is shown as: it has what is longer than all others. */
const LONGEST_US = 2 ** 25;

/** Answers `LATENCY DOCTOR | GRAPH | HISTOGRAM | HISTORY | LATEST | RESET | HELP`. */
export function latencyCommand(call: HostCall): ReplyValue | Verbatim {
  const [name = "", ...rest] = call.words;
  const { latency } = call.facts.slowLog;
  switch (name.toUpperCase()) {
    case "DOCTOR":
      return rest.length > 0 ? wrongArity("latency|doctor") : new Verbatim(diagnosis(call));
    case "GRAPH":
      return rest.length !== 1 ? wrongArity("latency|graph") : graph(rest[0] ?? "", latency.kinds().get(rest[0] ?? ""));
    case "HISTOGRAM":
      return histogram(call, rest);
    case "HISTORY":
      if (rest.length !== 1) return wrongArity("latency|history");
      return (latency.kinds().get(rest[0] ?? "")?.samples ?? []).map(({ atSeconds, ms }) => [atSeconds, ms]);
    case "LATEST":
      if (rest.length > 0) return wrongArity("latency|latest");
      return [...latency.kinds()].map(([kind, { samples, worstMs }]) => {
        const last = samples.at(-1);
        return [kind, last?.atSeconds ?? 0, last?.ms ?? 0, worstMs];
      });
    case "RESET":
      return latency.reset(rest);
    case "HELP":
      return rest.length > 0 ? wrongArity("latency|help") : HELP.map((line) => new SimpleString(line));
    default:
      return new ReplyError(`ERR unknown subcommand '${name}'. Try LATENCY HELP.`);
  }
}

const HELP = [
  "LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "DOCTOR",
  "    Return what took long, in words.",
  "GRAPH <event>",
  "    Return a graph of an event's latest samples.",
  "HISTOGRAM [COMMAND ...]",
  "    Return how the durations of commands are spread.",
  "HISTORY <event>",
  "    Return the latest samples of an event.",
  "LATEST",
  "    Return the latest sample of every event.",
  "RESET [<event> ...]",
  "    Forget events, all without a name.",
  "HELP",
  "    Print this help.",
];

/** For each command that ran: calls, and how many took up to so many microseconds. */
function histogram({ engine }: HostCall, names: readonly string[]): ReplyValue {
  const wanted = new Set(names.map((name) => name.toUpperCase()));
  const spread: { [name: string]: ReplyValue } = {};
  for (const { name, calls, buckets } of engine.statistics.commands()) {
    if (calls === 0 || (wanted.size > 0 && !wanted.has(name))) continue;
    const reached: { [microseconds: string]: ReplyValue } = {};
    let sum = 0;
    buckets.forEach((count, index) => {
      sum += count;
      const bound = Math.max(1, Math.ceil(durationBounds[index] ?? LONGEST_US));
      if (count > 0) reached[String(bound)] = sum;
    });
    spread[name.toLowerCase()] = { calls, histogram_usec: reached };
  }
  return spread;
}

function diagnosis({ facts }: HostCall): string {
  const { latency } = facts.slowLog;
  if (latency.thresholdMs === 0) {
    return (
      "Nothing is watched: set latency-monitor-threshold (--latency-threshold) to the milliseconds from which on a " +
      "command is of interest.\n"
    );
  }
  const lines = [...latency.kinds()].map(([kind, { samples, worstMs }]) => {
    const mean = samples.reduce((sum, { ms }) => sum + ms, 0) / Math.max(1, samples.length);
    return `${kind}: ${samples.length} seconds with events, ${Math.round(mean)} ms on average, ${worstMs} ms at worst.`;
  });
  if (lines.length === 0) return `No command took ${latency.thresholdMs} ms or longer.\n`;
  return `${lines.join("\n")}\nSLOWLOG GET shows which commands they were, INFO commandstats how often each runs.\n`;
}

const GRAPH_COLUMNS = 80;
const MARKS = "_o#";

/** A column for each of the latest samples, higher for longer, between the shortest and the longest. */
function graph(kind: string, events: LatencyEvents | undefined): ReplyValue | Verbatim {
  if (events === undefined) return new ReplyError(`ERR No samples available for event '${kind}'`);
  const samples = events.samples.slice(-GRAPH_COLUMNS);
  const low = Math.min(...samples.map(({ ms }) => ms));
  const high = Math.max(...samples.map(({ ms }) => ms));
  const nowSeconds = Math.floor(Date.now() / 1000);
  const columns = samples.map(({ ms }) => MARKS[high === low ? 2 : Math.round(((ms - low) / (high - low)) * 2)]);
  const first = samples[0];
  const age = first === undefined ? 0 : nowSeconds - first.atSeconds;
  return new Verbatim(
    `${kind} - high ${high} ms, low ${low} ms (all time high ${events.worstMs} ms)\n` +
      `${"-".repeat(GRAPH_COLUMNS)}\n${columns.join("")}\n\nthe first of ${samples.length} is ${age} s old\n`,
  );
}
