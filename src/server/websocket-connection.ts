// One WebSocket. Binary frames in both directions are one stream of RESP3, and their borders mean nothing; a text frame
// is one command as JSON, answered by one text frame. The two kinds are two sessions of one client, each with its own
// connection in the engine, so that half a command in binary frames never meets a text frame; the second begins with
// the first text frame. Both write to one wire, so replies of a kind keep their order. Whatever is over a limit is told
// so by the name of the setting, in the reply or in the reason of the close.

import type { Socket } from "node:net";
import type { NearkeyError } from "../errors.ts";
import { type HostClient, newClient } from "../host/host-facts.ts";
import { type Argument, encodeCommand, type Reply, ReplyDecoder } from "../resp.ts";
import type { Connections, OpenConnection } from "./connections.ts";
import { encodeErrorFrame, encodePushFrame, encodeReplyFrame, type FrameId, parseRequest } from "./json-frames.ts";
import { checkLimits } from "./json-limits.ts";
import type { BatchCounts, TrafficCounts } from "./protocol-traffic.ts";
import type { Channel, SessionHost } from "./session/channel.ts";
import { Session } from "./session/session.ts";
import { CloseCode, type Refusal } from "./websocket-frames.ts";
import { WebSocketWire, type WireOwner } from "./websocket-wire.ts";

/** What a WebSocket needs of the server. */
export interface WebSocketConnectionHost extends SessionHost {
  readonly connections: Connections;
  /** Time a client has to authenticate, milliseconds. */
  readonly authTimeoutMs: number;
  /** Largest frame, or message of several frames, that is accepted; bytes. */
  readonly maxFrameBytes: number;
  /** Longest argument of a command, bytes. */
  readonly maxValueBytes: number;
  /** Most arguments of a command. */
  readonly maxArguments: number;
}

/** Largest message of a client that has not authenticated, bytes. */
const STRANGER_FRAME_BYTES = 4096;
/** Largest text message whatever the setting: it becomes a string of JavaScript, which has a longest one of 512 MiB. */
const TEXT_FRAME_BYTES_MAX = 256 * 1024 * 1024;

/** A client that came by WebSocket. */
export class WebSocketConnection implements OpenConnection, WireOwner {
  readonly client: HostClient;
  readonly protocol = "websocket";
  private readonly binarySession: Session;
  private json: JsonStream | undefined;
  private readonly wire: WebSocketWire;
  private readonly ending: Ending;
  private authTimer: NodeJS.Timeout | undefined;

  /**
   * Serves a socket whose upgrade was answered.
   *
   * @param head what came behind the upgrade in the same read
   */
  constructor(
    private readonly host: WebSocketConnectionHost,
    socket: Socket,
    head: Uint8Array,
    authenticated: boolean,
  ) {
    this.wire = new WebSocketWire(socket, this, host.engine.input);
    this.client = newClient(host.connections.nextId(), this.wire.remote, this.wire.local, authenticated);
    this.ending = new Ending(host, this.wire, this.client);
    const { batches } = host.connections.traffic.websocket;
    this.binarySession = openSession(host, new BinaryChannel(this.wire, this.ending, batches), this.client);
    host.connections.add(this);
    this.client.loggedOut = () => this.limitStranger();
    if (!authenticated) this.limitStranger();
    this.wire.start(head);
  }

  get traffic(): TrafficCounts {
    const { receivedBytes, writtenBytes: sentBytes, receivedFrames, sentFrames } = this.wire;
    return { receivedBytes, sentBytes, receivedFrames, sentFrames };
  }

  finish(): void {
    this.ending.goAway(this.json === undefined ? 1 : 2);
    this.binarySession.finish();
    this.json?.session.finish();
  }

  destroy(): void {
    this.wire.destroy();
  }

  refusal(isText: boolean, messageBytes: number): Refusal | undefined {
    const { maxFrameBytes } = this.host;
    if (!this.client.authenticated && messageBytes > STRANGER_FRAME_BYTES) {
      const reason = `frames are limited to ${STRANGER_FRAME_BYTES} bytes until authenticated`;
      return { code: CloseCode.Policy, reason };
    }
    if (messageBytes > maxFrameBytes) {
      return { code: CloseCode.TooBig, reason: `frames are limited to ${maxFrameBytes} bytes (--max-frame-bytes)` };
    }
    if (isText && messageBytes > TEXT_FRAME_BYTES_MAX) {
      const reason = `text frames are limited to ${TEXT_FRAME_BYTES_MAX} bytes: send it in binary frames`;
      return { code: CloseCode.TooBig, reason };
    }
    return undefined;
  }

  binary(bytes: number): void {
    this.binarySession.receiveInPlace(bytes);
  }

  text(text: string): void {
    this.json ??= new JsonStream(this.host, this.wire, this.ending, this.client);
    this.json.receive(text);
  }

  drained(): void {
    this.binarySession.drained();
    this.json?.session.drained();
  }

  closed(): void {
    clearTimeout(this.authTimer);
    this.binarySession.close();
    this.json?.session.close();
    this.host.connections.remove(this);
  }

