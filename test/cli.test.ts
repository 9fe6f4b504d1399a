// The command line as it is installed: the built program in a process of its own.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { RespSocket } from "./server-fixture.ts";

const CLI = "dist/cli.js";
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";

  constructor(args: string[], environment: Record<string, string> = {}) {
    const env = { ...process.env, NEARKEY_PASSWORD: "", ...environment };
    this.child = spawn(process.execPath, [CLI, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    running.push(this.child);
    this.child.stdout?.on("data", (bytes) => {
      this.stdout += bytes;
    });
    this.child.stderr?.on("data", (bytes) => {
      this.stderr += bytes;
    });
    this.ended = new Promise((resolve) => {
      this.child.on("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Waits for the line that says it runs. */
  async line(): Promise<string> {
    while (!this.stdout.includes("\n")) {
      const ended = await Promise.race([this.ended, new Promise((resolve) => setTimeout(resolve, 10))]);
      if (ended !== undefined) throw new Error(`it ended: ${this.stderr}`);
    }
    return this.stdout.split("\n")[0] ?? "";
  }
}

interface Start {
  readonly http: string;
  readonly resp: string;
}

/** Starts a server whose ports are free, and answers them. */
async function serve(...flags: string[]): Promise<{ program: Program; httpPort: number; respPort: number }> {
  const respPort = await freePort();
  const program = new Program(["serve", "--json", "--port", "0", "--resp-port", String(respPort), ...flags]);
  const start = JSON.parse(await program.line()) as Start;
  return { program, httpPort: Number(new URL(start.http).port), respPort: Number(new URL(start.resp).port) };
}

async function freePort(): Promise<number> {
  const { server, port } = await occupiedPort();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function occupiedPort(): Promise<{ server: Server; port: number }> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve({ server, port: typeof address === "object" && address !== null ? address.port : 0 });
    });
  });
}

describe("nearkey", () => {
  test("says what it is and which version", () => {
    const run = (...args: string[]): string => execFileSync(process.execPath, [CLI, ...args], { encoding: "utf8" });
    expect(run("--version")).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(run("--help")).toContain("serve");
    const help = run("serve", "--help");
    for (const flag of ["--port", "--resp-port", "--host", "--max-memory", "--eviction", "--password", "Examples:"]) {
      expect(help).toContain(flag);
    }
    expect(help).toContain("default: 7379");
  });

  test("serves, and says on one line where and what is kept", async () => {
    const respPort = await freePort();
    const flags = ["--max-memory", "64mb", "--eviction", "allkeys-lru"];
    const program = new Program(["serve", "--port", "0", "--resp-port", String(respPort), ...flags]);
    const line = await program.line();
    expect(line).toMatch(
      /^nearkey \S+ serves http:\/\/127\.0\.0\.1:\d+ \(HTTP and WebSocket\), RESP on 127\.0\.0\.1:\d+; /,
    );
    expect(line).toMatch(/up to 64 MiB, allkeys-lru; everything is kept in memory, nothing on disk$/);
    const client = await RespSocket.open(respPort);
    expect(await client.command("PING")).toBe("PONG");
    expect(program.stdout.trim().split("\n")).toHaveLength(1);
  });
});

describe("what is refused", () => {
  const refusals: [string, string[], RegExp][] = [
    ["another host without a password", ["--host", "0.0.0.0"], /^nearkey: --host 0\.0\.0\.0 .*--password.*\n$/],
    ["an empty password", ["--password", ""], /^nearkey: --password "": it takes text of 1 to 1024 bytes, or .*\n$/],
    ["a port out of range", ["--port", "70000"], /--port.*from 0 to 65535/],
    ["a memory that no memory holds", ["--max-memory", "5gb"], /--max-memory.*8mb to \d+/],
    ["a size that is none", ["--max-memory", "lots"], /--max-memory "lots": it takes a size such as "512mb"/],
    ["a policy that is none", ["--eviction", "random"], /--eviction "random": it takes one of noeviction, allkeys-lru/],
    ["no connections at all", ["--max-connections", "0"], /--max-connections.*from 1 to/],
    [
      "an output limit below the largest value",
      ["--output-limit", "1mb"],
      /--output-limit must be at least .*--max-value-bytes/,
    ],
    ["an origin that no browser sends", ["--allow-origin", "app.example.org"], /--allow-origin.*https:\/\//],
    ["an origin with a path", ["--allow-origin", "https://app.example.org/a"], /--allow-origin.*without a path/],
    ["a host with a port", ["--allow-host", "cache.example.org:7379"], /--allow-host.*without scheme or port/],
    ["a flag that is none", ["--prot", "1"], /unknown option '--prot'/],
  ];

  test.each(refusals)("%s", async (_, flags, message) => {
    const { code, stderr, stdout } = await new Program(["serve", "--port", "0", "--resp-port", "0", ...flags]).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(message);
  });

  test("a busy port, by the flag that chooses another", async () => {
    const { server, port } = await occupiedPort();
    const http = await new Program(["serve", "--port", String(port), "--resp-port", "0"]).ended;
    expect(http).toEqual({
      code: 1,
      stdout: "",
      stderr: `nearkey: port ${port} on 127.0.0.1 is in use: give --port another number\n`,
    });
    const resp = await new Program(["serve", "--port", "0", "--resp-port", String(port)]).ended;
    expect(resp).toEqual({
      code: 1,
      stdout: "",
      stderr: `nearkey: port ${port} on 127.0.0.1 is in use: give --resp-port another number, or 0 for no RESP\n`,
    });
    server.close();
  });

  test("nothing when the password comes from the environment", async () => {
    const flags = ["serve", "--json", "--port", "0", "--resp-port", "0", "--host", "0.0.0.0"];
    const program = new Program(flags, { NEARKEY_PASSWORD: "secret" });
    expect(JSON.parse(await program.line())).toMatchObject({ resp: null, persistence: "none" });
  });
});

describe("signals", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("%s answers what was received and ends with 0", async (signal) => {
    const { program, respPort } = await serve();
    const client = await RespSocket.open(respPort);
    await client.command("SET k v");
    client.write("GET k\r\n".repeat(10_000));
    await client.bytes(7);
    program.child.kill(signal);
    const { code, stderr } = await program.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await client.rest()).toBe("$1\r\nv\r\n".repeat(10_000 - 1));
  });

  test("a second signal does not wait", async () => {
    const { program, respPort } = await serve();
    const slow = await RespSocket.open(respPort);
    await slow.command("SET", "big", "x".repeat(1_000_000));
    slow.socket.pause();
    slow.write("GET big\r\n".repeat(100));
    await new Promise((resolve) => setTimeout(resolve, 100));
    program.child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(program.child.exitCode).toBeNull();
    const asked = performance.now();
    program.child.kill("SIGTERM");
    expect(await program.ended).toHaveProperty("code", 1);
    expect(performance.now() - asked).toBeLessThan(2000);
  });
});
