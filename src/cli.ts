#!/usr/bin/env node
// The command line. Each command lives in a file of its own and registers itself here.

import { Command } from "commander";
import { registerConfig } from "./cli/config-command.ts";
import { outliveReaders } from "./cli/connection/ending.ts";
import { registerConsole } from "./cli/console/console-command.ts";
import { registerDemo } from "./cli/demo-command.ts";
import { registerHealth } from "./cli/health-command.ts";
import { registerImport } from "./cli/import/import-command.ts";
import { registerRepair } from "./cli/repair/repair-command.ts";
import { registerSearch } from "./cli/search/search-command.ts";
import { registerServe } from "./cli/serve-command.ts";
import { registerSnapshot } from "./cli/snapshot-command.ts";
import { registerStats } from "./cli/stats-command.ts";
import { VERSION } from "./version.ts";

const HELP = `
Examples:
  $ nearkey serve                                       a server for this machine
  $ nearkey import docs.jsonl --into docs               vectors from a file
  $ nearkey search docs --like some-id -k 5             the nearest ones
  $ nearkey cli SET greeting hello                      one command; without one, a console
  $ nearkey stats --watch                               what the server is doing

Environment:
  NEARKEY_URL       the server that import, search, stats, cli and health talk to
  NEARKEY_PASSWORD  the password, of serve and of all that talk to it

Exit codes: 0 done, 1 something was refused or failed, 2 repair was called wrongly, 130 stopped by Ctrl-C (but serve
and demo end in order with 0).
Each command explains itself: nearkey import --help`;

outliveReaders(process.stderr);
const program = new Command("nearkey")
  .description("Key-value cache and vector search, behind WebSocket and for Redis clients.")
  .version(VERSION, "-V, --version")
  .enablePositionalOptions()
  .showHelpAfterError("(run with --help to see what there is)")
  .addHelpText("after", HELP);
registerServe(program);
registerConsole(program);
registerImport(program);
registerSearch(program);
registerStats(program);
registerSnapshot(program);
registerRepair(program);
registerHealth(program);
registerDemo(program);
registerConfig(program);

await program.parseAsync();
