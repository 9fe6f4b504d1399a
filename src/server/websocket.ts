// The WebSocket side of the HTTP port: who may upgrade, and why another may not. A password travels in the first
// command or, for clients that want to be let in or turned away at once, in a subprotocol beside `nearkey`. Framing
// is that of the `ws` library, without compression: it would cost more than it saves on a cache's traffic.

import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import type { PasswordCheck, Verdict } from "../host/host-facts.ts";
import type { OriginCheck } from "./origin-check.ts";
import { WebSocketConnection, type WebSocketConnectionHost } from "./websocket-connection.ts";

/** What the WebSocket side needs of the server. */
export interface WebSocketHost extends WebSocketConnectionHost {
  readonly origins: OriginCheck;
  /** Largest frame, or message of several frames, that is accepted; bytes. */
  readonly maxFrameBytes: number;
  readonly password: PasswordCheck;
}

/** The subprotocol that the server answers, and the one that carries a password as base64url. */
const SUBPROTOCOL = "nearkey";
const PASSWORD_SUBPROTOCOL = "nearkey.auth.";

/** RFC 6455: a message too big to process. */
const CLOSE_TOO_BIG = 1009;

/** Takes the upgrades of an HTTP server. */
export function attachWebSockets(server: Server, host: WebSocketHost): void {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: host.maxFrameBytes,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    WebSocket: socketThatNamesItsLimit(host.maxFrameBytes),
  });
  const accept = (request: IncomingMessage, socket: Duplex, head: Buffer, verdict: Verdict | undefined): void => {
    const refusal = passwordRefusal(verdict) ?? (host.connections.admit() ? undefined : tooMany(host));
    if (refusal !== undefined) {
      refuse(socket, refusal);
      return;
    }
    const authenticated = verdict === "right" || !host.password.required;
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      new WebSocketConnection(host, webSocket, request.socket, authenticated);
    });
  };
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    const refusal = refusalOf(request, host);
    if (refusal !== undefined) return refuse(socket, refusal);
    const password = passwordOf(request);
    const verdict = password && host.password.check(password, () => !socket.destroyed);
    if (!(verdict instanceof Promise)) return accept(request, socket, head, verdict);
    verdict.then((found) => accept(request, socket, head, found)).catch(host.failed);
  });
}

/** `ws` closes an oversized message without a word; this one says which setting was exceeded. */
function socketThatNamesItsLimit(maxFrameBytes: number): typeof WebSocket {
  return class extends WebSocket {
    override close(code?: number, reason?: string | Buffer): void {
      const silent = code === CLOSE_TOO_BIG && reason === undefined;
      super.close(code, silent ? `frames are limited to ${maxFrameBytes} bytes (--max-frame-bytes)` : reason);
    }
  };
}

interface Refusal {
  readonly status: string;
  readonly text: string;
}

function refusalOf(request: IncomingMessage, host: WebSocketHost): Refusal | undefined {
  const foreign = host.origins.refusal(request);
  if (foreign !== undefined) return { status: "403 Forbidden", text: foreign };
  if ((request.url ?? "/").split("?", 1)[0] === "/") return undefined;
  return { status: "404 Not Found", text: "WebSocket is served at /" };
}

function passwordRefusal(verdict: Verdict | undefined): Refusal | undefined {
  if (verdict === "wrong") return { status: "401 Unauthorized", text: "the password in the subprotocol is wrong" };
  if (verdict !== "busy") return undefined;
  const text = "too many clients authenticate at the same time, try again in a second";
  return { status: "503 Service Unavailable", text };
}

function tooMany({ connections }: WebSocketHost): Refusal {
  const text = `max number of clients reached (--max-connections is ${connections.maxConnections})`;
  return { status: "503 Service Unavailable", text };
}

/** The password that the subprotocol `nearkey.auth.<base64url>` carries. */
function passwordOf(request: IncomingMessage): Buffer | undefined {
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  const carrier = offered.find((name) => name.startsWith(PASSWORD_SUBPROTOCOL));
  return carrier === undefined ? undefined : Buffer.from(carrier.slice(PASSWORD_SUBPROTOCOL.length), "base64url");
}

function refuse(socket: Duplex, { status, text }: Refusal): void {
  const body = `${text}\n`;
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
