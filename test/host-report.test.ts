// INFO as tools read it: the sections that are asked for, the fields by name that redis_exporter, redis-cli and ioredis look
// for, counts that are exact, and percentiles.

import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { debugEngine } from "./debug-engine.ts";
import { findTool } from "./external-tools.ts";
import { eventually, RespSocket, startTestServer } from "./server-fixture.ts";

const run = promisify(execFile);

const DEFAULT = [
  "Server",
  "Clients",
  "Memory",
  "Persistence",
  "Stats",
  "Replication",
  "CPU",
  "Modules",
  "Errorstats",
  "Cluster",
  "Keyspace",
];

function sectionsOf(text: string): string[] {
  return [...text.matchAll(/^# (\w+)\r$/gm)].map((match) => match[1] as string);
}

function fieldsOf(text: string): Map<string, string> {
  const lines = text.split("\r\n").filter((line) => line.includes(":"));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}

/** What redis_exporter turns into metrics, and what `redis-cli --stat` prints, as far as it is there in a Redis without replicas. */
const READ_BY_TOOLS = [
  "redis_version redis_mode os process_id run_id tcp_port uptime_in_seconds uptime_in_days server_time_usec",
  "connected_clients blocked_clients maxclients tracking_clients",
  "used_memory used_memory_human used_memory_rss used_memory_peak used_memory_overhead used_memory_startup",
  "used_memory_dataset used_memory_lua maxmemory maxmemory_policy mem_fragmentation_ratio mem_fragmentation_bytes",
  "mem_clients_normal allocator_active allocator_allocated allocator_resident allocator_frag_ratio",
  "total_system_memory loading async_loading rdb_changes_since_last_save rdb_bgsave_in_progress rdb_last_save_time",
  "rdb_last_bgsave_status aof_enabled aof_rewrite_in_progress aof_last_write_status",
  "total_connections_received total_commands_processed instantaneous_ops_per_sec total_net_input_bytes",
  "total_net_output_bytes instantaneous_input_kbps instantaneous_output_kbps rejected_connections expired_keys expired_subkeys",
  "evicted_keys keyspace_hits keyspace_misses pubsub_channels pubsub_patterns latest_fork_usec total_error_replies",
  "role connected_slaves master_replid master_repl_offset used_cpu_sys used_cpu_user used_cpu_sys_children",
  "used_cpu_user_children cluster_enabled io_threads_active",
].flatMap((line) => line.split(" "));

describe("sections", () => {
  test("come by default, all, or by name, in the order of Redis", async () => {
    const { respPort } = await startTestServer();
    const client = await RespSocket.open(respPort);
    const ask = async (line: string): Promise<string[]> => sectionsOf(String(await client.command(line)));
    const all = [...DEFAULT.slice(0, 8), "Commandstats", "Errorstats", "Latencystats", "Cluster", "Keyspace"];
    expect(await ask("INFO")).toEqual(DEFAULT);
    expect(await ask("INFO default")).toEqual(DEFAULT);
    expect(await ask("INFO all")).toEqual(all);
    expect(await ask("INFO EVERYTHING")).toEqual(all);
    expect(await ask("INFO default commandstats")).toEqual(all.filter((name) => name !== "Latencystats"));
    expect(await ask("INFO latencystats CPU")).toEqual(["CPU", "Latencystats"]);
    expect(await client.command("INFO nothing")).toBe("");
  });

  test("have every field that tools read", async () => {
    const { respPort } = await startTestServer();
    const redis = new Redis({ port: respPort, host: "127.0.0.1" });
    const fields = fieldsOf(await redis.info());
    expect(READ_BY_TOOLS.filter((name) => !fields.has(name))).toEqual([]);
    const numbers = READ_BY_TOOLS.filter((name) =>
      /^(used|total|instantaneous|mem_frag|max(clients|memory$)|rdb_l)/.test(name),
    );
    for (const name of numbers) {
      if (/human|status/.test(name)) continue;
      expect(Number(fields.get(name)), name).not.toBeNaN();
    }
    await redis.quit();
  });
});

test("commands, errors and percentiles are counted by name", async () => {
  const { respPort } = await startTestServer();
  const client = await RespSocket.open(respPort);
  for (const line of ["SET k v", "GET k", "GET k", "INCR k", "GET", "NOSUCH"]) await client.command(line);
  const fields = fieldsOf(String(await client.command("INFO all")));
  expect(fields.get("cmdstat_get")).toMatch(
    /^calls=2,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=1,failed_calls=0$/,
  );
  expect(fields.get("cmdstat_incr")).toMatch(/^calls=1,.*,rejected_calls=0,failed_calls=1$/);
  expect(fields.get("errorstat_ERR")).toBe("count=3");
  expect(fields.get("total_error_replies")).toBe("3");
  expect(fields.get("latency_percentiles_usec_set")).toMatch(/^p50=\d+\.\d{3},p99=\d+\.\d{3},p99\.9=\d+\.\d{3}$/);
  expect(fields.get("db0")).toBe("keys=1,expires=0,avg_ttl=0,subexpiry=0");
  await client.command("CONFIG RESETSTAT");
  const after = fieldsOf(String(await client.command("INFO all")));
  expect([...after.keys()].filter((name) => /^(cmdstat|errorstat)/.test(name))).toEqual(["cmdstat_config"]);
  expect(after.get("total_commands_processed")).toBe("1");
  expect(after.get("total_connections_received")).toBe("0");
});

test("memory peaks stay, and its parts add up", async () => {
  const { respPort, engine } = await startTestServer();
  const client = await RespSocket.open(respPort);
  await client.command("SET", "large", "x".repeat(4_000_000));
  const peak = engine.stats().memoryPeakBytes;
  await client.command("DEL large");
  await eventually(() => engine.stats().memoryUsedBytes < peak - 3_000_000);
  const fields = fieldsOf(String(await client.command("INFO memory")));
  const number = (name: string): number => Number(fields.get(name));
  expect(number("used_memory_peak")).toBeGreaterThanOrEqual(peak);
  expect(number("used_memory_dataset") + number("used_memory_overhead")).toBe(number("used_memory"));
  const kinds = [...fields.keys()].filter((name) => /^nearkey_memory_(?!free)/.test(name));
  expect(kinds.reduce((sum, name) => sum + number(name), 0)).toBe(number("used_memory"));
});

test("an engine that peaked says so after a reset too", () => {
  const engine = debugEngine();
  const before = engine.stats().memoryPeakBytes;
  engine.statistics.reset();
  expect(engine.stats().memoryPeakBytes).toBe(before);
});

describe.skipIf(findTool("redis-cli") === undefined)("redis-cli", () => {
  const cli = findTool("redis-cli") ?? "";

  test("--stat prints what happens", async () => {
    const { respPort } = await startTestServer();
    const client = await RespSocket.open(respPort);
    await client.command("MSET a 1 b 2 c 3");
    const child = spawn(cli, ["-p", String(respPort), "--stat", "-i", "0.01"], { stdio: ["ignore", "pipe", "ignore"] });
    let output = "";
    child.stdout.on("data", (bytes) => {
      output += bytes;
    });
    await eventually(() => output.length > 0); // it writes 4 KiB at a time
    child.kill();
    // keys, memory, clients, blocked, requests, connections
    expect(output).toMatch(/\n3 +\d+\.\d\d[MK] +2 +0 +\d+ \(\+\d+\) +2 */);
  });

  test("--bigkeys finds the largest", async () => {
    const { respPort } = await startTestServer();
    const client = await RespSocket.open(respPort);
    await client.command("SET", "long", "x".repeat(1000));
    await client.command("HSET h a 1 b 2");
    await client.command("VADD set VALUES 2 1 2 e");
    const { stdout } = await run(cli, ["-p", String(respPort), "--bigkeys"]);
    expect(stdout).toContain("Sampled 3 keys");
    expect(stdout).toMatch(/Biggest +string found .*long.* has 1000 bytes/);
    expect(stdout).toMatch(/Biggest +hash found .*h.* has 2 fields/);
  });
});
