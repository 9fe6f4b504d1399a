// One stream of commands and its replies, whatever socket carries it. A session owns one connection of the engine,
// feeds it the pieces of bytes as they were delivered (one call each), answers what the engine leaves to the host,
// and lends the reply blocks to the socket without copying them. A block goes back to the engine only when its bytes
// left the process. Reading stops while commands wait for a turn or while much output is undrained, so that a reader
// who never reads costs its block limit and nothing more.

import { type Engine, Outcome } from "./engine.ts";
import type { HostCommands } from "./host-commands.ts";
import type { HostClient } from "./host-facts.ts";
import { TURN_MS, type Turns, type Worker } from "./turns.ts";

/** What a session needs of a socket. Everything written leaves in order. */
export interface Channel {
  /** Bytes handed over so far, framing counted. */
  readonly writtenBytes: number;
  /** Bytes handed over that have not left the process. */
  readonly undrainedBytes: number;
  /** Hands over bytes that stay valid until they drained; `Session.drained` is called when some did. */
  write(bytes: Uint8Array): void;
  /** Stops and resumes the delivery of bytes; calls alternate. */
  pause(): void;
  resume(): void;
  /** Closes once everything written has left. */
  end(): void;
  /** Closes now. */
  destroy(): void;
}

/** What all sessions of a server share. */
export interface SessionHost {
  readonly engine: Engine;
  readonly commands: HostCommands;
  readonly turns: Turns;
  /** Most output a session may hold undrained, in bytes. */
  readonly outputLimitBytes: number;
  /** Called once when the engine trapped: nothing after it can be trusted. */
  readonly failed: (error: unknown) => void;
}

/** Undrained output above which a session stops reading, and below which it goes on. */
const PAUSE_BYTES = 1024 * 1024;
const RESUME_BYTES = 256 * 1024;
/** Blocks smaller than this are copied while the socket is backed up: each would pin a page of 64 KiB. */
const COPY_BYTES = 16 * 1024;

interface HeldBlock {
  readonly page: number;
  /** `Channel.writtenBytes` after this block: it has left when that much was drained. */
  readonly mark: number;
}

/** A stream of RESP commands with its own connection in the engine. */
export class Session implements Worker {
  readonly connection: number;
  private input: Uint8Array | undefined;
  private offset = 0;
  private readonly waiting: Uint8Array[] = [];
  private readonly held: HeldBlock[] = [];
  private paused = false;
  private choked = false;
  private ending = false;
  private closed = false;

  constructor(
    private readonly host: SessionHost,
    private readonly channel: Channel,
    private readonly client: HostClient,
  ) {
    this.connection = host.engine.connect();
    client.connections.push(this.connection);
    if (client.authenticated) host.engine.setAuthenticated(this.connection, true);
  }

  /** True when nothing received waits to be executed and nothing executed waits to leave. */
  get idle(): boolean {
    return this.input === undefined && this.channel.undrainedBytes === 0;
  }

  /** Takes bytes that a socket delivered; they must not change afterwards. Runs them at once unless others wait. */
  receive(bytes: Uint8Array): void {
    if (this.ending || this.closed || bytes.length === 0) return;
    if (this.input !== undefined) {
      this.waiting.push(bytes);
      return;
    }
    this.input = bytes;
    this.offset = 0;
    this.client.lastActiveMs = Date.now();
    if (this.work(0)) this.host.turns.add(this);
    this.adjustReading();
  }

  /** Executes for about a millisecond; true while more waits that may run now. */
  turn(): boolean {
    if (this.closed) return false;
    const more = this.work(performance.now() + TURN_MS);
    this.adjustReading();
    return more;
  }

  /** Tells that bytes left the process: returns their blocks and goes on where a full socket had stopped it. */
  drained(): void {
    if (this.held.length > 0) this.releaseDrained();
    if (!this.choked || this.closed || this.channel.undrainedBytes > RESUME_BYTES) return;
    this.choked = false;
    if (this.input !== undefined) this.host.turns.add(this);
    this.adjustReading();
  }

