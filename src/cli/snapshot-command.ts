// `nearkey snapshot`: a database as one file to carry, with nothing in it of what was deleted: an image, or a file that Redis
// loads. It comes from a running server, over the connection, or from the newest snapshot of a directory.

import { rmSync } from "node:fs";
import { type Command, Option } from "commander";
import type { Engine } from "../engine.ts";
import { NearkeyError } from "../errors.ts";
import { writeRdb } from "../rdb/rdb-export.ts";
import { writeClean } from "../snapshot/image.ts";
import { writeFile } from "../storage/node-image-file.ts";
import { asideOf } from "../storage/node-storage.ts";
import { VERSION } from "../version.ts";
import { ending, INTERRUPTED } from "./connection/ending.ts";
import { addServerFlags, ENVIRONMENT_HELP, type ServerFlags } from "./connection/server-flags.ts";
import { countText } from "./figures.ts";
import { loadFromServer, loadNewest } from "./snapshot-source.ts";

const HELP = `
Examples:
  $ nearkey snapshot backup.nearkey                          of the server that runs here, as it is now
  $ nearkey snapshot --url cache:7379 backup.nearkey         of another one
  $ nearkey snapshot --dir /var/lib/nearkey backup.nearkey   the newest snapshot of a directory
  then, in a program: const db = await open({ image: "backup.nearkey" })
  $ nearkey snapshot --dir /var/lib/nearkey dump.rdb
  then: redis-server --dbfilename dump.rdb

A file of Redis has strings and hashes with expiry and databases, of every Redis since 3.2. Vector sets are left out.

Exit code: 0 when everything is in the file, 1 when something was left out or went wrong, 130 after Ctrl-C (then there
is no file).`;

interface SnapshotFlags extends ServerFlags {
  readonly dir?: string;
  readonly format?: "image" | "rdb";
}

/** Adds `nearkey snapshot` to the program. */
export function registerSnapshot(program: Command): void {
  const command = program.command("snapshot");
  addServerFlags(command)
    .description("write a database as one file that opens anywhere")
    .argument("<file>", "where to")
    .option("--dir <path>", "instead of a server: the directory of a database, whose newest snapshot it is")
    .addOption(
      new Option("--format <name>", "instead of what the file's name says: .rdb is a file of Redis").choices([
        "image",
        "rdb",
      ]),
    )
    .addHelpText("after", HELP + ENVIRONMENT_HELP)
    .action((path: string, flags: SnapshotFlags) =>
      ending(async () => {
        const isUrlGiven = command.getOptionValueSource("url") === "cli";
        if (flags.dir !== undefined && isUrlGiven) {
          throw new NearkeyError(
            "invalid-option",
            "--dir and --url exclude each other: a database comes from one place",
          );
        }
        return runSnapshot(path, flags);
      }),
    );
}

async function runSnapshot(path: string, { url, dir, format = formatOfName(path) }: SnapshotFlags): Promise<number> {
  // Ctrl-C leaves no half of a file.
  process.on("SIGINT", () => process.exit(INTERRUPTED));
  process.on("exit", () => rmSync(asideOf(path), { force: true }));
  const { engine, name } = await (dir === undefined ? loadFromServer(url, path) : loadNewest(dir));
  if (format === "rdb") return writeForRedis(engine, path, name);
  await writeFile(path, (file) => writeClean(engine, file, Date.now()));
  process.stdout.write(`${path}: ${name}\n`);
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
