// The HTTP side of the one port: /health and /metrics for whoever watches the process, /snapshot for whoever takes the database
// along, and the files of the demo page.
// Nothing else exists here, and no path from a request ever reaches the file system: the files are a fixed list, read once.
// The page may load and connect to nothing but its own server, the engine among it.

import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { TlsOptions } from "node:tls";
import { type Answer, TEXT } from "./http-password.ts";
import type { MetricsPage } from "./metrics/metrics-page.ts";
import type { OriginCheck } from "./origin-check.ts";
import type { SnapshotPage } from "./snapshot-page.ts";

/** What `/health` reports; names carry their units. */
export interface Health {
  /** `read-only` while the disk refuses what is written. */
  readonly status: "ok" | "read-only";
  readonly uptime_seconds: number;
  readonly active_connections: number;
  readonly total_connections: number;
  readonly rejected_connections: number;
  readonly memory_used_bytes: number;
  readonly memory_limit_bytes: number;
  readonly evicted_keys: number;
  readonly total_commands: number;
}

/** What the HTTP side needs of the server. */
export interface HttpHost {
  readonly origins: OriginCheck;
  readonly page: Page;
  readonly metrics: MetricsPage;
  readonly snapshot: SnapshotPage;
  health(): Health;
  /** Called when answering threw: nothing of the server can be trusted. */
  readonly failed: (error: unknown) => void;
}

interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
}

/** Files by the path that a browser asks for. */
export type Page = ReadonlyMap<string, PageFile>;

const PAGE_FILES: readonly (readonly [path: string, file: string, type: string])[] = [
  ["/", "index.html", "text/html; charset=utf-8"],
  ["/style.css", "style.css", "text/css; charset=utf-8"],
  ["/demo.js", "demo.js", "text/javascript; charset=utf-8"],
  ["/browser-worker.js", "browser-worker.js", "text/javascript; charset=utf-8"],
  ["/engine.wasm", "engine.wasm", "application/wasm"],
];

/** Reads the demo page from a folder; without one the server has no page. */
export function readPage(folder: URL): Page {
  const page = new Map<string, PageFile>();
  for (const [path, file, type] of PAGE_FILES) {
    try {
      page.set(path, { type, bytes: readFileSync(new URL(file, folder)) });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return page;
}

const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

/** Sockets that only speak HTTP are few; this many beyond the WebSockets may be open at once. */
export const SPARE_SOCKETS = 256;

/** How its sockets behave. */
export interface HttpSockets {
  readonly connections: { readonly maxConnections: number };
  readonly nodelay: boolean;
  /** Asked for each new socket, since it may change; 0 is off. */
  readonly keepaliveMs: number;
}

/** Makes the HTTP server, over TLS if so asked; the caller binds it and attaches the WebSocket side to its upgrades. */
export function createHttpServer(host: HttpHost, sockets: HttpSockets, tls: TlsOptions | undefined): Server {
  const { connections, nodelay } = sockets;
  const answer = (request: IncomingMessage, response: ServerResponse): void => respond(host, request, response);
  const options = { noDelay: nodelay };
  const server = tls === undefined ? createServer(options, answer) : createSecureServer({ ...options, ...tls }, answer);
  server.on("connection", (socket) => {
    if (sockets.keepaliveMs > 0) socket.setKeepAlive(true, sockets.keepaliveMs);
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  server.maxConnections = connections.maxConnections + SPARE_SOCKETS;
  return server;
}

function respond(host: HttpHost, request: IncomingMessage, response: ServerResponse): void {
  const answer = answerTo(host, request, response);
  if (answer instanceof Promise) answer.then((made) => made && send(made, request, response)).catch(host.failed);
  else send(answer, request, response);
}

function send({ status, type, body, headers }: Answer, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    ...headers,
    "cache-control": "no-cache",
    "content-type": type,
    "content-length": Buffer.byteLength(body),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** An answer to be sent; a promise of nothing when one was sent already. */
function answerTo(
  host: HttpHost,
  request: IncomingMessage,
  response: ServerResponse,
): Answer | Promise<Answer | undefined> {
  const refusal = host.origins.refusal(request);
  if (refusal !== undefined) return { status: 403, type: TEXT, body: `${refusal}\n` };
  if (request.method !== "GET" && request.method !== "HEAD") {
    return { status: 405, type: TEXT, body: "only GET and HEAD are served here\n", headers: { allow: "GET, HEAD" } };
  }
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  if (path === "/health") return healthAnswer(host, request.headers.origin);
  if (path === "/metrics") return host.metrics.answer(request);
  if (path === "/snapshot") return snapshotAnswer(host.snapshot, request, response);
  const file = host.page.get(path);
  if (file !== undefined) return { status: 200, type: file.type, body: file.bytes };
  return {
    status: 404,
    type: TEXT,
    body: "not found; here are /health, /metrics, /snapshot, the demo page at / and WebSocket at /\n",
  };
}

async function snapshotAnswer(
  page: SnapshotPage,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer | undefined> {
  return (await page.refusal(request)) ?? page.send(request, response);
}

/** Monitors decide by the status alone. Pages of a listed origin may read it too. */
function healthAnswer(host: HttpHost, origin: string | undefined): Answer {
  const listed = origin !== undefined && host.origins.isListed(origin);
  const headers: Record<string, string> = listed ? { "access-control-allow-origin": origin, vary: "origin" } : {};
  const health = host.health();
  const status = health.status === "ok" ? 200 : 503;
  return { status, type: "application/json", body: `${JSON.stringify(health)}\n`, headers };
}
