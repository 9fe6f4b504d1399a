// The server: one engine behind two listeners, composed here and nowhere else. It starts whole or not at all, and it
// stops in order: no new clients, then what was received is answered, then the sockets close. A trap in the engine
// ends it at once, since nothing in its memory can be trusted afterwards.

import type { Server as HttpServer } from "node:http";
import type { AddressInfo, Server as NetServer } from "node:net";
import { startTicking } from "../database/ticker.ts";
import { Engine } from "../engine.ts";
import { NearkeyError } from "../errors.ts";
import { HostCommands } from "../host/host-commands.ts";
import { Connections } from "./connections.ts";
import { createHttpServer, type Health, readPage } from "./http.ts";
import { OriginCheck } from "./origin-check.ts";
import { OutputBudget } from "./output-budget.ts";
import { passwordCheck } from "./password.ts";
import { serverFacts } from "./server-facts.ts";
import { checkServerOptions, SERVER_DEFAULTS, type ServerOptions } from "./server-options.ts";
import { createTcpServer } from "./tcp.ts";
import { Turns } from "./turns.ts";
import { attachWebSockets } from "./websocket.ts";

/** How long a stopping server waits for clients to take their replies, milliseconds. */
const DRAIN_MS = 5000;

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
  /** Stops accepting, answers what was received, sends it, closes. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a server.
 *
 * @param module the engine, compiled
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
  const server = new RunningServer(module, settings, failed);
  await server.listen();
  return server;
}

class RunningServer implements Server {
  readonly engine: Engine;
  http: ListenAddress;
  resp: ListenAddress | undefined;
  private readonly connections: Connections;
  private readonly httpServer: HttpServer;
  private readonly tcpServer: NetServer | undefined;
  private readonly stopTicking: () => void;
  private stopped: Promise<void> | undefined;

  constructor(
    module: WebAssembly.Module,
    private readonly options: ServerOptions,
    failed: (error: unknown) => void,
  ) {
    const { host, port, password, maxConnections } = options;
    this.http = { host, port };
    // Views that wait in sockets would die if memory grew: all of its address range is taken at once, lazily.
    const requireAuthentication = password !== undefined;
    this.engine = Engine.create(module, { ...options, requireAuthentication, reserveMemory: true });
    this.connections = new Connections(maxConnections);
    const checkPassword = password === undefined ? undefined : passwordCheck(password);
    const facts = serverFacts(this.engine, this.connections, options, checkPassword);
    const failOnce = once(failed);
    const shared = {
      engine: this.engine,
      commands: new HostCommands(this.engine, facts),
      turns: new Turns(),
      budget: new OutputBudget(),
      connections: this.connections,
      origins: new OriginCheck(options),
      checkPassword,
      authTimeoutMs: options.authTimeoutMs,
      outputLimitBytes: options.outputLimitBytes,
      failed: failOnce,
    };
    const page = options.pageFolder === undefined ? new Map() : readPage(options.pageFolder);
    const health = (): Health => this.health(facts.startedMs);
    this.httpServer = createHttpServer({ origins: shared.origins, page, health }, maxConnections);
    attachWebSockets(this.httpServer, { ...shared, maxFrameBytes: options.maxFrameBytes });
    this.tcpServer = options.respPort === undefined ? undefined : createTcpServer(shared);
    this.stopTicking = startTicking((nowMs) => this.engine.tick(nowMs), failOnce);
  }

  /** Binds both ports; when one cannot be had, the other is given back. */
  async listen(): Promise<void> {
    const { host, port, respPort, respOptional } = this.options;
    try {
      this.http = await listen(this.httpServer, host, port, "--port");
      if (this.tcpServer === undefined || respPort === undefined) return;
      const bound = listen(this.tcpServer, host, respPort, "--resp-port");
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
    this.httpServer.closeAllConnections();
    await Promise.all(closed);
    this.stopTicking();
  }

  private health(startedMs: number): Health {
    const stats = this.engine.stats();
    const counts = this.connections.counts();
    return {
      status: "ok",
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

function once(failed: (error: unknown) => void): (error: unknown) => void {
  let told = false;
  return (error) => {
    if (told) return;
    told = true;
    failed(error);
  };
}

function listen(server: NetServer, host: string, port: number, setting: string): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => reject(listenError(error, host, port, setting));
    server.once("error", refused);
    server.listen(port, host, () => {
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
