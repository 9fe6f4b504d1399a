// How a connection of the engine stands: its modes, its transaction, what it ran last. And what the engine has for
// connections other than the one that runs: told after each call, from the list in its memory; a call with none costs the reading
// of one word.

import { type ConnectionMode, EventFlag } from "../assembly/connection-layout.ts";
import { EVENTS_BASE, INPUT_BASE, Result } from "../assembly/layout.ts";
import type { EngineExports } from "../build/engine-exports.d.ts";
import type { EngineMemory } from "./engine-memory.ts";

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

/** News for one connection: its output waits to be taken, and perhaps more. */
export interface EngineEvent {
  readonly connection: number;
  /** The command that waited for a key is answered: its later commands may run. */
  readonly awake: boolean;
  /** It took more memory than it may: it must be ended. */
  readonly overflowed: boolean;
}

/** How a connection tracks what it reads. */
export interface TrackingState {
  /** Bits of Tracking; 0 ends it. */
  readonly flags: number;
  /** The connection that is told; undefined for its own. */
  readonly redirect?: number | undefined;
  /** What clients call that. */
  readonly redirectId?: number;
  readonly prefixes?: readonly Uint8Array[];
}

/** Made by the engine itself. */
export class EngineEvents {
  /** Called with each event, after the call that caused it; it must not execute commands. */
  onEvent: ((event: EngineEvent) => void) | undefined;
  readonly #exports: EngineExports;
  readonly #view: EngineMemory;

  constructor(exports: EngineExports, view: EngineMemory) {
    this.#exports = exports;
    this.#view = view;
  }

  /** Tells what is due; to be called after each call into the engine that may change anything. */
  tell(): void {
    if (this.#view.words()[EVENTS_BASE >>> 2] !== 0) this.#tellAll();
  }

  #tellAll(): void {
    const { onEvent } = this;
    if (onEvent === undefined) return;
    for (let connection = this.#exports.nextEvent(); connection !== 0; connection = this.#exports.nextEvent()) {
      const flags = this.#view.result(Result.Event);
      const awake = (flags & EventFlag.Awake) !== 0;
      onEvent({ connection: connection >>> 0, awake, overflowed: (flags & EventFlag.Overflow) !== 0 });
    }
  }

  /** Milliseconds that the command which just began to wait may do so; 0 for ever. */
  get timeoutMs(): number {
    return this.#view.result(Result.Place) + this.#view.result(Result.Place + 1) * 2 ** 32;
  }

  isBlocked(connection: number): boolean {
    return this.#exports.isBlocked(connection) !== 0;
  }

  /**
   * Ends the wait of a connection, which an event then tells of.
   *
   * @param failing answers with an error, not as if its time were over
   * @returns false when it does not wait
   */
  endWait(connection: number, failing: boolean): boolean {
    const ended = this.#exports.endWait(connection, failing ? 1 : 0) !== 0;
    this.tell();
    return ended;
  }

  /** Sets the classes of keyspace notifications, bits of Notice. */
  setNotices(classes: number): boolean {
    return this.#exports.setNotices(classes) !== 0;
  }

  /** Begins to track what a connection reads, or ends it; false when memory has no room for a prefix. */
  setTracking(connection: number, { flags, redirect = 0, redirectId = 0, prefixes = [] }: TrackingState): boolean {
    this.#exports.setTracking(connection, flags, redirect, redirectId);
    return prefixes.every((prefix) => {
      this.#view.bytes().set(prefix, INPUT_BASE);
      return this.#exports.addTrackingPrefix(connection, prefix.length) !== 0;
    });
  }

  /** CLIENT CACHING: says something of the next command. */
  setCaching(connection: number): void {
    this.#exports.setCaching(connection);
  }

  /** Bits of Tracking. */
  tracking(connection: number): number {
    return this.#exports.trackingOf(connection);
  }

  /** Sets how many keys all connections together may track; 0 for any number. */
  setTrackedMax(keys: number): void {
    this.#exports.setTrackedMax(keys);
  }

  /** What a connection is subscribed to. */
  subscriptions(connection: number): { channels: number; patterns: number; shardChannels: number } {
    return {
      channels: this.#exports.subscribedChannels(connection),
      patterns: this.#exports.subscribedPatterns(connection),
      shardChannels: this.#exports.subscribedShardChannels(connection),
    };
  }
}
