// The style, executed: what may import what, how long files and functions may be, how files are named and opened,
// and what must never be in git. A new rule of style belongs here, not in a reviewer's memory.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { functionsOf, importsOf } from "./source-text.ts";

const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;
const FOLDER_FILES_MAX = 30;
const BANNED_NAMES = /(^|[-_.])(utils?|common|misc|helpers?|managers?|data|info|impl)([-_.]|$)/;

const files = listFiles();
const sources = files.filter((path) => /\.(ts|mjs|js)$/.test(path));
const text = new Map(sources.map((path) => [path, readFileSync(path, "utf8")]));
const measured = sources.filter((path) => !path.startsWith("test/"));

/** What git knows and what it would take; without git (an unpacked archive) everything but the usual outputs. */
function listFiles(): string[] {
  try {
    const options = ["ls-files", "--cached", "--others", "--exclude-standard"];
    const listed = execFileSync("git", options, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return listed.split("\n").filter((path) => path !== "" && existsSync(path) && statSync(path).isFile());
  } catch {
    return walk(".");
  }
}

function walk(folder: string): string[] {
  const ignored = /^(node_modules|dist|build|results|\.git)$/;
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (ignored.test(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}

function sourceOf(path: string): string {
  const source = text.get(path);
  if (source === undefined) throw new Error(`${path} is imported and does not exist`);
  return source;
}

/** The files of this repository that `path` imports when it runs. */
function importedFiles(path: string, withTypes = false): string[] {
  return importsOf(sourceOf(path))
    .filter(({ specifier, typeOnly }) => specifier.startsWith(".") && (withTypes || !typeOnly))
    .map(({ specifier }) => resolveImport(path, specifier))
    .filter((target) => text.has(target));
}

function resolveImport(from: string, specifier: string): string {
  const target = join(dirname(from), specifier);
  return [target, `${target}.ts`, target.replace(/\.js$/, ".ts")].find((path) => text.has(path)) ?? target;
}

/** Bare imports (packages and node:…) that remain when types are gone. */
function packagesOf(path: string): string[] {
  return importsOf(sourceOf(path))
    .filter(({ specifier, typeOnly }) => !typeOnly && !specifier.startsWith("."))
    .map(({ specifier }) => specifier);
}

function reachedFrom(entry: string, seen = new Set<string>()): Set<string> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  for (const target of importedFiles(entry)) reachedFrom(target, seen);
  return seen;
}

/** A path of imports that returns to where it began, or undefined. */
function findCycle(paths: readonly string[]): string[] | undefined {
  const done = new Set<string>();
  const visit = (path: string, trail: string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return undefined;
    done.add(path);
    for (const target of importedFiles(path)) {
      const cycle = visit(target, [...trail, path]);
      if (cycle !== undefined) return cycle;
    }
    return undefined;
  };
  for (const path of paths) {
    const cycle = visit(path, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Layers of one side, lowest first: folders, and files beside them. A layer imports only itself and what is before it. */
const ENGINE = layers([
  ["layout", /^assembly\/(connection-)?layout\.ts$/],
  ["memory", /^assembly\/memory\//],
  ["text", /^assembly\/text\//],
  ["structures", /^assembly\/structures\//],
  ["filters", /^assembly\/filters\//],
  ["kernels", /^assembly\/kernels\//],
  ["vectors", /^assembly\/vectors\//],
  ["planner", /^assembly\/planner\//],
  ["effects", /^assembly\/effects\//],
  ["events", /^assembly\/events\//],
  ["keyspace", /^assembly\/keyspace\//],
  ["protocol", /^assembly\/protocol\//],
  ["commands", /^assembly\/commands\//],
  ["index", /^assembly\/index\.ts$/],
]);

const HOST = layers([
  ["foundation", /^src\/(errors|text|resp|resp-decoder|options|version|event-loop)\.ts$/],
  ["storage", /^src\/storage\/(?!node-)/],
  ["engine", /^src\/engine(-[\w-]+)?\.ts$/],
  ["log and snapshots", /^src\/(log|snapshot|content|rdb)\//],
  ["threads", /^src\/pool\/(?!node-)/],
  ["persistence", /^src\/persistence\//],
  ["database", /^src\/(host|database|scripts)\//],
  ["settings", /^src\/settings\//],
  ["server, client, browser and the files of Node", /^src\/(server|client|browser|storage|pool)\//],
  ["entries for programs", /^src\/(client|browser)\.ts$/],
  ["command line and page", /^src\/(cli|demo)\//],
  ["entries", /^src\/(node|pool-worker|browser-worker|client-node|cli)\.ts$/],
]);

interface Layer {
  name: string;
  files: RegExp;
}

function layers(list: [string, RegExp][]): Layer[] {
  return list.map(([name, files]) => ({ name, files }));
}

function rankOf(side: readonly Layer[], path: string): number {
  return side.findIndex((layer) => layer.files.test(path));
}

function upwardImports(side: readonly Layer[]): string[] {
  return sources.flatMap((path) => {
    const rank = rankOf(side, path);
    if (rank < 0) return [];
    const above = importedFiles(path).filter((target) => rankOf(side, target) > rank);
    return above.map((target) => `${path} (${side[rank]?.name}) imports ${target}`);
  });
}

describe("imports point one way", () => {
  test("every file of the engine and the host has its layer", () => {
    const stray = sources.filter((path) => {
      if (path.endsWith(".d.ts")) return false;
      if (path.startsWith("assembly/")) return rankOf(ENGINE, path) < 0;
      return path.startsWith("src/") && rankOf(HOST, path) < 0;
    });
    expect(stray).toEqual([]);
  });

  test("in the engine: layout, memory, text, filters, kernels, vectors, planner, keyspace, protocol, commands, index", () => {
    expect(upwardImports(ENGINE)).toEqual([]);
  });

  test("in the host: errors and codec, storage, engine, log and snapshots, persistence, database, server and client, entries", () => {
    expect(upwardImports(HOST)).toEqual([]);
  });

  test("never in a circle", () => {
    expect(findCycle(sources)).toBeUndefined();
  });

  test("nothing imports an entry, and layout.ts imports nothing", () => {
    const entries = /^(assembly\/index|src\/(node|pool-worker|browser|browser-worker|client|client-node|cli))\.ts$/;
    const programs = /^src\/(client-node|demo\/.*|cli\/.*)\.ts$/;
    const wrong = measured.flatMap((path) =>
      importedFiles(path)
        .filter(
          (target) => entries.test(target) && !(/^src\/(client|browser)\.ts$/.test(target) && programs.test(path)),
        )
        .map((target) => `${path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
    if (text.has("assembly/layout.ts")) expect(importsOf(sourceOf("assembly/layout.ts"))).toEqual([]);
  });

  test("the engine imports only its own folder, the host of the engine only layout.ts", () => {
    const wrong = sources.flatMap((path) => {
      const targets = importedFiles(path, true);
      if (path.startsWith("assembly/")) return targets.filter((target) => !target.startsWith("assembly/"));
      return targets.filter(
        (target) => target.startsWith("assembly/") && !/^assembly\/(connection-)?layout\.ts$/.test(target),
      );
    });
    expect(wrong).toEqual([]);
  });
});

describe("what runs where", () => {
  /** Web standards only; it is bundled. */
  const LOADER = "@assemblyscript/loader";
  const isNode = (specifier: string) =>
    specifier.startsWith("node:") || /^(ws|commander|piscina)(\/|$)/.test(specifier);

  test("the client, the browser's database and the page reach no import of Node", () => {
    const wrong = ["src/client.ts", "src/browser.ts", "src/browser-worker.ts", "src/demo/demo.ts"]
      .filter((entry) => text.has(entry))
      .flatMap((entry) =>
        [...reachedFrom(entry)].flatMap((path) =>
          packagesOf(path)
            .filter((name) => name !== LOADER)
            .map((name) => `${path}: ${name}`),
        ),
      );
    expect(wrong).toEqual([]);
  });

  test("the layers below the server reach none either", () => {
    const server = HOST.findIndex((layer) => layer.name.startsWith("server"));
    const low = sources.filter((path) => rankOf(HOST, path) >= 0 && rankOf(HOST, path) < server);
    const wrong = low.flatMap((path) =>
      packagesOf(path)
        .filter(isNode)
        .map((name) => `${path}: ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test("only src/engine.ts knows the layout of the engine's memory", () => {
    const wrong = sources.filter(
      (path) =>
        path.startsWith("src/") &&
        !/^src\/engine(-[\w-]+)?\.ts$/.test(path) &&
        importedFiles(path).includes("assembly/layout.ts"),
    );
    expect(wrong).toEqual([]);
  });
});

describe("files", () => {
  test(`hold at most ${FILE_LINES_MAX} lines`, () => {
    const long = measured
      .map((path) => ({ path, lines: sourceOf(path).trimEnd().split("\n").length }))
      .filter(({ lines }) => lines > FILE_LINES_MAX);
    expect(long).toEqual([]);
  });

  test("are named for what they hold", () => {
    expect(files.filter((path) => BANNED_NAMES.test(basename(path)))).toEqual([]);
  });

  test("open with a paragraph that says what they are", () => {
    const mute = sources.filter((path) => !/^(#![^\n]*\n)?(\/\/ \S|\/\*)/.test(sourceOf(path)));
    expect(mute).toEqual([]);
  });

  test("leave nothing to do later", () => {
    const later = new RegExp(
      `\\b(${["TO", "FIX", "X"].map((word) => `${word}${word === "X" ? "XX" : word === "TO" ? "DO" : "ME"}`).join("|")})\\b`,
    );
    const readable = files.filter(
      (path) => /\.(ts|mjs|js|json|md|html|css|yml)$/.test(path) && !/-lock\.json$/.test(path),
    );
    expect(readable.filter((path) => later.test(readFileSync(path, "utf8")))).toEqual([]);
  });

  test("never silence the compiler", () => {
    const silent = /@ts-(ignore|nocheck|expect-error)|\bas any\b|biome-ignore-all/;
    expect(sources.filter((path) => path !== "test/tidy.test.ts" && silent.test(sourceOf(path)))).toEqual([]);
  });

  test("stay few in a folder", () => {
    const counts = new Map<string, number>();
    for (const path of measured) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > FOLDER_FILES_MAX)).toEqual([]);
  });

  test("are none that a build makes", () => {
    const generated = /(^|\/)(node_modules|dist|build|results)\/|\.(wasm|wat|tgz|log|map)$/;
    expect(files.filter((path) => generated.test(path))).toEqual([]);
  });
});

describe("functions", () => {
  test(`hold at most ${FUNCTION_LINES_MAX} lines`, () => {
    const long = measured.flatMap((path) =>
      functionsOf(sourceOf(path))
        .filter(({ lines }) => lines > FUNCTION_LINES_MAX)
        .map(({ name, line, lines }) => `${path}:${line} ${name} has ${lines} lines`),
    );
    expect(long).toEqual([]);
  });
});

describe("the package", () => {
  const manifest = JSON.parse(readFileSync("package.json", "utf8"));

  test("has seven scripts and no drawer of others", () => {
    expect(Object.keys(manifest.scripts).sort()).toEqual([
      "bench",
      "build",
      "check",
      "format",
      "lint",
      "start",
      "test",
    ]);
  });

  test("names exact versions", () => {
    const versions = Object.values({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(version)))).toEqual([]);
  });

  test("locks them without naming a registry", () => {
    for (const path of files.filter((path) => /package-lock\.json$/.test(path))) {
      expect(readFileSync(path, "utf8"), path).not.toMatch(/"resolved":\s*"https?:/);
    }
  });

  test("lists every error code in docs/errors.md", () => {
    if (!text.has("src/errors.ts") || !existsSync("docs/errors.md")) return;
    const documented = readFileSync("docs/errors.md", "utf8");
    const codes = [...sourceOf("src/errors.ts").matchAll(/"([a-z]+(?:-[a-z]+)*)"/g)].map((match) => match[1] as string);
    expect([...new Set(codes)].filter((code) => !documented.includes(`\`${code}\``))).toEqual([]);
  });
});
