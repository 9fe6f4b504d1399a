// Writing replies to a socket past Node's streams, whose state, request objects and ticks are a good part of what a
// command that comes alone costs outside the kernel: one call of the stream's handle, of which a write that the kernel
// takes at once needs nothing more. (A write of a short reply so: 4.5 µs of CPU, by `fs.writeSync` on the descriptor,
// which looks for tracing by name each time, 4.8; most of both is the kernel's.) What the kernel does not take the handle
// keeps, by reference. Handle and request are no public part of Node: where they do not look as expected (other
// runtimes, the permission model), and over TLS, the stream is used. Nothing overtakes: while the stream holds bytes,
// nothing is written past it, and what it is given later queues behind what the handle keeps.
//
// And noticing that written bytes have left, without a price for writes that the kernel takes at once, as it takes most:
// those get no callback, for which Node would need an extra tick each. When bytes are left waiting, an empty write
// behind them carries the callback. ('drain' does not serve: it is silent below the high-water mark.)

import type { Socket } from "node:net";

/** A request of Node's streams: it is used only where the kernel does not take everything. */
interface WriteRequest {
  oncomplete: () => void;
}

/** The part of Node that its streams are made of. */
interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  /** What the last call of a handle left behind. */
  readonly streamBaseState: Int32Array;
  readonly kLastWriteWasAsync: number;
}

/** The part of Node's TCP handle that writes: 0 or the error. */
interface Handle {
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
}

const binding = streamBinding();

function streamBinding(): StreamBinding | undefined {
  try {
    const found = (process as unknown as { binding(name: string): Partial<StreamBinding> }).binding("stream_wrap");
    const isKnown = typeof found.WriteWrap === "function" && found.streamBaseState instanceof Int32Array;
    return isKnown && typeof found.kLastWriteWasAsync === "number" ? (found as StreamBinding) : undefined;
  } catch {
    return undefined;
  }
}

/** One for all sockets, until a handle keeps it. */
let request = binding && new binding.WriteWrap();

/** How a write went. */
export const enum Written {
  /** Nothing was written: the stream must. */
  Not = 0,
  /** The kernel has all. */
  Whole = 1,
  /** The handle keeps some of it, where it is, until `waitingBytes` is 0. */
  Kept = 2,
}

/** Writes to one socket past its stream. */
export class StraightWriter {
  private readonly handle: Handle | undefined;
  /** What the handle keeps, which must not be collected. */
  private kept: Uint8Array | undefined;

  constructor(private readonly socket: Socket) {
    // An encrypted socket must not be written past its stream.
    const { _handle: handle } = socket as unknown as { _handle: Partial<Handle> | null };
    if (!("encrypted" in socket) && typeof handle?.writeBuffer === "function") this.handle = handle as Handle;
  }

  /** Bytes of the write that the handle keeps, more than have not left; 0 when it keeps none. */
  get waitingBytes(): number {
    return this.kept === undefined ? 0 : this.kept.length;
  }

  /** Writes bytes; when it answers Kept they must neither change nor move until they have left or the socket is closed. */
  write(bytes: Uint8Array): Written {
    const { handle, socket } = this;
    if (handle === undefined || binding === undefined || request === undefined) return Written.Not;
    // A handle that is closed takes nothing: `writable` is false before it is closed.
    if (this.kept !== undefined || !socket.writable || socket.writableLength > 0) return Written.Not;
    // Whatever has failed, the stream finds it too, and tells.
    if (handle.writeBuffer(request, bytes) !== 0) return Written.Not;
    if (binding.streamBaseState[binding.kLastWriteWasAsync] === 0) return Written.Whole;
    this.kept = bytes;
    request.oncomplete = () => {
      this.kept = undefined;
    };
    request = new binding.WriteWrap();
    return Written.Kept;
  }
}

const NOTHING = Buffer.alloc(0);

/** Watches a socket whose writes may wait. */
export class DrainWatch {
  private watching = false;

  /** `drained` is called each time that some of what waited has left. */
  constructor(
    private readonly socket: Socket,
    private readonly straight: StraightWriter,
    private readonly drained: () => void,
  ) {}

  /** Bytes handed over that have not left the process. */
  get undrainedBytes(): number {
    return this.socket.writableLength + this.straight.waitingBytes;
  }

  /** To be called after each write. */
  watch(): void {
    if (this.watching || this.undrainedBytes === 0 || !this.socket.writable) return;
    this.watching = true;
    this.socket.write(NOTHING, this.left);
  }

  private readonly left = (): void => {
    this.watching = false;
    this.drained();
    this.watch();
  };
}
