// VADDMANY: many elements in one command, all of them or none. It is the server's setMany: rows go in slice by slice while others
// are served, threads link them where there are some, and the client has its answer when all can be found. That takes as long
// as it takes, so it is a command of the host, which alone can wait; and whatever the engine refuses, it is asked by VADDs.

import { DatabaseConnection, type Embedded } from "../database/database-connection.ts";
import { EmbeddedVectors } from "../database/embedded-vectors.ts";
import { single } from "../database/operations.ts";
import { insertTexts } from "../database/vector-insertion.ts";
import { openSet } from "../database/vector-operations.ts";
import type { Metric, Quantization, VectorOptions } from "../database/vector-options.ts";
import { NearkeyError } from "../errors.ts";
import { type HostCall, type HostReply, NOT_IN_TRANSACTION } from "../host/host-call.ts";
import type { KeptDatabase } from "../persistence/kept-database.ts";
import type { Threads } from "../pool/threads.ts";
import { ReplyError } from "../resp.ts";

const QUANTIZATIONS: Readonly<Record<string, Quantization>> = {
  NOQUANT: "f32",
  F16: "f16",
  Q8: "int8",
  Q4: "int4",
  BIN: "binary",
};
const SYNTAX = "ERR syntax error, use VADDMANY key FP32 matrix ELEMENTS count element [element ...] [option ...]";

/** What a VADDMANY asks for. */
interface Request {
  readonly key: Uint8Array;
  readonly ids: readonly Uint8Array[];
  readonly matrix: Float32Array;
  /** Attributes of each element, "" for none; undefined leaves those that elements have. */
  readonly texts: readonly string[] | undefined;
  readonly options: VectorOptions;
}

/** What surrounds them. */
interface Surroundings {
  readonly embedded: Embedded;
  readonly persistence: KeptDatabase | undefined;
  readonly threads: Threads | undefined;
  /** Whether so many bytes more would fit. */
  canHold(bytes: number): boolean;
}

/** The VADDMANYs of one server. */
export class BulkVectors {
  readonly #around: Surroundings;
  readonly #ending = new AbortController();
  readonly #running = new Set<Promise<HostReply>>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Answers `VADDMANY key FP32 matrix ELEMENTS count element [element ...] [option ...]` with how many elements were given. */
  add(call: HostCall): HostReply | Promise<HostReply> {
    if (call.inTransaction) return new ReplyError(NOT_IN_TRANSACTION);
    const request = readRequest(call);
    if (request instanceof ReplyError) return request;
    const running = this.#insert(request, call.engine.database(call.connection)).catch(replyOf);
    this.#running.add(running);
    return running.finally(() => this.#running.delete(running));
  }

  /** Takes back what is not done yet. */
  async close(): Promise<void> {
    this.#ending.abort(new NearkeyError("closed", "the server stops"));
    await Promise.all(this.#running);
  }

  async #insert({ key, ids, matrix, texts, options }: Request, database: number): Promise<HostReply> {
    const { embedded } = this.#around;
    const connection = new DatabaseConnection(embedded, 3, 0);
    try {
      connection.run(single(["SELECT", database], () => undefined));
      const port = new EmbeddedVectors({ ...this.#around, engine: embedded.engine, connection });
      const set = connection.run(openSet(key, options));
      await insertTexts(port, set, ids, matrix, (index) => texts?.[index], { signal: this.#ending.signal });
      return ids.length;
    } finally {
      connection.close();
    }
  }
}

/** What is wrong, as the engine would say it. */
function replyOf(error: unknown): ReplyError {
  if (!(error instanceof NearkeyError)) throw error;
  const isReply = /^[A-Z]{3,} /.test(error.message);
  if (isReply) return new ReplyError(error.message);
  return new ReplyError(`${error.code === "out-of-memory" ? "OOM" : "ERR"} ${error.message}`);
}

function readRequest({ bytes, words }: HostCall): Request | ReplyError {
  const [key, , blob, , , ...rest] = bytes;
  const count = Number(words[4]);
  const isForm = words[1]?.toUpperCase() === "FP32" && words[3]?.toUpperCase() === "ELEMENTS";
  if (!isForm || key === undefined || blob === undefined) return new ReplyError(SYNTAX);
  if (!/^\d{1,9}$/.test(words[4] ?? "") || count === 0 || count > rest.length) {
    return new ReplyError("ERR count must be how many elements follow it, 1 at least");
  }
  if (blob.length === 0 || blob.length % (4 * count) !== 0) {
    return new ReplyError(`ERR the matrix has ${blob.length} bytes, which are no ${count} rows of float32`);
  }
  const matrix = new Float32Array(blob.slice().buffer);
  const asked = readOptions(words.slice(5 + count), count);
  if (asked instanceof ReplyError) return asked;
  return {
    ...asked,
    key,
    ids: rest.slice(0, count),
    matrix,
    options: { ...asked.options, dim: matrix.length / count },
  };
}

/** Reads what stands behind the elements. */
function readOptions(words: readonly string[], count: number): Pick<Request, "texts" | "options"> | ReplyError {
  const options: VectorOptions = {};
  let texts: Request["texts"];
  for (let at = 0; at < words.length; at++) {
    const name = (words[at] ?? "").toUpperCase();
    const quantization = QUANTIZATIONS[name];
    if (quantization !== undefined) options.quantization = quantization;
    else if (name === "NOORIGINALS") options.keepOriginals = false;
    else if (name === "SETATTRS") {
      texts = words.slice(at + 1, at + 1 + count);
      if (texts.length < count) return new ReplyError(`ERR SETATTRS takes the attributes of ${count} elements`);
      at += count;
    } else if (name === "M" || name === "EF" || name === "METRIC") {
      const value = words[++at];
      if (value === undefined) return new ReplyError("ERR invalid option after elements");
      if (name === "METRIC") options.metric = value.toLowerCase() as Metric;
      else options[name === "M" ? "m" : "efConstruction"] = Number(value);
    } else {
      return new ReplyError("ERR invalid option after elements");
    }
  }
  return { texts, options };
}
