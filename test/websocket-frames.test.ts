// The reader of WebSocket frames: each rule of RFC 6455 as bytes, fed whole, in two pieces cut at every byte, and byte
// by byte; and the same over real sockets, where the end of a connection can be seen.

import { describe, expect, test } from "vitest";
import { encodeCommand } from "../src/resp.ts";
import { hashPassword } from "../src/server/password.ts";
import { CloseCode, FrameReader } from "../src/server/websocket-frames.ts";
import { debugEngine } from "./debug-engine.ts";
import { Random, seedOfRun } from "./random.ts";
import { eventually, startTestServer } from "./server-fixture.ts";
import { TestWebSocket } from "./websocket-fixture.ts";
import { frame, RawWebSocket } from "./websocket-raw.ts";

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const MESSAGE_BYTES_MAX = 70_000;

type Event = ["binary" | "text" | "ping", string] | ["closed", number] | ["refused", number];

const { input } = debugEngine();

/** What a reader makes of pieces, wherever they lie; neighbouring bytes of the binary stream are one event. */
function read(...pieces: Uint8Array[]): Event[] {
  const elsewhere = readPieces(pieces, (reader, piece) => reader.receive(piece));
  const inPlace = readPieces(pieces, (reader, piece) => {
    input.bytes.set(piece);
    reader.receiveInPlace(piece.length);
  });
  expect(inPlace).toEqual(elsewhere);
  return inPlace;
}

function readPieces(pieces: Uint8Array[], give: (reader: FrameReader, piece: Uint8Array) => void): Event[] {
  const events: Event[] = [];
  // Who hears of a message uses the memory, as commands and their replies do.
  const scribble = () => void input.bytes.fill(0xaa, 0, MESSAGE_BYTES_MAX);
  const sink = {
    refusal: (_isText: boolean, bytes: number) =>
      bytes > MESSAGE_BYTES_MAX ? { code: CloseCode.TooBig, reason: "long" } : undefined,
    binary: (bytes: number) => {
      const last = events.at(-1);
      const text = Buffer.from(input.bytes.subarray(0, bytes)).toString("latin1");
      if (last?.[0] === "binary") last[1] += text;
      else events.push(["binary", text]);
      scribble();
    },
    text: (text: string) => {
      events.push(["text", text]);
      scribble();
    },
    ping: (payload: Uint8Array) => void events.push(["ping", Buffer.from(payload).toString()]),
    closed: (code: number) => void events.push(["closed", code]),
    refused: ({ code }: { code: number }) => void events.push(["refused", code]),
  };
  const reader = new FrameReader(sink, input);
  for (const piece of pieces) give(reader, piece);
  return events;
}

const close = (code: number, reason = ""): Buffer =>
  frame(CLOSE, Buffer.from([code >> 8, code & 255, ...Buffer.from(reason)]));
const euro = Buffer.from("€");

