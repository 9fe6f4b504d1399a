// Every setting of a server, once: from this table come the flags of `nearkey serve`, the NEARKEY_ variables, the keys
// of the file, CONFIG, and docs/settings.md. A setting has one name everywhere (`max-memory`, `--max-memory`,
// `NEARKEY_MAX_MEMORY`) and the name that Redis gives it where CONFIG has one.

import { memoryBytesMax } from "../engine.ts";
import { workersMax } from "../engine-pool.ts";
import { type FsyncMode, fsyncModes } from "../log/log-options.ts";
import { type EvictionPolicy, evictionPolicies } from "../options.ts";
import { SNAPSHOT_DEFAULTS } from "../persistence/persistence.ts";
import { LIST_SETTINGS } from "./list-settings.ts";
import { NOTICE_SETTINGS } from "./notice-classes.ts";
import { PACKING_SETTINGS } from "./packing-settings.ts";
import { HASH_PREFIX, isPassword, PASSWORD_BYTES_MAX } from "./password-text.ts";
import {
  choiceForm,
  integerForm,
  memoryForm,
  memoryLimitForm,
  outputLimitForm,
  type RedisForm,
  shownForm,
  textForm,
} from "./redis-forms.ts";
import { scriptSettings } from "./script-settings.ts";
import { choice, count, duration, type Kind, list, port, secret, size, text, toggle } from "./setting-kinds.ts";

/** One setting. */
export interface Setting<T> {
  /** Its name in a file, and as a flag behind `--`. */
  readonly key: string;
  readonly group: (typeof GROUPS)[number];
  /** What it does, as one line of help. */
  readonly description: string;
  readonly kind: Kind<NonNullable<T> | T>;
  readonly default: T;
  /** Whether CONFIG SET may change it while the server runs; then what it holds for, where that is not everything. */
  readonly live?: boolean | string;
  /** As CONFIG knows it; without one CONFIG uses the key and the file's notation. */
  readonly redis?: RedisForm<T>;
  /** Never printed. */
  readonly secret?: boolean;
}

/** The headings of help and docs, in their order. */
export const GROUPS = ["Network", "Memory", "Threads", "Durability", "Access", "TLS", "Limits"] as const;

const KIBI = 1024;
const MEBI = KIBI * KIBI;
const SECOND = 1e6;
/** The engine's fixed regions take 5.9 MiB; with less no more than a few keys would fit. */
const MEMORY_BYTES_MIN = 8 * MEBI;
const VALUE_BYTES_MAX = 512 * MEBI;
const SIZE_BYTES_MIN = 64 * KIBI;
const CONNECTIONS_MAX = 1_000_000;
/** What Redis lets a timeout be, in seconds; Node's timers and the kernel take less of ours. */
const IDLE_SECONDS_MAX = 2_000_000;
const KEEPALIVE_SECONDS_MAX = 32_767;

const DAY_MS = 86_400_000;
const LOG_BYTES_MAX = 1024 * KIBI * MEBI;
const SEARCH_INLINE_US_MAX = 1_000_000;
/** An hour; and entries of up to 4 KiB. */
const SLOWER_THAN_US_MAX = 3_600_000_000;
const SLOW_LOG_LENGTH_MAX = 100_000;

function setting<T>(one: Setting<T>): Setting<T> {
  return one;
}

const yesNo = (value: boolean): string => (value ? "yes" : "no");
/** Redis's words for the modes; its everysec is periodic with an interval of a second. */
const redisFsync = (mode: FsyncMode): string => ({ always: "always", periodic: "everysec", never: "no" })[mode];
const orNothing = (value: string | undefined): string => value ?? "";

