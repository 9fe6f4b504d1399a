// The server: one engine behind two listeners, composed here and nowhere else. It starts whole or not at all, and it
// stops in order: no new clients, then what was received is answered, then the sockets close. A trap in the engine
// ends it at once, since nothing in its memory can be trusted afterwards.

import type { Server as HttpServer } from "node:http";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import { Server as SecureServer, type TlsOptions } from "node:tls";
import { Embedded } from "../database/database-connection.ts";
import { startTicking } from "../database/ticker.ts";
import { Engine } from "../engine.ts";
import { NearkeyError } from "../errors.ts";
import { HostCommands } from "../host/host-commands.ts";
import type { Rates } from "../host/host-facts.ts";
import type { SlowLog } from "../host/slow-log.ts";
import { engineCarrier } from "../persistence/carried-engines.ts";
import { Persistence } from "../persistence/persistence.ts";
import { processHost } from "../persistence/process-host.ts";
import { startThreads } from "../pool/node-server-threads.ts";
import type { VectorThreads } from "../pool/vector-threads.ts";
import { noticeClasses } from "../settings/notice-classes.ts";
import type { Settings } from "../settings/server-settings.ts";
import { NodeStorage } from "../storage/node-storage.ts";
import { BulkVectors } from "./bulk-vectors.ts";
import { Connections } from "./connections.ts";
import { Crowd } from "./crowd.ts";
import { createHttpServer, type Health, readPage } from "./http.ts";
import { LiveSettings } from "./live-settings.ts";
import { MetricsPage } from "./metrics/metrics-page.ts";
import { type MetricSources, ServerMetrics } from "./metrics/server-metrics.ts";
import { OriginCheck } from "./origin-check.ts";
import { OutputBudget } from "./output-budget.ts";
import { ServerPassword } from "./password.ts";
import { RateSampler } from "./rates.ts";
import { scriptFacts, serverFacts, watchedSlowness } from "./server-facts.ts";
import { checkServerOptions, SERVER_DEFAULTS, type ServerOptions } from "./server-options.ts";
import { ClientPause } from "./session/client-pause.ts";
import { Sessions } from "./session/sessions.ts";
import { Turns } from "./session/turns.ts";
import { type ConnectionLimits, settingEffects } from "./setting-effects.ts";
import { SnapshotPage } from "./snapshot-page.ts";
import { createTcpServer, createTlsServer, type TcpHost } from "./tcp.ts";
import { readTlsFiles } from "./tls-files.ts";
import { attachWebSockets, type WebSocketHost } from "./websocket.ts";

/** How long a stopping server waits for clients to take their replies, milliseconds. */
const DRAIN_MS = 5000;
/** Time for a TLS handshake, milliseconds. */
const HANDSHAKE_MS = 10_000;
/**
 * What the thread does for the log itself. All who are answered wait for the disk anyway: while that usually takes less, the
 * thread waits too. And up to a mebibyte is copied to the page cache, a quarter of a millisecond.
 */
const LOG_LIMITS = { waitMsMax: 4, atOnceBytesMax: 1024 * 1024 } as const;
/** How often idle clients are looked for, and rates sampled. */
const SECOND_MS = 1000;

