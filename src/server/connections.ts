// The clients of a server, however they came: counts them, turns away those over the limit, and closes them all at
// the end. A drain first reads what the kernel has already received, then lets each client's commands finish and its
// replies leave; who does not take them by the deadline is cut off.

import { setTimeout as delay } from "node:timers/promises";
import type { ConnectionCounts, HostClient } from "../host/host-facts.ts";
import { addTraffic, type Protocol, ProtocolTraffic, type TrafficCounts } from "./protocol-traffic.ts";

const POLL_MS = 5;
/** Nothing having arrived for so long, what clients sent before the end began is taken as delivered. */
const QUIET_MS = 10;
const QUIET_MS_MAX = 200;
/** Time for an idle client to take the replies that it has not read, before it is cut off. */
const IDLE_GRACE_MS = 5000;

/** A client that is connected. */
export interface OpenConnection {
  readonly client: HostClient;
  readonly protocol: Protocol;
  /** What came and went so far. */
  readonly traffic: TrafficCounts;
  /** Answers what was received, then closes. */
  finish(): void;
  /** Closes now. */
  destroy(): void;
}

/** All open connections of a server. */
export class Connections {
  readonly traffic: Readonly<Record<Protocol, ProtocolTraffic>> = {
    resp: new ProtocolTraffic(),
    websocket: new ProtocolTraffic(),
  };
  private readonly open = new Set<OpenConnection>();
  private lastId = 0;

  /** At most `maxConnections` are open at a time; those that are stay when it is lowered. */
  constructor(public maxConnections: number) {}

  /** Whether one more may come in; counts one that may not. */
  admit(protocol: Protocol): boolean {
    const hasRoom = this.open.size < this.maxConnections;
    if (!hasRoom) this.traffic[protocol].rejected++;
    return hasRoom;
  }

  /** A number that no client had before. */
  nextId(): number {
    return ++this.lastId;
  }

  add(connection: OpenConnection): void {
    this.open.add(connection);
    const traffic = this.traffic[connection.protocol];
    traffic.active++;
    traffic.total++;
  }

  remove(connection: OpenConnection): void {
    if (!this.open.delete(connection)) return;
    const traffic = this.traffic[connection.protocol];
    traffic.active--;
    traffic.ended = addTraffic(traffic.ended, connection.traffic, 1);
  }

  *clients(): Iterable<HostClient> {
    for (const connection of this.open) yield connection.client;
  }

  /** Closes the connection of a client now. */
  close(client: HostClient): void {
    for (const connection of this.open) if (connection.client === client) connection.destroy();
  }

  counts(): ConnectionCounts {
    const { resp, websocket } = this.traffic;
    const moved = this.moved();
    return {
      active: this.open.size,
      total: resp.total + websocket.total,
      rejected: resp.rejected + websocket.rejected,
      receivedBytes: moved.resp.receivedBytes + moved.websocket.receivedBytes,
      sentBytes: moved.resp.sentBytes + moved.websocket.sentBytes,
    };
  }

  /** What moved by each protocol, open connections included. */
  moved(): Readonly<Record<Protocol, TrafficCounts>> {
    const moved = { resp: this.traffic.resp.ended, websocket: this.traffic.websocket.ended };
    for (const { protocol, traffic } of this.open) moved[protocol] = addTraffic(moved[protocol], traffic, 1);
    return moved;
  }

  /** Begins to count anew; what open connections moved before is taken off. */
  resetCounts(): void {
    for (const traffic of Object.values(this.traffic)) traffic.reset();
    for (const { protocol, traffic } of this.open) {
      const ofProtocol = this.traffic[protocol];
      ofProtocol.ended = addTraffic(ofProtocol.ended, traffic, -1);
    }
  }

  /** Ends connections that sent nothing for so long, as their commands finish; those that read nothing by force. */
  closeIdle(idleMs: number, nowMs: number): void {
    for (const connection of [...this.open]) {
      const silentMs = nowMs - connection.client.lastActiveMs;
      if (silentMs > idleMs + IDLE_GRACE_MS) connection.destroy();
      else if (silentMs > idleMs) connection.finish();
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
