// What a session stands between: a socket that carries its bytes, and what all sessions of a server share.

import type { Engine } from "../../engine.ts";
import type { HostCommands } from "../../host/host-commands.ts";
import type { ReplyGate } from "../../persistence/reply-gate.ts";
import type { PipelineBuilds } from "../../pool/pipeline-builds.ts";
import type { Crowd } from "../crowd.ts";
import type { OutputBudget } from "../output-budget.ts";
import type { BatchCounts } from "../protocol-traffic.ts";
import type { Written } from "../straight-writer.ts";
import type { ClientPause } from "./client-pause.ts";
import type { Sessions } from "./sessions.ts";
import type { Turns } from "./turns.ts";

/** What a session needs of a socket. Everything written leaves in order. */
export interface Channel {
  /** Where the commands of each piece of input are counted. */
  readonly batches: BatchCounts;
  /** Set where replies are not to be held for a crowd's. */
  readonly alone?: boolean;
  /** Bytes handed over so far, framing counted. */
  readonly writtenBytes: number;
  /** Bytes handed over that have not left the process. */
  readonly undrainedBytes: number;
  /** Hands over bytes that stay valid until they drained; `Session.drained` is called when some did. */
  write(bytes: Uint8Array): void;
  /** As `write`, where that is cheaper: past the stream, when nothing waits there. Not when it must be `write`. */
  writeAtOnce?(bytes: Uint8Array): Written;
  /** Stops and resumes the delivery of bytes; calls alternate. */
  pause(): void;
  resume(): void;
  /** Closes once everything written has left; `malformed` when the bytes received were no command, or over a limit. */
  end(malformed: boolean): void;
  /** Closes now. */
  destroy(): void;
}

/** What all sessions of a server share. */
export interface SessionHost {
  readonly engine: Engine;
  readonly commands: HostCommands;
  readonly turns: Turns;
  /** All sessions by their connections, so that news reach them. */
  readonly sessions: Sessions;
  /** Whoever waits until clients are no longer paused. */
  readonly pause: ClientPause;
  readonly crowd: Pick<Crowd, "isHere" | "served" | "hold">;
  readonly budget: OutputBudget;
  /** Where what commands do is written, and replies wait for that; undefined when nothing is kept. */
  readonly log?: ReplyGate | undefined;
  /** Where nodes that VADDs of pipelines leave to workers are waited for; undefined without workers. */
  readonly links?: Pick<PipelineBuilds, "linked" | "abandon"> | undefined;
  /** Most output a session may hold undrained, in bytes. */
  readonly outputLimitBytes: number;
  /** Called once when the engine trapped: nothing after it can be trusted. */
  readonly failed: (error: unknown) => void;
}
