// INFO: what monitoring tools read. Fields keep the names that Redis gives them wherever the thing exists here. Of what
// does not exist (replicas, scripts, files) only those fields are there that tools look for, with the value that Redis
// gives where it is not used.

import { ConnectionMode } from "../engine.ts";
import { type HostCall, Verbatim } from "./host-call.ts";
import type { Rates } from "./host-facts.ts";
import { commandFields, errorFields, latencyFields } from "./report-commands.ts";

type Fields = readonly (readonly [string, string | number])[];
type Section = (call: HostCall) => Fields;

/** In the order of Redis. */
const SECTIONS: Readonly<Record<string, Section>> = {
  Server: server,
  Clients: clients,
  Memory: memory,
  Persistence: persistence,
  Stats: stats,
  Replication: replication,
  CPU: cpu,
  Modules: () => [],
  Commandstats: commandFields,
  Errorstats: errorFields,
  Latencystats: latencyFields,
  Cluster: () => [["cluster_enabled", 0]],
  Keyspace: keyspace,
};

/** Sections that only `all` and `everything` bring, or their names. */
const ASKED_FOR = new Set(["commandstats", "latencystats"]);
const EVERYTHING = new Set(["all", "everything"]);

/** Answers `INFO [section …]`; unknown sections are left out, as in Redis. */
export function infoCommand(call: HostCall): Verbatim {
  const wanted = new Set(call.words.map((word) => word.toLowerCase()));
  const byDefault = wanted.size === 0 || wanted.has("default");
  const all = [...wanted].some((word) => EVERYTHING.has(word));
  const texts: string[] = [];
  for (const [title, fields] of Object.entries(SECTIONS)) {
    const name = title.toLowerCase();
    if (!all && !wanted.has(name) && !(byDefault && !ASKED_FOR.has(name))) continue;
    const lines = fields(call).map(([field, value]) => `${field}:${value}\r\n`);
    texts.push(`# ${title}\r\n${lines.join("")}`);
  }
  return new Verbatim(texts.join("\r\n"));
}

function server({ facts }: HostCall): Fields {
  const uptimeSeconds = Math.floor((Date.now() - facts.startedMs) / 1000);
  const process = facts.processFacts?.();
  return [
    ["redis_version", facts.redisVersion],
    ["nearkey_version", facts.nearkeyVersion],
    ["redis_mode", "standalone"],
    ["os", process?.operatingSystem ?? "unknown"],
    ["arch_bits", 32],
    ["process_id", process?.processId ?? 0],
    ["run_id", facts.runId],
    ["tcp_port", facts.settings.get("port") ?? "0"],
    ["server_time_usec", Date.now() * 1000],
    ["uptime_in_seconds", uptimeSeconds],
    ["uptime_in_days", Math.floor(uptimeSeconds / 86_400)],
    ["hz", facts.settings.get("hz") ?? "10"],
    ["io_threads_active", 0],
  ];
}

function clients({ engine, facts }: HostCall): Fields {
  const all = [...facts.clients()].flatMap(({ connections }) => connections);
  const inMode = (mode: ConnectionMode): number =>
    all.reduce((sum, each) => sum + Number(engine.connections.hasMode(each, mode)), 0);
  return [
    ["connected_clients", facts.connectionCounts().active],
    ["cluster_connections", 0],
    ["maxclients", facts.settings.get("maxclients") ?? "0"],
    ["blocked_clients", inMode(ConnectionMode.Blocked)],
    ["tracking_clients", inMode(ConnectionMode.Tracking)],
    ["pubsub_clients", inMode(ConnectionMode.Subscribed)],
  ];
}

function memory({ engine, facts }: HostCall): Fields {
  const { memoryUsedBytes, memoryLimitBytes, memoryPeakBytes } = engine.stats();
  const { kinds, cells } = engine.statistics.memory();
  const process = facts.processFacts?.();
  const resident = process?.residentBytes ?? 0;
  const dataset = kinds.entries + kinds.fields + kinds.objects + kinds.values + kinds.vectors + kinds.moving;
  const freeCells = cells.reduce((sum, { bytes, free }) => sum + bytes * free, 0);
  const sized = (name: string, bytes: number): Fields => [
    [name, bytes],
    [`${name}_human`, humanBytes(bytes)],
  ];
  return [
    ...sized("used_memory", memoryUsedBytes),
    ...sized("used_memory_rss", resident),
    ...sized("used_memory_peak", memoryPeakBytes),
    ["used_memory_peak_perc", percent(memoryUsedBytes, memoryPeakBytes)],
    ["used_memory_overhead", memoryUsedBytes - dataset],
    ["used_memory_startup", kinds.fixed],
    ["used_memory_dataset", dataset],
    ["used_memory_dataset_perc", percent(dataset, memoryUsedBytes - kinds.fixed)],
    ["allocator_allocated", memoryUsedBytes - freeCells],
    ["allocator_active", memoryUsedBytes],
    ["allocator_resident", memoryUsedBytes + kinds.free],
    ...sized("total_system_memory", process?.systemMemoryBytes ?? 0),
    ["used_memory_lua", 0],
    ...sized("maxmemory", memoryLimitBytes),
    ["maxmemory_policy", facts.settings.get("maxmemory-policy") ?? "noeviction"],
    ["allocator_frag_ratio", ratio(memoryUsedBytes, memoryUsedBytes - freeCells)],
    ["mem_fragmentation_ratio", ratio(resident, memoryUsedBytes)],
    ["mem_fragmentation_bytes", resident - memoryUsedBytes],
    ["mem_clients_normal", kinds.connections + kinds.input + kinds.output],
    ["mem_allocator", "nearkey"],
    ...Object.entries(kinds).map(([kind, bytes]) => [`nearkey_memory_${kind}`, bytes] as const),
  ];
}

