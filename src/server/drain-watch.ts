// Noticing that written bytes have left, without a price for writes that the kernel takes at once, as it takes most:
// those get no callback, for which Node would need an extra tick each. When bytes are left waiting, an empty write
// behind them carries the callback. ('drain' does not serve: it is silent below the high-water mark.)

import type { Socket } from "node:net";

const NOTHING = Buffer.alloc(0);

/** Watches a socket whose writes may wait. */
export class DrainWatch {
  private watching = false;

  /** `drained` is called each time that some of what waited has left. */
  constructor(
    private readonly socket: Socket,
    private readonly drained: () => void,
  ) {}

  /** To be called after each write. */
  watch(): void {
    if (this.watching || this.socket.writableLength === 0 || !this.socket.writable) return;
    this.watching = true;
    this.socket.write(NOTHING, this.left);
  }

  private readonly left = (): void => {
    this.watching = false;
    this.drained();
    this.watch();
  };
}