/** The table. */
export const SERVER_SETTINGS = {
  host: setting({
    key: "host",
    group: "Network",
    description: "address to listen on; another than loopback needs a password",
    kind: text("address", "an address or a name of this machine, such as 127.0.0.1", (name) => /^[^\s/]+$/.test(name)),
    default: "127.0.0.1",
    redis: shownForm<string>("bind", String),
  }),
  port: setting({
    key: "port",
    group: "Network",
    description: "HTTP and WebSocket; 0 lets the system choose",
    kind: port("chosen"),
    default: 7379,
    redis: shownForm<number>("nearkey-port", String),
  }),
  respPort: setting<number | undefined>({
    key: "resp-port",
    group: "Network",
    description: "Redis clients over TCP; 0 is off",
    kind: port("off"),
    default: 6379,
    redis: shownForm<number | undefined>("port", (value) => String(value ?? 0)),
  }),
  backlog: setting({
    key: "backlog",
    group: "Network",
    description: "connections that the system may hold ready for a port; it bounds this too",
    kind: count(1, 65_535),
    default: 511,
    redis: shownForm<number>("tcp-backlog", String),
  }),
  nodelay: setting({
    key: "nodelay",
    group: "Network",
    description: "send small replies at once instead of gathering them (TCP_NODELAY)",
    kind: toggle(),
    default: true,
    redis: shownForm("nodelay", yesNo),
  }),
  keepaliveMs: setting({
    key: "keepalive",
    group: "Network",
    description: "how long a silent connection is left before the system asks whether it lives",
    kind: duration({ unit: "ms", min: 1000, max: KEEPALIVE_SECONDS_MAX * 1000, step: SECOND, off: 0 }),
    default: 300_000,
    live: "new connections",
    redis: integerForm("tcp-keepalive", 0, KEEPALIVE_SECONDS_MAX, 1000),
  }),
  idleTimeoutMs: setting({
    key: "idle-timeout",
    group: "Network",
    description: "clients that send nothing for so long are disconnected",
    kind: duration({ unit: "ms", min: 1000, max: IDLE_SECONDS_MAX * 1000, step: SECOND, off: 0 }),
    default: 0,
    live: true,
    redis: integerForm("timeout", 0, IDLE_SECONDS_MAX, 1000),
  }),
  maxMemoryBytes: setting({
    key: "max-memory",
    group: "Memory",
    description: "most memory the engine may hold, everything counted",
    kind: size(MEMORY_BYTES_MIN, memoryBytesMax),
    default: KIBI * MEBI,
    live: true,
    redis: memoryLimitForm("maxmemory", memoryBytesMax),
  }),
  eviction: setting<EvictionPolicy>({
    key: "eviction",
    group: "Memory",
    description: "what a write does at the limit: refuse, or make room by removing keys",
    kind: choice(evictionPolicies),
    default: "noeviction",
    live: true,
    redis: choiceForm("maxmemory-policy", evictionPolicies),
  }),
  ...PACKING_SETTINGS,
  threads: setting({
    key: "threads",
    group: "Threads",
    description: "workers that link vectors of pipelines and do long searches beside the thread that serves; 0 is none",
    kind: count(0, workersMax),
    default: 0,
  }),
  searchInlineUs: setting({
    key: "search-inline",
    group: "Threads",
    description:
      "searches that are estimated to take longer are left to workers, where there are some; off leaves none",
    kind: duration({ unit: "us", min: 0, max: SEARCH_INLINE_US_MAX, off: -1 }),
    default: 500,
  }),
  ...LIST_SETTINGS,
  ...NOTICE_SETTINGS,
  dir: setting<string | undefined>({
    key: "dir",
    group: "Durability",
    description: "directory that the database is kept in; without one everything is lost when the process ends",
    kind: text("path", "the path of a directory, which is made if it is not there", (path) => path !== ""),
    default: undefined,
    redis: shownForm<string | undefined>("dir", orNothing),
  }),
  fsync: setting<FsyncMode>({
    key: "fsync",
    group: "Durability",
    description:
      "when a write is answered: on disk (always), or with the system, on disk now and then (periodic) or never",
    kind: choice(fsyncModes),
    default: "always",
    redis: shownForm<FsyncMode>("appendfsync", redisFsync),
  }),
  fsyncIntervalMs: setting({
    key: "fsync-interval",
    group: "Durability",
    description: "how often everything is brought to disk when fsync is periodic",
    kind: duration({ unit: "ms", min: 1, max: 60_000, step: 1000 }),
    default: 10,
  }),
  snapshotIntervalMs: setting({
    key: "snapshot-interval",
    group: "Durability",
    description: "how often a snapshot is taken where anything changed, so that a start reads less of the log",
    kind: duration({ unit: "ms", min: 1000, max: DAY_MS, off: 0 }),
    default: SNAPSHOT_DEFAULTS.everyMs,
    live: true,
  }),
  snapshotLogBytes: setting({
    key: "snapshot-log-bytes",
    group: "Durability",
    description: "a snapshot is taken after so much log; 0 is off",
    kind: size(0, LOG_BYTES_MAX),
    default: SNAPSHOT_DEFAULTS.everyLogBytes,
    live: true,
  }),
  snapshotKeep: setting({
    key: "snapshot-keep",
    group: "Durability",
    description: "snapshots that are kept: an older one serves when a newer one is damaged",
    kind: count(1, 100),
    default: SNAPSHOT_DEFAULTS.keep,
    live: true,
  }),
  password: setting<string | undefined>({
    key: "password",
    group: "Access",
    description: "clients must authenticate with it; best as 'nearkey config hash-password' prints it",
    kind: secret(
      `text of 1 to ${PASSWORD_BYTES_MAX} bytes, or a whole line ${HASH_PREFIX}… of 'nearkey config hash-password'`,
      isPassword,
    ),
    default: undefined,
    live: true,
    secret: true,
    redis: textForm<string | undefined>("requirepass", (value) => {
      if (value === "") return { value: undefined };
      return isPassword(value)
        ? { value }
        : { refusal: `it takes at most ${PASSWORD_BYTES_MAX} bytes, or a whole ${HASH_PREFIX} line` };
    }),
  }),
  authTimeoutMs: setting({
    key: "auth-timeout",
    group: "Access",
    description: "time a client has to authenticate, where there is a password",
    kind: duration({ unit: "ms", min: 1, max: 3_600_000 }),
    default: 10_000,
    live: "new connections",
  }),
  allowOrigins: setting<readonly string[]>({
    key: "allow-origin",
    group: "Access",
    description: "pages of this origin may connect, beside the server's own",
    kind: list("origin", "an origin such as https://app.example.org, without a path", isOrigin),
    default: [],
  }),
  allowHosts: setting<readonly string[]>({
    key: "allow-host",
    group: "Access",
    description: "a name this server is reached by, beside loopback and host",
    kind: list("name", "a name such as cache.example.org, without scheme or port", isHostName),
    default: [],
  }),
  openMetrics: setting({
    key: "open-metrics",
    group: "Access",
    description: "GET /metrics asks for no password",
    kind: toggle(),
    default: false,
  }),
  tlsCert: setting<string | undefined>({
    key: "tls-cert",
    group: "TLS",
    description: "certificate (PEM, with its chain): both ports speak TLS",
    kind: pathText(),
    default: undefined,
    redis: shownForm("tls-cert-file", orNothing),
  }),
  tlsKey: setting<string | undefined>({
    key: "tls-key",
    group: "TLS",
    description: "private key of the certificate (PEM, not encrypted)",
    kind: pathText(),
    default: undefined,
    redis: shownForm("tls-key-file", orNothing),
  }),
  tlsCa: setting<string | undefined>({
    key: "tls-ca",
    group: "TLS",
    description: "clients must show a certificate that these authorities signed (PEM)",
    kind: pathText(),
    default: undefined,
    redis: shownForm("tls-ca-cert-file", orNothing),
  }),
  maxConnections: setting({
    key: "max-connections",
    group: "Limits",
    description: "clients at a time",
    kind: count(1, CONNECTIONS_MAX),
    default: 10_000,
    live: true,
    redis: integerForm("maxclients", 1, CONNECTIONS_MAX),
  }),
  maxFrameBytes: setting({
    key: "max-frame-bytes",
    group: "Limits",
    description: "largest WebSocket message",
    kind: size(SIZE_BYTES_MIN, VALUE_BYTES_MAX),
    default: 128 * MEBI,
  }),
  maxValueBytes: setting({
    key: "max-value-bytes",
    group: "Limits",
    description: "largest value or argument",
    kind: size(SIZE_BYTES_MIN, VALUE_BYTES_MAX),
    default: 64 * MEBI,
    live: true,
    redis: memoryForm("proto-max-bulk-len", SIZE_BYTES_MIN, VALUE_BYTES_MAX),
  }),
  maxArguments: setting({
    key: "max-arguments",
    group: "Limits",
    description: "arguments of a command",
    kind: count(1, 131_072),
    default: 131_072,
    live: true,
  }),
  outputLimitBytes: setting({
    key: "output-limit",
    group: "Limits",
    description: "replies a client may leave unread before it is disconnected",
    kind: size(SIZE_BYTES_MIN, memoryBytesMax),
    default: 128 * MEBI,
    live: true,
    redis: outputLimitForm("client-output-buffer-limit", SIZE_BYTES_MIN, memoryBytesMax),
  }),
  slowerThanUs: setting({
    key: "slowlog-slower-than",
    group: "Limits",
    description: "commands that take so long are kept in SLOWLOG; 0us keeps all; below 1ms timing costs more",
    kind: duration({ unit: "us", min: 0, max: SLOWER_THAN_US_MAX, off: -1 }),
    default: 10_000,
    live: true,
    redis: integerForm("slowlog-log-slower-than", -1, SLOWER_THAN_US_MAX),
  }),
  slowLogLength: setting({
    key: "slowlog-max-len",
    group: "Limits",
    description: "commands that SLOWLOG keeps",
    kind: count(0, SLOW_LOG_LENGTH_MAX),
    default: 128,
    live: true,
    redis: integerForm("slowlog-max-len", 0, SLOW_LOG_LENGTH_MAX),
  }),
  ...scriptSettings,
  outputWaitingBytes: setting({
    key: "output-waiting",
    group: "Limits",
    description: "unread replies of all clients together from which their further commands wait",
    kind: size(MEBI, memoryBytesMax),
    default: 256 * MEBI,
    live: true,
  }),
} as const;

