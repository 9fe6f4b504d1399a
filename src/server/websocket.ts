// The WebSocket side of the HTTP port: who may upgrade, and why another may not. A password travels in the first
// command or, for clients that want to be let in or turned away at once, in a subprotocol beside `nearkey`. Framing
// is that of the `ws` library, without compression: it would cost more than it saves on a cache's traffic.

import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import type { OriginCheck } from "./origin-check.ts";
import { WebSocketConnection, type WebSocketConnectionHost } from "./websocket-connection.ts";

/** What the WebSocket side needs of the server. */
export interface WebSocketHost extends WebSocketConnectionHost {
  readonly origins: OriginCheck;
  /** Largest frame, or message of several frames, that is accepted; bytes. */
  readonly maxFrameBytes: number;
  /** Absent when no password is asked for. */
  readonly checkPassword: ((candidate: Uint8Array) => boolean) | undefined;
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
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    const password = passwordOf(request);
    const refusal = refusalOf(request, host, password);
    if (refusal !== undefined) return refuse(socket, refusal);
    const authenticated = host.checkPassword === undefined || password !== undefined;
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      new WebSocketConnection(host, webSocket, request.socket, authenticated);
    });
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

function refusalOf(
  request: IncomingMessage,
  host: WebSocketHost,
  password: Uint8Array | undefined,
): Refusal | undefined {
  const foreign = host.origins.refusal(request);
  if (foreign !== undefined) return { status: "403 Forbidden", text: foreign };
  if ((request.url ?? "/").split("?", 1)[0] !== "/") {
    return { status: "404 Not Found", text: "WebSocket is served at /" };
  }
  if (password !== undefined && host.checkPassword !== undefined && !host.checkPassword(password)) {
    return { status: "401 Unauthorized", text: "the password in the subprotocol is wrong" };
  }
  if (host.connections.admit()) return undefined;
  const text = `max number of clients reached (--max-connections is ${host.connections.maxConnections})`;
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
