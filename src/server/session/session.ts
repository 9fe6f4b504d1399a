// One stream of commands and its replies, whatever socket carries it. A session owns one connection of the engine,
// feeds it the pieces of bytes as they were delivered (one call each), answers what the engine leaves to the host,
// and lends the reply blocks to the socket without copying them. A block goes back to the engine only when its bytes
// left the process. Reading stops while commands wait for a turn or while much output is undrained, so that a reader
// who never reads costs its block limit and nothing more.

import { type EngineEvent, Outcome } from "../../engine.ts";
import { TURN_MS } from "../../event-loop.ts";
import type { Served } from "../../host/host-commands.ts";
import type { HostClient } from "../../host/host-facts.ts";
import { CUT_OFF, ReplyHold } from "../../persistence/reply-gate.ts";
import type { CrowdMember } from "../crowd.ts";
import type { Channel, SessionHost } from "./channel.ts";
import type { Paused } from "./client-pause.ts";
import { KeyWait, WAITING_PIECES_MAX } from "./key-wait.ts";
import { LentBlocks } from "./lent-blocks.ts";
import type { Told } from "./sessions.ts";
import type { Worker } from "./turns.ts";

/** More commands at once share the cost of a read and a write: they are no crowd's, and nobody waits. */
const CROWD_COMMANDS_MAX = 4;

/** A stream of RESP commands with its own connection in the engine. */
export class Session implements Worker, CrowdMember, Told, Paused {
  readonly connection: number;
  seenIn = 0;
  /** Replies stay in the engine until the turn of the event loop ends. */
  private holding = false;
  private readonly hold: ReplyHold | undefined;
  private input: Uint8Array | undefined;
  private offset = 0;
  /** Commands of the input so far. */
  private commands = 0;
  private readonly waiting: Uint8Array[] = [];
  private readonly lent: LentBlocks;
  private paused = false;
  private choked = false;
  /** While an answer of the host takes its time, such as the check of a password: nothing else runs. */
  private asking = false;
  private ending = false;
  private closed = false;
  private readonly keyWait: KeyWait;
  /** While clients are paused and its command is held back. */
  private suspended = false;
  /** Replies came from elsewhere while others wait for the log. */
  private toldMeanwhile = false;
  private malformed = false;

  constructor(
    private readonly host: SessionHost,
    private readonly channel: Channel,
    private readonly client: HostClient,
  ) {
    this.connection = host.engine.connect();
    if (host.log !== undefined) this.hold = new ReplyHold(host.log, (covered) => this.logged(covered));
    this.lent = new LentBlocks(host.engine, host.budget, channel, this.connection);
    host.budget.join();
    client.connections.push(this.connection);
    host.engine.setAuthenticated(this.connection, client.authenticated);
    this.keyWait = new KeyWait(host.engine.events, this.connection);
    host.sessions.add(this.connection, this);
    host.pause.opened(this.connection);
  }

  /** Takes bytes that a socket delivered; they must not change afterwards. Runs them at once unless others wait. */
  receive(bytes: Uint8Array): void {
    if (this.ending || this.closed || bytes.length === 0) return;
    if (this.input !== undefined || this.hold?.waits) {
      this.waiting.push(bytes);
      this.adjustReading();
      return;
    }
    this.input = bytes;
    this.offset = 0;
    if (this.work()) this.host.turns.add(this);
    if (this.input !== undefined || this.choked) this.adjustReading();
  }

  /** As `receive`, of bytes that were read into the engine's own input, where they are only now. */
  receiveInPlace(bytes: number): void {
    if (this.ending || this.closed) return;
    const { engine } = this.host;
    // Several messages may come with one read: an answer may have filled the socket.
    if (this.input !== undefined || this.choked || this.hold?.waits) {
      this.receive(engine.input.copy(0, bytes));
      return;
    }
    const nowMs = engine.clock.now();
    this.client.lastActiveMs = nowMs;
    try {
      const before = engine.statistics.commandCount;
      const outcome = engine.executeInPlace(this.connection, bytes, nowMs);
      this.commands = (engine.statistics.commandCount - before) >>> 0;
      if (outcome === Outcome.Done) this.finishPiece();
      else this.goOn(outcome, engine.input.copy(engine.consumed, bytes));
    } catch (error) {
      this.host.failed(error);
    }
    if (this.input !== undefined || this.choked) this.adjustReading();
  }

