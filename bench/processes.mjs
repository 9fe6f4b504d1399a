// The programs of the RESP benchmark: servers pinned to one core, redis-benchmark on another, and what each of them
// cost. CPU time is what the kernel charged to the whole process (/proc/PID/stat, ticks of 10 ms), so helper threads
// and system calls count.

import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { cpus } from "node:os";

const TICKS_PER_SECOND = 100;
const SERVER_CORE = 0;
const CLIENT_CORE = cpus().length > 1 ? 1 : 0;
const pinned = spawnSync("taskset", ["-V"]).status === 0;

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

/** True when a program can be started. */
export function installed(program) {
  return spawnSync(program, ["--version"]).error === undefined;
}

/** Version of redis-server as it prints it, without the rest of the line. */
export function redisVersion() {
  const output = spawnSync("redis-server", ["--version"], { encoding: "utf8" }).stdout ?? "";
  return /v=(\S+)/.exec(output)?.[1] ?? "unknown";
}

/** A port that is free now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function pin(core, command) {
  return pinned ? ["taskset", "-c", String(core), ...command] : command;
}

/** Starts a server on the server's core and waits until it accepts connections. */
async function startServer(name, command, port) {
  const [program, ...options] = pin(SERVER_CORE, command);
  const child = spawn(program, options, { stdio: ["ignore", "ignore", "pipe"] });
  running.add(child);
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const ended = new Promise((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code}: ${errors}`)));
  });
  ended.catch(() => running.delete(child));
  await Promise.race([accepting(port), ended]);
  return { name, port, child, pid: child.pid };
}

async function accepting(port) {
  for (let tries = 0; tries < 200; tries++) {
    if (await tryConnect(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing listens on port ${port} after 10 s`);
}

function tryConnect(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Starts redis-server; `more` are options that keep it on disk, nothing is kept without. */
export async function startRedis(...more) {
  const port = await freePort();
  const kept = more.length > 0 ? more : ["--appendonly", "no"];
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", ...kept];
  return startServer("redis-server", ["redis-server", ...options], port);
}

/** Starts `nearkey serve` from dist/ on the Node that runs this, with more options than its ports and memory. */
export async function startNearkey(maxMemory = "3gb", ...more) {
  const [port, respPort] = [await freePort(), await freePort()];
  const cli = new URL("../dist/cli.js", import.meta.url).pathname;
  const options = [
    "serve",
    "--port",
    String(port),
    "--resp-port",
    String(respPort),
    "--max-memory",
    maxMemory,
    ...more,
  ];
  const server = await startServer("nearkey", [process.execPath, cli, ...options], respPort);
  return { ...server, webSocketPort: port };
}

/** Runs a script of this folder on the client's core with one argument as JSON; answers what it printed as JSON. */
export async function runClient(script, argument) {
  const program = new URL(script, import.meta.url).pathname;
  const [first, ...rest] = pin(CLIENT_CORE, [process.execPath, program, JSON.stringify(argument)]);
  const { stdout, stderr } = await run(first, rest);
  if (!stdout.startsWith("{")) throw new Error(`${script} failed: ${stderr}`);
  return JSON.parse(stdout);
}

/** Starts a server of the `ws` library that sends back what it gets. */
export async function startEcho() {
  const port = await freePort();
  const program = new URL("echo-server.mjs", import.meta.url).pathname;
  return startServer("echo", [process.execPath, program, String(port)], port);
}

/**
 * One run of the WebSocket client against a server.
 * @param options what bench/websocket-load.mjs takes, the port excepted
 * @returns frames and commands per second, the server's CPU microseconds per frame, the shares of their cores both used
 */
export async function runWebSocketLoad(server, port, options) {
  const before = cpuSeconds(server.pid);
  const result = await runClient("websocket-load.mjs", { ...options, port });
  const serverSeconds = cpuSeconds(server.pid) - before;
  return {
    ...result,
    serverMicros: (serverSeconds / options.frames) * 1e6,
    serverBusy: serverSeconds / result.seconds,
  };
}

export function stopServer({ child }) {
  child.removeAllListeners("exit");
  running.delete(child);
  child.kill("SIGKILL");
}

/** User and system seconds the kernel charged to a process since it began. */
export function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/**
 * One run of redis-benchmark against a server.
 * @returns commands per second, the server's CPU microseconds per command, the shares of their cores both used, and the
 *   median and the 99th percentile of what a client waits, milliseconds
 */
export async function runBenchmark(server, { test, pipeline, requests, keys, bytes, clients = 50 }) {
  const options = [
    "-p",
    server.port,
    "-t",
    test,
    "-n",
    requests,
    "-c",
    clients,
    "-P",
    pipeline,
    "-r",
    keys,
    "-d",
    bytes,
  ];
  const command = pin(CLIENT_CORE, ["redis-benchmark", ...options.map(String), "--csv"]).join(" ");
  const before = cpuSeconds(server.pid);
  const { stdout, stderr } = await run("bash", ["-c", `TIMEFORMAT='cpu %U %S %R'; time ${command}`]);
  const serverSeconds = cpuSeconds(server.pid) - before;
  // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
  const fields = (stdout.split("\n")[1] ?? "").split(",").map((field) => Number(field.replaceAll('"', "")));
  const [, perSecond, , , p50, , p99] = fields;
  const [, user, system, real] = /cpu ([\d.]+) ([\d.]+) ([\d.]+)/.exec(stderr) ?? [];
  if (!(perSecond > 0) || real === undefined) throw new Error(`redis-benchmark failed: ${stdout}${stderr}`);
  return {
    perSecond,
    serverMicros: (serverSeconds / requests) * 1e6,
    serverBusy: serverSeconds / Number(real),
    clientBusy: (Number(user) + Number(system)) / Number(real),
    p50,
    p99,
  };
}

function run(program, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, options, { stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.once("error", reject);
    child.once("close", () => {
      running.delete(child);
      resolve({ stdout, stderr });
    });
  });
}

/** Stores every key redis-benchmark may ask for, so that each of its GETs hits. */
export async function fillKeys(port, keys, bytes) {
  const socket = connect(port, "127.0.0.1");
  const value = "v".repeat(bytes);
  let replies = 0;
  const answered = new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.on("data", (chunk) => {
      for (const byte of chunk) if (byte === 10) replies++;
      if (replies >= keys) resolve();
    });
  });
  for (let key = 0; key < keys; ) {
    let text = "";
    for (const end = Math.min(keys, key + 1000); key < end; key++) {
      text += `*3\r\n$3\r\nSET\r\n$16\r\nkey:${String(key).padStart(12, "0")}\r\n$${bytes}\r\n${value}\r\n`;
    }
    if (!socket.write(text)) await new Promise((resolve) => socket.once("drain", resolve));
  }
  await answered;
  socket.destroy();
}