  /** Bounds the time of a client until it authenticates. */
  private limitStranger(): void {
    const { authTimeoutMs } = this.host;
    clearTimeout(this.authTimer);
    this.authTimer = setTimeout(() => {
      if (this.client.authenticated) return;
      this.wire.close(CloseCode.Policy, `no password within ${authTimeoutMs / 1000} seconds (--auth-timeout)`);
    }, authTimeoutMs);
  }
}

/** How a WebSocket ends: with the first session that does, or with all of them in a drain. */
class Ending {
  private sessionsLeft = 1;
  private code = CloseCode.Normal;

  constructor(
    private readonly host: WebSocketConnectionHost,
    private readonly wire: WebSocketWire,
    private readonly client: HostClient,
  ) {}

  /** The server stops: so many sessions finish first. */
  goAway(sessions: number): void {
    this.sessionsLeft = sessions;
    this.code = CloseCode.GoingAway;
  }

  /** A session ended; `malformed` when what it received was no command, or one over a limit. */
  sessionEnded(malformed: boolean): void {
    if (malformed) this.wire.close(CloseCode.Protocol, this.limits());
    else if (--this.sessionsLeft === 0) this.wire.close(this.code);
  }

  /** The RESP error that went before says what was wrong in Redis's words, which name no setting. */
  private limits(): string {
    const { maxValueBytes, maxArguments } = this.host;
    if (!this.client.authenticated) return "no RESP, or a command too long for a client without a password";
    return `no RESP, an argument over ${maxValueBytes} bytes (--max-value-bytes) or over ${maxArguments} (--max-arguments)`;
  }
}

function openSession(host: SessionHost, channel: Channel, client: HostClient): Session {
  const session = new Session(host, channel, client);
  host.engine.setProtocol(session.connection, 3);
  return session;
}

class BinaryChannel implements Channel {
  /** A goodbye must not overtake replies. */
  readonly alone = true;

  constructor(
    protected readonly wire: WebSocketWire,
    private readonly ending: Ending,
    readonly batches: BatchCounts,
  ) {}

  get writtenBytes(): number {
    return this.wire.writtenBytes;
  }

  get undrainedBytes(): number {
    return this.wire.undrainedBytes;
  }

  write(bytes: Uint8Array): void {
    this.wire.sendBinary(bytes);
  }

  pause(): void {
    this.wire.pause();
  }

  resume(): void {
    this.wire.resume();
  }

  end(malformed: boolean): void {
    this.ending.sessionEnded(malformed);
  }

  destroy(): void {
    this.wire.destroy();
  }
}

/** A request that has no reply yet. */
interface Asked {
  readonly id: FrameId;
  /** What its pushes are called, where it is answered by pushes. */
  readonly word: string | undefined;
}

const SUBSCRIBING = /^[ps]?(un)?subscribe$/;

/** A channel whose replies leave as JSON, each with the id of its request; what confirms a subscription is a push and a reply. */
class JsonChannel extends BinaryChannel {
  private readonly asked: Asked[] = [];
  private readonly decoder = new ReplyDecoder({ bytes: "unless-text" });

  override write(bytes: Uint8Array): void {
    this.decoder.push(bytes);
    for (let reply = this.decoder.next(); reply !== undefined; reply = this.decoder.next()) {
      if (reply.push) this.sendPush(reply.value);
      else this.wire.sendText(encodeReplyFrame(this.asked.shift()?.id, reply.value));
    }
  }

  /** Notes a request whose reply comes behind those of all before. */
  ask(id: FrameId, name: Argument | undefined): void {
    const word = String(name).toLowerCase();
    this.asked.push({ id, word: SUBSCRIBING.test(word) ? word : undefined });
  }

  /** The first confirmation answers its request too, with how many subscriptions there are. */
  private sendPush(push: Reply): void {
    this.wire.sendText(encodePushFrame(push));
    if (!Array.isArray(push) || this.asked[0]?.word === undefined || push[0] !== this.asked[0].word) return;
    this.wire.sendText(encodeReplyFrame(this.asked.shift()?.id, push[2] ?? null));
  }
}

/** The text frames of a WebSocket. */
class JsonStream {
  readonly session: Session;
  private readonly channel: JsonChannel;

  constructor(
    private readonly host: WebSocketConnectionHost,
    private readonly wire: WebSocketWire,
    ending: Ending,
    client: HostClient,
  ) {
    this.channel = new JsonChannel(wire, ending, host.connections.traffic.websocket.batches);
    this.session = openSession(host, this.channel, client);
    client.answered.push(this.session.connection);
  }

  receive(text: string): void {
    const request = parseRequest(text);
    const error = "error" in request ? request.error : checkLimits(request.command, this.host);
    if (error !== undefined || "error" in request) this.refuse(request.id, error as NearkeyError);
    else {
      this.channel.ask(request.id, request.command[0]);
      // RESET and HELLO 2 change it, but a map must not be an object in one answer and a list in the next.
      this.host.engine.setProtocol(this.session.connection, 3);
      this.session.receive(encodeCommand(request.command));
    }
  }

  /** Answers out of turn; one who sends such frames and reads no answers is cut off. */
  private refuse(id: FrameId, { code, message }: NearkeyError): void {
    this.wire.sendText(encodeErrorFrame(id, code, message));
    if (this.wire.undrainedBytes > this.host.outputLimitBytes) this.wire.destroy();
  }
}