type Table = typeof SERVER_SETTINGS;
type ValueOf<S> = S extends Setting<infer T> ? T : never;

/** The property that holds a setting. */
export type SettingName = keyof Table;

/** All settings with their values. */
export type Settings = { readonly [Name in SettingName]: ValueOf<Table[Name]> };

/** The table's rows, each with the property it fills. */
export const settingEntries = Object.entries(SERVER_SETTINGS) as [SettingName, Setting<unknown>][];

/** What holds when nothing is said. */
export const DEFAULT_SETTINGS = Object.fromEntries(
  settingEntries.map(([name, one]) => [name, one.default]),
) as unknown as Settings;

/** The variable of a setting: `max-memory` is NEARKEY_MAX_MEMORY. */
export function variableOf(key: string): string {
  return `NEARKEY_${key.toUpperCase().replaceAll("-", "_")}`;
}

function pathText(): Kind<string> {
  return text("file", "the path of a file", (path) => path !== "");
}

/** What a browser sends as `Origin`: anything else, a path behind it or `*`, would never match. */
function isOrigin(origin: string): boolean {
  return origin === "null" || /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s*]+\/?$/i.test(origin);
}

/** A name or an address as `Host` has it, less the port. */
function isHostName(name: string): boolean {
  const bare = name.replace(/^\[|\]$/g, "");
  return /^[^:/?#@[\]\s*]+$/.test(name) || (/^[0-9a-f:.]+$/i.test(bare) && bare.split(":").length > 2);
}
