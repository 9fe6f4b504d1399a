// `nearkey snapshot`: the newest snapshot of a directory as one file to carry, with nothing in it of what was deleted. The
// directory is only read, so a server may be running on it.

import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { Engine, memoryBytesMax } from "../engine.ts";
import { NearkeyError } from "../errors.ts";
import { writeClean } from "../snapshot/image.ts";
import { SnapshotStore } from "../snapshot/snapshot-store.ts";
import { writeFile } from "../storage/node-image-file.ts";
import { NodeStorage } from "../storage/node-storage.ts";
import { ENGINE_FILE, exitWith } from "./serve-command.ts";

const HELP = `
Examples:
  $ nearkey snapshot --dir /var/lib/nearkey backup.nearkey
  then, in a program: const db = await open({ image: "backup.nearkey" })`;

/** Adds `nearkey snapshot` to the program. */
export function registerSnapshot(program: Command): void {
  program
    .command("snapshot")
    .description("write the newest snapshot of a directory as one file that opens anywhere")
    .argument("<file>", "where to")
    .requiredOption("--dir <path>", "directory of the database")
    .addHelpText("after", HELP)
    .action(async (path: string, { dir }: { dir: string }) => {
      try {
        const name = await writeNewest(dir, path);
        process.stdout.write(`${path}: ${name} of ${dir}\n`);
      } catch (error) {
        exitWith(error instanceof Error ? error.message : String(error));
      }
    });
}

async function writeNewest(dir: string, path: string): Promise<string> {
  const module = await WebAssembly.compile(await readFile(ENGINE_FILE));
  const create = (): Engine =>
    Engine.create(module, {
      maxMemoryBytes: memoryBytesMax,
      eviction: "noeviction",
      reserveMemory: true,
      timed: false,
    });
  const store = await SnapshotStore.open(new NodeStorage(dir));
  const loaded = await store.load(create);
  if (loaded === undefined)
    throw new NearkeyError("storage-failed", `there is no snapshot in ${dir}: take one with SAVE`);
  for (const error of loaded.passedOver) process.stderr.write(`passed over: ${error.message}\n`);
  await writeFile(path, (file) => writeClean(loaded.engine, file, Date.now()));
  return loaded.name;
}
