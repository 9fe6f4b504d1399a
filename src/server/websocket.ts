// The WebSocket side of the HTTP port: who may upgrade, and why another may not. A password travels in the first
// command or, for clients that want to be let in or turned away at once, in a subprotocol beside `nearkey`. The
// handshake is that of the `ws` library, without compression: it would cost more than it saves on a cache's traffic.
// The frames are ours (websocket-frames.ts).

import { type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import type { PasswordCheck, Verdict } from "../host/host-facts.ts";
import type { OriginCheck } from "./origin-check.ts";
import { WebSocketConnection, type WebSocketConnectionHost } from "./websocket-connection.ts";

/** What the WebSocket side needs of the server. */
export interface WebSocketHost extends WebSocketConnectionHost {
  readonly origins: OriginCheck;
  readonly password: PasswordCheck;
}

/** The subprotocol that the server answers, and the one that carries a password as base64url. */
const SUBPROTOCOL = "nearkey";
const PASSWORD_SUBPROTOCOL = "nearkey.auth.";

/** What `ws` makes for an upgrade that it has answered: here only the socket, which it would begin to read. */
class Upgraded extends WebSocket {
  declare socket: Socket;
  declare head: Uint8Array;

  /** Called by `ws` once the answer is written; the class that it extends would put a receiver on the socket. */
  setSocket(socket: Socket, head: Uint8Array): void {
    this.socket = socket;
    this.head = head;
  }
}

/** Takes the upgrades of an HTTP server. */
export function attachWebSockets(server: Server, host: WebSocketHost): void {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    WebSocket: Upgraded,
  });
  const accept = (request: IncomingMessage, socket: Duplex, head: Buffer, verdict: Verdict | undefined): void => {
    const refusal = passwordRefusal(verdict) ?? (host.connections.admit("websocket") ? undefined : tooMany(host));
    if (refusal !== undefined) {
      refuse(socket, refusal);
      return;
    }
    const authenticated = verdict === "right" || !host.password.required;
    sockets.handleUpgrade(request, socket, head, (upgraded) => {
      new WebSocketConnection(host, upgraded.socket, upgraded.head, authenticated);
    });
  };
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    if (request.headers.upgrade?.toLowerCase() !== "websocket") return answerAsRequest(server, request, socket);
    const refusal = refusalOf(request, host);
    if (refusal !== undefined) return refuse(socket, refusal);
    const password = passwordOf(request);
    const verdict = password && host.password.check(password, () => !socket.destroyed);
    if (!(verdict instanceof Promise)) return accept(request, socket, head, verdict);
    verdict.then((found) => accept(request, socket, head, found)).catch(host.failed);
  });
}

/** An offer of another protocol is passed over, as HTTP lets us: clients that know HTTP/2 offer h2c with each request. */
function answerAsRequest(server: Server, request: IncomingMessage, socket: Duplex): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.once("finish", () => socket.end(() => socket.destroy()));
  server.emit("request", request, response);
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