  /** Ends the session after what was received is answered; later bytes are dropped. */
  finish(): void {
    if (this.input === undefined) this.end();
    else this.ending = true;
  }

  /** Frees what the session holds in the engine; the socket must be closed. Idempotent. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.host.turns.remove(this);
    for (const block of this.held) this.host.engine.release(this.connection, block.page);
    this.held.length = 0;
    this.waiting.length = 0;
    this.input = undefined;
    this.host.engine.disconnect(this.connection);
    this.client.connections.splice(this.client.connections.indexOf(this.connection), 1);
  }

  /** Executes until `untilMs`, the end of the input or a full socket; true when it can go on at once. */
  private work(untilMs: number): boolean {
    try {
      do {
        if (!this.step()) return false;
        if (this.choked) return false;
      } while (performance.now() < untilMs);
      return true;
    } catch (error) {
      this.host.failed(error);
      return false;
    }
  }

  /** Calls the engine until it is through with the input or yields, and flushes; false when nothing is left to do. */
  private step(): boolean {
    const { engine } = this.host;
    for (let input = this.input; input !== undefined; input = this.input) {
      const outcome = engine.execute(this.connection, input, this.offset, Date.now());
      this.offset += engine.consumed;
      switch (outcome) {
        case Outcome.Done:
          this.takeNext();
          break;
        case Outcome.Yield:
          this.flush();
          return !this.closed;
        case Outcome.Host:
          this.answer();
          break;
        case Outcome.Close:
          this.stop();
          break;
        case Outcome.Overflow:
          this.overflow();
          return false;
      }
    }
    this.flush();
    if (this.ending) this.end();
    return false;
  }

  /** Moves on to the next piece of bytes, if one arrived meanwhile. */
  private takeNext(): void {
    this.input = this.waiting.shift();
    this.offset = 0;
  }

  /** Drops the rest of the input; the session ends when its replies are out. */
  private stop(): void {
    this.ending = true;
    this.waiting.length = 0;
    this.input = undefined;
  }

  private answer(): void {
    const { engine, commands } = this.host;
    const answer = commands.answer(engine.hostArguments(), this.connection, this.client);
    engine.reply(this.connection, answer.reply);
    if (answer.close) this.stop();
  }

  /** Lends all waiting reply blocks to the socket. */
  private flush(): void {
    const { engine } = this.host;
    for (
      let block = engine.takeOutput(this.connection);
      block !== undefined;
      block = engine.takeOutput(this.connection)
    ) {
      this.lend(block.view, block.page);
      if (this.closed) return;
    }
    const undrained = this.channel.undrainedBytes;
    if (undrained > this.host.outputLimitBytes) this.overflow();
    else if (undrained > PAUSE_BYTES) this.choked = true;
  }

  private lend(view: Uint8Array, page: number): void {
    const { channel } = this;
    const backedUp = view.length < COPY_BYTES && channel.undrainedBytes > 0;
    channel.write(backedUp ? view.slice() : view);
    if (this.closed) return;
    if (backedUp || channel.undrainedBytes === 0) this.host.engine.release(this.connection, page);
    else this.held.push({ page, mark: channel.writtenBytes });
  }

  private releaseDrained(): void {
    const gone = this.channel.writtenBytes - this.channel.undrainedBytes;
    let count = 0;
    for (const block of this.held) {
      if (block.mark > gone) break;
      this.host.engine.release(this.connection, block.page);
      count++;
    }
    this.held.splice(0, count);
  }

  private adjustReading(): void {
    const wanted = this.input !== undefined || this.choked;
    if (wanted === this.paused || this.closed) return;
    this.paused = wanted;
    if (wanted) this.channel.pause();
    else this.channel.resume();
  }

  private overflow(): void {
    this.stop();
    this.channel.destroy();
  }

  private end(): void {
    this.ending = true;
    this.channel.end();
  }
}
