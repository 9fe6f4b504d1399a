// Drives an engine in process for tests: feeds bytes the way a server does, releases the output at once and decodes
// the replies. Time stands still unless the test moves it.

import { HEAP_BASE, PAGE_BYTES } from "../assembly/layout.ts";
import { ConnectionMode, type Engine, type EngineOptions, Outcome } from "../src/engine.ts";
import { type Argument, encodeCommand, type Reply, ReplyDecoder } from "../src/resp.ts";
import { debugEngine } from "./debug-engine.ts";
import { seedOfRun } from "./random.ts";

/** The seed of a file's random tests, printed so that a failure can be repeated. */
export function drawSeed(file: string): number {
  // fast-check wants a signed one.
  const seed = seedOfRun() | 0;
  console.log(`${file}: NEARKEY_SEED=${seed}`);
  return seed;
}

/** Replies as text, and how the last call ended. */
export interface Answer {
  text: string;
  outcome: Outcome;
}

/** One engine and one connection to it. */
export class EngineDriver {
  readonly engine: Engine;
  connection: number;
  /** Milliseconds since epoch. */
  now = 1_700_000_000_000;
  /** The commands that the host was asked to answer; it answers +HOST. */
  readonly hostCommands: Uint8Array[][] = [];

  /** @param engine one that is there already, for a database that was loaded */
  constructor(options: Partial<EngineOptions> = {}, engine?: Engine) {
    this.engine = engine ?? debugEngine({ maxMemoryBytes: 256 << 20, seed: 1n, ...options });
    this.connection = this.engine.connect();
    this.engine.connections.setMode(this.connection, ConnectionMode.NeverBlocks, true);
  }

  /** Feeds bytes until they are consumed or the connection ends; answers all replies as bytes. */
  feed(input: Uint8Array, connection = this.connection): { bytes: Buffer; outcome: Outcome } {
    const blocks: Buffer[] = [];
    let outcome = Outcome.Done;
    let offset = 0;
    do {
      outcome = this.engine.execute(connection, input, offset, this.now);
      offset += this.engine.consumed;
      while (outcome === Outcome.Host) {
        this.hostCommands.push(this.engine.hostArguments());
        outcome = this.engine.reply(connection, Buffer.from("+HOST\r\n"));
      }
      for (let block = this.engine.takeOutput(connection); block; block = this.engine.takeOutput(connection)) {
        blocks.push(Buffer.from(block.view));
        this.engine.release(connection, block.page);
      }
      if (outcome === Outcome.Close || outcome === Outcome.Overflow) break;
    } while (offset < input.length);
    return { bytes: Buffer.concat(blocks), outcome };
  }

  /** Feeds latin1 text, answers latin1 text. */
  send(text: string, connection = this.connection): Answer {
    const { bytes, outcome } = this.feed(Buffer.from(text, "latin1"), connection);
    return { text: bytes.toString("latin1"), outcome };
  }

  /** Runs one command and decodes its reply. */
  run(...args: Argument[]): Reply {
    const [reply, ...more] = this.runAll([args]);
    if (reply === undefined || more.length > 0) throw new Error(`${more.length + 1} replies to ${String(args[0])}`);
    return reply;
  }

  /** Runs one command; strings in its reply are bytes. */
  runBytes(...args: Argument[]): Reply {
    const [reply] = decodeReplies(this.feed(encodeCommand(args)).bytes, true);
    if (reply === undefined) throw new Error(`no reply to ${String(args[0])}`);
    return reply;
  }

  /** Runs commands as one pipeline. */
  runAll(commands: readonly (readonly Argument[])[]): Reply[] {
    const { bytes } = this.feed(Buffer.concat(commands.map((args) => encodeCommand(args))));
    return decodeReplies(bytes);
  }

  /** Runs a command that must succeed: an error reply is thrown. */
  must(...args: Argument[]): Reply {
    const reply = this.run(...args);
    if (isError(reply)) throw new Error(`${String(args[0])}: ${reply.message}`);
    return reply;
  }

  /** Frees everything that waits to be freed. */
  settle(): void {
    while (this.engine.tick(this.now));
  }

  reconnect(): void {
    this.engine.disconnect(this.connection);
    this.connection = this.engine.connect();
  }

  get heldPages(): number {
    return (this.engine.stats().memoryUsedBytes - HEAP_BASE) / PAGE_BYTES;
  }
}

/** All replies in `bytes`, which must end with one. */
export function decodeReplies(bytes: Uint8Array, stringsAsBytes = false): Reply[] {
  const decoder = new ReplyDecoder({ bytes: stringsAsBytes });
  decoder.push(bytes);
  const replies: Reply[] = [];
  for (let reply = decoder.next(); reply; reply = decoder.next()) replies.push(reply.value);
  if (decoder.partial) throw new Error("the replies end inside one");
  return replies;
}

export function isError(reply: Reply): reply is Reply & { message: string } {
  return typeof reply === "object" && reply !== null && "message" in reply && "prefix" in reply;
}
