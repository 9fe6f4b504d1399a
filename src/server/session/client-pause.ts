// CLIENT PAUSE: for a while commands that write, or all, wait. The engine knows by a mode of each connection, and holds such a
// command back; its session waits here and goes on when the time is over.

import { ConnectionMode, type Engine } from "../../engine.ts";
import type { PauseState } from "../../host/host-facts.ts";
import type { Sessions } from "./sessions.ts";

/** What waits. */
export interface Paused {
  /** Clients are no longer paused. */
  resume(): void;
}

const MODES = { write: ConnectionMode.PausedWrites, all: ConnectionMode.PausedAll } as const;
/** What a timer can count to. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Pauses the clients of a server. */
export class ClientPause {
  private kind: keyof typeof MODES | undefined;
  private untilMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly waiting = new Set<Paused>();

  constructor(
    private readonly engine: Engine,
    private readonly sessions: Sessions,
  ) {}

  /** Clients that wait. */
  get waitingCount(): number {
    return this.waiting.size;
  }

  /** What is paused, and for how long yet; undefined for nothing. */
  get state(): PauseState | undefined {
    return this.kind && { kind: this.kind, leftMs: Math.max(0, this.untilMs - Date.now()) };
  }

  /** Pauses; a pause that is there goes on at least as long, and stays one of all commands. */
  start(ms: number, kind: "write" | "all"): void {
    this.untilMs = Math.max(this.kind === undefined ? 0 : this.untilMs, Date.now() + ms);
    this.set(this.kind === "all" ? "all" : kind);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.end(), Math.min(this.untilMs - Date.now(), TIMER_MS_MAX)).unref();
  }

  /** Ends the pause, and lets what waits go on. */
  end(): void {
    clearTimeout(this.timer);
    if (this.kind === undefined) return;
    this.set(undefined);
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const one of waiting) one.resume();
  }

  /** A connection is there that was not. */
  opened(connection: number): void {
    if (this.kind !== undefined) this.engine.connections.setMode(connection, MODES[this.kind], true);
  }

  wait(one: Paused): void {
    this.waiting.add(one);
  }

  remove(one: Paused): void {
    this.waiting.delete(one);
  }

  private set(kind: "write" | "all" | undefined): void {
    this.kind = kind;
    for (const connection of this.sessions.connections()) {
      this.engine.connections.setMode(connection, MODES.write | MODES.all, false);
      this.opened(connection);
    }
  }
}
