// `nearkey cli` as a user runs it: one command, a pipe, and a real terminal; its replies beside redis-cli's own.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { runCli, testFolder } from "./cli-program.ts";
import { findTool } from "./external-tools.ts";
import { ServedProcess } from "./served-process.ts";

const CLI = new URL("../dist/cli.js", import.meta.url).pathname;
const folder = testFolder("terminal");
const ESCAPE = "\x1b";
const redisCli = findTool("redis-cli");
const script = process.platform === "linux" ? findTool("script") : undefined;
let served: ServedProcess;
let url: string;

beforeAll(async () => {
  served = await ServedProcess.start();
  url = `127.0.0.1:${served.port}`;
});
afterAll(() => served?.stop());

const cli = (...words: string[]) => runCli(["cli", "--url", url, ...words]);

describe("one command", () => {
  test("is answered raw into a pipe, typed or as JSON when asked", async () => {
    expect(await cli("SET", "greeting", 'say "hi"', "EX", "60")).toEqual({ code: 0, stdout: "OK\n", stderr: "" });
    expect((await cli("GET", "greeting")).stdout).toBe('say "hi"\n');
    const shown = await runCli(["cli", "--url", url, "--no-raw", "GET", "greeting"]);
    expect(shown.stdout).toBe('"say \\"hi\\""\n');
    expect((await runCli(["cli", "--url", url, "--json", "STRLEN", "greeting"])).stdout).toBe("8\n");
    expect((await cli("INCRBY", "n", "-5")).stdout).toBe("-5\n");
  });

  test("that fails ends with 1, and without a server says what to do", async () => {
    expect(await cli("NOPE")).toMatchObject({ code: 1, stdout: expect.stringMatching(/^ERR unknown command 'NOPE'/) });
    const alone = await runCli(["cli", "--url", "127.0.0.1:1", "PING"]);
    expect(alone).toMatchObject({ code: 1, stderr: expect.stringMatching(/no server answers at .*nearkey serve/) });
  });
});

describe("a pipe", () => {
  test("is answered line by line, and counts what failed", async () => {
    const input = 'SET p "a\\x00\\xff"\n\nGET p\r\nSELECT 3\nDBSIZE\nGET "open\nNOPE\n';
    const { code, stdout } = await runCli(["cli", "--url", url, "--no-raw"], { input });
    expect(stdout.split("\n").slice(0, 5)).toEqual([
      "OK",
      '"a\\x00\\xff"',
      "OK",
      "(integer) 0",
      expect.stringMatching(/^\(error\) ERR a quote is open/),
    ]);
    expect(code).toBe(1);
  });

  test("of ten thousand commands keeps its order", async () => {
    const input = Array.from({ length: 10_000 }, (_, index) => `ECHO ${index}\n`).join("");
    const { code, stdout } = await runCli(["cli", "--url", url], { input });
    expect(stdout).toBe(Array.from({ length: 10_000 }, (_, index) => `${index}\n`).join(""));
    expect(code).toBe(0);
  });
});

describe.skipIf(redisCli === undefined)("beside redis-cli", () => {
  const setUp = [
    "MSET rs text rn 12 rq 'two words'",
    'SET rb "\\x00\\xff\\n\\t\\"\\\\"',
    "HSET rh f1 v1 f2 'v 2'",
    "VADD rv VALUES 2 1 0 near",
    "VADD rv VALUES 2 0 1 far",
  ];
  const asked = [
    "GET rs",
    "GET rb",
    "GET none",
    "INCR rn",
    "INCRBYFLOAT rn 0.5",
    "MGET rs none rq",
    "HGETALL rh",
    "HGETALL none",
    "HKEYS rh",
    "HKEYS none",
    "HRANDFIELD rh 0 WITHVALUES",
    "SCAN 0 MATCH rs COUNT 1000000",
    "VEMB rv near",
    "VSIM rv ELE near WITHSCORES",
    "VISMEMBER rv near",
    "COMMAND INFO get none",
    "COMMAND DOCS get",
    "CONFIG GET maxmemory-policy",
    "CLIENT GETNAME",
    "HGET rs f",
    'ECHO a"b c"',
    "INFO nosuch",
  ];

  test.each([["--no-raw"], ["--raw"]])("replies look the same, %s", async (how) => {
    // redis-cli leaves an empty line behind an error in raw form, and nowhere else.
    const compared = how === "--raw" ? asked.filter((line) => line !== "HGET rs f") : asked;
    const input = `${[...setUp, ...compared].join("\n")}\n`;
    const theirs = execFileSync(redisCli ?? "", ["-p", String(served.respPort), "-3", how], {
      input,
      encoding: "utf8",
    });
    await runCli(["cli", "--url", url, "FLUSHALL"]);
    const ours = await runCli(["cli", "--url", url, how], { input });
    expect(ours.stdout.trimEnd().split("\n")).toEqual(theirs.trimEnd().split("\n"));
    expect(ours.stdout.split("\n").length).toBeGreaterThan(setUp.length + compared.length);
    await runCli(["cli", "--url", url, "FLUSHALL"]);
  });
});