const cases: [name: string, frames: Buffer[], events: Event[]][] = [
  ["binary frames are one stream", [frame(BINARY, "ab"), frame(BINARY), frame(BINARY, "c")], [["binary", "abc"]]],
  [
    "a text frame is a message",
    [frame(TEXT, "{}"), frame(TEXT, ""), frame(TEXT, "€")],
    [
      ["text", "{}"],
      ["text", ""],
      ["text", "€"],
    ],
  ],
  [
    "fragments make one text",
    [
      frame(TEXT, euro.subarray(0, 1), { fin: false }),
      frame(CONTINUATION, euro.subarray(1, 2), { fin: false }),
      frame(CONTINUATION, euro.subarray(2)),
    ],
    [["text", "€"]],
  ],
  [
    "fragments of binary go on at once",
    [frame(BINARY, "ab", { fin: false }), frame(CONTINUATION, "cd"), frame(BINARY, "e")],
    [["binary", "abcde"]],
  ],
  [
    "control frames may stand between fragments",
    [frame(TEXT, "a", { fin: false }), frame(PING, "p"), frame(PONG, "q"), frame(CONTINUATION, "b")],
    [
      ["ping", "p"],
      ["text", "ab"],
    ],
  ],
  [
    "order is kept between kinds",
    [frame(BINARY, "a"), frame(TEXT, "t"), frame(BINARY, "b"), frame(PING, "p"), frame(BINARY, "c")],
    [
      ["binary", "a"],
      ["text", "t"],
      ["binary", "b"],
      ["ping", "p"],
      ["binary", "c"],
    ],
  ],
  [
    "a ping may be empty, or 125 bytes long",
    [frame(PING), frame(PING, "x".repeat(125))],
    [
      ["ping", ""],
      ["ping", "x".repeat(125)],
    ],
  ],
  [
    "lengths of 16 bits",
    [frame(BINARY, "x".repeat(126)), frame(TEXT, "y".repeat(300))],
    [
      ["binary", "x".repeat(126)],
      ["text", "y".repeat(300)],
    ],
  ],
  ["a close without a code", [frame(CLOSE), frame(BINARY, "late")], [["closed", 1005]]],
  [
    "a close with a code and a reason",
    [frame(BINARY, "a"), close(1001, "going €"), frame(PING)],
    [
      ["binary", "a"],
      ["closed", 1001],
    ],
  ],
  ["a close with a code of applications", [close(3000)], [["closed", 3000]]],
  ["a close of one byte is refused", [frame(CLOSE, "x")], [["refused", 1002]]],
  ["a close with a reserved code is refused", [close(1005)], [["refused", 1002]]],
  ["a close with a code out of range is refused", [close(5000)], [["refused", 1002]]],
  ["a close whose reason is not UTF-8 is refused", [frame(CLOSE, Buffer.from([3, 232, 0xff]))], [["refused", 1007]]],
  ["text that is not UTF-8 is refused", [frame(TEXT, Buffer.from([0x61, 0xc3]))], [["refused", 1007]]],
  [
    "a frame without a mask is refused",
    [frame(BINARY, "ab"), frame(BINARY, "cd", { masked: false })],
    [
      ["binary", "ab"],
      ["refused", 1002],
    ],
  ],
  ["a long frame without a mask is refused", [frame(BINARY, "x".repeat(200), { masked: false })], [["refused", 1002]]],
  ["reserved bits are refused", [frame(TEXT, "a", { reserved: 0x40 })], [["refused", 1002]]],
  ["unknown opcodes are refused", [frame(3, "a")], [["refused", 1002]]],
  ["unknown control opcodes are refused", [frame(11, "a")], [["refused", 1002]]],
  ["a fragmented control frame is refused", [frame(PING, "a", { fin: false })], [["refused", 1002]]],
  ["a control frame over 125 bytes is refused", [frame(PING, "x".repeat(126))], [["refused", 1002]]],
  ["a continuation of nothing is refused", [frame(CONTINUATION, "a")], [["refused", 1002]]],
  [
    "a continuation after the last fragment is refused",
    [frame(TEXT, "a"), frame(CONTINUATION, "b")],
    [
      ["text", "a"],
      ["refused", 1002],
    ],
  ],
  ["a message inside a message is refused", [frame(TEXT, "a", { fin: false }), frame(TEXT, "b")], [["refused", 1002]]],
  [
    "a message over the limit is refused at its header",
    [frame(BINARY, "", { announced: MESSAGE_BYTES_MAX + 1 })],
    [["refused", 1009]],
  ],
  [
    "a message over the limit in fragments is refused",
    [frame(TEXT, "a", { fin: false }), frame(CONTINUATION, "", { announced: MESSAGE_BYTES_MAX })],
    [["refused", 1009]],
  ],
  ["a length beyond 2^63 is refused", [frame(BINARY, "", { announced: 2 ** 63 + 2 ** 40 })], [["refused", 1009]]],
];

describe("the reader", () => {
  for (const [name, frames, events] of cases) {
    test(`${name}`, () => {
      const bytes = Buffer.concat(frames);
      expect(read(bytes)).toEqual(events);
      for (let cut = 1; cut < bytes.length; cut++) {
        expect(read(bytes.subarray(0, cut), bytes.subarray(cut)), `cut at ${cut}`).toEqual(events);
      }
      expect(read(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(events);
    });
  }

  test("takes lengths of 64 bits, in any pieces", () => {
    const random = new Random(seedOfRun());
    const payload = Buffer.from(Array.from({ length: 69_000 }, () => random.below(256)));
    const bytes = Buffer.concat([
      frame(BINARY, "x"),
      frame(BINARY, payload),
      frame(TEXT, payload.toString("hex").slice(0, 69_000)),
    ]);
    const expected: Event[] = [
      ["binary", `x${payload.toString("latin1")}`],
      ["text", payload.toString("hex").slice(0, 69_000)],
    ];
    for (let round = 0; round < 20; round++) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; ) {
        const end = at + 1 + random.below(20_000);
        pieces.push(bytes.subarray(at, end));
        at = end;
      }
      expect(read(...pieces)).toEqual(expected);
    }
  });

  test("takes masks off at every alignment and distance", () => {
    const mask = [7, 99, 180, 255] as const;
    const random = new Random(seedOfRun());
    for (let length = 0; length < 80; length++) {
      for (const moved of [0, 1, 2, 6, 15, 16, 17, 31, 33, 64]) {
        const to = random.below(20);
        const before = Uint8Array.from({ length: 256 }, () => random.below(256));
        input.bytes.set(before);
        input.unmask(to + moved, to, length, 0xffb46307);
        const expected = before.slice();
        for (let index = 0; index < length; index++) {
          expected[to + index] = (before[to + moved + index] as number) ^ (mask[index & 3] as number);
        }
        expect(input.bytes.slice(0, 256)).toEqual(expected);
      }
    }
  });

  test("takes more than a read at once", () => {
    const frames = Array.from({ length: 5 }, (_, index) => frame(BINARY, String(index).repeat(60_000)));
    expect(read(Buffer.concat(frames))).toEqual([
      ["binary", [0, 1, 2, 3, 4].map((i) => `${i}`.repeat(60_000)).join("")],
    ]);
  });
});

