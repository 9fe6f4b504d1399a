// The clients of a server, however they came: counts them, turns away those over the limit, and closes them all at
// the end. A drain first reads what the kernel has already received, then lets each client's commands finish and its
// replies leave; who does not take them by the deadline is cut off.

import { setTimeout as delay } from "node:timers/promises";
import type { ConnectionCounts, HostClient } from "../host/host-facts.ts";

const POLL_MS = 5;
/** Nothing having arrived for so long, what clients sent before the end began is taken as delivered. */
const QUIET_MS = 10;
const QUIET_MS_MAX = 200;

/** A client that is connected. */
export interface OpenConnection {
  readonly client: HostClient;
  /** Answers what was received, then closes. */
  finish(): void;
  /** Closes now. */
  destroy(): void;
}

/** All open connections of a server. */
export class Connections {
  private readonly open = new Set<OpenConnection>();
  private total = 0;
  private rejected = 0;
  private lastId = 0;

  /** At most `maxConnections` are open at a time; those that are stay when it is lowered. */
  constructor(public maxConnections: number) {}

  /** Whether one more may come in; counts one that may not. */
  admit(): boolean {
    const hasRoom = this.open.size < this.maxConnections;
    if (!hasRoom) this.rejected++;
    return hasRoom;
  }

  /** A number that no client had before. */
  nextId(): number {
    return ++this.lastId;
  }

  add(connection: OpenConnection): void {
    this.open.add(connection);
    this.total++;
  }

  remove(connection: OpenConnection): void {
    this.open.delete(connection);
  }

  *clients(): Iterable<HostClient> {
    for (const connection of this.open) yield connection.client;
  }

  counts(): ConnectionCounts {
    return { active: this.open.size, total: this.total, rejected: this.rejected };
  }

  /** Ends connections that sent nothing for so long, as their commands finish. */
  closeIdle(idleMs: number, nowMs: number): void {
    for (const connection of [...this.open]) {
      if (nowMs - connection.client.lastActiveMs > idleMs) connection.finish();
    }
  }

  /** Closes every connection as its commands finish, and those left after `deadlineMs` by force. */
  async drain(deadlineMs: number): Promise<void> {
    await this.quiet();
    for (const connection of [...this.open]) connection.finish();
    const untilMs = performance.now() + deadlineMs;
    while (this.open.size > 0 && performance.now() < untilMs) await delay(POLL_MS);
    for (const connection of [...this.open]) connection.destroy();
    while (this.open.size > 0) await delay(POLL_MS);
  }

  /** Waits until what had been sent before has been delivered, or for as long as clients that go on may take. */
  private async quiet(): Promise<void> {
    const untilMs = performance.now() + QUIET_MS_MAX;
    let quietSinceMs = Date.now() - 1;
    do {
      await delay(QUIET_MS);
      for (const { client } of this.open) quietSinceMs = Math.max(quietSinceMs, client.lastActiveMs);
    } while (Date.now() - quietSinceMs < QUIET_MS && performance.now() < untilMs);
  }
}
