// A connection into an engine of the same process: the commands of an operation are encoded into one buffer, executed
// in one call a batch, and the replies decoded from the engine's own pages, which are given back right away. The
// engine must not be called again after it trapped; that is why every call goes through `Embedded.call`.

import type { Engine } from "../engine.ts";
import { ConnectionMode, Outcome } from "../engine.ts";
import { errorOfReply, NearkeyError } from "../errors.ts";
import type { HostCommands } from "../host/host-commands.ts";
import { type HostClient, newClient } from "../host/host-facts.ts";
import { CommandWriter, type Reply, ReplyDecoder, ReplyError } from "../resp.ts";
import type { Operation } from "./operations.ts";

/** An engine with what answers for it; poisoned by a trap, because nothing in its memory can be trusted afterwards. */
export class Embedded {
  readonly engine: Engine;
  readonly commands: HostCommands;
  readonly now: () => number;
  /** Called when the engine broke. */
  onFailure: (() => void) | undefined;
  #ended: NearkeyError | undefined;

  constructor(engine: Engine, commands: HostCommands, now: () => number) {
    this.engine = engine;
    this.commands = commands;
    this.now = now;
  }

  /**
   * Makes sure that the engine may be called.
   *
   * @throws NearkeyError `closed`, `engine-failed`
   */
  check(): void {
    if (this.#ended !== undefined)
      throw new NearkeyError(this.#ended.code, this.#ended.message, { cause: this.#ended.cause });
  }

  /** From now on every call throws `closed`. */
  close(): void {
    this.#ended ??= new NearkeyError("closed", "the database is closed");
  }

  /** Turns what a call into the engine threw into a NearkeyError; a trap ends the database. */
  failure(cause: unknown): NearkeyError {
    if (cause instanceof NearkeyError) return cause;
    const message = `the engine failed and the database cannot be used any more: ${cause instanceof Error ? cause.message : cause}`;
    this.#ended = new NearkeyError("engine-failed", message, { cause });
    this.onFailure?.();
    return this.#ended;
  }
}

/** A batch is executed once its commands take so many bytes: it fits the engine's input in one piece. */
const BATCH_BYTES = 512 * 1024;

/** A stream of commands and replies with a state of its own (protocol, database). */
export class DatabaseConnection {
  readonly #embedded: Embedded;
  readonly #client: HostClient;
  readonly #protocol: 2 | 3;
  readonly #writer = new CommandWriter();
  #decoder = new ReplyDecoder();
  #connection: number;
  /** Whether the last batch ended early, at bytes that are no command; what followed them was dropped. */
  cutShort = false;

  /** @param protocol what the connection speaks at first, and again after it had to be opened anew */
  constructor(embedded: Embedded, protocol: 2 | 3, id: number) {
    this.#embedded = embedded;
    this.#protocol = protocol;
    this.#client = newClient(id, "embedded", "embedded", true);
    this.#connection = this.#open();
  }

  get client(): HostClient {
    return this.#client;
  }

  /**
   * Runs the commands of an operation and reads their replies.
   *
   * @throws NearkeyError of the first error reply, once all commands have run, or what reading throws
   */
  run<Result>(operation: Operation<Result>): Result {
    const replies = this.#replies(operation);
    for (const reply of replies) if (reply instanceof ReplyError) throw errorOfReply(reply);
    try {
      return operation.read(replies);
    } catch (error) {
      if (operation.undo) this.#replies({ commands: [operation.undo], read: () => undefined });
      throw error;
    }
  }

  #replies(operation: Operation<unknown>): Reply[] {
    this.#embedded.check();
    const replies: Reply[] = [];
    this.#decoder.bytes = operation.bytes ?? false;
    const decode = (block: Uint8Array): void => {
      this.#decoder.push(block);
      for (let next = this.#decoder.next(); next; next = this.#decoder.next()) replies.push(next.value);
    };
    for (const command of operation.commands) {
      this.#writer.command(command);
      if (this.#writer.length >= BATCH_BYTES) this.#execute(this.#writer.view(), decode);
    }
    if (this.#writer.length > 0) this.#execute(this.#writer.view(), decode);
    if (replies.length < operation.commands.length) {
      throw new NearkeyError("protocol-error", "the engine could not read a command and dropped it");
    }
    return replies;
  }

  /**
   * Executes a batch of RESP; an incomplete command at its end waits for the next batch.
   *
   * @returns the replies, as bytes of the caller's own
   */
  execute(batch: Uint8Array): Uint8Array {
    this.#embedded.check();
    const blocks: Uint8Array[] = [];
    this.#execute(batch, (block) => blocks.push(block.slice()));
    return joined(blocks);
  }

  #execute(batch: Uint8Array, take: (block: Uint8Array) => void): void {
    const { engine, now } = this.#embedded;
    let offset = 0;
    this.cutShort = false;
    try {
      while (true) {
        const outcome = this.#call(batch, offset, now());
        offset += engine.consumed;
        if (outcome === Outcome.Host) this.#answer();
        this.#drain(take);
        if (outcome === Outcome.Done) return;
        if (outcome === Outcome.Overflow) throw this.#overflow();
        if (outcome === Outcome.LogFull) engine.direct.makeLogRoom();
        if (outcome !== Outcome.Close) continue;
        this.cutShort = true;
        this.#reopen();
        return;
      }
    } catch (error) {
      throw this.#embedded.failure(error);
    }
  }

  /** Calls the engine; beside a server's clients, which can wait for workers, this connection cannot. */
  #call(batch: Uint8Array, offset: number, nowMs: number): Outcome {
    const { engine } = this.#embedded;
    if (engine.pool === undefined) return engine.execute(this.#connection, batch, offset, nowMs);
    return engine.pool.withoutPipelines(() => engine.execute(this.#connection, batch, offset, nowMs));
  }

  #drain(take: (block: Uint8Array) => void): void {
    const { engine } = this.#embedded;
    for (let block = engine.takeOutput(this.#connection); block; block = engine.takeOutput(this.#connection)) {
      take(block.view);
      engine.release(this.#connection, block.page);
    }
  }

  /** There is no connection to close for QUIT: it answers OK, and what follows it in the batch runs. */
  #answer(): void {
    this.#embedded.commands.serve(this.#connection, this.#client);
  }

  #overflow(): NearkeyError {
    this.#reopen();
    return new NearkeyError(
      "reply-too-large",
      "the replies take more memory than one connection may hold; ask for less at once",
    );
  }

  #open(): number {
    const { engine } = this.#embedded;
    const connection = engine.connect();
    // Who is in the process needs no password, not even beside a server that asks its clients for one.
    engine.setAuthenticated(connection, true);
    engine.setProtocol(connection, this.#protocol);
    // Nobody else runs while its command does, so nobody could wake it.
    engine.connections.setMode(connection, ConnectionMode.NeverBlocks, true);
    this.#client.connections.splice(0, 1, connection);
    this.#client.answered.splice(0, 1, connection);
    return connection;
  }

  /** Ends the connection; nothing may be executed on it any more. */
  close(): void {
    this.#embedded.engine.disconnect(this.#connection);
  }

  #reopen(): void {
    this.#embedded.engine.disconnect(this.#connection);
    this.#decoder = new ReplyDecoder();
    this.#connection = this.#open();
  }
}

function joined(blocks: readonly Uint8Array[]): Uint8Array {
  if (blocks.length === 1) return blocks[0] as Uint8Array;
  const whole = new Uint8Array(blocks.reduce((bytes, block) => bytes + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}