describe("over a socket", () => {
  test("what comes with the upgrade is read, in order", async () => {
    const { httpPort } = await startTestServer();
    const first = Buffer.concat([frame(BINARY, "ECHO a\r\n"), frame(BINARY, "ECHO b\r\nECHO"), frame(PING, "p")]);
    const raw = await RawWebSocket.open(httpPort, first);
    const answer = [
      Buffer.from([0x82, 14]),
      Buffer.from("$1\r\na\r\n$1\r\nb\r\n"),
      Buffer.from([0x8a, 1]),
      Buffer.from("p"),
    ];
    expect(await raw.take(19)).toEqual(Buffer.concat(answer));
    raw.socket.write(frame(BINARY, " c\r\n"));
    expect(await raw.take(9)).toEqual(Buffer.concat([Buffer.from([0x82, 7]), Buffer.from("$1\r\nc\r\n")]));
    raw.socket.destroy();
  });

  test("a close is answered with its code, and the socket closed", async () => {
    const { httpPort } = await startTestServer();
    const raw = await RawWebSocket.open(httpPort);
    raw.socket.write(Buffer.concat([frame(BINARY, "PING\r\n"), close(3001, "bye"), frame(BINARY, "PING\r\n")]));
    await raw.closed;
    expect(raw.received).toEqual(
      Buffer.concat([Buffer.from([0x82, 7]), Buffer.from("+PONG\r\n"), Buffer.from([0x88, 2, 0x0b, 0xb9])]),
    );
  });

  test("one who breaks a rule is told which, and closed though it says nothing", async () => {
    const { httpPort } = await startTestServer();
    const raw = await RawWebSocket.open(httpPort);
    raw.socket.write(frame(BINARY, "PING\r\n", { masked: false }));
    await raw.closed; // by the server: nobody else closes
    expect(raw.received.readUInt16BE(2)).toBe(1002);
    expect(raw.received.subarray(4).toString()).toBe("frames of a client must be masked");
  });

  test("one who says goodbye and never closes is closed", async () => {
    const { httpPort } = await startTestServer();
    const raw = await RawWebSocket.open(httpPort);
    raw.socket.allowHalfOpen = true;
    raw.socket.write(close(1000));
    await eventually(() => raw.received.length >= 4);
    // A socket that the server has given up resets who still writes to it.
    const poke = setInterval(() => raw.socket.write(frame(PING)), 50);
    await raw.closed;
    clearInterval(poke);
  });

  test("what comes while the password of the upgrade is checked is not lost", async () => {
    // A hash is not known before the first check, which takes a while.
    const { httpPort } = await startTestServer({ password: await hashPassword("secret") });
    const password = Buffer.from("secret").toString("base64url");
    const raw = await RawWebSocket.open(httpPort, Buffer.alloc(0), {
      headers: `Sec-WebSocket-Protocol: nearkey, nearkey.auth.${password}\r\n`,
      // Not in the packet of the request, whose rest the upgrade carries along.
      behind: frame(BINARY, "PING\r\n"),
    });
    raw.socket.write(frame(BINARY, "ECHO end\r\n"));
    await eventually(() => raw.received.includes("end"));
    expect(raw.received.toString("latin1")).toContain("+PONG");
  });

  test("what comes behind our goodbye is not kept", async () => {
    const { httpPort } = await startTestServer({ password: "secret" });
    const raw = await RawWebSocket.open(httpPort);
    raw.socket.write(frame(BINARY, "*1\r\n$no\r\n"));
    await eventually(() => raw.received.includes("no RESP"));
    const before = process.memoryUsage().arrayBuffers;
    raw.socket.write(frame(TEXT, "", { announced: 2 ** 40 }));
    const piece = Buffer.alloc(1 << 20, "x");
    let grown = 0;
    for (let sent = 0; sent < 128 && !raw.socket.destroyed; sent++) {
      await new Promise((resolve) => raw.socket.write(piece, resolve));
      grown = Math.max(grown, process.memoryUsage().arrayBuffers - before);
    }
    expect(grown).toBeLessThan(32 << 20);
    await raw.closed;
  });

  test("pings of one who reads nothing are not kept", async () => {
    const server = await startTestServer();
    const raw = await RawWebSocket.open(server.httpPort);
    raw.socket.pause();
    const pings = Buffer.concat(Array.from({ length: 2000 }, () => frame(PING, "x".repeat(125))));
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 100; round++) {
      if (!raw.socket.write(pings)) await new Promise((resolve) => raw.socket.once("drain", resolve));
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
    const other = await TestWebSocket.open(server.httpPort);
    other.send(encodeCommand(["PING"]));
    expect(await other.reply()).toBe("PONG");
    raw.socket.destroy();
  });
});
