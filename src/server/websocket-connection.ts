// One WebSocket. Binary frames in both directions are one stream of RESP3, and their borders mean nothing; a text frame
// is one command as JSON, answered by one text frame. The two kinds are two sessions of one client, each with its own
// connection in the engine, so that half a command in binary frames never meets a text frame; the second begins with
// the first text frame. Both write to one wire, so replies of a kind keep their order.

import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import { type HostClient, newClient } from "../host/host-facts.ts";
import { encodeCommand, ReplyDecoder } from "../resp.ts";
import type { Connections, OpenConnection } from "./connections.ts";
import { DrainWatch } from "./drain-watch.ts";
import { encodeErrorFrame, encodePushFrame, encodeReplyFrame, type FrameId, parseRequest } from "./json-frames.ts";
import { type Channel, Session, type SessionHost } from "./session.ts";

/** What a WebSocket needs of the server. */
export interface WebSocketConnectionHost extends SessionHost {
  readonly connections: Connections;
  /** Time a client has to authenticate, milliseconds. */
  readonly authTimeoutMs: number;
}

/** Largest frame of a client that has not authenticated, and the longest header of a frame, bytes. */
const STRANGER_FRAME_BYTES = 4096;
const FRAME_HEADER_BYTES = 14;

/** Time for a refused client to read why. */
const LINGER_MS = 1000;

/** Close codes of RFC 6455. */
const CLOSE_NORMAL = 1000;
const CLOSE_GOING_AWAY = 1001;
const CLOSE_POLICY = 1008;

/** A client that came by WebSocket. */
export class WebSocketConnection implements OpenConnection {
  readonly client: HostClient;
  private readonly binary: Session;
  private json: JsonStream | undefined;
  private readonly wire: Wire;
  private authTimer: NodeJS.Timeout | undefined;
  /** While a stranger's bytes are counted: how many came since its last whole frame. */
  private counting = false;
  private frameBytes = 0;

  constructor(
    private readonly host: WebSocketConnectionHost,
    private readonly webSocket: WebSocket,
    socket: Socket,
    authenticated: boolean,
  ) {
    const local = `${socket.localAddress}:${socket.localPort}`;
    const remote = `${socket.remoteAddress}:${socket.remotePort}`;
    this.client = newClient(host.connections.nextId(), remote, local, authenticated);
    this.wire = new Wire(webSocket, socket, () => this.drained());
    this.binary = openSession(host, new BinaryChannel(this.wire), this.client);
    host.connections.add(this);
    webSocket.on("message", (bytes, isBinary) => this.receive(bytes, isBinary));
    webSocket.on("error", () => undefined); // the close that follows says all there is to do
    webSocket.on("close", () => this.closed());
    this.client.loggedOut = () => this.limitStranger(socket);
    if (!authenticated) this.limitStranger(socket);
  }

  finish(): void {
    this.wire.endsLeft = this.json === undefined ? 1 : 2;
    this.wire.closeCode = CLOSE_GOING_AWAY;
    this.binary.finish();
    this.json?.session.finish();
  }

  destroy(): void {
    this.webSocket.terminate();
  }

  private receive(bytes: RawData, isBinary: boolean): void {
    const frame = bytes as Buffer; // what `ws` gives for its default binaryType
    this.frameBytes = 0;
    if (!this.client.authenticated && frame.length > STRANGER_FRAME_BYTES) {
      this.refuseLongFrame();
    } else if (isBinary) {
      this.binary.receive(frame);
    } else {
      this.json ??= new JsonStream(this.host, this.wire, this.client);
      this.json.receive(frame.toString("utf8"));
    }
  }

  private drained(): void {
    this.binary.drained();
    this.json?.session.drained();
  }

  /** Bounds time and memory of a client until it authenticates. */
  private limitStranger(socket: Socket): void {
    const { authTimeoutMs } = this.host;
    clearTimeout(this.authTimer);
    this.authTimer = setTimeout(() => {
      if (this.client.authenticated) return;
      this.webSocket.close(CLOSE_POLICY, `no password within ${authTimeoutMs / 1000} seconds (--auth-timeout)`);
    }, authTimeoutMs);
    if (this.counting) return;
    this.counting = true;
    // `ws` collects a frame before it shows it: what it may hold of one is counted here, after it saw the bytes.
    const count = (bytes: Buffer): void => {
      this.frameBytes += bytes.length;
      if (!this.client.authenticated) {
        if (this.frameBytes > STRANGER_FRAME_BYTES + FRAME_HEADER_BYTES) this.refuseLongFrame();
        return;
      }
      socket.off("data", count);
      this.counting = false;
    };
    socket.on("data", count);
  }

