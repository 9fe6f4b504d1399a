// `nearkey import`: files of vectors or keys into a server. Progress goes to standard error and the summary to standard
// output, so that `--json` can be piped on while a person watches. Rows are one way through it, files of Redis the other.

import type { Command } from "commander";
import type { Client } from "../../client.ts";
import { NearkeyError } from "../../errors.ts";
import { ending, INTERRUPTED } from "../connection/ending.ts";
import { addServerFlags, ENVIRONMENT_HELP } from "../connection/server-flags.ts";
import { Progress } from "../progress.ts";
import { type FileFormat, hasFields, readRows } from "./file-format.ts";
import type { FoundRow } from "./found-row.ts";
import {
  addImportFlags,
  formatsOf,
  type ImportFlags,
  keyFieldsOf,
  neededFieldsOf,
  vectorFieldsOf,
  vectorOptionsOf,
} from "./import-flags.ts";
import { ImportJob, type PlacedRow } from "./import-job.ts";
import { type Outcome, summaryJson, summaryText } from "./import-summary.ts";
import { type InputFile, openInput } from "./input-file.ts";
import { directoryTarget, type ImportTarget, serverTarget } from "./own-server.ts";
import { placeOfRdbRow, type RdbFacts, type RdbRow, RdbSink, readRdbRows } from "./rdb-rows.ts";
import { readLabels } from "./row-labels.ts";
import { KeySink, type Sink, setOfNobody, setOfServer, VectorSink } from "./sinks.ts";

const EXAMPLES = `
Formats, by the file's name (a last .gz is unpacked) or --format; - is standard input:
  .jsonl .ndjson       an object a line: {"id":"a","vector":[0.1,0.2],"attributes":{"lang":"en"}}
  .csv .tsv            a first line of names; a vector is one cell "[0.1, 0.2]" or several columns
  .npy                 a matrix in C order of f2, f4, f8 or integers
  .fvecs .bvecs .ivecs as in the TEXMEX corpus
  .rdb                 keys as Redis saves them, 2.8 to 8.0 (and newer, of types that those have): strings and hashes,
                       with expiry and databases

Examples:
  $ nearkey import docs.jsonl --into docs
  $ nearkey import rows.csv.gz --into items --id sku --vector 'v*' --attributes name,price
  $ nearkey import base.fvecs --into sift --metric l2 --id-prefix sift:
  $ nearkey import digits.npy --into digits --labels labels.npy --dry-run
  $ nearkey import sessions.jsonl --as keys        {"key":"s:1","value":"…","ttl":3600}
  $ nearkey import users.csv --as keys --id id --hash '*' --id-prefix user:
  $ nearkey import dump.rdb                        keys of Redis, each into its database
  $ nearkey import dump.rdb --dir /var/lib/nearkey  into a directory that no server has open
  $ psql -c "copy (…) to stdout csv header" | nearkey import - --format csv --as keys

Exit code: 0 when every row is in, 1 when some were refused or something went wrong, 130 after Ctrl-C (what was
sent is in, and the summary says how much). Importing again replaces what has the same id.`;

/** Adds `nearkey import` to the program. */
export function registerImport(program: Command): void {
  const command = program
    .command("import")
    .description("load vectors or keys from files, of Redis too")
    .argument("<file...>");
  addServerFlags(addImportFlags(command))
    .addHelpText("after", EXAMPLES + ENVIRONMENT_HELP)
    .action((files: string[], flags: ImportFlags) =>
      ending(async () => {
        const isUrlGiven = command.getOptionValueSource("url") === "cli";
        if (flags.dir === undefined || !isUrlGiven) return runImport(files, flags);
        throw new NearkeyError("invalid-option", "--dir and --url exclude each other: rows go to one place");
      }),
    );
}

interface Source {
  readonly input: InputFile;
  readonly format: FileFormat;
}

/** How the rows of some files are read, named and sent. */
interface Plan<Row extends PlacedRow> {
  readonly job: ImportJob<Row>;
  read(source: Source): AsyncIterable<Row[]>;
  placeOf(row: Row, source: Source): string;
  /** What is known only when it is over. */
  found?(): Outcome["found"];
  close(): Promise<void>;
}

async function runImport(files: readonly string[], given: ImportFlags): Promise<number> {
  const formats = formatsOf(files, given);
  const sources: Source[] = [];
  for (const [index, file] of files.entries()) {
    sources.push({ input: await openInput(file), format: formats[index] as FileFormat });
  }
  const isOfRedis = formats.includes("rdb");
  const flags: ImportFlags = isOfRedis ? { ...given, as: "keys" } : given;
  const target = flags.dryRun ? undefined : await targetOf(flags);
  try {
    if (isOfRedis) return await runPlan(rdbPlan(flags, target), sources, flags);
    return await runPlan(await rowPlan(flags, target), sources, flags);
  } finally {
    await target?.stop();
  }
}