  /** Does what the outcome of a call asks for, and executes the rest of its input. */
  private goOn(outcome: Outcome, rest: Uint8Array): void {
    this.input = rest;
    this.offset = 0;
    this.follow(outcome);
    if (this.work()) this.host.turns.add(this);
  }

  private finishPiece(): void {
    const { commands, host } = this;
    this.channel.batches.add(commands);
    this.commands = 0;
    const isSmall = commands <= CROWD_COMMANDS_MAX && this.channel.alone !== true;
    // What waits for the log leaves together anyway; and a thread that waits for the disk needs no other rest.
    const waits = this.hold?.holds() === true;
    if (isSmall && !(waits && host.log?.syncs)) host.crowd.served(this, this.client.lastActiveMs);
    if (waits) return;
    if (!isSmall || !host.crowd.isHere) {
      this.flush();
    } else if (!this.holding) {
      this.holding = true;
      host.crowd.hold(this);
    }
  }

  /** Sends the replies held back in a crowd. */
  sendHeld(): void {
    if (!this.holding) return;
    this.holding = false;
    try {
      this.flush();
    } catch (error) {
      this.host.failed(error);
    }
    if (this.choked) this.adjustReading();
  }

  /** Executes for about a millisecond; true while more waits that may run now. */
  turn(): boolean {
    if (this.closed) return false;
    const more = this.work();
    this.adjustReading();
    return more;
  }

  /** Tells that bytes left the process: returns their blocks and goes on where a full socket had stopped it. */
  drained(): void {
    this.lent.releaseDrained();
    if (!this.choked || this.closed || this.channel.undrainedBytes > this.host.budget.pauseBytes / 4) return;
    this.choked = false;
    if (this.input !== undefined && !this.isHeld()) this.host.turns.add(this);
    this.adjustReading();
  }

  /** Ends the session after what was received is answered; later bytes are dropped. */
  finish(): void {
    this.sendHeld(); // That may begin to wait for the log.
    // Who has gone is served nothing any more; what it sent behind is dropped.
    if (this.keyWait.giveUp()) this.stop();
    if (this.input === undefined && !this.hold?.waits) this.end();
    else this.ending = true;
  }

  /** Frees what the session holds in the engine; the socket must be closed. Idempotent. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.holding = false;
    this.host.turns.remove(this);
    this.lent.releaseAll();
    this.host.budget.leave();
    this.waiting.length = 0;
    this.input = undefined;
    this.keyWait.end();
    this.host.pause.remove(this);
    this.host.sessions.remove(this.connection);
    this.host.engine.disconnect(this.connection);
    this.client.connections.splice(this.client.connections.indexOf(this.connection), 1);
  }

  /** Executes for one turn, to the end of the input or until the socket is full; true when it can go on at once. */
  private work(): boolean {
    const startMs = this.host.engine.clock.now();
    this.client.lastActiveMs = startMs;
    let nowMs = startMs;
    try {
      while (this.input !== undefined) {
        if (this.choked || this.isHeld()) return false;
        if (nowMs - startMs >= TURN_MS) return true;
        this.step(this.input, nowMs);
        if (this.input !== undefined) nowMs = this.host.engine.clock.now();
      }
      this.flush();
      if (this.ending && !this.hold?.waits) this.end();
    } catch (error) {
      this.host.failed(error);
    }
    return false;
  }

  /** Calls the engine once. */
  private step(input: Uint8Array, nowMs: number): void {
    const { engine } = this.host;
    const before = engine.statistics.commandCount;
    const outcome = engine.execute(this.connection, input, this.offset, nowMs);
    this.commands += (engine.statistics.commandCount - before) >>> 0;
    this.offset += engine.consumed;
    this.follow(outcome);
  }

  private follow(outcome: Outcome): void {
    switch (outcome) {
      case Outcome.Done:
        this.takeNext();
        break;
      case Outcome.Yield:
        this.flush();
        break;
      case Outcome.Host:
        this.answer();
        break;
      case Outcome.Close:
        this.host.links?.abandon();
        this.malformed = true;
        this.stop();
        break;
      case Outcome.Overflow:
        this.host.links?.abandon();
        this.overflow();
        break;
      case Outcome.Links:
        // Workers link what the call has left to them, and no reply leaves before.
        if (this.host.links !== undefined) this.rest(this.host.links.linked(), () => undefined);
        break;
      case Outcome.Blocked:
        this.flush();
        this.keyWait.begin();
        break;
      case Outcome.Paused:
        this.flush();
        this.suspended = true;
        this.host.pause.wait(this);
        break;
      case Outcome.LogFull:
        this.flush();
        this.hold?.waitForRoom();
        break;
    }
  }

