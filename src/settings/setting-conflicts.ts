// What settings must be beside each other: each alone may be fine and both together make no server. Asked before a
// server starts, by `nearkey config check`, and before CONFIG SET changes anything.

import { sharedBytesMax } from "../engine.ts";
import { type SettingName, type Settings, variableOf } from "./server-settings.ts";

/** Settings that cannot hold together, and what to do. */
export interface Conflict {
  readonly names: readonly SettingName[];
  readonly message: string;
}

/** Replies around the largest value: a few bytes, and pages that are partly filled. */
const OUTPUT_SLACK_BYTES = 1024 * 1024;

/** Finds every conflict. */
export function conflictsOf(settings: Settings): Conflict[] {
  return [exposed, unreadable, samePort, halfTls, crowded].flatMap((check) => check(settings) ?? []);
}

function exposed({ host, password }: Settings): Conflict | undefined {
  if (isLoopback(host) || password !== undefined) return undefined;
  const message = `--host ${host} can be reached from other machines: set a password with --password or ${variableOf("password")}`;
  return { names: ["host", "password"], message };
}

function unreadable({ maxValueBytes, outputLimitBytes }: Settings): Conflict | undefined {
  const outputBytesMin = maxValueBytes + OUTPUT_SLACK_BYTES;
  if (outputLimitBytes >= outputBytesMin) return undefined;
  const message =
    `--output-limit must be at least ${outputBytesMin} bytes, ` +
    `or the largest value that --max-value-bytes allows (${maxValueBytes}) could not be read`;
  return { names: ["outputLimitBytes", "maxValueBytes"], message };
}

function samePort({ port, respPort }: Settings): Conflict | undefined {
  if (port !== respPort || port === 0) return undefined;
  return { names: ["port", "respPort"], message: `--port and --resp-port are both ${port}: give one another number` };
}

function halfTls({ tlsCert, tlsKey, tlsCa }: Settings): Conflict | undefined {
  const names = ["tlsCert", "tlsKey", "tlsCa"] as const;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    const [given, missing] = tlsKey === undefined ? ["--tls-cert", "--tls-key"] : ["--tls-key", "--tls-cert"];
    return { names, message: `${given} needs ${missing} beside it: TLS takes a certificate and its private key` };
  }
  if (tlsCa === undefined || tlsCert !== undefined) return undefined;
  return { names, message: "--tls-ca asks clients for certificates over TLS: it needs --tls-cert and --tls-key" };
}

/** What workers need lies in the same memory. */
function crowded({ threads, maxMemoryBytes }: Settings): Conflict | undefined {
  const bytesMax = sharedBytesMax(threads);
  if (threads === 0 || maxMemoryBytes <= bytesMax) return undefined;
  const message = `--max-memory can be ${bytesMax} bytes at most beside --threads ${threads}: what workers need lies in the same memory`;
  return { names: ["maxMemoryBytes", "threads"], message };
}

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
