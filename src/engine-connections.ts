// How a connection of the engine stands: its modes, its transaction, what it ran last.

import type { ConnectionMode } from "../assembly/layout.ts";
import type { EngineExports } from "../build/engine-exports.d.ts";

/** What a connection has noted for its transaction. */
export interface TransactionState {
  /** Keys it watches. */
  readonly keys: number;
  readonly queuedCommands: number;
  readonly queuedBytes: number;
}

/** Asks and sets; made by the engine itself. */
export class EngineConnections {
  readonly #exports: EngineExports;

  constructor(exports: EngineExports) {
    this.#exports = exports;
  }

  /** Sets or clears modes of a connection. */
  setMode(connection: number, mode: ConnectionMode, on: boolean): void {
    this.#exports.setMode(connection, mode, on ? 1 : 0);
  }

  hasMode(connection: number, mode: ConnectionMode): boolean {
    return (this.#exports.modeOf(connection) & mode) !== 0;
  }

  /** Keys a connection watches, and what it has queued since MULTI. */
  transaction(connection: number): TransactionState {
    return {
      keys: this.#exports.watchedKeys(connection),
      queuedCommands: this.#exports.queuedCommands(connection),
      queuedBytes: this.#exports.queuedBytes(connection) >>> 0,
    };
  }

  /** Command that ran last in a connection's last batch, by its place in the table; undefined for none. */
  lastCommand(connection: number): number | undefined {
    const index = this.#exports.lastCommandOf(connection) >>> 0;
    return index === 0xffffffff ? undefined : index;
  }
}
