// Commands to an engine that nobody else uses, at a moment that stands still: for reading all that it holds and for filling
// another one. Protocol and commands change less than memory does, which is why content is carried this way.

import { type Engine, Outcome } from "../engine.ts";
import { errorOfReply, NearkeyError } from "../errors.ts";
import { type Argument, CommandWriter, type Reply, ReplyDecoder, ReplyError } from "../resp.ts";

/** Runs commands on one engine. */
export class CommandRunner {
  readonly #writer = new CommandWriter();
  readonly #decoder = new ReplyDecoder({ bytes: true });
  readonly #connection: number;

  /** @param nowMs the time of every command */
  constructor(
    readonly engine: Engine,
    readonly nowMs: number,
  ) {
    this.#connection = engine.connect();
    engine.setAuthenticated(this.#connection, true);
  }

  /**
   * Runs commands as one batch.
   *
   * @returns their replies, strings as bytes
   * @throws NearkeyError of the first error reply
   */
  run(commands: readonly (readonly Argument[])[]): Reply[] {
    for (const command of commands) this.#writer.command(command);
    const replies: Reply[] = [];
    this.#execute(this.#writer.view(), (block) => {
      this.#decoder.push(block);
      for (let next = this.#decoder.next(); next; next = this.#decoder.next()) replies.push(next.value);
    });
    for (const reply of replies) if (reply instanceof ReplyError) throw errorOfReply(reply);
    return replies;
  }

  /** Runs one command. */
  one(...command: readonly Argument[]): Reply {
    return this.run([command])[0] as Reply;
  }

  /** Ends the connection. */
  close(): void {
    this.engine.disconnect(this.#connection);
  }

  #execute(batch: Uint8Array, take: (block: Uint8Array) => void): void {
    const { engine } = this;
    let offset = 0;
    let outcome: Outcome;
    do {
      outcome = engine.execute(this.#connection, batch, offset, this.nowMs);
      offset += engine.consumed;
      for (let block = engine.takeOutput(this.#connection); block; block = engine.takeOutput(this.#connection)) {
        take(block.view);
        engine.release(this.#connection, block.page);
      }
      if (outcome !== Outcome.Done && outcome !== Outcome.Yield) {
        throw new NearkeyError("engine-failed", "a value cannot be read: it is longer than replies may be");
      }
    } while (outcome !== Outcome.Done);
  }
}
