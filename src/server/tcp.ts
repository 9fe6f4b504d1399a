// RESP over TCP, as Redis clients speak it. Each piece of bytes that the kernel delivers is one call into the engine,
// and its replies go to the socket from the engine's own memory; they are written at once when the kernel has room, so
// the usual block is back in the engine before the event ends. Where Node lets us, all sockets read into the engine's
// memory instead of a fresh buffer each time: a tenth of the cost of a command that comes alone. A client may close its
// sending half and still read all its replies. Over TLS the bytes come by events, since only Node holds them decrypted.

import { createServer, type Server, type Socket } from "node:net";
import { createServer as createSecureServer, type Server as SecureServer, type TlsOptions } from "node:tls";
import { type HostClient, newClient, type PasswordCheck } from "../host/host-facts.ts";
import type { Connections, OpenConnection } from "./connections.ts";
import { SPARE_SOCKETS } from "./http.ts";
import { readIntoOneBuffer } from "./one-buffer-socket.ts";
import type { BatchCounts, TrafficCounts } from "./protocol-traffic.ts";
import type { Channel, SessionHost } from "./session/channel.ts";
import { Session } from "./session/session.ts";
import { DrainWatch, StraightWriter, Written } from "./straight-writer.ts";

/** What the TCP side needs of the server. */
export interface TcpHost extends SessionHost {
  readonly connections: Connections;
  readonly password: PasswordCheck;
  /** Time a client has to authenticate, milliseconds. */
  readonly authTimeoutMs: number;
  /** Whether small replies leave at once. */
  readonly nodelay: boolean;
  /** Silence after which the system asks whether a client lives, milliseconds; 0 never asks. */
  readonly keepaliveMs: number;
}

/** As much as libuv reads at a time anyway. */
const READ_BYTES = 64 * 1024;
/** How long a closing socket waits for the other side, so that unread input does not reset what was written. */
const LINGER_MS = 1000;

/** Makes the listener for RESP clients; the caller binds it. */
export function createTcpServer(host: TcpHost): Server {
  const options = { noDelay: host.nodelay, allowHalfOpen: true, pauseOnConnect: true };
  return createServer(options, (accepted) => {
    if (!host.connections.admit("resp")) return refuse(accepted, host.connections.maxConnections);
    let connection: TcpConnection | undefined;
    const input = host.engine.input.view(READ_BYTES);
    const socket = readIntoOneBuffer(accepted, input, (bytes) => connection?.receiveInPlace(bytes));
    connection = new TcpConnection(host, socket);
    socket.resume();
  });
}

/** Makes the same listener over TLS. */
export function createTlsServer(host: TcpHost, tls: TlsOptions): SecureServer {
  const options = { ...tls, noDelay: host.nodelay, allowHalfOpen: true };
  const server = createSecureServer(options, (socket) => {
    if (!host.connections.admit("resp")) return refuse(socket, host.connections.maxConnections);
    new TcpConnection(host, socket);
  });
  // Who fails the handshake learns it from TLS; an event without listener would end the process.
  server.on("tlsClientError", (_, socket) => socket.destroy());
  server.on("connection", (socket) => socket.on("error", () => socket.destroy()));
  server.maxConnections = host.connections.maxConnections + SPARE_SOCKETS;
  return server;
}

function refuse(socket: Socket, maxConnections: number): void {
  socket.on("error", () => socket.destroy());
  socket.resume();
  const text = `-ERR max number of clients reached (--max-connections is ${maxConnections})\r\n`;
  socket.end(text, () => lingerThenDestroy(socket));
}

/** Passes over what still arrives until the other side closes too, or for a second. */
function lingerThenDestroy(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("end", () => socket.destroy());
  socket.once("close", () => clearTimeout(timer));
  if (socket.readableEnded) socket.destroy();
}

class TcpConnection implements Channel, OpenConnection {
  readonly client: HostClient;
  readonly protocol = "resp";
  readonly batches: BatchCounts;
  writtenBytes = 0;
  private readonly session: Session;
  private authTimer: NodeJS.Timeout | undefined;
  private readonly drain: DrainWatch;
  private readonly straight: StraightWriter;

  constructor(
    private readonly host: TcpHost,
    private readonly socket: Socket,
  ) {
    const local = `${socket.localAddress}:${socket.localPort}`;
    const remote = `${socket.remoteAddress}:${socket.remotePort}`;
    this.client = newClient(host.connections.nextId(), remote, local, !host.password.required);
    this.batches = host.connections.traffic.resp.batches;
    this.session = new Session(host, this, this.client);
    this.straight = new StraightWriter(socket);
    this.drain = new DrainWatch(socket, this.straight, () => this.session.drained());
    host.connections.add(this);
    if (host.keepaliveMs > 0) socket.setKeepAlive(true, host.keepaliveMs);
    this.client.loggedOut = () => this.limitStranger();
    if (!this.client.authenticated) this.limitStranger();
    socket.on("data", (bytes: Buffer) => this.session.receive(bytes));
    socket.on("end", () => this.session.finish());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.closed());
  }

  /** Takes bytes that were read into the engine's input. */
  receiveInPlace(bytes: number): void {
    this.session.receiveInPlace(bytes);
  }

  get traffic(): TrafficCounts {
    return { receivedBytes: this.socket.bytesRead, sentBytes: this.writtenBytes, receivedFrames: 0, sentFrames: 0 };
  }

  get undrainedBytes(): number {
    return this.drain.undrainedBytes;
  }

  write(bytes: Uint8Array): void {
    this.writtenBytes += bytes.length;
    this.socket.write(bytes);
    this.drain.watch();
  }

  writeAtOnce(bytes: Uint8Array): Written {
    const written = this.straight.write(bytes);
    if (written !== Written.Not) this.writtenBytes += bytes.length;
    if (written === Written.Kept) this.drain.watch();
    return written;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    const { socket } = this;
    if (!socket.writableEnded) socket.end(() => lingerThenDestroy(socket));
  }

  finish(): void {
    this.session.finish();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** From now on the client has so much time to authenticate. */
  private limitStranger(): void {
    const { authTimeoutMs } = this.host;
    clearTimeout(this.authTimer);
    this.authTimer = setTimeout(() => this.giveUp(authTimeoutMs / 1000), authTimeoutMs);
  }

  /** Ends a connection that did not authenticate in time. */
  private giveUp(seconds: number): void {
    if (this.client.authenticated) return;
    this.write(Buffer.from(`-NOAUTH no password within ${seconds} seconds (--auth-timeout)\r\n`));
    this.session.finish();
  }

  private closed(): void {
    clearTimeout(this.authTimer);
    this.session.close();
    this.host.connections.remove(this);
  }
}
