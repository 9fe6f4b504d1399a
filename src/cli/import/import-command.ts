// `nearkey import`: files of vectors or keys into a server. Progress goes to standard error and the summary to standard
// output, so that `--json` can be piped on while a person watches.

import type { Command } from "commander";
import type { Client } from "../../client.ts";
import { NearkeyError } from "../../errors.ts";
import { ending, INTERRUPTED } from "../connection/ending.ts";
import { connectToServer } from "../connection/server-connection.ts";
import { addServerFlags, ENVIRONMENT_HELP } from "../connection/server-flags.ts";
import { countText } from "../figures.ts";
import { Progress } from "../progress.ts";
import { type FileFormat, hasFields, readRows } from "./file-format.ts";
import {
  addImportFlags,
  formatsOf,
  type ImportFlags,
  keyFieldsOf,
  vectorFieldsOf,
  vectorOptionsOf,
} from "./import-flags.ts";
import { ImportJob } from "./import-job.ts";
import { type InputFile, openInput } from "./input-file.ts";
import { readLabels } from "./row-labels.ts";
import { KeySink, type Sink, setOfNobody, setOfServer, VectorSink } from "./sinks.ts";

const EXAMPLES = `
Formats, by the file's name (a last .gz is unpacked) or --format; - is standard input:
  .jsonl .ndjson       an object a line: {"id":"a","vector":[0.1,0.2],"attributes":{"lang":"en"}}
  .csv .tsv            a first line of names; a vector is one cell "[0.1, 0.2]" or several columns
  .npy                 a matrix in C order of f2, f4, f8 or integers
  .fvecs .bvecs .ivecs as in the TEXMEX corpus

Examples:
  $ nearkey import docs.jsonl --into docs
  $ nearkey import rows.csv.gz --into items --id sku --vector 'v*' --attributes name,price
  $ nearkey import base.fvecs --into sift --metric l2 --id-prefix sift:
  $ nearkey import digits.npy --into digits --labels labels.npy --dry-run
  $ nearkey import sessions.jsonl --as keys        {"key":"s:1","value":"…","ttl":3600}
  $ nearkey import users.csv --as keys --id id --hash '*' --id-prefix user:
  $ psql -c "copy (…) to stdout csv header" | nearkey import - --format csv --as keys

Exit code: 0 when every row is in, 1 when some were refused or something went wrong, 130 after Ctrl-C (what was
sent is in, and the summary says how much). Importing again replaces what has the same id.`;

/** Adds `nearkey import` to the program. */
export function registerImport(program: Command): void {
  const command = program.command("import").description("load vectors or keys from files").argument("<file...>");
  addServerFlags(addImportFlags(command))
    .addHelpText("after", EXAMPLES + ENVIRONMENT_HELP)
    .action((files: string[], flags: ImportFlags) => ending(() => runImport(files, flags)));
}

interface Source {
  readonly input: InputFile;
  readonly format: FileFormat;
}

async function runImport(files: readonly string[], flags: ImportFlags): Promise<number> {
  const formats = formatsOf(files, flags);
  const sources: Source[] = [];
  for (const [index, file] of files.entries()) {
    sources.push({ input: await openInput(file), format: formats[index] as FileFormat });
  }
  const client = flags.dryRun ? undefined : await connectToServer(flags.url);
  try {
    const job = new ImportJob(await sinkOf(flags, client), { ...flags, strict: flags.strict ?? false });
    return await runJob(job, sources, flags);
  } finally {
    await client?.close();
  }
}

async function sinkOf(flags: ImportFlags, client: Client | undefined): Promise<Sink> {
  if (flags.as === "keys") return new KeySink(keyFieldsOf(flags), client);
  const options = vectorOptionsOf(flags);
  const labelOf = flags.labels === undefined ? undefined : await readLabels(flags.labels);
  const into = flags.into ?? "";
  const open = client === undefined ? setOfNobody(into, options) : setOfServer(client, into, options);
  return new VectorSink(vectorFieldsOf(flags), labelOf, open);
}

async function runJob(job: ImportJob, sources: readonly Source[], flags: ImportFlags): Promise<number> {
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
  const failure = await takeAll(job, sources, progress);
  progress.end(job.stored, shareRead(sources));
  process.off("SIGINT", interrupt);
  const seconds = (performance.now() - started) / 1000;
  const summary = { job, flags, seconds, interrupted };
  process.stdout.write(`${flags.json ? JSON.stringify(summaryJson(summary)) : summaryText(summary)}\n`);
  if (failure !== undefined) throw failure;
  if (interrupted) return INTERRUPTED;
  return job.refusals.count > 0 ? 1 : 0;
}

/** Reads and sends everything; gives what ended it early, once nothing is on the way any more. */
async function takeAll(job: ImportJob, sources: readonly Source[], progress: Progress): Promise<unknown> {
  let failure: unknown;
  try {
    for (const { input, format } of sources) {
      const unit = hasFields(format) ? "line" : "row";
      const placed = sources.length > 1 ? `${input.name} ${unit}` : unit;
      const show = () => progress.show(job.stored, shareRead(sources));
      await job.take(readRows(input, format), ({ place }) => `${placed} ${place}`, show);
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

interface Summary {
  readonly job: ImportJob;
  readonly flags: ImportFlags;
  readonly seconds: number;
  readonly interrupted: boolean;
}

function summaryText({ job, flags, seconds, interrupted }: Summary): string {
  const what = flags.as === "keys" ? "keys" : `vectors into ${flags.into}`;
  const rate = `${seconds.toFixed(1)} s, ${countText(job.stored / seconds)} a second`;
  const lines = flags.dryRun
    ? [`checked ${countText(job.stored)} ${flags.as} in ${rate}; nothing was stored`]
    : [`imported ${countText(job.stored)} ${what} in ${rate}`];
  if (job.replaced > 0) lines.push(`${countText(job.replaced)} of them replaced one that was there`);
  if (interrupted) lines.push("stopped by Ctrl-C: what is counted here is in, nothing else");
  if (job.refusals.count > 0) lines.push(job.refusals.text());
  return lines.join("\n");
}

function summaryJson({ job, flags, seconds, interrupted }: Summary): object {
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
  };
}
