// GET /metrics: what Prometheus itself says about it, exact counts after known commands, who may read it, and that the
// page of documentation lists what there is.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { encodeCommand } from "../src/resp.ts";
import { findTool } from "./external-tools.ts";
import { RespSocket, startTestServer, type TestServer } from "./server-fixture.ts";
import { TestWebSocket } from "./websocket-fixture.ts";

async function scrape(server: TestServer, headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${server.httpPort}/metrics`, { headers });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return answer.text();
}

/** The value of one line, by its name with its labels as they are written. */
function metricOf(text: string, line: string): number {
  const found = text.split("\n").find((each) => each.startsWith(`${line} `));
  if (found === undefined) throw new Error(`${line} is not among the metrics`);
  return Number(found.slice(line.length + 1));
}

function sumOf(text: string, name: string, skipped = "none"): number {
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) && !line.includes(skipped));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

const duration = "nearkey_command_duration_seconds";

describe("counts", () => {
  test("are exact after known commands, over RESP and WebSocket", async () => {
    const server = await startTestServer();
    const resp = await RespSocket.open(server.respPort);
    const webSocket = await TestWebSocket.open(server.httpPort);
    await resp.command("SET k v");
    for (let index = 0; index < 10; index++) await resp.command("GET k");
    await resp.command("GET missing");
    await resp.command("INCR k");
    await resp.command("GET");
    await resp.command("NOSUCH x");
    await resp.command("SELECT 3");
    await resp.command("SET other v EX 100");
    webSocket.socket.send(encodeCommand(["GET", "k"]));
    await webSocket.reply();
    await webSocket.request({ id: 1, command: ["HSET", "h", "f", "v"] });
    await webSocket.request({ id: 2, command: ["HGET", "k", "f"] });
    const text = await scrape(server);
    expect(metricOf(text, `${duration}_count{command="get"}`)).toBe(12);
    expect(metricOf(text, `${duration}_bucket{command="get",le="+Inf"}`)).toBe(12);
    expect(metricOf(text, `${duration}_count{command="set"}`)).toBe(2);
    expect(metricOf(text, `${duration}_count{command="hget"}`)).toBe(1);
    expect(metricOf(text, `${duration}_sum{command="get"}`)).toBeGreaterThan(0);
    expect(metricOf(text, 'nearkey_command_failures_total{command="incr"}')).toBe(1);
    expect(metricOf(text, 'nearkey_command_failures_total{command="hget"}')).toBe(1);
    expect(metricOf(text, 'nearkey_command_rejections_total{command="get"}')).toBe(1);
    expect(metricOf(text, 'nearkey_errors_total{code="WRONGTYPE"}')).toBe(1);
    expect(metricOf(text, 'nearkey_errors_total{code="ERR"}')).toBe(3);
    // A key of another type is found too, as in Redis.
    expect(metricOf(text, "nearkey_keyspace_hits_total")).toBe(12);
    expect(metricOf(text, "nearkey_keyspace_misses_total")).toBe(1);
    expect(metricOf(text, 'nearkey_keys{database="0"}')).toBe(2);
    expect(metricOf(text, 'nearkey_keys{database="3"}')).toBe(1);
    expect(metricOf(text, 'nearkey_expiring_keys{database="3"}')).toBe(1);
    expect(metricOf(text, 'nearkey_connections{protocol="resp"}')).toBe(1);
    expect(metricOf(text, 'nearkey_connections{protocol="websocket"}')).toBe(1);
    expect(metricOf(text, 'nearkey_websocket_frames_total{direction="received"}')).toBe(3);
    expect(metricOf(text, 'nearkey_websocket_frames_total{direction="sent"}')).toBe(3);
    expect(metricOf(text, 'nearkey_batch_commands_sum{protocol="websocket"}')).toBe(3);
    expect(sumOf(text, `${duration}_count`)).toBe(metricOf(text, "nearkey_commands_total"));
    expect(sumOf(text, "nearkey_batch_commands_sum")).toBe(metricOf(text, "nearkey_commands_total"));
    expect(sumOf(text, "nearkey_memory_bytes", 'kind="free"')).toBe(metricOf(text, "nearkey_memory_used_bytes"));
    webSocket.socket.terminate();
  });

  test("know what a read brought, and bytes in both directions", async () => {
    const server = await startTestServer({ maxConnections: 1 });
    const resp = await RespSocket.open(server.respPort);
    const pipeline = "*1\r\n$4\r\nPING\r\n".repeat(100);
    resp.write(pipeline);
    await resp.bytes(700);
    await (await RespSocket.open(server.respPort)).closed;
    const text = await scrape(server);
    expect(metricOf(text, 'nearkey_batch_commands_count{protocol="resp"}')).toBe(1);
    expect(metricOf(text, 'nearkey_batch_commands_bucket{protocol="resp",le="64"}')).toBe(0);
    expect(metricOf(text, 'nearkey_batch_commands_bucket{protocol="resp",le="128"}')).toBe(1);
    expect(metricOf(text, 'nearkey_batch_commands_sum{protocol="resp"}')).toBe(100);
    expect(metricOf(text, 'nearkey_received_bytes_total{protocol="resp"}')).toBe(pipeline.length);
    expect(metricOf(text, 'nearkey_sent_bytes_total{protocol="resp"}')).toBe(700);
    expect(metricOf(text, 'nearkey_connections_rejected_total{protocol="resp"}')).toBe(1);
    expect(metricOf(text, 'nearkey_connections_accepted_total{protocol="resp"}')).toBe(1);
  });

  test("stay when their connection ends, and begin anew with CONFIG RESETSTAT", async () => {
    const server = await startTestServer();
    const gone = await RespSocket.open(server.respPort);
    await gone.command("PING");
    gone.socket.destroy();
    await gone.closed;
    const resp = await RespSocket.open(server.respPort);
    await resp.command("GET k");
    const sent = metricOf(await scrape(server), 'nearkey_sent_bytes_total{protocol="resp"}');
    expect(sent).toBe("+PONG\r\n".length + "$-1\r\n".length);
    await resp.command("CONFIG RESETSTAT");
    const text = await scrape(server);
    expect(metricOf(text, 'nearkey_connections_accepted_total{protocol="resp"}')).toBe(0);
    expect(metricOf(text, 'nearkey_connections{protocol="resp"}')).toBe(1);
    expect(metricOf(text, 'nearkey_sent_bytes_total{protocol="resp"}')).toBe("+OK\r\n".length);
    expect(metricOf(text, "nearkey_keyspace_misses_total")).toBe(0);
    expect(text).not.toContain('command="get"');
  });
});

test("the log's commits, bytes and state are told where there is a directory, and promtool finds nothing", async () => {
  const dir = mkdtempSync(join(tmpdir(), "nearkey-metrics-"));
  const server = await startTestServer({ dir });
  const resp = await RespSocket.open(server.respPort);
  for (let index = 0; index < 5; index++) await resp.command(`SET k ${index}`);
  const text = await scrape(server);
  const commits = "nearkey_log_commit_duration_seconds";
  expect(metricOf(text, `${commits}_count`)).toBe(5);
  expect(metricOf(text, `${commits}_bucket{le="+Inf"}`)).toBe(5);
  expect(metricOf(text, `${commits}_sum`)).toBeGreaterThan(0);
  expect(metricOf(text, "nearkey_log_written_bytes_total")).toBeGreaterThanOrEqual(5 * 32);
  expect(metricOf(text, "nearkey_log_read_only")).toBe(0);
  expect(metricOf(text, "nearkey_recovery_duration_seconds")).toBeGreaterThan(0);
  expect(metricOf(text, "nearkey_snapshot_last_timestamp_seconds")).toBe(0);
  expect(metricOf(text, "nearkey_snapshot_last_failed")).toBe(0);
  expect(await resp.command("CONFIG GET appendonly appendfsync dir")).toEqual(
    expect.arrayContaining(["appendonly", "yes", "appendfsync", "always", "dir", dir]),
  );
  expect(await scrape(await startTestServer())).not.toMatch(/^nearkey_log_/m);
  const promtool = findTool("promtool");
  if (promtool !== undefined) expect(execFileSync(promtool, ["check", "metrics"], { input: text }).length).toBe(0);
  await server.stop();
  rmSync(dir, { recursive: true });
});

test("slow commands are counted and kept with their arguments, whoever answers them", async () => {
  const server = await startTestServer();
  const resp = await RespSocket.open(server.respPort);
  await resp.command("SET k before");
  await resp.command("CONFIG SET slowlog-log-slower-than 0");
  await resp.command("SET", "k", "v".repeat(300));
  await resp.command("CLIENT GETNAME");
  await resp.command("CONFIG SET slowlog-log-slower-than 1000000");
  await resp.command("SET k after");
  const kept = (await resp.command("SLOWLOG GET 10")) as [number, number, number, string[]][];
  const words = kept.map((entry) => entry[3]);
  expect(words).toContainEqual(["SET", "k", `${"v".repeat(128)}... (172 more bytes)`]);
  expect(words).toContainEqual(["CLIENT", "GETNAME"]);
  expect(words.flat()).not.toContain("before");
  expect(words.flat()).not.toContain("after");
  expect(metricOf(await scrape(server), "nearkey_slow_commands_total")).toBe(kept.length);
});

describe("who may read", () => {
  const ask = (server: TestServer, headers: Record<string, string>) =>
    fetch(`http://127.0.0.1:${server.httpPort}/metrics`, { headers });
  const basic = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString("base64")}` });

  test("with a password: who knows it, in either scheme", async () => {
    const server = await startTestServer({ password: "sécret" });
    const refused = await ask(server, {});
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toContain("Basic");
    expect(await refused.text()).toContain("--open-metrics");
    expect((await ask(server, basic("default:wrong"))).status).toBe(401);
    expect((await ask(server, basic("other:sécret"))).status).toBe(401);
    expect((await ask(server, { authorization: "Digest sécret".replace("é", "e") })).status).toBe(401);
    await scrape(server, basic("default:sécret"));
    await scrape(server, { authorization: `Bearer ${Buffer.from("sécret").toString("latin1")}` });
  });

  test("everybody when it is opened, or no password is set", async () => {
    await scrape(await startTestServer({ password: "secret", openMetrics: true }));
    await scrape(await startTestServer());
  });
});

test("docs/metrics.md lists every metric, and none that there is not", async () => {
  const text = await scrape(await startTestServer());
  const there = [...text.matchAll(/^# TYPE (nearkey_\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  const page = readFileSync(new URL("../docs/metrics.md", import.meta.url), "utf8");
  const listed = [...page.matchAll(/^\| `(nearkey_\w+)` \| (\w+) \|/gm)].map(([, name, type]) => `${name} ${type}`);
  expect(listed.sort()).toEqual(there.sort());
});

describe.skipIf(findTool("promtool") === undefined)("promtool", () => {
  test("finds nothing to say about the metrics", async () => {
    const server = await startTestServer();
    const resp = await RespSocket.open(server.respPort);
    for (const command of ["SET k v", "GET k", "HSET h f v", "GET h", "INFO", "NOSUCH"]) await resp.command(command);
    const output = execFileSync(findTool("promtool") ?? "", ["check", "metrics"], {
      input: await scrape(server),
      encoding: "utf8",
      stdio: ["pipe", "pipe", "pipe"],
    });
    expect(output).toBe("");
  });

  test("understands the queries of the documentation", () => {
    const page = readFileSync(new URL("../docs/metrics.md", import.meta.url), "utf8");
    const queries = /```promql\n([\s\S]*?)```/.exec(page)?.[1]?.trim().split("\n") ?? [];
    expect(queries.length).toBeGreaterThan(5);
    const folder = mkdtempSync(join(tmpdir(), "nearkey-rules-"));
    const rules = queries.map((query, index) => `  - record: query:${index}\n    expr: ${JSON.stringify(query)}\n`);
    const file = join(folder, "rules.yml");
    writeFileSync(file, `groups:\n- name: docs\n  rules:\n${rules.join("")}`);
    const output = execFileSync(findTool("promtool") ?? "", ["check", "rules", file], { encoding: "utf8" });
    expect(output).toContain(`${queries.length} rules found`);
    rmSync(folder, { recursive: true });
  });
});

describe.skipIf(findTool("prometheus") === undefined)("a Prometheus server", () => {
  test("scrapes with a password and answers queries", { timeout: 60_000 }, async () => {
    const server = await startTestServer({ password: "secret" });
    const resp = await RespSocket.open(server.respPort);
    await resp.command("AUTH secret");
    for (let index = 0; index < 50; index++) await resp.command(`SET key:${index} v`);
    const prometheus = await PrometheusProcess.start(server.httpPort, "secret");
    try {
      expect(await prometheus.value('nearkey_command_duration_seconds_count{command="set"}')).toBe(50);
      expect(await prometheus.value('nearkey_keys{database="0"}')).toBe(50);
      expect(await prometheus.value("up")).toBe(1);
    } finally {
      prometheus.stop();
    }
  });
});

/** A Prometheus that scrapes one server twice a second and keeps what it knows in a folder of its own. */
class PrometheusProcess {
  private constructor(
    private readonly port: number,
    private readonly folder: string,
    private readonly child: ReturnType<typeof spawn>,
  ) {}

  static async start(httpPort: number, password: string): Promise<PrometheusProcess> {
    const folder = mkdtempSync(join(tmpdir(), "nearkey-prometheus-"));
    const config = join(folder, "prometheus.yml");
    writeFileSync(
      config,
      `global: { scrape_interval: 500ms, scrape_timeout: 500ms }
scrape_configs:
  - job_name: nearkey
    basic_auth: { username: default, password: ${password} }
    static_configs: [{ targets: ["127.0.0.1:${httpPort}"] }]
`,
    );
    const port = await freePort();
    const flags = [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`];
    flags.push(`--web.listen-address=127.0.0.1:${port}`, "--log.level=error");
    const child = spawn(findTool("prometheus") ?? "", flags, { stdio: "ignore" });
    return new PrometheusProcess(port, folder, child);
  }

  /** The value of a query with one result, once it has been scraped. */
  async value(query: string): Promise<number> {
    const url = `http://127.0.0.1:${this.port}/api/v1/query?query=${encodeURIComponent(query)}`;
    const untilMs = performance.now() + 45_000;
    while (performance.now() < untilMs) {
      const answer = await fetch(url).catch(() => undefined);
      if (answer?.ok) {
        const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
        const [only] = data.result;
        if (only !== undefined) return Number(only.value[1]);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`Prometheus knows nothing of ${query} after 45 s`);
  }

  stop(): void {
    this.child.once("exit", () => rmSync(this.folder, { recursive: true, force: true }));
    this.child.kill("SIGKILL");
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
