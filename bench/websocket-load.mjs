// The client of the WebSocket benchmark, a process of its own: plain TCP sockets, frames that were made and masked
// before the clock starts, replies of which only the frame headers are read. Each connection has one frame on its way,
// as redis-benchmark has one batch. It prints one line of JSON: frames and commands a second, the share of its own core.

import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { randomFrom } from "./statistics.mjs";

const OPCODE_BINARY = 0x82;
const MASKED = 0x80;
/** So many bytes of frames are made ahead: enough that the server sees other keys each time, less than a cache. */
const POOL_BYTES = 2 << 20;

const options = JSON.parse(process.argv[2]);
const pool = makeFrames(options);
const loads = await Promise.all(Array.from({ length: options.connections }, (_, index) => openLoad(index)));
const startedMs = performance.now();
const startedCpu = process.cpuUsage();
await run(loads, options.frames);
const seconds = (performance.now() - startedMs) / 1000;
const { user, system } = process.cpuUsage(startedCpu);
console.log(
  JSON.stringify({
    framesPerSecond: options.frames / seconds,
    perSecond: (options.frames * options.commands) / seconds,
    clientBusy: (user + system) / 1e6 / seconds,
    seconds,
  }),
);
for (const { socket } of loads) socket.destroy();

/** Frames of `commands` commands each on random keys. */
function makeFrames({ test, commands, keys, bytes }) {
  const random = randomFrom(7);
  const value = "v".repeat(bytes);
  const frames = [];
  for (let made = 0; made < POOL_BYTES; made += frames.at(-1).length) {
    let text = "";
    for (let index = 0; index < commands; index++) {
      const key = `key:${String(random(keys)).padStart(12, "0")}`;
      if (test === "set") text += `*3\r\n$3\r\nSET\r\n$16\r\n${key}\r\n$${bytes}\r\n${value}\r\n`;
      else text += `*2\r\n$3\r\nGET\r\n$16\r\n${key}\r\n`;
    }
    frames.push(maskedFrame(Buffer.from(text)));
  }
  return frames;
}

function maskedFrame(payload) {
  const mask = randomBytes(4);
  const header = payload.length < 126 ? 2 : payload.length < 65536 ? 4 : 10;
  const frame = Buffer.alloc(header + 4 + payload.length);
  frame[0] = OPCODE_BINARY;
  frame[1] = MASKED | (header === 2 ? payload.length : header === 4 ? 126 : 127);
  if (header === 4) frame.writeUInt16BE(payload.length, 2);
  if (header === 10) frame.writeBigUInt64BE(BigInt(payload.length), 2);
  mask.copy(frame, header);
  for (let at = 0; at < payload.length; at++) frame[header + 4 + at] = payload[at] ^ mask[at & 3];
  return frame;
}

/** A connection that was upgraded. */
function openLoad(index) {
  const load = {
    socket: undefined,
    next: index * 37,
    due: 0,
    frameLeft: 0,
    header: Buffer.alloc(0),
    answered: undefined,
  };
  return new Promise((resolve, reject) => {
    const buffer = new Uint8Array(1 << 18);
    const callback = (bytes) => {
      if (load.answered !== undefined) receive(load, buffer, bytes);
      else if (Buffer.from(buffer.buffer, 0, bytes).includes("\r\n\r\n")) resolve(load);
      return true;
    };
    const socket = connect({ port: options.port, host: "127.0.0.1", noDelay: true, onread: { buffer, callback } });
    load.socket = socket;
    socket.once("error", reject);
    const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${upgrade}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`);
  });
}

/** Keeps one frame on its way in every connection until so many were answered. */
function run(loads, frames) {
  return new Promise((resolve) => {
    let sent = 0;
    let answered = 0;
    const send = (load) => {
      if (sent === frames) return;
      sent++;
      load.due = options.replyBytes;
      load.socket.write(pool[load.next++ % pool.length]);
    };
    for (const load of loads) {
      load.answered = () => {
        if (++answered === frames) resolve();
        else send(load);
      };
      send(load);
    }
  });
}

/** Passes over frames, whose payloads together must be as long as the replies to one frame. */
function receive(load, buffer, end) {
  let bytes = buffer;
  let length = end;
  if (load.header.length > 0) {
    bytes = Buffer.concat([load.header, buffer.subarray(0, end)]);
    length = bytes.length;
    load.header = Buffer.alloc(0);
  }
  let at = 0;
  while (at < length) {
    if (load.frameLeft === 0) {
      const long = bytes[at + 1] & 127;
      const header = long < 126 ? 2 : long === 126 ? 4 : 10;
      if (length - at < header) {
        load.header = Buffer.from(bytes.subarray(at, length));
        return;
      }
      if (header === 2) load.frameLeft = long;
      else if (header === 4) load.frameLeft = (bytes[at + 2] << 8) | bytes[at + 3];
      else load.frameLeft = Number(Buffer.from(bytes.subarray(at, at + 10)).readBigUInt64BE(2));
      at += header;
    }
    const taken = Math.min(load.frameLeft, length - at);
    at += taken;
    load.frameLeft -= taken;
    load.due -= taken;
  }
  if (load.due < 0) throw new Error(`the server sent ${-load.due} bytes that nobody asked for`);
  if (load.due === 0) load.answered();
}
