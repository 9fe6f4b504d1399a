// `nearkey snapshot`: the newest snapshot of a directory as one file to carry, with nothing in it of what was deleted: an image,
// or a file that Redis loads. The directory is only read, so a server may be running on it.

import { readFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import { Engine, memoryBytesMax } from "../engine.ts";
import { NearkeyError } from "../errors.ts";
import { writeRdb } from "../rdb/rdb-export.ts";
import { writeClean } from "../snapshot/image.ts";
import { type Loaded, SnapshotStore } from "../snapshot/snapshot-store.ts";
import { fileError } from "../storage/file-fault.ts";
import { writeFile } from "../storage/node-image-file.ts";
import { NodeStorage } from "../storage/node-storage.ts";
import { VERSION } from "../version.ts";
import { ending } from "./connection/ending.ts";
import { countText } from "./figures.ts";
import { ENGINE_FILE } from "./serve-command.ts";

const HELP = `
Examples:
  $ nearkey snapshot --dir /var/lib/nearkey backup.nearkey
  then, in a program: const db = await open({ image: "backup.nearkey" })
  $ nearkey snapshot --dir /var/lib/nearkey dump.rdb
  then: redis-server --dbfilename dump.rdb

A file of Redis has strings and hashes with expiry and databases, of every Redis since 3.2. Vector sets are left out.

Exit code: 0 when everything is in the file, 1 when something was left out or went wrong.`;

/** Replies that one command may give: the longest value there can be, and its frame. */
const OUTPUT_LIMIT_BYTES = 1024 ** 3;

interface SnapshotFlags {
  readonly dir: string;
  readonly format?: "image" | "rdb";
}

/** Adds `nearkey snapshot` to the program. */
export function registerSnapshot(program: Command): void {
  program
    .command("snapshot")
    .description("write the newest snapshot of a directory as one file that opens anywhere")
    .argument("<file>", "where to")
    .requiredOption("--dir <path>", "directory of the database")
    .addOption(
      new Option("--format <name>", "instead of what the file's name says: .rdb is a file of Redis").choices([
        "image",
        "rdb",
      ]),
    )
    .addHelpText("after", HELP)
    .action((path: string, flags: SnapshotFlags) => ending(() => runSnapshot(path, flags)));
}

async function runSnapshot(path: string, { dir, format = formatOfName(path) }: SnapshotFlags): Promise<number> {
  const { engine, name, passedOver } = await loadNewest(dir);
  for (const error of passedOver) process.stderr.write(`passed over: ${error.message}\n`);
  if (format === "rdb") return writeForRedis(engine, path, `${name} of ${dir}`);
  await writeFile(path, (file) => writeClean(engine, file, Date.now()));
  process.stdout.write(`${path}: ${name} of ${dir}\n`);
  return 0;
}

function formatOfName(path: string): "image" | "rdb" {
  return /\.rdb$/i.test(path) ? "rdb" : "image";
}

async function writeForRedis(engine: Engine, path: string, source: string): Promise<number> {
  let written = { keys: 0, leftOut: new Map<string, number>() as ReadonlyMap<string, number> };
  const nowMs = Date.now();
  const facts = { "nearkey-ver": VERSION, ctime: String(Math.floor(nowMs / 1000)) };
  await writeFile(path, async (file) => {
    written = await writeRdb(engine, file, nowMs, facts);
  });
  process.stdout.write(`${path}: ${countText(written.keys)} keys, ${source}\n`);
  for (const [type, count] of written.leftOut) {
    process.stderr.write(`left out: ${countText(count)} of the type ${type}, which files of Redis do not have\n`);
  }
  return written.leftOut.size > 0 ? 1 : 0;
}

/** @throws NearkeyError `storage-failed` when there is none, `storage-damaged`, `unsupported`, `out-of-memory` */
async function loadNewest(dir: string): Promise<Loaded> {
  const module = await WebAssembly.compile(await readFile(ENGINE_FILE));
  const create = (): Engine =>
    Engine.create(module, {
      maxMemoryBytes: memoryBytesMax,
      eviction: "noeviction",
      outputLimitBytes: OUTPUT_LIMIT_BYTES,
      reserveMemory: true,
      timed: false,
    });
  const storage = new NodeStorage(dir, "--dir");
  const store = await SnapshotStore.open(storage).catch((error: unknown) => {
    throw error instanceof NearkeyError ? error : fileError(`cannot read the directory ${dir}`, error);
  });
  const loaded = await store.load(create);
  if (loaded !== undefined) return loaded;
  throw new NearkeyError("storage-failed", `there is no snapshot in ${dir}: take one with SAVE`);
}
