// A Dockerfile carried out without Docker, each stage in a folder: WORKDIR, COPY, ENV and RUN as they stand; USER, EXPOSE,
// HEALTHCHECK, ENTRYPOINT and CMD are kept for whoever starts the result. One step is replaced: `npm ci` takes its packages
// from the checkout's node_modules, by the same lock file, instead of fetching them again; with --omit=dev it copies
// those that the lock file does not mark as of development (or optional), so a package that the server misses is missing here too.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { basename, join, resolve } from "node:path";

/** One instruction, continued lines joined. */
export interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** A stage that was carried out. */
export interface Stage {
  readonly image: string;
  /** The folder that is its `/`. */
  readonly root: string;
  workdir: string;
  readonly env: Record<string, string>;
  user: string | undefined;
  readonly ports: number[];
  healthCheck: string[] | undefined;
  entryPoint: string[];
  command: string[];
}

/** Takes a Dockerfile apart. */
export function parseDockerfile(text: string): Instruction[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.trimStart().startsWith("#"))
    .join("\n")
    .replace(/\\\n/g, " ")
    .split("\n")
    .map((line) => {
      const [, name = "", rest = ""] = /^\s*(\S+)\s+(.*)$/.exec(line) ?? [];
      return { name: name.toUpperCase(), rest: rest.trim() };
    });
}

/**
 * Carries out all stages.
 *
 * @param folder where their roots are made
 * @returns the last one
 */
export function buildStages(instructions: readonly Instruction[], context: string, folder: string): Stage {
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const { name, rest } of instructions) {
    if (name === "FROM") {
      const [image = "", , alias = `stage${stages.size}`] = rest.split(/\s+/);
      stage = newStage(image, join(folder, alias));
      stages.set(alias, stage);
    } else if (stage === undefined) throw new Error(`${name} stands before FROM`);
    else apply(stage, name, rest, stages, context);
  }
  if (stage === undefined) throw new Error("there is no FROM");
  return stage;
}

function newStage(image: string, root: string): Stage {
  mkdirSync(root, { recursive: true });
  const rest = { workdir: "/", env: {}, user: undefined, ports: [], healthCheck: undefined };
  return { image, root, ...rest, entryPoint: [], command: [] };
}

function apply(stage: Stage, name: string, rest: string, stages: ReadonlyMap<string, Stage>, context: string): void {
  switch (name) {
    case "WORKDIR":
      stage.workdir = resolve(stage.workdir, rest);
      mkdirSync(join(stage.root, stage.workdir), { recursive: true });
      return;
    case "ENV":
      for (const [, key = "", value = ""] of rest.matchAll(/(\w+)=(\S*)/g)) stage.env[key] = value;
      return;
    case "COPY":
      copy(stage, rest, stages, context);
      return;
    case "RUN":
      run(stage, rest, context);
      return;
    case "USER":
      stage.user = rest;
      return;
    case "EXPOSE":
      stage.ports.push(...rest.split(/\s+/).map(Number));
      return;
    case "HEALTHCHECK":
      stage.healthCheck = JSON.parse(rest.slice(rest.indexOf("CMD") + 3));
      return;
    case "ENTRYPOINT":
      stage.entryPoint = JSON.parse(rest);
      return;
    case "CMD":
      stage.command = JSON.parse(rest);
      return;
    default:
      throw new Error(`the instruction ${name} is not carried out here`);
  }
}

function copy(stage: Stage, rest: string, stages: ReadonlyMap<string, Stage>, context: string): void {
  const words = rest.split(/\s+/);
  const from = words[0]?.startsWith("--from=") ? words.shift()?.slice("--from=".length) : undefined;
  const target = words.pop() ?? "";
  const origin = from === undefined ? undefined : stages.get(from);
  if (from !== undefined && origin === undefined) throw new Error(`COPY takes from ${from}, which is no stage before`);
  const destination = join(stage.root, resolve(stage.workdir, target));
  for (const word of words) {
    const source = origin === undefined ? join(context, word) : join(origin.root, resolve(origin.workdir, word));
    if (word === ".") copyContext(context, destination);
    else if (target.endsWith("/") || target === "." || words.length > 1)
      cpSync(source, join(destination, basename(word)));
    else cpSync(source, destination, { recursive: true, dereference: true });
  }
}

/** The context without what .dockerignore names; its patterns here have no slashes. */
function copyContext(context: string, destination: string): void {
  const patterns = readFileSync(join(context, ".dockerignore"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((pattern) => new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", ".*")}$`));
  for (const name of readdirSync(context)) {
    if (patterns.some((pattern) => pattern.test(name))) continue;
    cpSync(join(context, name), join(destination, name), { recursive: true });
  }
}

function run(stage: Stage, command: string, context: string): void {
  const cwd = join(stage.root, stage.workdir);
  if (/^npm ci\b/.test(command)) {
    if (!existsSync(join(cwd, "package-lock.json"))) throw new Error("npm ci without package-lock.json");
    if (command.includes("--omit=dev")) copyProductionPackages(cwd, context, command.includes("--omit=optional"));
    else symlinkSync(resolve(context, "node_modules"), join(cwd, "node_modules"));
    return;
  }
  execFileSync("sh", ["-c", command], { cwd, env: { ...process.env, ...stage.env }, stdio: "pipe" });
}

interface LockedPackage {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
}

function copyProductionPackages(cwd: string, context: string, omitOptional: boolean): void {
  const lock = JSON.parse(readFileSync(join(cwd, "package-lock.json"), "utf8"));
  for (const [path, { dev, devOptional, optional }] of Object.entries<LockedPackage>(lock.packages)) {
    if (path === "" || dev || (omitOptional && (devOptional || optional))) continue;
    const source = join(context, path);
    if (optional && !existsSync(source)) continue;
    const inner = join(source, "node_modules");
    cpSync(source, join(cwd, path), { recursive: true, dereference: true, filter: (each) => !each.startsWith(inner) });
  }
}