async function targetOf({ dir, url }: ImportFlags): Promise<ImportTarget> {
  return dir === undefined ? serverTarget(url) : directoryTarget(dir);
}

async function rowPlan(flags: ImportFlags, target: ImportTarget | undefined): Promise<Plan<FoundRow>> {
  const client = await target?.connect();
  const close = async (): Promise<void> => client?.close();
  try {
    return {
      job: new ImportJob(await sinkOf(flags, client), limitsOf(flags)),
      read: ({ input, format }) => readRows(input, format, neededFieldsOf(flags)),
      placeOf: ({ place }, { format }) => `${hasFields(format) ? "line" : "row"} ${place}`,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function rdbPlan(flags: ImportFlags, target: ImportTarget | undefined): Plan<RdbRow> {
  const facts: RdbFacts = new Map();
  const sink = new RdbSink(target && ((database) => target.connect({ database })), flags.idPrefix);
  return {
    job: new ImportJob(sink, limitsOf(flags)),
    read: ({ input }) => readRdbRows(input, facts),
    placeOf: placeOfRdbRow,
    found: () => ({ expired: sink.expired, redisVersion: facts.get("redis-ver") }),
    close: () => sink.close(),
  };
}

function limitsOf({ skip, limit, strict = false }: ImportFlags) {
  return { skip, limit, strict };
}

async function sinkOf(flags: ImportFlags, client: Client | undefined): Promise<Sink> {
  if (flags.as === "keys") return new KeySink(keyFieldsOf(flags), client);
  const options = vectorOptionsOf(flags);
  const labelOf = flags.labels === undefined ? undefined : await readLabels(flags.labels);
  const into = flags.into ?? "";
  const open = client === undefined ? setOfNobody(into, options) : setOfServer(client, into, options);
  return new VectorSink(vectorFieldsOf(flags), labelOf, open);
}

async function runPlan<Row extends PlacedRow>(
  plan: Plan<Row>,
  sources: readonly Source[],
  flags: ImportFlags,
): Promise<number> {
  try {
    return await runJob(plan, sources, flags);
  } finally {
    await plan.close();
  }
}

async function runJob<Row extends PlacedRow>(
  plan: Plan<Row>,
  sources: readonly Source[],
  flags: ImportFlags,
): Promise<number> {
  const { job } = plan;
  const started = performance.now();
  let interrupted = false;
  const interrupt = (): void => {
    if (interrupted) process.exit(INTERRUPTED);
    interrupted = true;
    job.stop();
    for (const { input } of sources) input.close();
  };
  process.on("SIGINT", interrupt);
  const progress = new Progress(process.stderr, flags.as === "keys" ? "keys imported" : "vectors imported");
  const failure = await takeAll(plan, sources, progress);
  progress.end(job.stored, shareRead(sources));
  process.off("SIGINT", interrupt);
  const seconds = (performance.now() - started) / 1000;
  const outcome: Outcome = { job, flags, seconds, interrupted, found: plan.found?.() };
  process.stdout.write(`${flags.json ? JSON.stringify(summaryJson(outcome)) : summaryText(outcome)}\n`);
  if (failure !== undefined && !interrupted) throw failure;
  if (interrupted) return INTERRUPTED;
  return job.refusals.count > 0 ? 1 : 0;
}

/** Reads and sends everything; gives what ended it early, once nothing is on the way any more. */
async function takeAll<Row extends PlacedRow>(
  { job, read, placeOf }: Plan<Row>,
  sources: readonly Source[],
  progress: Progress,
): Promise<unknown> {
  let failure: unknown;
  try {
    for (const source of sources) {
      const before = sources.length > 1 ? `${source.input.name} ` : "";
      const show = () => progress.show(job.stored, shareRead(sources));
      await job.take(read(source), (row) => `${before}${placeOf(row, source)}`, show);
      if (job.ended) break;
    }
  } catch (error) {
    failure = error;
  }
  try {
    await job.finish();
  } catch (error) {
    failure ??= error;
  }
  return withAdvice(failure);
}

function withAdvice(error: unknown): unknown {
  if (!(error instanceof NearkeyError) || error.code !== "out-of-memory") return error;
  const text = `the server's memory is full (${error.message}): start it with a larger --max-memory`;
  return new NearkeyError(error.code, text, { cause: error });
}

/** How much of all files was read; undefined when one has no length. */
function shareRead(sources: readonly Source[]): number | undefined {
  let size = 0;
  let read = 0;
  for (const { input } of sources) {
    if (input.size === undefined) return undefined;
    size += input.size;
    read += input.readBytes;
  }
  return size === 0 ? undefined : Math.min(1, read / size);
}
