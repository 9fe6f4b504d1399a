// The settings of a server, with their defaults and what may be set. Every limit that a client can meet is one of
// these, and the error it meets names the flag; numbers that cannot work together are refused before anything starts.

import { NearkeyError } from "../errors.ts";
import type { EvictionPolicy } from "../options.ts";

/** Settings of `startServer`; each is a flag of `nearkey serve`. */
export interface ServerOptions {
  /** Address to listen on; with another than loopback a password must be set. */
  readonly host: string;
  /** Port of HTTP and WebSocket; 0 lets the system choose. */
  readonly port: number;
  /** Port of RESP over TCP; 0 lets the system choose, undefined is off. */
  readonly respPort: number | undefined;
  /** Goes on without RESP when its port is taken, instead of failing. */
  readonly respOptional: boolean;
  readonly maxMemoryBytes: number;
  readonly eviction: EvictionPolicy;
  readonly password: string | undefined;
  /** Origins whose pages may connect, such as `https://example.org`. */
  readonly allowOrigins: readonly string[];
  /** Names this server is reached by, beside loopback and `host`. */
  readonly allowHosts: readonly string[];
  readonly maxConnections: number;
  readonly maxFrameBytes: number;
  readonly maxValueBytes: number;
  readonly maxArguments: number;
  readonly outputLimitBytes: number;
  /** Time a client has to authenticate, milliseconds. */
  readonly authTimeoutMs: number;
  /** Where the demo page lies; undefined is no page. */
  readonly pageFolder: URL | undefined;
}

const KIBI = 1024;
const MEBI = KIBI * KIBI;

/** What holds when nothing else is said. */
export const SERVER_DEFAULTS: ServerOptions = {
  host: "127.0.0.1",
  port: 7379,
  respPort: 6379,
  respOptional: false,
  maxMemoryBytes: KIBI * MEBI,
  eviction: "noeviction",
  password: undefined,
  allowOrigins: [],
  allowHosts: [],
  maxConnections: 10_000,
  maxFrameBytes: 128 * MEBI,
  maxValueBytes: 64 * MEBI,
  maxArguments: 131_072,
  outputLimitBytes: 128 * MEBI,
  authTimeoutMs: 10_000,
  pageFolder: undefined,
};

/** Replies around the largest value: a few bytes, and pages that are partly filled. */
const OUTPUT_SLACK_BYTES = MEBI;

/**
 * Checks settings against each other.
 *
 * @throws NearkeyError `invalid-option` that names the flag and what is allowed
 */
export function checkServerOptions(options: ServerOptions): void {
  if (!isLoopback(options.host) && options.password === undefined) {
    throw refused(
      `--host ${options.host} can be reached from other machines: set a password with --password or NEARKEY_PASSWORD`,
    );
  }
  if (options.password === "") throw refused("--password must not be empty");
  const outputBytesMin = options.maxValueBytes + OUTPUT_SLACK_BYTES;
  if (options.outputLimitBytes < outputBytesMin) {
    throw refused(
      `--output-limit must be at least ${outputBytesMin} bytes, ` +
        `or the largest value that --max-value-bytes allows (${options.maxValueBytes}) could not be read`,
    );
  }
}

function refused(message: string): NearkeyError {
  return new NearkeyError("invalid-option", message);
}

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