  /** Moves on to the next piece of bytes, if one arrived meanwhile. */
  private takeNext(): void {
    this.channel.batches.add(this.commands);
    this.commands = 0;
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
    const served = this.host.commands.serve(this.connection, this.client);
    if (served instanceof Promise) {
      this.flush();
      this.rest(served, (late) => this.answered(late));
    } else {
      this.answered(served);
    }
  }

  /** Runs nothing more until a promise is kept, and goes on behind it. */
  private rest<T>(promise: Promise<T>, then: (value: T) => void): void {
    this.asking = true;
    const goOn = (value: T): void => {
      this.asking = false;
      if (this.closed) return;
      then(value);
      this.host.turns.add(this);
    };
    promise.then(goOn).catch(this.host.failed);
  }

  /** Whether nothing may run for now. */
  private isHeld(): boolean {
    return this.asking || this.keyWait.waits || this.suspended || this.hold?.waits === true;
  }

  /** Something came for this connection from another's command, or its own was answered. */
  told({ awake, overflowed }: EngineEvent): void {
    if (this.closed) return;
    try {
      if (overflowed) this.overflow();
      if (awake && this.keyWait.end()) {
        if (this.offset === this.input?.length) this.takeNext();
        this.host.turns.add(this);
      }
      if (this.hold?.waits) this.toldMeanwhile = true;
      else if (!this.asking) this.flush();
    } catch (error) {
      this.host.failed(error);
    }
  }

  /** Clients are no longer paused. */
  resume(): void {
    this.suspended = false;
    this.host.turns.add(this);
  }

  private answered({ outcome, closes }: Served): void {
    if (outcome === Outcome.Overflow) this.overflow();
    else if (closes) this.stop();
    else if (this.offset === this.input?.length) this.takeNext();
  }

  /** The log has what the replies tell of, or cannot have it: then nobody is told that it worked. */
  private logged(covered: boolean): void {
    if (this.closed) return;
    if (!covered) {
      this.stop();
      this.channel.write(CUT_OFF);
      this.end();
      return;
    }
    try {
      this.lent.lendLater();
      // What came meanwhile tells of more than the log has: it is taken aside, and that waited for.
      const waitsAgain = this.toldMeanwhile && this.hold?.holds() === true;
      this.toldMeanwhile = false;
      if (waitsAgain) {
        this.lent.takeLater();
        return;
      }
      this.send();
    } catch (error) {
      this.host.failed(error);
      return;
    }
    if (this.input === undefined) this.offset = 0;
    this.input ??= this.waiting.shift();
    if (this.input === undefined) {
      if (this.ending) this.end();
    } else if (this.work()) {
      this.host.turns.add(this);
    }
    this.adjustReading();
  }

  /** Sends what waits, when it may leave. */
  private flush(): void {
    if (!this.hold?.holds()) this.send();
  }

  /** Lends all waiting reply blocks to the socket. */
  private send(): void {
    const { engine } = this.host;
    for (
      let block = engine.takeOutput(this.connection);
      block !== undefined;
      block = engine.takeOutput(this.connection)
    ) {
      this.lent.lend(block);
    }
    const undrained = this.channel.undrainedBytes;
    if (undrained === 0) return;
    if (undrained > this.host.outputLimitBytes) this.overflow();
    else if (undrained > this.host.budget.pauseBytes) this.choked = true;
  }

  private adjustReading(): void {
    const isBusy = this.keyWait.waits
      ? this.waiting.length > WAITING_PIECES_MAX
      : this.input !== undefined || this.waiting.length > 0;
    const wanted = !this.ending && (isBusy || this.choked);
    if (wanted === this.paused || this.closed) return;
    this.paused = wanted;
    if (wanted) this.channel.pause();
    else this.channel.resume();
  }

  private overflow(): void {
    this.stop();
    this.channel.destroy();
  }

  /** Says goodbye once all is written; what still arrives is passed over, so that the goodbye is not reset. */
  private end(): void {
    this.ending = true;
    this.adjustReading();
    this.channel.end(this.malformed);
  }
}
