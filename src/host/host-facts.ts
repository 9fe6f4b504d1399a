// What the host's commands report about the process and the one who asks. The server fills these from its sockets
// and settings; an embedded database from its options, with itself as the only client.

/** A client as `CLIENT INFO` shows it; the commands change its name and library. */
export interface HostClient {
  readonly id: number;
  readonly address: string;
  readonly localAddress: string;
  readonly connectedMs: number;
  /** The engine's connections that belong to it: a WebSocket that sends text and binary frames has two. */
  readonly connections: number[];
  lastActiveMs: number;
  authenticated: boolean;
  name: string;
  libraryName: string;
  libraryVersion: string;
}

/** What a process knows about itself, in the units of Redis's `INFO`. */
export interface ProcessFacts {
  readonly processId: number;
  readonly residentBytes: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly operatingSystem: string;
}

/** Connections counted since the start. */
export interface ConnectionCounts {
  readonly active: number;
  readonly total: number;
  readonly rejected: number;
}

/** What was counted since the start or the last `CONFIG RESETSTAT`. */
export interface Statistics {
  readonly commands: number;
  readonly hits: number;
  readonly misses: number;
  readonly expiredKeys: number;
  readonly evictedKeys: number;
}

/** Everything around the engine that `INFO`, `CONFIG`, `CLIENT LIST` and `AUTH` need. */
export interface HostFacts {
  readonly redisVersion: string;
  readonly nearkeyVersion: string;
  readonly startedMs: number;
  readonly runId: string;
  /** Settings by the names that Redis gives them, as `CONFIG GET` answers them. */
  readonly settings: ReadonlyMap<string, string>;
  /** Absent when no password is asked for. */
  readonly checkPassword?: ((candidate: Uint8Array) => boolean) | undefined;
  clients(): Iterable<HostClient>;
  connectionCounts(): ConnectionCounts;
  statistics(): Statistics;
  resetStatistics(): void;
  /** Absent where there is no process to ask, as in a browser. */
  readonly processFacts?: (() => ProcessFacts) | undefined;
}

/** The version of Redis whose commands and replies are the reference. */
export const REDIS_VERSION = "8.0.2";

/** Makes the facts of a client at the moment it connects. */
export function newClient(id: number, address: string, localAddress: string, authenticated: boolean): HostClient {
  const now = Date.now();
  return {
    id,
    address,
    localAddress,
    connectedMs: now,
    connections: [],
    lastActiveMs: now,
    authenticated,
    name: "",
    libraryName: "",
    libraryVersion: "",
  };
}
