// `nearkey stats`: what INFO says, as a person wants to see it: memory as a bar, keys, hit rate, what was evicted and
// expired, connections; with --watch again and again, with rates. A field that a server does not report is left out.

import type { Command } from "commander";
import type { Client } from "../client.ts";
import { NearkeyError } from "../errors.ts";
import { ending } from "./connection/ending.ts";
import { connectToServer } from "./connection/server-connection.ts";
import { addServerFlags, ENVIRONMENT_HELP, type ServerFlags } from "./connection/server-flags.ts";
import { secondsNumber } from "./number-flags.ts";
import { parseReport, type Report, reportJson, reportText } from "./server-report.ts";

interface StatsFlags extends ServerFlags {
  readonly watch?: boolean;
  readonly interval: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ nearkey stats
  $ nearkey stats --watch                     again every second, with rates; Ctrl-C ends it
  $ nearkey stats --json | jq .used_memory    every field of INFO
  $ nearkey stats --watch --json              a line of JSON each second, for a log

Exit code: 0, 1 when no server answers.`;

/** Adds `nearkey stats` to the program. */
export function registerStats(program: Command): void {
  addServerFlags(program.command("stats").description("show memory, keys, hit rate and rates of a server"))
    .option("--watch", "refresh until Ctrl-C")
    .option("--interval <seconds>", "between two refreshes", secondsNumber, 1)
    .option("--json", "print every field as JSON")
    .addHelpText("after", EXAMPLES + ENVIRONMENT_HELP)
    .action((flags: StatsFlags) =>
      ending(async () => {
        const client = await connectToServer(flags.url, { waitMs: 1000 });
        try {
          if (flags.watch) await watch(client, flags);
          else show(await readReport(client), undefined, flags);
          return 0;
        } finally {
          await client.close();
        }
      }),
    );
}

async function readReport(client: Client): Promise<Report> {
  return parseReport(String(await client.command("INFO")), performance.now());
}

function show(report: Report, before: Report | undefined, flags: StatsFlags): number {
  const text = flags.json ? JSON.stringify(reportJson(report)) : reportText(report, before, flags.url);
  process.stdout.write(`${text}\n`);
  return text.split("\n").length;
}

async function watch(client: Client, flags: StatsFlags): Promise<void> {
  const watching = new Interruption();
  const redraws = process.stdout.isTTY && !flags.json;
  let before: Report | undefined;
  let lines = 0;
  while (!watching.over) {
    const report = await readReport(client).catch(toProblem);
    // Back to where the last one began, and everything below away: a shorter report leaves nothing behind.
    if (redraws && lines > 0) process.stdout.write(`\x1b[${lines}A\x1b[J`);
    if (report instanceof NearkeyError) {
      process.stdout.write(`${flags.json ? JSON.stringify({ error: report.message }) : report.message}\n`);
      lines = 1;
    } else {
      lines = show(report, before, flags);
      before = report;
    }
    await watching.sleep(flags.interval * 1000);
  }
}

/** A server that restarts is waited for. */
function toProblem(error: unknown): NearkeyError {
  if (error instanceof NearkeyError && ["not-sent", "connection-lost"].includes(error.code)) return error;
  throw error;
}

/** Ctrl-C as the end of a sleep. */
class Interruption {
  over = false;
  #wake: () => void = () => undefined;

  constructor() {
    process.once("SIGINT", () => {
      this.over = true;
      this.#wake();
    });
  }

  sleep(ms: number): Promise<void> {
    if (this.over) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