/** Where a listener was bound. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A server that runs. */
export interface Server {
  /** HTTP and WebSocket. */
  readonly http: ListenAddress;
  /** RESP over TCP; undefined when it is off, or its port was taken and it was optional. */
  readonly resp: ListenAddress | undefined;
  readonly engine: Engine;
  /** The settings as they are now: CONFIG SET changes some. */
  readonly settings: Settings;
  /** Reads certificate, key and authorities again, for connections from now on; broken ones change nothing. */
  reloadTls(): void;
  /** Stops accepting, answers what was received, sends it, closes. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a server.
 *
 * @param module the engine, compiled; for `threads` the one for memory that threads share
 * @param options what differs from `SERVER_DEFAULTS`
 * @param failed called once if the engine traps; the server must not be used any more, and the process should end
 * @throws NearkeyError `invalid-option` for settings that cannot be, `listen-failed` when a port is taken
 */
export async function startServer(
  module: WebAssembly.Module,
  options: Partial<ServerOptions>,
  failed: (error: unknown) => void,
): Promise<Server> {
  const settings = { ...SERVER_DEFAULTS, ...options };
  checkServerOptions(settings);
  // Views that wait in sockets would die if memory grew: all of its address range is taken at once, lazily.
  const fixed = { requireAuthentication: true, reserveMemory: true, workers: settings.threads };
  const create = (): Engine => Engine.create(module, { ...settings, ...fixed });
  const persistence = await openDirectory(create, settings);
  const broke = (error: unknown): void => {
    persistence?.snapshots.abandon();
    failed(error);
  };
  try {
    const engine = persistence?.engine ?? create();
    const threads = await startThreads(module, engine, settings, broke);
    const server = new RunningServer(engine, persistence, threads, settings, broke);
    await server.listen();
    return server;
  } catch (error) {
    await persistence?.close();
    throw error;
  }
}

/** Brings what the directory holds into an engine, if there is one. */
async function openDirectory(create: () => Engine, settings: ServerOptions): Promise<Persistence | undefined> {
  const {
    dir,
    log,
    engineBytes,
    snapshotIntervalMs: everyMs,
    snapshotLogBytes: everyLogBytes,
    snapshotKeep: keep,
  } = settings;
  if (dir === undefined) return undefined;
  const snapshot = { everyMs, everyLogBytes, keep };
  const carried = engineBytes === undefined ? {} : { carrier: engineCarrier(engineBytes) };
  const options = { ...settings, ...LOG_LIMITS, ...carried, snapshot };
  return Persistence.open(create, new NodeStorage(dir, "--dir"), options, processHost(log));
}

/** What connections of both kinds need of the server; limits in it change while it runs. */
type SharedHost = TcpHost & WebSocketHost & ConnectionLimits & { log?: Persistence };

class RunningServer implements Server {
  http: ListenAddress;
  resp: ListenAddress | undefined;
  private readonly live: LiveSettings;
  private readonly connections: Connections;
  private readonly httpServer: HttpServer;
  private readonly tcpServer: NetServer | undefined;
  /** Closes the sockets that are still open, whatever they are about. */
  private readonly closeSockets: () => void;
  private readonly stopTicking: () => void;
  private readonly secondTimer: NodeJS.Timeout;
  private readonly rates: RateSampler;
  private readonly bulk: BulkVectors;
  private stopped: Promise<void> | undefined;

