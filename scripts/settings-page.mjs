#!/usr/bin/env node
// Writes docs/settings.md from the table of settings; a test compares the two.

import { writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { BUILD, ROOT, writeWhole } from "./build-files.mjs";

const bundle = `${BUILD}/settings-template.mjs`;
const options = {
  absWorkingDir: ROOT,
  bundle: true,
  format: "esm",
  platform: "node",
  packages: "external",
  write: false,
};
const result = await build({ ...options, entryPoints: ["src/settings/settings-template.ts"] });
await writeWhole(bundle, result.outputFiles[0].contents);
const { settingsPage } = await import(pathToFileURL(bundle).href);
await writeFile(`${ROOT}/docs/settings.md`, settingsPage());
