// What the host's commands report about the process and the one who asks. The server fills these from its sockets
// and settings; an embedded database from its options, with itself as the only client.

import type { ScriptSource } from "../scripts/script-source.ts";
import type { SlowLog } from "./slow-log.ts";

/** How a client tracks what it reads. */
export interface ClientTracking {
  /** The client that is told; 0 for itself. */
  readonly redirect: number;
  readonly prefixes: readonly string[];
}

/** A client as `CLIENT INFO` shows it; the commands change its name and library. */
export interface HostClient {
  readonly id: number;
  readonly address: string;
  readonly localAddress: string;
  readonly connectedMs: number;
  /** The engine's connections that belong to it: a WebSocket that sends text and binary frames has two. */
  readonly connections: number[];
  /** Those of them on which every command must be answered, since answers are told apart by their order. */
  readonly answered: number[];
  lastActiveMs: number;
  authenticated: boolean;
  /** Called when a client that was authenticated no longer is: its time to authenticate begins anew. */
  loggedOut: () => void;
  /** As CLIENT NO-EVICT set it: no client is ever evicted, but tools ask. */
  noEvict: boolean;
  /** As CLIENT TRACKING set it; undefined without. */
  tracking: ClientTracking | undefined;
  name: string;
  libraryName: string;
  libraryVersion: string;
}

/** What a process knows about itself, in the units of Redis's `INFO`. */
export interface ProcessFacts {
  readonly processId: number;
  readonly residentBytes: number;
  /** Memory of the machine. */
  readonly systemMemoryBytes: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly operatingSystem: string;
}

/** Connections counted since the start. */
export interface ConnectionCounts {
  readonly active: number;
  readonly total: number;
  readonly rejected: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** What happens a second, or what was counted. */
export interface Rates {
  readonly commands: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** What became of a candidate for the password; `busy` when too many others wait. */
export type Verdict = "right" | "wrong" | "busy";

/** Whoever knows the password. */
export interface PasswordCheck {
  /** False while no password is asked for. */
  readonly required: boolean;
  /**
   * Checks a candidate: at once where that is cheap, else when its turn has come.
   *
   * @param wanted false once nobody waits for the answer any more
   */
  check(candidate: Uint8Array, wanted: () => boolean): Verdict | Promise<Verdict>;
}

/** Settings by the names that CONFIG gives them, as CONFIG GET answers them. */
export interface SettingTexts extends Iterable<readonly [name: string, text: string]> {
  get(name: string): string | undefined;
}

/** Changing settings while the process runs. */
export interface SettingChanges {
  /** Changes all of the settings named, or none; pairs of name and text. */
  change(pairs: readonly (readonly [name: string, text: string])[]): ChangeRefusal | undefined;
  /** Writes what was changed into the file that the settings came from; why not, or undefined. */
  rewrite(): Promise<string | undefined>;
}

/** Why settings were not changed: a name that there is not, or a reason, about the setting as it was named. */
export interface ChangeRefusal {
  readonly name: string;
  /** Absent for a name that is none. */
  readonly reason?: string;
}

/** What CLIENT PAUSE has paused. */
export interface PauseState {
  readonly kind: "write" | "all";
  readonly leftMs: number;
}

/** Whoever pauses clients. */
export interface PauseFacts {
  /** Undefined while nothing is paused. */
  readonly state: PauseState | undefined;
  /** Clients whose commands wait for the end. */
  readonly waitingCount: number;
  start(ms: number, kind: "write" | "all"): void;
  end(): void;
}

/** Whoever takes snapshots. */
export interface SnapshotFacts {
  /** Whether one is being taken. */
  readonly isTaking: boolean;
  /** When the last one was cut, ms since epoch; undefined before the first. */
  readonly lastTakenMs: number | undefined;
  /** Why the last attempt failed; undefined when it did not. */
  readonly lastFailure: string | undefined;
  /** Commands are answered at once here, and none can wait for a snapshot. Default false. */
  readonly isImmediate?: boolean;
  /**
   * Takes one, or joins the one that is being taken.
   *
   * @param whole everything is written, also what did not change since the last one
   * @throws NearkeyError `storage-failed`, `aborted`
   */
  take(whole: boolean): Promise<unknown>;
}

/** Whoever does searches that commands leave to the host. */
export interface LeftSearchFacts {
  /**
   * Does the one that a command has left just now, and writes its reply.
   *
   * @param isOpen whether the connection is still there
   */
  answer(connection: number, isOpen: () => boolean): Promise<void>;
}

/** Everything around the engine that `INFO`, `CONFIG`, `CLIENT LIST` and `AUTH` need. */
export interface HostFacts {
  readonly redisVersion: string;
  readonly nearkeyVersion: string;
  readonly startedMs: number;
  readonly runId: string;
  readonly settings: SettingTexts;
  /** Absent where settings are options of a program. */
  readonly changes?: SettingChanges | undefined;
  /** Absent where nobody is asked for a password. */
  readonly password?: PasswordCheck | undefined;
  clients(): Iterable<HostClient>;
  /** Cuts a client off. Absent where there are no sockets. */
  readonly closeClient?: ((client: HostClient) => void) | undefined;
  readonly slowLog: SlowLog;
  /** Absent where there is nobody to pause. */
  readonly pause?: PauseFacts | undefined;
  /** Absent where nothing is kept beyond the process. */
  readonly snapshots?: SnapshotFacts | undefined;
  /** Absent where commands leave none. */
  readonly leftSearches?: LeftSearchFacts | undefined;
  connectionCounts(): ConnectionCounts;
  /** Absent where nobody samples. */
  readonly rates?: (() => Rates) | undefined;
  /** Begins to count anew what INFO and /metrics tell. */
  resetStatistics(): void;
  /** What INFO tells about the disk, names and values; absent, or undefined, where nothing is kept. */
  readonly persistence?: (() => readonly (readonly [name: string, value: string | number])[] | undefined) | undefined;
  /** Where scripts come to run; absent where they do not, as in a browser. */
  readonly scripts?: ScriptSource | undefined;
  /** After how long a script is ended; absent where it takes five seconds. */
  readonly scriptLimit?: { readonly ms: number } | undefined;
  /** Takes what scripts log, from `redis.LOG_NOTICE` on; absent where nobody reads it. */
  readonly scriptLog?: ((text: string) => void) | undefined;
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
    answered: [],
    noEvict: false,
    lastActiveMs: now,
    authenticated,
    loggedOut: () => undefined,
    tracking: undefined,
    name: "",
    libraryName: "",
    libraryVersion: "",
  };
}