  constructor(
    readonly engine: Engine,
    private readonly persistence: Persistence | undefined,
    private readonly threads: VectorThreads | undefined,
    private readonly options: ServerOptions,
    failed: (error: unknown) => void,
  ) {
    const tls = tlsOptions(options);
    this.http = { host: options.host, port: options.port };
    this.connections = new Connections(options.maxConnections);
    const [password, budget] = [new ServerPassword(options.password), new OutputBudget(options.outputWaitingBytes)];
    const { outputLimitBytes, authTimeoutMs, keepaliveMs, idleTimeoutMs, maxValueBytes, maxArguments } = options;
    const times = { authTimeoutMs, keepaliveMs, idleTimeoutMs };
    const limits: ConnectionLimits = { ...times, outputLimitBytes, maxValueBytes, maxArguments };
    const slowLog = watchedSlowness(this.engine, this.connections, options);
    const scripts = scriptFacts(options);
    const effects = settingEffects({
      ...{ engine, connections: this.connections, limits, password, budget, slowLog },
      scriptLimit: scripts.scriptLimit,
      snapshots: persistence?.snapshots,
      listeners: () => ({ http: this.httpServer, resp: this.tcpServer }),
    });
    this.engine.events.setNotices(noticeClasses(options.notifyKeyspaceEvents) ?? 0);
    this.live = new LiveSettings(options, effects, options.settingsFile);
    this.rates = new RateSampler(() => this.counted());
    const hearing = hear(this.engine);
    const facts = {
      pause: hearing.pause,
      ...serverFacts(this.engine, this.connections, this.live, password, () => this.rates.rates(), slowLog),
      ...scripts,
      snapshots: persistence?.snapshots,
      persistence: () => persistence?.report(),
      leftSearches: options.searchInlineUs < 0 ? undefined : threads?.serveSearches(options.searchInlineUs),
    };
    const failOnce = once(failed);
    const commands = new HostCommands(this.engine, facts, { VADDMANY: (call) => this.bulk.add(call) });
    this.bulk = this.bulkVectors(commands, failOnce);
    // One object with the limits, so that connections see them change.
    const shared: SharedHost = Object.assign(limits, {
      engine: this.engine,
      commands,
      turns: new Turns(),
      ...hearing,
      crowd: new Crowd(this.engine.clock.read, undefined, () => persistence?.writeNow()),
      budget,
      connections: this.connections,
      origins: new OriginCheck(options),
      password,
      nodelay: options.nodelay,
      maxFrameBytes: options.maxFrameBytes,
      failed: failOnce,
      ...(persistence === undefined ? {} : { log: persistence }),
      links: threads?.servePipelines(),
    });
    const page = options.pageFolder === undefined ? new Map() : readPage(options.pageFolder);
    const health = (): Health => this.health(facts.startedMs);
    const metrics = new MetricsPage(new ServerMetrics(this.metricSources(slowLog)), password, options.openMetrics);
    const snapshot = new SnapshotPage(this.engine, persistence, password);
    const pages = { origins: shared.origins, page, health, metrics, snapshot, failed: failOnce };
    this.httpServer = createHttpServer(pages, shared, tls);
    attachWebSockets(this.httpServer, shared);
    if (options.respPort !== undefined) {
      this.tcpServer = tls === undefined ? createTcpServer(shared) : createTlsServer(shared, tls);
    }
    this.closeSockets = watchSockets([this.httpServer, this.tcpServer]);
    this.stopTicking = startTicking((nowMs) => this.engine.tick(nowMs), failOnce);
    this.secondTimer = setInterval(() => this.eachSecond(limits.idleTimeoutMs), SECOND_MS).unref();
  }

  private bulkVectors(commands: HostCommands, failed: (error: unknown) => void): BulkVectors {
    const embedded = new Embedded(this.engine, commands, Date.now);
    embedded.onFailure = () => failed(new Error("the engine failed in VADDMANY"));
    const { persistence, threads } = this;
    return new BulkVectors({ embedded, persistence, threads, canHold: (bytes) => this.canHold(bytes) });
  }

  /** Whether so many bytes more would fit, with what may be evicted for them. */
  private canHold(bytes: number): boolean {
    const { eviction, maxMemoryBytes } = this.settings;
    return eviction === "noeviction" ? this.engine.canHold(bytes) : bytes <= maxMemoryBytes;
  }

  private counted(): Rates {
    const { receivedBytes, sentBytes } = this.connections.counts();
    return { commands: this.engine.statistics.commandCount, receivedBytes, sentBytes };
  }

  private metricSources(slowLog: SlowLog): MetricSources {
    const { engine, connections } = this;
    return { engine, connections, slowCommands: () => slowLog.total, log: () => this.persistence };
  }

  get settings(): Settings {
    return this.live.current;
  }

  private eachSecond(idleMs: number): void {
    this.rates.sample();
    if (idleMs > 0) this.connections.closeIdle(idleMs, Date.now());
  }

  reloadTls(): void {
    const read = readTlsFiles(this.options);
    if (read === undefined) return;
    const { log } = this.options;
    if ("problems" in read) {
      for (const problem of read.problems) log(`${problem}; going on with the certificate read before`);
      return;
    }
    for (const warning of read.warnings) log(`warning: ${warning}`);
    for (const server of [this.httpServer, this.tcpServer]) {
      if (server instanceof SecureServer) server.setSecureContext(read.context);
    }
    log("certificate and key were read again; new connections use them");
  }

