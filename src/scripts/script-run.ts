// What is known of the script that runs: for whom, what it may do, and since when.

import type { HostClient } from "../host/host-facts.ts";

/** A script, or a function, that runs. */
export interface ScriptRun {
  readonly client: HostClient;
  /** The connection that asked for it. */
  readonly caller: number;
  /** What errors call it: the digest of a script, the name of a function. */
  readonly name: string;
  readonly isFunction: boolean;
  readonly mayWrite: boolean;
  readonly startedMs: number;
  /** Milliseconds after which a script is ended, or ten times so long once it has written; 0 for never. */
  readonly limitMs: number;
  /** What `redis.setresp` has chosen. */
  protocol: 2 | 3;
  /** Whether a command that writes has run. */
  wrote: boolean;
}