  /** `ws` would go on collecting the frame until the other side closes too: nothing more is read of it. */
  private refuseLongFrame(): void {
    if (this.webSocket.readyState !== this.webSocket.OPEN) return;
    this.webSocket.close(CLOSE_POLICY, `frames are limited to ${STRANGER_FRAME_BYTES} bytes until authenticated`);
    this.webSocket.pause();
    setTimeout(() => this.webSocket.terminate(), LINGER_MS);
  }

  private closed(): void {
    clearTimeout(this.authTimer);
    this.binary.close();
    this.json?.session.close();
    this.host.connections.remove(this);
  }
}

function openSession(host: SessionHost, channel: Channel, client: HostClient): Session {
  const session = new Session(host, channel, client);
  host.engine.setProtocol(session.connection, 3);
  return session;
}

/** What the sessions of one WebSocket share: frames out, and a socket that rests while any of them wants it to. */
class Wire {
  writtenBytes = 0;
  /** How many sessions must end before the socket closes: the first that does, or all of them in a drain. */
  endsLeft = 1;
  closeCode = CLOSE_NORMAL;
  private pauses = 0;
  private readonly drain: DrainWatch;

  constructor(
    private readonly webSocket: WebSocket,
    private readonly socket: Socket,
    drained: () => void,
  ) {
    this.drain = new DrainWatch(socket, drained);
  }

  get undrainedBytes(): number {
    return this.socket.writableLength;
  }

  send(frame: Uint8Array | string): void {
    this.writtenBytes += typeof frame === "string" ? Buffer.byteLength(frame) : frame.length;
    this.webSocket.send(frame);
    this.drain.watch();
  }

  pause(): void {
    if (this.pauses++ === 0) this.webSocket.pause();
  }

  resume(): void {
    if (--this.pauses === 0) this.webSocket.resume();
  }

  end(): void {
    if (--this.endsLeft === 0) this.webSocket.close(this.closeCode);
  }

  destroy(): void {
    this.webSocket.terminate();
  }
}

class BinaryChannel implements Channel {
  constructor(protected readonly wire: Wire) {}

  get writtenBytes(): number {
    return this.wire.writtenBytes;
  }

  get undrainedBytes(): number {
    return this.wire.undrainedBytes;
  }

  write(bytes: Uint8Array): void {
    this.wire.send(bytes);
  }

  pause(): void {
    this.wire.pause();
  }

  resume(): void {
    this.wire.resume();
  }

  end(): void {
    this.wire.end();
  }

  destroy(): void {
    this.wire.destroy();
  }
}

/** A channel whose replies leave as JSON, each with the id of its request. */
class JsonChannel extends BinaryChannel {
  readonly ids: FrameId[] = [];
  private readonly decoder = new ReplyDecoder({ bytes: "unless-text" });

  override write(bytes: Uint8Array): void {
    this.decoder.push(bytes);
    for (let reply = this.decoder.next(); reply !== undefined; reply = this.decoder.next()) {
      this.wire.send(reply.push ? encodePushFrame(reply.value) : encodeReplyFrame(this.ids.shift(), reply.value));
    }
  }
}

/** The text frames of a WebSocket. */
class JsonStream {
  readonly session: Session;
  private readonly channel: JsonChannel;

  constructor(
    host: SessionHost,
    private readonly wire: Wire,
    client: HostClient,
  ) {
    this.channel = new JsonChannel(wire);
    this.session = openSession(host, this.channel, client);
  }

  receive(text: string): void {
    const request = parseRequest(text);
    if ("error" in request) {
      this.wire.send(encodeErrorFrame(request.id, request.error.code, request.error.message));
      return;
    }
    this.channel.ids.push(request.id);
    this.session.receive(encodeCommand(request.command));
  }
}
