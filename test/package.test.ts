// dist/ as users get it: packed by npm, unpacked beside its dependencies in an empty project, and used from there.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PackedProject } from "./packed-package.ts";

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const modules = resolve("node_modules");

describe("the packed package", () => {
  let project: PackedProject;

  beforeAll(() => {
    project = new PackedProject("@types/node", "@types/ws", "undici-types");
  });
  afterAll(() => project?.remove());

  const run = (...options: string[]) =>
    execFileSync(process.execPath, options, { cwd: project.folder, encoding: "utf8" });

  test("holds what it promises and no sources", () => {
    expect(project.packed).toEqual(
      expect.arrayContaining(["dist/node.js", "dist/client.js", "dist/cli.js", "dist/engine.wasm"]),
    );
    expect(project.packed).toEqual(
      expect.arrayContaining(["dist/node.d.ts", "dist/client.d.ts", "README.md", "LICENSE"]),
    );
    expect(
      project.packed.filter((path) => /^(assembly|src|test|bench|scripts|build|node_modules|\.)|debug/.test(path)),
    ).toEqual([]);
  });

  test("opens a database", () => {
    const program = `
      import { open } from "nearkey";
      const db = await open({ maxMemory: "32mb" });
      db.set("k", "v");
      console.log(db.get("k"));
      await db.close();
    `;
    expect(run("--input-type=module", "-e", program)).toBe("v\n");
  });

  test("gives the client, for Node and for browsers", () => {
    const program = (name: string) => `import { connect } from "${name}"; console.log(typeof connect);`;
    expect(run("--input-type=module", "-e", program("nearkey/client"))).toBe("function\n");
    expect(run("--input-type=module", "-e", program("./node_modules/nearkey/dist/client.js"))).toBe("function\n");
  });

  test("gives the compiled engine as a file", () => {
    const program = `import { createRequire } from "node:module";
      console.log(createRequire(import.meta.url).resolve("nearkey/engine.wasm").endsWith("dist/engine.wasm"));`;
    project.write("resolve.mjs", program);
    expect(run("resolve.mjs")).toBe("true\n");
  });

  test("brings a command", () => {
    const cli = project.installed(manifest.bin.nearkey);
    expect(run(cli, "--version").trim()).toBe(manifest.version);
    expect(run(cli, "--help")).toContain("serve");
  });

  for (const resolution of ["NodeNext", "Bundler"]) {
    test(`has types that resolve, with moduleResolution ${resolution}`, { timeout: 60_000 }, () => {
      project.write("use.ts", TYPED_PROGRAM);
      const module = resolution === "NodeNext" ? "NodeNext" : "ESNext";
      const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"];
      const options = ["--noEmit", ...strict, "--target", "ES2022", "--module", module, "--types", "node"];
      const tsc = join(modules, "typescript/bin/tsc");
      expect(run(tsc, ...options, "--moduleResolution", resolution, "use.ts")).toBe("");
    });
  }
});

const TYPED_PROGRAM = `
import { open } from "nearkey";
import { connect } from "nearkey/client";
const db = await open({ maxMemory: "32mb", eviction: "allkeys-lru" });
const here: string | undefined = db.get("k");
const removed: number = db.delete("a", "b");
const client = await connect("ws://127.0.0.1:1", { password: process.env.NEARKEY_PASSWORD });
const there: string | undefined = await client.get("k");
console.log(here, removed, there);
await db.close();
`;
