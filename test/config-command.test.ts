// `nearkey config` as it is installed: what it prints, where, and how it ends.

import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseScryptText } from "../src/settings/password-text.ts";
import { settingsTemplate } from "../src/settings/settings-template.ts";
import { findTool } from "./external-tools.ts";

const CLI = "dist/cli.js";
const folder = mkdtempSync(join(tmpdir(), "nearkey-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: string[], environment: Record<string, string> = {}, input = ""): Promise<Ended> {
  const env = { PATH: process.env.PATH ?? "", ...environment };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [CLI, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
    child.stdin?.end(input);
  });
}

function fileOf(text: string): string {
  const path = join(folder, "nearkey.toml");
  writeFileSync(path, text);
  return path;
}

describe("nearkey config check", () => {
  test("ends with 0 when all is right", async () => {
    const path = fileOf('max-memory = "64mb"\n');
    expect(await run(["config", "check", "--config", path])).toEqual({
      code: 0,
      stdout: "the settings are right\n",
      stderr: "",
    });
    expect(await run(["config", "check", "--json", "--config", path])).toMatchObject({ code: 0, stdout: "[]\n" });
  });

  test("names every problem at once and ends with 1", async () => {
    const path = fileOf('max-memry = "1gb"\nport = "x"\n');
    const { code, stdout, stderr } = await run(["config", "check", "--host", "0.0.0.0"], {
      NEARKEY_CONFIG: path,
      NEARKEY_MAX_CONNECTIONS: "many",
      NEARKEY_MAX_CONECTIONS: "5",
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    const lines = stderr.trimEnd().split("\n");
    expect(lines).toEqual([
      expect.stringMatching(/^nearkey: warning: NEARKEY_MAX_CONECTIONS .*did you mean NEARKEY_MAX_CONNECTIONS\?$/),
      expect.stringMatching(/^nearkey: .*nearkey\.toml:1:1: .*did you mean max-memory\?$/),
      expect.stringMatching(/^nearkey: .*nearkey\.toml:2:1: port = "x": it takes a whole number from 0 to 65535/),
      expect.stringMatching(/^nearkey: NEARKEY_MAX_CONNECTIONS="many": it takes a whole number from 1 to/),
      expect.stringMatching(/^nearkey: --host 0\.0\.0\.0 can be reached .*set a password/),
    ]);
  });

  test("tells programs the place, the key, the value and what is allowed", async () => {
    const path = fileOf("\nmax-arguments = 0\n");
    const { code, stdout } = await run(["config", "check", "--config", path, "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual([
      {
        origin: "file",
        key: "max-arguments",
        value: "0",
        allowed: "a whole number from 1 to 131072",
        file: path,
        line: 2,
        column: 1,
        message: `${path}:2:1: max-arguments = 0: it takes a whole number from 1 to 131072`,
      },
    ]);
  });

  test("names a file that does not exist", async () => {
    const { code, stderr } = await run(["config", "check", "--config", join(folder, "none.toml")]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^nearkey: the settings file .*none\.toml does not exist: see --config\n$/);
  });

  test("reads the files of TLS, as a server would", async () => {
    const flags = ["--tls-cert", join(folder, "none.pem"), "--tls-key", join(folder, "none.key")];
    const { code, stderr } = await run(["config", "check", ...flags]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/--tls-cert .*none\.pem does not exist.*\n.*--tls-key .*none\.key does not exist/);
  });
});

describe("nearkey config print", () => {
  test("shows what holds and who said it, but no secret", async () => {
    const path = fileOf('max-memory = "64mb"\npassword = "geheim"\n');
    const environment = { NEARKEY_MAX_CONNECTIONS: "7" };
    const { code, stdout, stderr } = await run(["config", "print", "--config", path, "--port", "0"], environment);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^max-memory = "64mb" +# file .*nearkey\.toml$/m);
    expect(stdout).toMatch(/^max-connections = 7 +# environment NEARKEY_MAX_CONNECTIONS$/m);
    expect(stdout).toMatch(/^port = 0 +# flag --port$/m);
    expect(stdout).toMatch(/^eviction = "noeviction" +# default$/m);
    expect(stdout).toMatch(/^password = "\(hidden\)" +# file/m);
    expect(stdout).not.toContain("geheim");
    const asJson = await run(["config", "print", "--json", "--config", path], environment);
    expect(JSON.parse(asJson.stdout)).toEqual(
      expect.arrayContaining([
        { key: "max-memory", value: "64mb", origin: "file" },
        { key: "password", value: "(hidden)", origin: "file" },
        { key: "tls-cert", value: null, origin: "default" },
        { key: "resp-port", value: 6379, origin: "default" },
      ]),
    );
  });

  test("prints a file with all the defaults", async () => {
    const { stdout } = await run(["config", "print", "--default"], { NEARKEY_PORT: "1" });
    expect(stdout).toBe(settingsTemplate());
    const { code } = await run(["config", "check", "--config", fileOf(stdout)]);
    expect(code).toBe(0);
  });

  test("prints nothing of settings that are wrong", async () => {
    const { code, stdout } = await run(["config", "print", "--port", "x"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });
});

describe("nearkey serve", () => {
  test("lists its flags under headings, each with its default", async () => {
    const { stdout } = await run(["serve", "--help"]);
    for (const text of ["Network:", "Memory:", "TLS:", "--tls-ca <file>", "(default: 1gb)", "NEARKEY_MAX_MEMORY"]) {
      expect(stdout).toContain(text);
    }
  });

  test("starts with none of its problems left unsaid", async () => {
    const { code, stdout, stderr } = await run(["serve", "--port", "x", "--max-memory", "y"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr.trimEnd().split("\n")).toHaveLength(2);
  });
});

describe("nearkey config hash-password", () => {
  test("reads the first line of its input and prints a line that a file may hold", async () => {
    const first = await run(["config", "hash-password"], {}, "s3cret wörd\nmore\n");
    const second = await run(["config", "hash-password"], {}, "s3cret wörd");
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(parseScryptText(first.stdout.trimEnd())).toBeDefined();
    expect(second.stdout).not.toBe(first.stdout);
    const path = fileOf(`password = "${first.stdout.trimEnd()}"\n`);
    expect(await run(["config", "check", "--config", path])).toMatchObject({ code: 0 });
  });

  test("refuses an empty one, and takes none from its arguments", async () => {
    expect(await run(["config", "hash-password"], {}, "\n")).toMatchObject({ code: 1, stdout: "" });
    expect(await run(["config", "hash-password", "secret"], {}, "x\n")).toMatchObject({ code: 1, stdout: "" });
  });

  test.skipIf(findTool("script") === undefined)("asks a terminal twice and shows nothing of it", async () => {
    const ask = async (...typed: string[]): Promise<string> => {
      const command = `${process.execPath} ${CLI} config hash-password`;
      const child = spawn(findTool("script") ?? "", ["-qec", command, "/dev/null"], {
        stdio: ["pipe", "pipe", "ignore"],
      });
      let shown = "";
      child.stdout.on("data", (bytes) => {
        shown += bytes;
        if (typed.length > 0 && /(Password|Once more): $/.test(shown)) child.stdin.write(typed.shift() ?? "");
      });
      await new Promise((resolve) => child.on("close", resolve));
      return shown;
    };
    const right = await ask("geheimx\u007f\r", "geheim\r");
    expect(right).toMatch(/^Password: \r\nOnce more: \r\nscrypt:ln=\S+\r\n$/);
    const wrong = await ask("geheim\r", "other\r");
    expect(wrong).toMatch(/the two are not the same/);
    expect(right + wrong).not.toContain("geheim");
  });
});
