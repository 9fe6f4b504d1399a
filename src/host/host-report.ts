// INFO: what monitoring tools read. Fields keep the names that Redis gives them wherever the thing exists here; a
// field that would always be zero because its part does not exist is left out, except those that clients wait for
// (`loading`, `role`, `connected_slaves`, `cluster_enabled`).

import { type HostCall, Verbatim } from "./host-call.ts";

type Fields = readonly (readonly [string, string | number])[];

const SECTIONS: Readonly<Record<string, (call: HostCall) => Fields>> = {
  Server: server,
  Clients: clients,
  Memory: memory,
  Persistence: () => [
    ["loading", 0],
    ["aof_enabled", 0],
    ["nearkey_persistence", "none"],
  ],
  Stats: stats,
  Replication: () => [
    ["role", "master"],
    ["connected_slaves", 0],
  ],
  CPU: cpu,
  Cluster: () => [["cluster_enabled", 0]],
  Keyspace: keyspace,
};

const EVERYTHING = new Set(["all", "default", "everything"]);

/** Answers `INFO [section …]`; unknown sections are left out, as in Redis. */
export function infoCommand(call: HostCall): Verbatim {
  const wanted = new Set(call.words.map((word) => word.toLowerCase()));
  const all = wanted.size === 0 || [...wanted].some((word) => EVERYTHING.has(word));
  const texts: string[] = [];
  for (const [title, fields] of Object.entries(SECTIONS)) {
    if (!all && !wanted.has(title.toLowerCase())) continue;
    const lines = fields(call).map(([name, value]) => `${name}:${value}\r\n`);
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
  ];
}

function clients({ facts }: HostCall): Fields {
  return [
    ["connected_clients", facts.connectionCounts().active],
    ["maxclients", facts.settings.get("maxclients") ?? "0"],
    ["blocked_clients", 0],
  ];
}

function memory({ engine, facts }: HostCall): Fields {
  const { memoryUsedBytes, memoryLimitBytes } = engine.stats();
  return [
    ["used_memory", memoryUsedBytes],
    ["used_memory_human", humanBytes(memoryUsedBytes)],
    ["used_memory_rss", facts.processFacts?.().residentBytes ?? 0],
    ["maxmemory", memoryLimitBytes],
    ["maxmemory_human", humanBytes(memoryLimitBytes)],
    ["maxmemory_policy", facts.settings.get("maxmemory-policy") ?? "noeviction"],
  ];
}

function stats({ facts }: HostCall): Fields {
  const counts = facts.connectionCounts();
  const counted = facts.statistics();
  return [
    ["total_connections_received", counts.total],
    ["total_commands_processed", counted.commands],
    ["rejected_connections", counts.rejected],
    ["expired_keys", counted.expiredKeys],
    ["evicted_keys", counted.evictedKeys],
    ["keyspace_hits", counted.hits],
    ["keyspace_misses", counted.misses],
  ];
}

function cpu({ facts }: HostCall): Fields {
  const process = facts.processFacts?.();
  return [
    ["used_cpu_sys", (process?.systemSeconds ?? 0).toFixed(6)],
    ["used_cpu_user", (process?.userSeconds ?? 0).toFixed(6)],
  ];
}

function keyspace({ engine, facts }: HostCall): Fields {
  const databases = Number(facts.settings.get("databases") ?? "1");
  const fields: [string, string][] = [];
  for (let database = 0; database < databases; database++) {
    const { keys, expiring } = engine.countKeys(database);
    if (keys > 0) fields.push([`db${database}`, `keys=${keys},expires=${expiring}`]);
  }
  return fields;
}

/** Writes a size as Redis does: two decimals and B, K, M, G. */
function humanBytes(bytes: number): string {
  const units = ["B", "K", "M", "G"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(2)}${units[unit]}`;
}
