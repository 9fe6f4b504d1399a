// Where `nearkey snapshot` takes a database from: the newest snapshot of a directory, which is only read, or one that a
// running server takes and sends, which is kept in a file of its own until it is complete.

import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { request as requestOverTls } from "node:https";
import { dirname, join } from "node:path";
import { Engine, memoryBytesMax } from "../engine.ts";
import { NearkeyError } from "../errors.ts";
import { SNAPSHOT_HEADER } from "../server/snapshot-page.ts";
import { loadWhole } from "../snapshot/image.ts";
import { SnapshotStore } from "../snapshot/snapshot-store.ts";
import { fileError } from "../storage/file-fault.ts";
import { readFileOf, writeFile } from "../storage/node-image-file.ts";
import { NodeStorage } from "../storage/node-storage.ts";
import { withPassword } from "./connection/server-connection.ts";
import { httpUrl, shownAddress } from "./connection/server-flags.ts";
import { Progress } from "./progress.ts";
import { ENGINE_FILE } from "./serve-command.ts";

/** Replies that one command may give: the longest value there can be, and its frame. */
const OUTPUT_LIMIT_BYTES = 1024 ** 3;

/** A database, in an engine that nobody else uses. */
export interface Source {
  readonly engine: Engine;
  /** Where it came from, for people. */
  readonly name: string;
}

async function engineMaker(): Promise<() => Engine> {
  const module = await WebAssembly.compile(await readFile(ENGINE_FILE));
  const options = { eviction: "noeviction", outputLimitBytes: OUTPUT_LIMIT_BYTES, reserveMemory: true } as const;
  return () => Engine.create(module, { ...options, maxMemoryBytes: memoryBytesMax, timed: false });
}

/**
 * Reads the newest snapshot of a directory.
 *
 * @throws NearkeyError `storage-failed` when there is none, `storage-damaged`, `unsupported`, `out-of-memory`
 */
export async function loadNewest(dir: string): Promise<Source> {
  const create = await engineMaker();
  const store = await SnapshotStore.open(new NodeStorage(dir, "--dir")).catch((error: unknown) => {
    throw error instanceof NearkeyError ? error : fileError(`cannot read the directory ${dir}`, error);
  });
  const loaded = await store.load(create);
  if (loaded === undefined)
    throw new NearkeyError("storage-failed", `there is no snapshot in ${dir}: take one with SAVE`);
  for (const error of loaded.passedOver) process.stderr.write(`passed over: ${error.message}\n`);
  return { engine: loaded.engine, name: `${loaded.name} of ${dir}` };
}

/**
 * Lets a server take a snapshot, and reads it.
 *
 * @param target file that shall be made of it: beside it there should be room
 * @throws NearkeyError `connection-failed`, `authentication-required`, `wrong-password`, `storage-damaged` when it did not
 *   arrive whole, `unsupported` from another version
 */
export async function loadFromServer(url: string, target: string): Promise<Source> {
  const create = await engineMaker();
  const folder = folderBeside(target);
  const path = join(folder, "snapshot");
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.on("exit", remove); // Ctrl-C too leaves nothing behind.
  try {
    const response = await withPassword(url, (password) => ask(url, password));
    await receive(response, path);
    const engine = create();
    const name = `a snapshot of ${shownAddress(url)}`;
    await readFileOf(path, (file) => loadWhole(engine, file, name));
    return { engine, name };
  } finally {
    process.off("exit", remove);
    remove();
  }
}

function folderBeside(target: string): string {
  try {
    return mkdtempSync(join(dirname(target), ".nearkey-snapshot-"));
  } catch (error) {
    throw fileError(`cannot write ${target}`, error);
  }
}

async function ask(url: string, password: string | undefined): Promise<IncomingMessage> {
  const headers: Record<string, string> = { [SNAPSHOT_HEADER]: "1" };
  if (password !== undefined) headers.authorization = `Bearer ${Buffer.from(password).toString("latin1")}`;
  const response = await get(httpUrl(url, "/snapshot"), headers).catch((error: Error) => {
    throw new NearkeyError("connection-failed", `cannot connect to ${url}: ${reasonOf(error)}`, { cause: error });
  });
  if (response.statusCode === 200) return response;
  const text = (await textOf(response)).trim();
  if (response.statusCode !== 401)
    throw new NearkeyError("command-failed", `the server at ${url} gives no snapshot: ${text}`);
  throw new NearkeyError(password === undefined ? "authentication-required" : "wrong-password", text);
}

/** Waits as long as it takes: `fetch` gives up after five minutes, and the answer begins when all is on the server's disk. */
function get(url: URL, headers: Record<string, string>): Promise<IncomingMessage> {
  const open = url.protocol === "https:" ? requestOverTls : request;
  return new Promise((resolve, reject) => {
    open(url, { headers }, resolve).on("error", reject).end();
  });
}

/** An address that several machines or families could answer for fails with one error for each. */
function reasonOf(error: Error): string {
  const [first] = error instanceof AggregateError ? (error.errors as Error[]) : [error];
  return first?.message || error.message || String((error as NodeJS.ErrnoException).code);
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of piecesOf(response)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

async function receive(response: IncomingMessage, path: string): Promise<void> {
  const total = Number(response.headers["content-length"]);
  const progress = new Progress(process.stderr, "bytes received", total);
  let received = 0;
  await writeFile(path, async (file) => {
    for await (const piece of piecesOf(response)) {
      await file.append([piece]);
      received += piece.length;
      progress.show(received);
    }
  });
}

async function* piecesOf(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of response) yield piece;
  } catch (error) {
    throw new NearkeyError("connection-lost", "the connection broke before the snapshot was there", { cause: error });
  }
}
