// The replies of one connection on their way to its socket: lent to it where they lie in the engine's pages, without a copy,
// and given back when their bytes have left the process, which is at once wherever the kernel has room.

import type { Engine, OutputBlock } from "../../engine.ts";
import type { OutputBudget } from "../output-budget.ts";
import { Written } from "../straight-writer.ts";
import type { Channel } from "./channel.ts";

/** Blocks smaller than this are copied while the socket is backed up: each would pin a page of 64 KiB. */
const COPY_BYTES = 16 * 1024;

interface HeldBlock {
  readonly page: number;
  readonly bytes: number;
  /** `Channel.writtenBytes` after this block: it has left when that much was drained. */
  readonly mark: number;
}

/** Lends the blocks of one connection. */
export class LentBlocks {
  private readonly held: HeldBlock[] = [];
  private later: OutputBlock[] = [];

  constructor(
    private readonly engine: Engine,
    private readonly budget: OutputBudget,
    private readonly channel: Channel,
    private readonly connection: number,
  ) {}

  /** Hands a block to the socket. */
  lend(block: OutputBlock): void {
    const { channel } = this;
    const written = channel.writeAtOnce?.(block.view) ?? Written.Not;
    if (written === Written.Whole || (written === Written.Not && this.writeAndLeave(block.view))) {
      this.engine.release(this.connection, block.page);
      return;
    }
    const bytes = block.view.length;
    this.held.push({ page: block.page, bytes, mark: channel.writtenBytes });
    this.budget.lend(bytes);
  }

  /** Writes the usual way; true when the bytes may go where they lie: they have left, or were copied. */
  private writeAndLeave(bytes: Uint8Array): boolean {
    const { channel } = this;
    const copied = channel.undrainedBytes > 0 && (bytes.length < COPY_BYTES || !this.budget.canLend);
    channel.write(copied ? new Uint8Array(bytes) : bytes);
    return copied || channel.undrainedBytes === 0;
  }

  /** Gives back what has left. */
  releaseDrained(): void {
    if (this.held.length === 0) return;
    const gone = this.channel.writtenBytes - this.channel.undrainedBytes;
    let count = 0;
    for (const block of this.held) {
      if (block.mark > gone) break;
      this.giveBack(block);
      count++;
    }
    this.held.splice(0, count);
  }

  /** Takes what waits in the engine, to be lent when `lendLater` is called. */
  takeLater(): void {
    const { connection, engine } = this;
    for (let block = engine.takeOutput(connection); block; block = engine.takeOutput(connection))
      this.later.push(block);
  }

  lendLater(): void {
    const { later } = this;
    if (later.length === 0) return;
    this.later = [];
    for (const block of later) this.lend(block);
  }

  /** Gives back everything: the socket is closed. */
  releaseAll(): void {
    for (const { page } of this.later) this.engine.release(this.connection, page);
    this.later = [];
    for (const block of this.held) this.giveBack(block);
    this.held.length = 0;
  }

  private giveBack(block: HeldBlock): void {
    this.engine.release(this.connection, block.page);
    this.budget.giveBack(block.bytes);
  }
}