  /** Binds both ports; when one cannot be had, the other is given back. */
  async listen(): Promise<void> {
    const { port, respPort, respOptional } = this.options;
    try {
      this.http = await listen(this.httpServer, this.options, port, "--port");
      if (this.tcpServer === undefined || respPort === undefined) return;
      const bound = listen(this.tcpServer, this.options, respPort, "--resp-port");
      this.resp = await (respOptional ? bound.catch(() => undefined) : bound);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    this.stopped ??= this.drain();
    return this.stopped;
  }

  private async drain(): Promise<void> {
    const closed = [close(this.httpServer), close(this.tcpServer)];
    await this.connections.drain(DRAIN_MS);
    // Beside HTTP's, those in a handshake of TLS, which would keep the listeners open for as long as that may take.
    this.closeSockets();
    await Promise.all(closed);
    this.stopTicking();
    clearInterval(this.secondTimer);
    await this.bulk.close();
    await this.threads?.close();
    await this.persistence?.close();
  }

  private health(startedMs: number): Health {
    const stats = this.engine.stats();
    const counts = this.connections.counts();
    return {
      status: this.persistence?.failure === undefined ? "ok" : "read-only",
      uptime_seconds: Math.floor((Date.now() - startedMs) / 1000),
      active_connections: counts.active,
      total_connections: counts.total,
      rejected_connections: counts.rejected,
      memory_used_bytes: stats.memoryUsedBytes,
      memory_limit_bytes: stats.memoryLimitBytes,
      evicted_keys: stats.evictedKeys,
      total_commands: stats.commands,
    };
  }
}

/** What sessions are found by when the engine has news for them. */
function hear(engine: Engine): { sessions: Sessions; pause: ClientPause } {
  const sessions = new Sessions();
  engine.events.onEvent = sessions.tell;
  return { sessions, pause: new ClientPause(engine, sessions) };
}

/** Keeps the sockets that listeners accept; the function that it answers closes those still open. */
function watchSockets(listeners: readonly (NetServer | undefined)[]): () => void {
  const open = new Set<Socket>();
  for (const listener of listeners) {
    listener?.on("connection", (socket) => {
      open.add(socket);
      socket.once("close", () => open.delete(socket));
    });
  }
  return () => {
    for (const socket of open) socket.destroy();
  };
}

function once(failed: (error: unknown) => void): (error: unknown) => void {
  let told = false;
  return (error) => {
    if (told) return;
    told = true;
    failed(error);
  };
}

/**
 * What a TLS listener is made with; undefined without TLS.
 *
 * @throws NearkeyError `invalid-option` that names the file
 */
function tlsOptions(options: ServerOptions): TlsOptions | undefined {
  const read = readTlsFiles(options);
  if (read === undefined) return undefined;
  if ("problems" in read) throw new NearkeyError("invalid-option", read.problems.join("\n"));
  for (const warning of read.warnings) options.log(`warning: ${warning}`);
  const asksClients = options.tlsCa !== undefined;
  const asks = { requestCert: asksClients, rejectUnauthorized: asksClients };
  return { ...read.context, ...asks, handshakeTimeout: HANDSHAKE_MS };
}

function listen(
  server: NetServer,
  { host, backlog }: ServerOptions,
  port: number,
  setting: string,
): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => reject(listenError(error, host, port, setting));
    server.once("error", refused);
    server.listen({ port, host, backlog }, () => {
      server.off("error", refused);
      resolve({ host, port: (server.address() as AddressInfo).port });
    });
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number, setting: string): NearkeyError {
  const instead = setting === "--resp-port" ? "another number, or 0 for no RESP" : "another number";
  const reason =
    error.code === "EADDRINUSE"
      ? `port ${port} on ${host} is in use: give ${setting} ${instead}`
      : `cannot listen on ${host}, port ${port} (${error.code}): see --host and ${setting}`;
  return new NearkeyError("listen-failed", reason, { cause: error });
}

function close(server: NetServer | undefined): Promise<void> {
  if (server === undefined || !server.listening) return Promise.resolve();
  return new Promise((resolve) => server.close(() => resolve()));
}
