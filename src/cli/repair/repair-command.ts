// `nearkey repair`: shows what is wrong with a directory and what a cut would lose, and mends or cuts when it is told to. It holds
// the directory's lock meanwhile, so no server can be running on it, and it looks again behind the cut.

import { readdir } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { holdDatabase } from "../../persistence/directory-files.ts";
import { NodeStorage } from "../../storage/node-storage.ts";
import { ending } from "../connection/ending.ts";
import { type Examination, examine, isDamaged, mend } from "./examination.ts";
import { examinationLines, type RepairOutcome, repairJson } from "./repair-report.ts";

const WRONG_USE = 2;

const HELP = `
Examples:
  $ nearkey repair --dir /var/lib/nearkey --dry-run     what is wrong, and what a cut would lose
  $ nearkey repair --dir /var/lib/nearkey               the same, and a question
  $ nearkey repair --dir /var/lib/nearkey --yes --json  for programs

A head of a file that is damaged alone is made again, and loses nothing. What is cut goes aside into files that end in .cut, beside the others; nothing is deleted.
A copy of the directory from before the damage loses nothing: look for one first.

Exit code: 0 when nothing is wrong, or what was is repaired; 1 when damage is left; 2 for wrong use, a folder without
a database too; 130 after Ctrl-C: what had not gone aside by then is where it was, and another run goes on.`;

interface RepairFlags {
  readonly dir: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Adds `nearkey repair` to the program. */
export function registerRepair(program: Command): void {
  const command = program.command("repair");
  command
    .description("show what is wrong with a directory, and cut its log where it is damaged")
    .requiredOption("--dir <path>", "directory of the database")
    .option("--yes", "cut without asking")
    .option("--dry-run", "only look")
    .option("--json", "print what was found, and done, as JSON")
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : WRONG_USE))
    .addHelpText("after", HELP)
    .action((flags: RepairFlags) => ending(async () => (await wrongUse(flags)) ?? (await repair(flags))));
}

async function wrongUse({ dir, yes, dryRun }: RepairFlags): Promise<number | undefined> {
  const refuse = (message: string): number => {
    process.stderr.write(`nearkey: ${message}\n`);
    return WRONG_USE;
  };
  if (yes && dryRun) return refuse("--yes cuts and --dry-run does not: give one of them");
  // Taking the lock would make a directory that was only misspelt.
  const names = await readdir(dir).catch(() => undefined);
  if (names === undefined) return refuse(`there is no directory ${dir} that can be read: see --dir`);
  if (!holdDatabase(names)) return refuse(`there is no database in ${dir}, neither a log nor a snapshot: see --dir`);
  return undefined;
}

async function repair(flags: RepairFlags): Promise<number> {
  const storage = new NodeStorage(flags.dir, "--dir");
  const unlock = await storage.lock();
  try {
    const before = await examine(storage);
    if (!flags.json) print(examinationLines(before));
    if (!isDamaged(before)) return finish("fine", flags, before, []);
    if (!(await mayMend(before, flags))) return finish("damaged", flags, before, []);
    const aside = await mend(storage, before);
    if (!flags.json) print(aside.map((name) => `put aside: ${name}`));
    const after = await examine(storage);
    return finish(isDamaged(after) ? "damaged" : "repaired", flags, before, aside);
  } finally {
    await unlock();
  }
}

function print(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}

/** Whether it can be mended or cut, and whoever runs this wants that. */
async function mayMend({ log: { damage }, heads }: Examination, flags: RepairFlags): Promise<boolean> {
  const { yes, dryRun, json } = flags;
  const [verb, question] =
    heads.length > 0
      ? ["mends", "Make it again, and keep the old one aside?"]
      : ["cuts", "Cut, and put aside what is cut?"];
  if (dryRun || damage?.isNewer) return false;
  if (yes) return true;
  if (!process.stdin.isTTY) {
    if (!json) print([`nothing was changed: --yes ${verb}, and puts aside what it takes away`]);
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

function finish(outcome: RepairOutcome, flags: RepairFlags, found: Examination, aside: readonly string[]): number {
  const { dir, json } = flags;
  if (json) print([repairJson(outcome, dir, found, aside)]);
  else if (outcome === "repaired") print([`${dir} is repaired, and opens`]);
  return outcome === "damaged" ? 1 : 0;
}
