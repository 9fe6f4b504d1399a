// Reading the frames of RFC 6455 that a client sends, from bytes that arrive in any pieces. Unlike a general parser this
// one does not put binary messages together: they are one stream, so their bytes are unmasked and moved together in one
// pass, in the memory that the commands in them are executed from, which is where the socket put them. What a frame may
// hold is thereby no memory of ours. Only text, which must be whole to be JSON, is collected, in a buffer that doubles.
// Whoever hears of a message may use that memory: what lies unread behind it is copied before, once a piece.
//
//   0 fin (1 bit) | reserved (3) | opcode (4)   1 masked (1) | length (7): 126: 2 bytes of it follow, 127: 8   mask (4) | payload

import { isUtf8 } from "node:buffer";

/** Close codes of RFC 6455. */
export const enum CloseCode {
  Normal = 1000,
  GoingAway = 1001,
  Protocol = 1002,
  /** Stands for a close frame that held no code; never sent. */
  None = 1005,
  Text = 1007,
  Policy = 1008,
  TooBig = 1009,
}

/** Opcodes as they stand on the wire; from 8 on they are control frames. */
export const enum Opcode {
  Continuation = 0,
  Text = 1,
  Binary = 2,
  Close = 8,
  Ping = 9,
  Pong = 10,
}

/** Who hears what was read. After `closed` or `refused` nothing follows. */
export interface FrameSink {
  /** Why a message may not have so many bytes, as a close code and a reason; undefined when it may. */
  refusal(isText: boolean, messageBytes: number): Refusal | undefined;
  /** So many bytes of binary messages, from the start of the memory on, valid until this returns. */
  binary(bytes: number): void;
  /** A whole text message. */
  text(text: string): void;
  /** A ping with its payload, borrowed. */
  ping(payload: Uint8Array): void;
  /** The peer says goodbye; `CloseCode.None` when it gave no code. */
  closed(code: number): void;
  /** The peer broke a rule. */
  refused(refusal: Refusal): void;
}

/** Memory that payloads are unmasked in. Others use it too: what is in it is there while the reader runs, and no longer. */
export interface FrameMemory {
  /** The memory, a megabyte of it; asked for anew each time, since the view may die. */
  readonly bytes: Uint8Array;
  /**
   * Takes a mask off bytes while they move.
   *
   * @param to not behind `from`
   * @param mask its lowest byte belongs to the first byte at `from`
   */
  unmask(from: number, to: number, bytes: number, mask: number): void;
}

/** Why a connection ends. */
export interface Refusal {
  readonly code: CloseCode;
  /** At most 123 bytes of UTF-8. */
  readonly reason: string;
}

const FIN = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const MASK_BYTES = 4;
const HEADER_BYTES_MAX = 14;
const CONTROL_BYTES_MAX = 125;
/** Bytes from elsewhere are taken so many at a time: with what waits before them they fit the memory. */
const PIECE_BYTES = 64 * 1024;
const NOTHING = new Uint8Array(0);
/** A text buffer that one long message has grown beyond this is not kept. */
const TEXT_KEPT_BYTES = 64 * 1024;

/** The frames of one client. */
export class FrameReader {
  /** The header's bytes so far, when a read ended inside it. */
  private readonly held = new Uint8Array(HEADER_BYTES_MAX);
  private heldBytes = 0;
  private opcode = Opcode.Continuation;
  private fin = false;
  /** Bytes of payload still to come. */
  private left = 0;
  /** The mask, turned so that its lowest byte is for the next one of the payload. */
  private mask = 0;
  /** What the message that is open is; Continuation: none is. */
  private message: Opcode.Continuation | Opcode.Text | Opcode.Binary = Opcode.Continuation;
  private messageBytes = 0;
  private text = new Uint8Array(0);
  private textBytes = 0;
  private readonly control = new Uint8Array(CONTROL_BYTES_MAX);
  private controlBytes = 0;
  private over = false;
  /** Messages are read past, for the close frame behind them. */
  private ignoring = false;
  /** Frames of messages that came so far. */
  frames = 0;
  /** The piece at hand, as far as it is read: the start of the memory, or bytes of its own. */
  private piece: Uint8Array = NOTHING;
  private at = 0;
  private end = 0;
  private inPlace = false;
  /** Unmasked bytes of binary messages at the start of the memory that nobody has got yet. */
  private ready = 0;

  constructor(
    private readonly sink: FrameSink,
    private readonly memory: FrameMemory,
  ) {}