function persistence({ facts }: HostCall): Fields {
  const kept = facts.persistence?.();
  if (kept !== undefined) return [...kept];
  return [
    ["loading", 0],
    ["async_loading", 0],
    ["rdb_changes_since_last_save", 0],
    ["rdb_bgsave_in_progress", 0],
    ["rdb_last_save_time", Math.floor(facts.startedMs / 1000)],
    ["rdb_last_bgsave_status", "ok"],
    ["aof_enabled", 0],
    ["aof_rewrite_in_progress", 0],
    ["aof_last_write_status", "ok"],
    ["nearkey_persistence", "none"],
  ];
}

const NO_RATES: Rates = { commands: 0, receivedBytes: 0, sentBytes: 0 };

function stats({ engine, facts }: HostCall): Fields {
  const counts = facts.connectionCounts();
  const counted = engine.stats();
  const rates = facts.rates?.() ?? NO_RATES;
  const errors = [...engine.statistics.errors().values()].reduce((sum, count) => sum + count, 0);
  return [
    ["total_connections_received", counts.total],
    ["total_commands_processed", counted.commands],
    ["instantaneous_ops_per_sec", Math.round(rates.commands)],
    ["total_net_input_bytes", counts.receivedBytes],
    ["total_net_output_bytes", counts.sentBytes],
    ["instantaneous_input_kbps", (rates.receivedBytes / 1024).toFixed(2)],
    ["instantaneous_output_kbps", (rates.sentBytes / 1024).toFixed(2)],
    ["rejected_connections", counts.rejected],
    ["expired_keys", counted.expiredKeys],
    ["expired_subkeys", counted.expiredElements],
    ["evicted_keys", counted.evictedKeys],
    ["keyspace_hits", counted.hits],
    ["keyspace_misses", counted.misses],
    ["pubsub_channels", 0],
    ["pubsub_patterns", 0],
    ["latest_fork_usec", 0],
    ["total_error_replies", errors],
  ];
}

function replication({ facts }: HostCall): Fields {
  return [
    ["role", "master"],
    ["connected_slaves", 0],
    ["master_failover_state", "no-failover"],
    ["master_replid", facts.runId],
    ["master_repl_offset", 0],
    ["second_repl_offset", -1],
    ["repl_backlog_active", 0],
  ];
}

function cpu({ facts }: HostCall): Fields {
  const process = facts.processFacts?.();
  return [
    ["used_cpu_sys", (process?.systemSeconds ?? 0).toFixed(6)],
    ["used_cpu_user", (process?.userSeconds ?? 0).toFixed(6)],
    ["used_cpu_sys_children", "0.000000"],
    ["used_cpu_user_children", "0.000000"],
  ];
}

/** Times to live are not averaged: 0 says so, as in Redis before it has looked. */
function keyspace({ engine, facts }: HostCall): Fields {
  const databases = Number(facts.settings.get("databases") ?? "1");
  const fields: [string, string][] = [];
  for (let database = 0; database < databases; database++) {
    const { keys, expiring } = engine.countKeys(database);
    if (keys > 0) fields.push([`db${database}`, `keys=${keys},expires=${expiring},avg_ttl=0,subexpiry=0`]);
  }
  return fields;
}

function ratio(value: number, of: number): string {
  return (of > 0 ? value / of : 0).toFixed(2);
}

function percent(value: number, of: number): string {
  return `${(of > 0 ? (value / of) * 100 : 0).toFixed(2)}%`;
}

/** Writes a size as Redis does: two decimals and B, K, M, G. */
function humanBytes(bytes: number): string {
  const units = ["B", "K", "M", "G"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(2)}${units[unit]}`;
}
