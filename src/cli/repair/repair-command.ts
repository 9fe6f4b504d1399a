// `nearkey repair`: shows what is wrong with a directory and what a cut would lose, and cuts when it is told to. It holds
// the directory's lock meanwhile, so no server can be running on it, and it looks again behind the cut.

import { stat } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { NodeStorage } from "../../storage/node-storage.ts";
import { ending } from "../connection/ending.ts";
import { cut, type Examination, examine, isDamaged } from "./examination.ts";
import { examinationLines, type RepairOutcome, repairJson } from "./repair-report.ts";

const WRONG_USE = 2;

const HELP = `
Examples:
  $ nearkey repair --dir /var/lib/nearkey --dry-run     what is wrong, and what a cut would lose
  $ nearkey repair --dir /var/lib/nearkey               the same, and a question
  $ nearkey repair --dir /var/lib/nearkey --yes --json  for programs

What is cut goes aside into files that end in .cut, beside the others; nothing is deleted.
A copy of the directory from before the damage loses nothing: look for one first.

Exit code: 0 when nothing is wrong, or what was is repaired; 1 when damage is left; 2 for wrong use.`;

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
  const found = await stat(dir).catch(() => undefined);
  // Taking the lock would make a directory that was only misspelt.
  if (!found?.isDirectory()) return refuse(`there is no directory ${dir}: see --dir`);
  return undefined;
}

async function repair(flags: RepairFlags): Promise<number> {
  const storage = new NodeStorage(flags.dir, "--dir");
  const unlock = await storage.lock();
  try {
    const before = await examine(storage);
    if (!flags.json) print(examinationLines(before));
    if (!isDamaged(before)) return finish("fine", flags, before, []);
    if (!(await mayCut(before, flags))) return finish("damaged", flags, before, []);
    const aside = await cut(storage, before);
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

/** Whether a cut helps, and whoever runs this wants one. */
async function mayCut({ log: { damage } }: Examination, { yes, dryRun, json }: RepairFlags): Promise<boolean> {
  if (dryRun || damage?.isNewer) return false;
  if (yes) return true;
  if (!process.stdin.isTTY) {
    if (!json) print(["nothing was changed: --yes cuts, and puts aside what is cut"]);
    return false;
  }
  const question = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await question.question("Cut, and put aside what is cut? [y/N] ");
  question.close();
  return /^y(es)?$/i.test(answer.trim());
}

function finish(outcome: RepairOutcome, flags: RepairFlags, found: Examination, aside: readonly string[]): number {
  const { dir, json } = flags;
  if (json) print([repairJson(outcome, dir, found, aside)]);
  else if (outcome === "repaired") print([`${dir} is repaired, and opens`]);
  return outcome === "damaged" ? 1 : 0;
}
