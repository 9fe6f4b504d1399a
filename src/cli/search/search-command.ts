// `nearkey search`: the elements nearest to a vector, as a table or as JSON; with --recall how well the graph finds them.

import { type Command, Option } from "commander";
import type { Client } from "../../client.ts";
import type { SearchResult } from "../../database/vector-operations.ts";
import type { VectorSet } from "../../database/vectors.ts";
import { NearkeyError } from "../../errors.ts";
import { ending } from "../connection/ending.ts";
import { connectToServer } from "../connection/server-connection.ts";
import { addServerFlags, ENVIRONMENT_HELP, type ServerFlags } from "../connection/server-flags.ts";
import { percentText, tableText } from "../figures.ts";
import { wholeNumber } from "../number-flags.ts";
import { elementQuery, fileQueries, type Query, typedQuery } from "./query-vector.ts";
import { measureRecall, type RecallRow, searchFor } from "./recall.ts";

interface SearchFlags extends ServerFlags {
  readonly like?: string;
  readonly k: number;
  readonly ef?: number;
  readonly filter?: string;
  readonly exact?: boolean;
  readonly row: number;
  readonly recall?: number | true;
  readonly json?: boolean;
}

const BEAM_MAX = 16_384;
const SAMPLE = 100;
/** Lengths of the beam that --recall tries when none is given. */
const EFS = [16, 32, 64, 128, 256];
/** Where nobody says how wide the terminal is. */
const WIDTH = 100;

const EXAMPLES = `
Examples:
  $ nearkey search docs --like intro -k 5                    nearest to an element of the set
  $ nearkey search docs '[0.12, 0.5, 0.3]' --json            nearest to a vector
  $ nearkey search digits queries.npy --row 17               nearest to a row of a file, counted from 0
  $ embed "blue shoes" | nearkey search shop - --filter '.price < 80 and .size in ["m", "l"]'
  $ nearkey search docs --recall                             how well and how fast the graph answers
  $ nearkey search sift queries.fvecs --recall 1000 --ef 64  with queries of a file

--like and --recall leave out the element whose vector is asked for. --recall searches for 100 random elements of the set,
or as many as it is told, and compares with an exact search; times are round trips, one query after another.

Exit code: 0, also when nothing was found; 1 when something went wrong.`;

/** Adds `nearkey search` to the program. */
export function registerSearch(program: Command): void {
  const command = program
    .command("search")
    .description("find the nearest vectors, or measure how well they are found")
    .argument("<set>", "the vector set")
    .argument("[query]", "a JSON array, a file of vectors, or - for an array on standard input");
  addServerFlags(command)
    .option("--like <id>", "search for an element's own vector")
    .option("-k, --k <number>", "results at most", wholeNumber(1, BEAM_MAX - 1), 10)
    .option(
      "--ef <number>",
      "candidates kept: more is slower and finds more (default: max(64, 2k))",
      wholeNumber(1, BEAM_MAX),
    )
    .option("--filter <expression>", `over attributes: .lang == "en" and .year > 2000`)
    .option("--exact", "compare with every vector")
    .option("--row <number>", "which row of a file is the query", wholeNumber(0), 0)
    .addOption(new Option("--recall [queries]", "measure recall and times").argParser(wholeNumber(1, 1_000_000)))
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES + ENVIRONMENT_HELP)
    .action((name: string, query: string | undefined, flags: SearchFlags) =>
      ending(async () => {
        const client = await connectToServer(flags.url);
        try {
          const set = await existingSet(client, name);
          const text =
            flags.recall === undefined ? await find(set, query, flags) : await recall(client, set, query, flags);
          process.stdout.write(`${text}\n`);
          return 0;
        } finally {
          await client.close();
        }
      }),
    );
}

async function existingSet(client: Client, name: string): Promise<VectorSet<"promise">> {
  if (await client.has(name)) return client.vectors(name);
  const message = `there is no vector set ${JSON.stringify(name)}: nearkey import <file> --into ${name} makes one`;
  throw new NearkeyError("invalid-argument", message);
}

async function find(set: VectorSet<"promise">, typed: string | undefined, flags: SearchFlags): Promise<string> {
  if ((typed === undefined) === (flags.like === undefined)) {
    throw new NearkeyError(
      "invalid-option",
      "say what to search for: a vector, a file, or --like <id>; and one of them",
    );
  }
  const query = typed === undefined ? await elementQuery(set, flags.like ?? "") : await typedQuery(typed, flags.row);
  const { k, ef, filter, exact } = flags;
  const results = await searchFor(set, query, { k, ef, filter, exact });
  return flags.json ? JSON.stringify(results) : resultsText(results);
}

function resultsText(results: readonly SearchResult[]): string {
  if (results.length === 0) return "nothing found";
  const columns = [
    { title: "", right: true },
    { title: "id" },
    { title: "distance", right: true },
    { title: "score", right: true },
    { title: "attributes" },
  ];
  const rows = results.map(({ id, distance, score, attributes }, index) => [
    String(index + 1),
    // A line end or an escape sequence in a name would draw over the table.
    /^[^\p{Cc}]*$/u.test(id) ? id : JSON.stringify(id),
    Number(distance.toPrecision(6)).toString(),
    Number(score.toPrecision(6)).toString(),
    attributes === undefined ? "" : JSON.stringify(attributes),
  ]);
  return tableText(columns, rows, process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY);
}

async function recall(
  client: Client,
  set: VectorSet<"promise">,
  typed: string | undefined,
  flags: SearchFlags,
): Promise<string> {
  const count = flags.recall === true ? SAMPLE : (flags.recall ?? SAMPLE);
  const queries =
    typed === undefined ? await randomQueries(client, set, count) : await fileQueries(typed, flags.row, count);
  const efs = flags.ef === undefined ? EFS.filter((ef) => ef >= flags.k) : [flags.ef];
  const rows = await measureRecall(set, queries, efs, { k: flags.k, filter: flags.filter });
  if (flags.json) return JSON.stringify({ queries: queries.length, k: flags.k, rows: rows.map(recallJson) });
  return recallText(rows, queries.length, flags.k);
}

async function randomQueries(client: Client, set: VectorSet<"promise">, count: number): Promise<Query[]> {
  const ids = (await client.command("VRANDMEMBER", set.name, count)) as string[];
  const queries: Query[] = [];
  for (const id of ids) {
    const vector = await set.get(id);
    // One may have been deleted meanwhile.
    if (vector !== undefined) queries.push({ vector, self: id });
  }
  return queries;
}

function recallJson({ ef, recall: share, medianMs, p99Ms }: RecallRow): object {
  return { ef: ef ?? "exact", recall: share, median_ms: medianMs, p99_ms: p99Ms };
}

function recallText(rows: readonly RecallRow[], queries: number, k: number): string {
  const columns = ["ef", `recall@${k}`, "median ms", "p99 ms", "queries/s"].map((title) => ({ title, right: true }));
  const cells = rows.map(({ ef, recall: share, medianMs, p99Ms }) => [
    ef === undefined ? "exact" : String(ef),
    percentText(share),
    medianMs.toFixed(2),
    p99Ms.toFixed(2),
    Math.round(1000 / medianMs).toLocaleString("en"),
  ]);
  return `${queries} queries, one after another\n${tableText(columns, cells, WIDTH)}`;
}