  /** Takes bytes that lie at the start of the memory. */
  receiveInPlace(bytes: number): void {
    this.read(this.memory.bytes, bytes, true);
  }

  /** Takes bytes that lie elsewhere, which are not kept. */
  receive(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      this.read(piece, piece.length, false);
    }
  }

  private read(piece: Uint8Array, end: number, inPlace: boolean): void {
    this.piece = piece;
    this.at = 0;
    this.end = end;
    this.inPlace = inPlace;
    while (this.at < this.end && !this.over) {
      if (this.left > 0) this.readPayload();
      else this.readHeader();
    }
    if (!this.over) this.deliver();
    this.ready = 0;
    this.piece = NOTHING;
  }

  /** From now on messages are passed over and nothing of them is kept; control frames are heard as before. */
  ignoreMessages(): void {
    this.ignoring = true;
    this.text = new Uint8Array(0);
    this.textBytes = 0;
  }

  /** Reads nothing more, whatever comes. */
  stop(): void {
    this.over = true;
    this.text = new Uint8Array(0);
  }

  private readHeader(): void {
    const start = this.at;
    if (this.heldBytes === 0) {
      const length = headerLength(this.piece, start, this.end);
      if (length > 0) {
        this.at = start + length;
        this.begin(this.piece, start);
        return;
      }
    }
    while (this.at < this.end) {
      this.held[this.heldBytes++] = this.piece[this.at++] as number;
      if (headerLength(this.held, 0, this.heldBytes) === 0) continue;
      this.heldBytes = 0;
      this.begin(this.held, 0);
      return;
    }
  }

  /** Begins the frame whose whole header stands at `at`. */
  private begin(header: Uint8Array, at: number): void {
    const first = header[at] as number;
    const second = header[at + 1] as number;
    this.opcode = first & 15;
    this.fin = (first & FIN) !== 0;
    const short = second & 127;
    this.left = short < 126 ? short : short === 126 ? number16(header, at + 2) : number64(header, at + 2);
    this.mask = word(header, at + (short < 126 ? 2 : short === 126 ? 4 : 10));
    const broken = this.brokenRule(first, second);
    // What came before goes first, except where more of the same stream follows.
    if (broken !== undefined || (this.opcode !== Opcode.Binary && this.opcode !== Opcode.Continuation)) this.deliver();
    if (broken !== undefined) this.refuse({ code: CloseCode.Protocol, reason: broken });
    else if (this.opcode < Opcode.Close) this.admit();
    if (!this.over && this.left === 0) this.finish();
  }

  /** Which rule of the RFC a header breaks. */
  private brokenRule(first: number, second: number): string | undefined {
    if (first & RESERVED) return "reserved bits must be 0: no extension was agreed on";
    if ((second & MASKED) === 0) return "frames of a client must be masked";
    if (this.opcode >= Opcode.Close) {
      if (this.opcode > Opcode.Pong) return `there is no opcode ${this.opcode}`;
      if (!this.fin) return "control frames must not be fragmented";
      return this.left > CONTROL_BYTES_MAX ? "control frames hold at most 125 bytes" : undefined;
    }
    if (this.opcode > Opcode.Binary) return `there is no opcode ${this.opcode}`;
    if (this.opcode === Opcode.Continuation) {
      return this.message === Opcode.Continuation ? "a continuation without a message" : undefined;
    }
    return this.message !== Opcode.Continuation ? "a message inside a message" : undefined;
  }

  /** Opens or goes on with a message, when it may be so long. */
  private admit(): void {
    this.frames++;
    if (this.opcode !== Opcode.Continuation) {
      this.message = this.opcode as Opcode.Text | Opcode.Binary;
      this.messageBytes = 0;
    }
    this.messageBytes += this.left;
    let refusal = this.sink.refusal(this.message === Opcode.Text, this.messageBytes);
    if (refusal !== undefined && this.ready > 0) {
      // What lies before it may change that: the password.
      this.deliver();
      refusal = this.sink.refusal(this.message === Opcode.Text, this.messageBytes);
    }
    if (refusal !== undefined) this.refuse(refusal);
  }

  private readPayload(): void {
    const bytes = Math.min(this.end - this.at, this.left);
    this.left -= bytes;
    // Not kept, however long it is.
    if (this.opcode < Opcode.Close && this.ignoring) this.at += bytes;
    else this.keepPayload(bytes);
    if (this.left === 0) this.finish();
  }

  /** Unmasks the next bytes of the piece behind what is ready, and keeps those that are for no stream. */
  private keepPayload(bytes: number): void {
    const { at, memory, ready } = this;
    if (!this.inPlace) memory.bytes.set(this.piece.subarray(at, at + bytes), ready);
    memory.unmask(this.inPlace ? at : ready, ready, bytes, this.mask);
    const turn = (bytes & 3) * 8;
    if (turn !== 0) this.mask = (this.mask >>> turn) | (this.mask << (32 - turn));
    this.at += bytes;
    if (this.opcode >= Opcode.Close) {
      this.control.set(memory.bytes.subarray(ready, ready + bytes), this.controlBytes);
      this.controlBytes += bytes;
    } else if (this.message === Opcode.Text) {
      this.collect(memory.bytes.subarray(ready, ready + bytes));
    } else {
      this.ready += bytes;
    }
  }

  private deliver(): void {
    const { ready } = this;
    if (ready === 0) return;
    this.ready = 0;
    this.leaveMemory();
    this.sink.binary(ready);
  }

  /** Others are about to use the memory: what has not been read is copied. */
  private leaveMemory(): void {
    if (!this.inPlace || this.at === this.end) return;
    this.piece = this.piece.slice(this.at, this.end);
    this.end -= this.at;
    this.at = 0;
    this.inPlace = false;
  }

  private collect(bytes: Uint8Array): void {
    const needed = this.textBytes + bytes.length;
    if (needed > this.text.length) {
      const grown = new Uint8Array(Math.max(needed, this.text.length * 2));
      grown.set(this.text.subarray(0, this.textBytes));
      this.text = grown;
    }
    this.text.set(bytes, this.textBytes);
    this.textBytes = needed;
  }

  private finish(): void {
    if (this.opcode >= Opcode.Close) this.finishControl();
    else if (this.fin) this.finishMessage();
  }

  private finishMessage(): void {
    const isText = this.message === Opcode.Text;
    this.message = Opcode.Continuation;
    if (!isText || this.ignoring) return;
    const { buffer, byteOffset } = this.text;
    const bytes = Buffer.from(buffer, byteOffset, this.textBytes);
    this.textBytes = 0;
    if (this.text.length > TEXT_KEPT_BYTES) this.text = new Uint8Array(0);
    this.leaveMemory();
    if (isUtf8(bytes)) this.sink.text(bytes.toString("utf8"));
    else this.refuse({ code: CloseCode.Text, reason: "a text frame is not UTF-8: send bytes in binary frames" });
  }

  private finishControl(): void {
    const payload = this.control.subarray(0, this.controlBytes);
    this.controlBytes = 0;
    if (this.opcode === Opcode.Ping) this.sink.ping(payload);
    else if (this.opcode === Opcode.Close) this.finishClose(payload);
  }

  private finishClose(payload: Uint8Array): void {
    const code = payload.length === 0 ? CloseCode.None : number16(payload, 0);
    if (payload.length === 1 || (payload.length > 1 && !isCloseCode(code))) {
      this.refuse({ code: CloseCode.Protocol, reason: "a close frame with a code that must not be sent" });
    } else if (isUtf8(payload.subarray(2))) {
      this.stop();
      this.sink.closed(code);
    } else {
      this.refuse({ code: CloseCode.Text, reason: "a close frame whose reason is not UTF-8" });
    }
  }

  private refuse(refusal: Refusal): void {
    this.stop();
    this.sink.refused(refusal);
  }
}

/** Bytes of the header at `at`, 0 when it does not end before `end`; of one without a mask only what says so. */
function headerLength(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 2) return 0;
  const second = bytes[at + 1] as number;
  const short = second & 127;
  if ((second & MASKED) === 0 && short < 126) return 2;
  const length = (short < 126 ? 2 : short === 126 ? 4 : 10) + MASK_BYTES;
  return end - at < length ? 0 : length;
}

function number16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Four bytes as a word, the first one lowest. */
function word(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let index = MASK_BYTES - 1; index >= 0; index--) value = (value << 8) | (bytes[at + index] as number);
  return value;
}

/** A length of 64 bits as a double: what is beyond 2^53, exact or not, is over any limit. */
function number64(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let index = 0; index < 8; index++) value = value * 256 + (bytes[at + index] as number);
  return value;
}

/** Codes that a close frame may carry: those defined, and those that applications may use. */
function isCloseCode(code: number): boolean {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}
