// WebSocket frames as bytes, for tests that break the rules a library keeps: frames made by hand, and a plain socket
// that was upgraded and shows every byte it receives.

import { connect, type Socket } from "node:net";

/** What to write into a frame's header; the usual is a whole masked frame. */
export interface FrameShape {
  fin?: boolean;
  reserved?: number;
  masked?: boolean;
  mask?: readonly number[];
  /** The length that the header announces, when it is not the payload's. */
  announced?: number;
}

/** One frame as a client sends it. */
export function frame(opcode: number, payload: string | Uint8Array = "", shape: FrameShape = {}): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  const { fin = true, reserved = 0, masked = true, mask = [1, 2, 3, 250], announced = bytes.length } = shape;
  const header: number[] = [(fin ? 0x80 : 0) | reserved | opcode];
  const bit = masked ? 0x80 : 0;
  if (announced < 126) header.push(bit | announced);
  else if (announced < 65536) header.push(bit | 126, announced >> 8, announced & 255);
  else {
    header.push(bit | 127);
    for (let place = 7; place >= 0; place--) header.push(Math.floor(announced / 256 ** place) % 256);
  }
  if (!masked) return Buffer.concat([Buffer.from(header), bytes]);
  const hidden = bytes.map((byte, index) => byte ^ (mask[index & 3] as number));
  return Buffer.concat([Buffer.from(header), Buffer.from(mask), hidden]);
}

/** A socket that speaks whatever bytes it is given. */
export class RawWebSocket {
  received = Buffer.alloc(0);
  readonly closed: Promise<void>;

  private constructor(readonly socket: Socket) {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      this.received = Buffer.concat([this.received, bytes]);
    });
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
  }

  /**
   * Connects and waits for the upgrade; `first` travels in the same packet as the request, `behind` a little later, not
   * waiting for the answer.
   */
  static async open(
    port: number,
    first: Uint8Array = Buffer.alloc(0),
    { headers = "", behind }: { headers?: string; behind?: Uint8Array } = {},
  ): Promise<RawWebSocket> {
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    const raw = new RawWebSocket(socket);
    const request =
      "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    socket.write(Buffer.concat([Buffer.from(`${request}${headers}\r\n`), first]));
    if (behind !== undefined) setTimeout(() => socket.write(behind), 10);
    await raw.until(() => raw.received.includes("\r\n\r\n"));
    raw.received = raw.received.subarray(raw.received.indexOf("\r\n\r\n") + 4);
    return raw;
  }

  /** Waits until so many bytes came, and takes them. */
  async take(bytes: number): Promise<Buffer> {
    await this.until(() => this.received.length >= bytes);
    const taken = this.received.subarray(0, bytes);
    this.received = this.received.subarray(bytes);
    return taken;
  }

  private async until(ready: () => boolean): Promise<void> {
    while (!ready()) {
      if (this.socket.destroyed) throw new Error(`the socket closed; received ${this.received.toString("latin1")}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}
