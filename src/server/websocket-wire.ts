// One WebSocket as a socket that carries frames: what is sent becomes frames, what is received goes to the reader, and
// the end is said properly in both directions. `ws` shakes hands and then lets go of the socket: its general receiver and
// sender took a third of the time of a frame of 1,024 commands and a fifth of that of one. Replies are put behind their
// header in one buffer for all and given to the kernel at once; only where others wait already are they sent in two
// pieces, by reference.

import type { Socket } from "node:net";
import { readIntoOneBuffer } from "./one-buffer-socket.ts";
import { DrainWatch, StraightWriter, Written } from "./straight-writer.ts";
import { CloseCode, type FrameMemory, FrameReader, type FrameSink, Opcode, type Refusal } from "./websocket-frames.ts";

/** Who hears from a wire. */
export interface WireOwner {
  /** Why a message may not have so many bytes; undefined when it may. */
  refusal(isText: boolean, messageBytes: number): Refusal | undefined;
  /** So many bytes of the binary stream, from the start of the memory that frames are read in, valid until this returns. */
  binary(bytes: number): void;
  text(text: string): void;
  /** Some of what waited has left. */
  drained(): void;
  /** The socket is closed. */
  closed(): void;
}

/** The engine's input: sockets read into it, and commands are executed where they lie. */
export interface WireInput extends FrameMemory {
  /** Where a socket may read to. */
  view(bytes: number): Uint8Array;
}

/** Time for the other side to say goodbye too, and then to close. */
const LINGER_MS = 1000;
/** Time for everything written before a close to leave, when the other side reads slowly. */
const CLOSE_MS = 30_000;
/** Above so many undrained bytes pings go unanswered: one who reads nothing must not fill memory with them. */
const PONG_WAITING_BYTES = 64 * 1024;

const FIN = 0x80;
const HEADER_BYTES_MAX = 10;
const PAGE_BYTES = 64 * 1024;

/** As much as libuv reads at a time anyway. */
const READ_BYTES = 64 * 1024;
/** One for all sockets: a frame is made in it and given to the kernel at once; one that must wait keeps it. */
let scratch = newScratch();

function newScratch(): Buffer {
  return Buffer.allocUnsafeSlow(PAGE_BYTES + HEADER_BYTES_MAX);
}

/** Frames over one socket. */
export class WebSocketWire {
  readonly local: string;
  readonly remote: string;
  /** Bytes handed to the socket, framing counted. */
  writtenBytes = 0;
  /** Frames of messages handed to the socket. */
  sentFrames = 0;
  private readonly socket: Socket;
  private readonly reader: FrameReader;
  private readonly drain: DrainWatch;
  private readonly straight: StraightWriter;
  private pauses = 0;
  /** A close frame was written: nothing else may follow it. */
  private closing = false;
  private timer: NodeJS.Timeout | undefined;

