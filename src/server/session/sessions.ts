// The sessions of a server by their connections: news of the engine reach them here.

import type { EngineEvent } from "../../engine.ts";

/** Who hears of a connection. */
export interface Told {
  /** Something came for it from another connection's command. */
  told(event: EngineEvent): void;
}

/** All sessions that are open. */
export class Sessions {
  private readonly open = new Map<number, Told>();

  add(connection: number, session: Told): void {
    this.open.set(connection, session);
  }

  remove(connection: number): void {
    this.open.delete(connection);
  }

  /** Hands an event on. */
  readonly tell = (event: EngineEvent): void => this.open.get(event.connection)?.told(event);

  connections(): Iterable<number> {
    return this.open.keys();
  }
}
