// The Dockerfile, carried out step by step where there is no Docker: what it builds starts as its CMD says, as a user
// that is not root, is found healthy by its HEALTHCHECK and ends in order.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, constants, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SERVER_DEFAULTS } from "../src/server/server-options.ts";
import { buildStages, parseDockerfile, type Stage } from "./dockerfile.ts";

/** The user `nobody` of Debian; only root may become somebody else. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
const instructions = parseDockerfile(readFileSync("Dockerfile", "utf8"));

let folder: string;
let stage: Stage;
let environment: Record<string, string>;
const started: ChildProcess[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "nearkey-image-"));
  stage = buildStages(instructions, resolve("."), folder);
  mkdirSync(join(folder, "bin"));
  // Another user may not reach where this Node lies.
  copyFileSync(process.execPath, join(folder, "bin/node"), constants.COPYFILE_FICLONE);
  chmodSync(join(folder, "bin/node"), 0o755);
  execFileSync("chmod", ["-R", "a+rX", folder]);
  const [port, respPort] = [await freePort(), await freePort()];
  environment = {
    PATH: join(folder, "bin"),
    NEARKEY_PORT: String(port),
    NEARKEY_RESP_PORT: String(respPort),
    NEARKEY_URL: `ws://127.0.0.1:${port}`,
  };
}, 180_000);

afterAll(() => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => done(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** How a container would run a command: nothing of this process's environment. */
const options = (extra: Record<string, string>) => ({
  cwd: join(stage.root, stage.workdir),
  env: { ...stage.env, ...environment, ...extra },
  ...NOBODY,
});

function runHealthCheck(): { code: number | null; output: string } {
  const [program = "", ...args] = stage.healthCheck ?? [];
  const { status, stdout, stderr } = spawnSync(program, args, { ...options({}), encoding: "utf8" });
  return { code: status, output: `${stdout}${stderr}` };
}

function start(extra: Record<string, string>): {
  child: ChildProcess;
  ended: Promise<number | null>;
  output: () => string;
} {
  const [program = "", ...args] = [...stage.entryPoint, ...stage.command];
  const child = spawn(program, args, { ...options(extra), stdio: ["ignore", "pipe", "pipe"] });
  started.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (text) => {
      output += text;
    });
  }
  const ended = new Promise<number | null>((done) => child.on("close", done));
  return { child, ended, output: () => output };
}

describe("the Dockerfile", () => {
  test("builds from one Node, runs as somebody, says its ports and how it is", () => {
    const images = instructions.filter(({ name }) => name === "FROM").map(({ rest }) => rest.split(" ")[0]);
    expect(new Set(images).size).toBe(1);
    expect(images[0]).toMatch(/^node:\d+-slim$/);
    expect(stage.user).toBe("node");
    expect(stage.ports).toEqual([SERVER_DEFAULTS.port, SERVER_DEFAULTS.respPort]);
    expect(stage.healthCheck?.length).toBeGreaterThan(1);
  });

  test("leaves sources, tests and tools of development behind", () => {
    const inside = (path: string) => existsSync(join(stage.root, stage.workdir, path));
    expect(
      ["dist/cli.js", "dist/engine.wasm", "node_modules/ws", "package.json"].filter((path) => !inside(path)),
    ).toEqual([]);
    const unwanted = [
      "src",
      "test",
      "assembly",
      "node_modules/vitest",
      "node_modules/typescript",
      "dist/engine.debug.wasm",
    ];
    expect(unwanted.filter(inside)).toEqual([]);
  });

  test("starts no open server: without a password it says what is missing", async () => {
    const { ended, output } = start({});
    expect(await ended).toBe(1);
    expect(output()).toMatch(/password/i);
    expect(runHealthCheck().code).toBe(1);
  });

  test("starts as another user, is healthy, and ends with 0 on SIGTERM", async () => {
    const { child, ended, output } = start({ NEARKEY_PASSWORD: "sesame" });
    while (!output().includes(" serves ") && child.exitCode === null) await new Promise((done) => setTimeout(done, 20));
    expect(output()).toMatch(/^nearkey \S+ serves http:\/\/0\.0\.0\.0:\d+ /m);
    if (existsSync("/proc/self/status")) {
      expect(readFileSync(`/proc/${child.pid}/status`, "utf8")).not.toMatch(/^Uid:\t0/m);
    }
    expect(runHealthCheck()).toMatchObject({ code: 0, output: expect.stringMatching(/^ok: up/) });
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(runHealthCheck().code).toBe(1);
  });
});
