// What a client tells about its connection: where it stands, and why it came there.

import type { NearkeyError } from "../errors.ts";

/**
 * Where a connection stands: `open`; `reconnecting`, waiting for the next attempt; `connecting`, in one; `closed` for
 * good.
 */
export type ClientStateName = "connecting" | "open" | "reconnecting" | "closed";

/** A change of state. */
export interface ClientState {
  readonly state: ClientStateName;
  /** Why the connection was lost, an attempt failed or the client is closed; absent after `close()`. */
  readonly reason?: NearkeyError;
  /** Which attempt to come back this is, from 1; with `reconnecting` and `connecting`. */
  readonly attempt?: number;
  /** Milliseconds until the next attempt; with `reconnecting`. */
  readonly delayMs?: number;
}

/** Hears each change of state, after it happened. */
export type StateListener = (change: ClientState) => void;

/** The state and who wants to know. */
export class StateTeller {
  #current: ClientState = { state: "connecting" };
  readonly #listeners = new Set<StateListener>();

  get current(): ClientStateName {
    return this.#current.state;
  }

  /** Answers how to stop listening. */
  listen(listener: StateListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells a change; a listener that throws does so outside, and disturbs neither the others nor the connection. */
  tell(change: ClientState): void {
    this.#current = change;
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        setTimeout(() => {
          throw error;
        });
      }
    }
  }
}
