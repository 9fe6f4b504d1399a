#!/usr/bin/env node
// The command line. Each command lives in a file of its own and registers itself here.

import { Command } from "commander";
import { registerDemo } from "./cli/demo-command.ts";
import { registerServe } from "./cli/serve-command.ts";
import { VERSION } from "./version.ts";

const program = new Command("nearkey")
  .description("Key-value cache and vector search, behind WebSocket and for Redis clients.")
  .version(VERSION, "-V, --version")
  .showHelpAfterError("(run with --help to see what there is)");
registerServe(program);
registerDemo(program);

await program.parseAsync();
