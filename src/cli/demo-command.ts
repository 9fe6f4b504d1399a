// `nearkey demo`: a server like `nearkey serve`, filled with handwritten digits and showing them on its page. The digits
// go straight into the server's engine, in slices between which the server answers; the page works meanwhile and sees
// them arrive.

import { type Command, InvalidArgumentError } from "commander";
import { Database } from "../database/database.ts";
import { DIGITS_KEY, pictureKey } from "../demo/digit-names.ts";
import { NearkeyError } from "../errors.ts";
import type { Server } from "../server/server.ts";
import { outliveReaders } from "./connection/ending.ts";
import { DIGIT_PIXELS, type Digit, readDigits } from "./digits.ts";
import { Progress, type ProgressStream } from "./progress.ts";
import { exitWith, hostInUrl, runServer, serverOptionsOf } from "./serve-command.ts";
import { addSettingFlags } from "./setting-flags.ts";

/** All there are. */
const DIGITS = 10_000;
/** Digits stored between two updates of the progress. */
const SLICE = 100;

/** Adds `nearkey demo` to the program. */
export function registerDemo(program: Command): void {
  const command = program.command("demo").description("serve a page that finds handwritten digits by nearness");
  command.option("--digits <number>", "handwritten digits to load", digitCount, DIGITS);
  addSettingFlags(command).action(async (flags: { digits: number }) => {
    outliveReaders(process.stdout);
    const options = { ...serverOptionsOf(command), respOptional: true };
    const server = await runServer(options);
    const { respPort } = options;
    if (respPort !== undefined && server.resp === undefined) {
      print(`port ${respPort} is taken: going on without RESP for Redis clients (--resp-port names another port)`);
    }
    try {
      await loadDigits(new Database(server.engine, options, { now: Date.now }), flags.digits, process.stdout);
    } catch (error) {
      const full = error instanceof NearkeyError && error.code === "out-of-memory";
      const hint = full ? ` (the digits need more: --max-memory is ${options.maxMemoryBytes} bytes)` : "";
      exitWith(`${error instanceof Error ? error.message : error}${hint}`);
    }
    print(invitation(server, options.tlsCert !== undefined));
  });
}

function digitCount(text: string): number {
  const count = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= DIGITS) return count;
  throw new InvalidArgumentError(`It takes a whole number from 1 to ${DIGITS}.`);
}

/**
 * Stores digits: each as an element of one vector set, with its label as attribute, and its picture under a key.
 *
 * @param count how many
 * @param stream where the progress goes
 * @throws NearkeyError `unsupported` without the package that holds them, `out-of-memory`
 */
export async function loadDigits(database: Database, count: number, stream: ProgressStream): Promise<void> {
  const digits = await readDigits(count);
  const progress = new Progress(stream, "digits loaded", digits.length);
  const set = database.vectors(DIGITS_KEY, { dim: DIGIT_PIXELS, metric: "cosine" });
  progress.show(0);
  for (let start = 0; start < digits.length; start += SLICE) {
    const slice = digits.slice(start, start + SLICE);
    database.setMany(slice.map(({ id, picture }) => [pictureKey(id), picture]));
    const ids = slice.map(({ id }) => id);
    const attributes = slice.map(({ label }) => ({ label }));
    await set.setMany(ids, matrixOf(slice), attributes);
    progress.show(start + slice.length);
  }
}

/** Pixels from 0 to 1, as the page makes them of a drawing. */
function matrixOf(digits: readonly Digit[]): Float32Array {
  const matrix = new Float32Array(digits.length * DIGIT_PIXELS);
  for (const [row, { picture }] of digits.entries()) {
    for (let pixel = 0; pixel < DIGIT_PIXELS; pixel++) {
      matrix[row * DIGIT_PIXELS + pixel] = (picture[pixel] as number) / 255;
    }
  }
  return matrix;
}

function invitation({ http, resp }: Server, tls: boolean): string {
  // An address that means all of them is none to open.
  const host = http.host === "0.0.0.0" || http.host === "::" ? "127.0.0.1" : hostInUrl(http.host);
  const lines = [`the demo is at http${tls ? "s" : ""}://${host}:${http.port}/`];
  if (resp !== undefined)
    lines.push(
      `Redis clients find it too: redis-cli ${tls ? "--tls " : ""}-h ${resp.host} -p ${resp.port} VINFO digits`,
    );
  return [...lines, "everything is kept in memory, nothing on disk; Ctrl+C ends it"].join("\n");
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