/** A console at a terminal of its own, through script(1). */
class Terminal {
  output = "";
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(url: string, environment: Record<string, string> = {}) {
    const command = `stty cols 100 rows 30; exec ${process.execPath} ${CLI} cli --url ${url}`;
    const env = { ...process.env, TERM: "xterm", NEARKEY_PASSWORD: "", XDG_STATE_HOME: folder.path, ...environment };
    this.#child = spawn(script ?? "script", ["-qfec", command, "/dev/null"], { env, stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stdout?.setEncoding("utf8").on("data", (text) => {
      this.output += text;
    });
    this.ended = new Promise((resolve) => this.#child.on("close", resolve));
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Types, and waits until what came since then matches. */
  async typed(keys: string, expected: RegExp): Promise<string> {
    const before = this.output.length;
    this.type(keys);
    for (let tries = 0; tries < 1000; tries++) {
      const answer = this.output.slice(before);
      if (expected.test(answer)) return answer;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`${JSON.stringify(keys)} was answered ${JSON.stringify(this.output.slice(before))}`);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

describe.skipIf(script === undefined)("at a terminal", () => {
  const terminals: Terminal[] = [];
  afterEach(() => {
    for (const terminal of terminals.splice(0)) terminal.kill();
  });
  const open = async (address: string, environment?: Record<string, string>): Promise<Terminal> => {
    const terminal = new Terminal(address, environment);
    terminals.push(terminal);
    await terminal.typed("", /> /);
    return terminal;
  };
  const prompt = (rest = ""): RegExp => new RegExp(`\\n[^\\n]*127\\.0\\.0\\.1:${served.port}${rest}> `);

  test("it completes, hints, answers, cancels and leaves", async () => {
    const terminal = await open(url);
    expect(await terminal.typed("set tk 'a b'\r", /OK/)).toContain("OK");
    // The hint is grey, and the cursor goes back over it.
    await terminal.typed("hgeta\t", new RegExp(`ll .*${ESCAPE}\\[90mkey${ESCAPE}\\[39m${ESCAPE}\\[3D`));
    await terminal.typed("none\r", /\(empty hash\)/);
    await terminal.typed("GET nonsense\x03", prompt());
    await terminal.typed("GET tk\r", /"a b"/);
    await terminal.typed("SELECT 3\r", prompt("\\[3\\]"));
    await terminal.typed("help get\r", /GET key/);
    // Pasted lines are answered in their order.
    await terminal.typed("ECHO one\rECHO two\r", /"one"[\s\S]*"two"[\s\S]*\[3\]> /);
    // The arrow brings back the line before help, and running it shows the database is still the third.
    await terminal.typed("\x1b[A\x1b[A\x1b[A\x1b[A\x1b[A\r", /\(nil\)/);
    terminal.type("\x04");
    expect(await terminal.ended).toBe(0);
    const history = readFileSync(folder.file("nearkey/history"), "utf8");
    expect(history).toBe("set tk 'a b'\nhgetall none\nGET tk\nSELECT 3\nhelp get\nECHO one\nECHO two\nGET tk\n");
  });

  test("a password is asked for and shown nowhere", async () => {
    const locked = await ServedProcess.start("--password", "sesame");
    try {
      const terminal = new Terminal(`127.0.0.1:${locked.port}`, { XDG_STATE_HOME: folder.file("locked") });
      terminals.push(terminal);
      await terminal.typed("", /password for .*: /);
      await terminal.typed("sesame\r", /127\.0\.0\.1:\d+> /);
      await terminal.typed("AUTH default sesame\r", /OK/);
      await terminal.typed("PING\r", /PONG/);
      await terminal.typed("\x1b[A\x1b[A", /PING/);
      terminal.type("\x03exit\r");
      expect(await terminal.ended).toBe(0);
      const [before = ""] = terminal.output.split("AUTH");
      expect(before).not.toContain("sesame");
      expect(terminal.output.match(/sesame/g)?.length).toBe(1);
      expect(readFileSync(folder.file("locked/nearkey/history"), "utf8")).not.toContain("sesame");
    } finally {
      await locked.stop();
    }
  });

  test("it connects again after a restart, in the database it was in", async () => {
    const first = await ServedProcess.start();
    const { port, respPort } = first;
    const terminal = await open(`127.0.0.1:${port}`, { XDG_STATE_HOME: folder.file("restart") });
    await terminal.typed("SELECT 2\r", /\[2\]> /);
    await first.stop();
    await terminal.typed("SET k v\r", /(no server answers|broke)[^\n]*\r\n[^\n]*not connected> /);
    const second = spawn(process.execPath, [CLI, "serve", "--port", String(port), "--resp-port", String(respPort)]);
    try {
      await new Promise((resolve) => second.stdout.once("data", resolve));
      await terminal.typed("SET k v\r", /OK\r\n[^\n]*\[2\]> /);
      expect((await runCli(["cli", "--url", `127.0.0.1:${port}`], { input: "SELECT 2\nGET k\n" })).stdout).toBe(
        "OK\nv\n",
      );
    } finally {
      second.kill("SIGKILL");
    }
    expect(existsSync(folder.file("restart/nearkey/history"))).toBe(true);
  });
});
