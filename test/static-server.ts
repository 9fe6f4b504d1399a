// A web server for tests of what a browser loads: files of a folder with the right types, except where a test wants them
// wrong.

import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
};

/** How a server deviates from serving what is asked for. */
export interface Deviation {
  /** Answers with this type, when the path ends so. */
  readonly type?: { readonly path: string; readonly type: string };
  /** Paths that end so are not there. */
  readonly missing?: string;
  /** What is not there is answered with the start page, as servers of single-page applications do. */
  readonly fallback?: boolean;
  /** A policy for all that is served. */
  readonly policy?: string;
}

/** Serves a folder on a free port of the loopback interface. */
export class StaticServer {
  readonly #server: Server;
  /** Changed between two requests by a test. */
  deviation: Deviation = {};

  private constructor(folder: string) {
    this.#server = createServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://localhost").pathname.replace(/\/$/, "/index.html");
      const { type, missing, fallback, policy } = this.deviation;
      const file = join(folder, path);
      const found = existsSync(file) && statSync(file).isFile() && !(missing && path.endsWith(missing));
      const served = found ? file : fallback ? join(folder, "index.html") : undefined;
      if (policy !== undefined) response.setHeader("content-security-policy", policy);
      if (served === undefined) {
        response.writeHead(404, { "content-type": "text/plain" }).end("not found");
        return;
      }
      const wrong = type && path.endsWith(type.path) ? type.type : undefined;
      response.setHeader("cache-control", "no-store");
      response.setHeader("content-type", wrong ?? TYPES[extname(served)] ?? "application/octet-stream");
      response.end(readFileSync(served));
    });
  }

  static async start(folder: string): Promise<StaticServer> {
    const server = new StaticServer(folder);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  /** The address of the start page. */
  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
