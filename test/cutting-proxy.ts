// A TCP proxy that breaks things: it cuts connections in the middle of what passes, in either direction, delays and
// splits it, or stops passing anything while both sides stay connected. Its choices come from a seed.

import { connect, createServer, type Server, type Socket } from "node:net";
import type { Random } from "./random.ts";

/** What may happen to bytes on their way. */
export interface Mischief {
  /** Bytes until the connection is cut, on the way to the server or back; undefined is never. */
  cutAfter?: () => number | undefined;
  /** Longest delay of a piece, in milliseconds. */
  delayMs?: number;
  /** Longest piece that is passed on at once, in bytes. */
  pieceBytes?: number;
}

interface Passage {
  readonly client: Socket;
  readonly server: Socket;
}

/** A proxy in front of one port. */
export class CuttingProxy {
  mischief: Mischief = {};
  /** While true nothing passes, in no direction, and nobody is told. */
  stalled = false;
  connections = 0;
  private readonly passages = new Set<Passage>();
  private readonly server: Server;

  private constructor(
    private readonly target: number,
    private readonly random: Random,
  ) {
    this.server = createServer((client) => this.accept(client));
  }

  static async start(target: number, random: Random): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target, random);
    await new Promise<void>((resolve) => proxy.server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.server.address() as { port: number }).port}/`;
  }

  /** Cuts every connection now. */
  cut(): void {
    for (const { client, server } of this.passages) {
      client.destroy();
      server.destroy();
    }
    this.passages.clear();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(client: Socket): void {
    this.connections++;
    const server = connect(this.target, "127.0.0.1");
    const passage = { client, server };
    this.passages.add(passage);
    const end = (): void => {
      client.destroy();
      server.destroy();
      this.passages.delete(passage);
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", end);
    }
    const left = { bytes: this.mischief.cutAfter?.() ?? Number.POSITIVE_INFINITY };
    this.pass(client, server, left, end);
    this.pass(server, client, left, end);
  }

  private pass(from: Socket, to: Socket, left: { bytes: number }, end: () => void): void {
    let last = Promise.resolve();
    from.on("data", (bytes) => {
      if (this.stalled) return;
      last = last.then(() => this.passPieces(bytes, to, left, end));
    });
  }

  private async passPieces(bytes: Buffer, to: Socket, left: { bytes: number }, end: () => void): Promise<void> {
    const { delayMs, pieceBytes = bytes.length } = this.mischief;
    for (let at = 0; at < bytes.length && !to.destroyed; ) {
      const size = Math.min(1 + this.random.below(pieceBytes), bytes.length - at, left.bytes);
      to.write(bytes.subarray(at, at + size));
      at += size;
      left.bytes -= size;
      if (left.bytes === 0) {
        // What was written leaves first: the cut comes behind that very byte.
        await new Promise((resolve) => setTimeout(resolve, 2));
        end();
        return;
      }
      if (delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, this.random.below(delayMs + 1)));
    }
  }
}
