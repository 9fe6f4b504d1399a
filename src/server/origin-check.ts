// Who may talk to the HTTP port from a browser. A page of another site can make a browser connect to localhost, and a
// name that its owner rebinds to 127.0.0.1 makes such a page look like ours; so the Host must be a name we know, and
// an Origin, which browsers always send with a WebSocket, must be our own page or one that was listed.

import type { IncomingMessage } from "node:http";

/** Names and origins that are accepted beside the server's own. */
export interface OriginRules {
  /** The address the server was told to listen on. */
  readonly host: string;
  readonly allowHosts: readonly string[];
  readonly allowOrigins: readonly string[];
}

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "::1"];

/** Checks Host and Origin of requests and upgrades. */
export class OriginCheck {
  private readonly hosts: ReadonlySet<string>;
  private readonly origins: ReadonlySet<string>;

  constructor(rules: OriginRules) {
    this.hosts = new Set([...LOOPBACK_NAMES, rules.host, ...rules.allowHosts].map((name) => bareName(name)));
    this.origins = new Set(rules.allowOrigins.map((origin) => origin.toLowerCase().replace(/\/$/, "")));
  }

  /** Why a request is refused, as a sentence for its sender, or undefined. */
  refusal(request: IncomingMessage): string | undefined {
    const { host, origin } = request.headers;
    const name = host === undefined ? "" : hostName(host);
    if (!this.hosts.has(name) && !isOwnAddress(name, request)) {
      return `the host ${JSON.stringify(host ?? "")} is not one of this server's names: start it with --allow-host`;
    }
    if (origin !== undefined && !this.isOwnPage(origin, host ?? "") && !this.isListed(origin)) {
      return `pages of the origin ${JSON.stringify(origin)} may not connect: start the server with --allow-origin`;
    }
    return undefined;
  }

  /** True for an origin that was listed by `--allow-origin`. */
  isListed(origin: string): boolean {
    return this.origins.has(origin.toLowerCase());
  }

  /** A proxy may speak TLS for us, so both schemes are our own; the Host was checked before. */
  private isOwnPage(origin: string, host: string): boolean {
    const own = host.toLowerCase();
    return origin.toLowerCase() === `http://${own}` || origin.toLowerCase() === `https://${own}`;
  }
}

/** A page that was loaded from the very address the connection came to cannot be a rebound name. */
function isOwnAddress(name: string, request: IncomingMessage): boolean {
  const address = request.socket.localAddress;
  return address !== undefined && bareName(address.replace(/^::ffff:/, "")) === name;
}

/** The name of a Host header, without port and brackets; empty when it is malformed. */
function hostName(host: string): string {
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]/@\s]+)(:\d{1,5})?$/i.exec(host);
  return bareName(match?.[1] ?? "");
}

function bareName(name: string): string {
  return name
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
}