  /**
   * Takes over a socket whose upgrade was answered; nothing is read before `start`.
   *
   * @param input what frames are read in; what `owner.binary` is told of lies there
   */
  constructor(
    upgraded: Socket,
    private readonly owner: WireOwner,
    input: WireInput,
  ) {
    const sink: FrameSink = {
      refusal: (isText, bytes) => (this.closing ? undefined : owner.refusal(isText, bytes)),
      binary: (bytes) => {
        if (!this.closing) owner.binary(bytes);
      },
      text: (text) => {
        if (!this.closing) owner.text(text);
      },
      ping: (payload) => this.pong(payload),
      closed: (code) => this.answerClose(code),
      refused: ({ code, reason }) => this.close(code, reason),
    };
    this.reader = new FrameReader(sink, input);
    upgraded.removeAllListeners("error");
    upgraded.setTimeout(0);
    // Not of one that encrypts, and not while the old socket holds bytes: the answer to the upgrade that waits, or what
    // the client sent behind it while its password was checked.
    const isEmpty = upgraded.writableLength === 0 && upgraded.readableLength === 0;
    const plain = !("encrypted" in upgraded) && isEmpty;
    const received = (bytes: number): void => this.reader.receiveInPlace(bytes);
    const socket = plain ? readIntoOneBuffer(upgraded, input.view(READ_BYTES), received) : upgraded;
    this.socket = socket;
    this.local = `${socket.localAddress}:${socket.localPort}`;
    this.remote = `${socket.remoteAddress}:${socket.remotePort}`;
    this.straight = new StraightWriter(socket);
    this.drain = new DrainWatch(socket, this.straight, () => this.owner.drained());
    socket.on("data", (bytes: Buffer) => this.reader.receive(bytes));
    socket.on("end", () => this.peerEnded());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.closed());
  }

  /**
   * Begins to read.
   *
   * @param head what came behind the upgrade in the same read
   */
  start(head: Uint8Array): void {
    this.reader.receive(head);
    if (this.pauses === 0) this.socket.resume();
  }

  get receivedBytes(): number {
    return this.socket.bytesRead;
  }

  get receivedFrames(): number {
    return this.reader.frames;
  }

  /** Bytes handed to the socket that have not left the process. */
  get undrainedBytes(): number {
    return this.drain.undrainedBytes;
  }

  /** Sends one binary frame; what has to wait is not copied. */
  sendBinary(bytes: Uint8Array): void {
    this.send(Opcode.Binary, bytes);
  }

  sendText(text: string): void {
    this.send(Opcode.Text, Buffer.from(text, "utf8"));
  }

  private send(opcode: Opcode, bytes: Uint8Array): void {
    if (this.closing || !this.socket.writable) return;
    if (opcode < Opcode.Close) this.sentFrames++;
    if (this.undrainedBytes === 0 && bytes.length <= PAGE_BYTES) this.sendCopied(opcode, bytes);
    else this.sendLent(opcode, bytes);
    this.drain.watch();
  }

  private sendCopied(opcode: Opcode, bytes: Uint8Array): void {
    const header = writeHeader(scratch, opcode, bytes.length);
    scratch.set(bytes, header);
    const length = header + bytes.length;
    this.writtenBytes += length;
    const frame = scratch.subarray(0, length);
    const written = this.straight.write(frame);
    if (written === Written.Not) this.socket.write(Buffer.from(frame));
    else if (written === Written.Kept) scratch = newScratch();
  }

  private sendLent(opcode: Opcode, bytes: Uint8Array): void {
    const header = Buffer.allocUnsafe(HEADER_BYTES_MAX);
    const length = writeHeader(header, opcode, bytes.length);
    this.writtenBytes += length + bytes.length;
    this.socket.cork();
    this.socket.write(header.subarray(0, length));
    this.socket.write(bytes);
    this.socket.uncork();
  }

  private pong(payload: Uint8Array): void {
    if (this.undrainedBytes <= PONG_WAITING_BYTES) this.send(Opcode.Pong, new Uint8Array(payload));
  }

  /** Stops and resumes reading; calls nest. */
  pause(): void {
    if (this.pauses++ === 0 && !this.closing) this.socket.pause();
  }

  resume(): void {
    if (--this.pauses === 0) this.socket.resume();
  }

  /** Says goodbye behind what was sent, waits a second for the answer, and closes. */
  close(code: number, reason = ""): void {
    if (this.closing) return;
    this.sayGoodbye(code, reason, () => this.lingerThenDestroy());
    // The answer stands behind what the peer sent: that is read and passed over.
    this.socket.resume();
  }

  private answerClose(code: number): void {
    if (!this.closing)
      this.sayGoodbye(code === CloseCode.None ? CloseCode.Normal : code, "", () => this.lingerThenDestroy());
    if (!this.socket.writableEnded) this.socket.end();
  }

  private sayGoodbye(code: number, reason: string, left: () => void): void {
    const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
    payload.writeUInt16BE(code, 0);
    payload.write(reason, 2);
    const frame = Buffer.alloc(2 + payload.length);
    writeHeader(frame, Opcode.Close, payload.length);
    payload.copy(frame, 2);
    this.closing = true;
    this.reader.ignoreMessages();
    this.writtenBytes += frame.length;
    // Before the write: its callback may come at once, and sets a shorter time.
    this.timer = setTimeout(() => this.socket.destroy(), CLOSE_MS);
    if (this.socket.writable) this.socket.write(frame, left);
    else this.socket.destroy();
  }

  private lingerThenDestroy(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.socket.destroy(), LINGER_MS);
  }

  /** The other side sends no more: what was asked before is answered as far as it was run. */
  private peerEnded(): void {
    this.closing = true;
    this.socket.end(() => this.socket.destroy());
  }

  /** Closes now. */
  destroy(): void {
    this.socket.destroy();
  }

  private closed(): void {
    clearTimeout(this.timer);
    this.closing = true;
    this.reader.stop();
    this.owner.closed();
  }
}

/** Writes the header of a whole frame without a mask; answers its length. */
function writeHeader(target: Buffer, opcode: Opcode, bytes: number): number {
  target[0] = FIN | opcode;
  if (bytes < 126) {
    target[1] = bytes;
    return 2;
  }
  if (bytes < 65536) {
    target[1] = 126;
    target[2] = bytes >>> 8;
    target[3] = bytes;
    return 4;
  }
  target[1] = 127;
  target.writeUInt32BE(Math.floor(bytes / 2 ** 32), 2);
  target.writeUInt32BE(bytes >>> 0, 6);
  return 10;
}
