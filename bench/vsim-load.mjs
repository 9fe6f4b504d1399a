// The client of the vector benchmark over TCP, a process of its own: connections that each have one command on its way, made before the
// clock starts. With `add` they add all images, else they search for each query once or more, `ef` candidates kept. Prints one
// line of JSON: commands a second, the 99th percentile of what one waits, and of each query what was found.

import { connect } from "node:net";
import { percentile } from "./statistics.mjs";
import { openVectors } from "./vectors/sets.mjs";

/** Searches at least, so that a run takes a second. */
const SEARCHES_MIN = 4000;
const KEY = "images";

const options = JSON.parse(process.argv[2]);
const set = openVectors("mnist", options.quick);
const commands = options.add ? additions() : searches();
const total = options.add ? commands.length : Math.max(commands.length, options.quick ? 500 : SEARCHES_MIN);
const replies = new Array(commands.length);
const waits = [];
let next = 0;

const sockets = await Promise.all(Array.from({ length: options.clients }, open));
const startedMs = performance.now();
await Promise.all(sockets.map(run));
const seconds = (performance.now() - startedMs) / 1000;
const found = options.add ? [] : replies.map((reply) => reply.map(Number));
console.log(JSON.stringify({ perSecond: total / seconds, p99: percentile(Float64Array.from(waits), 0.99), found }));
for (const socket of sockets) socket.destroy();

function rowOf(vectors, row) {
  const vector = vectors.slice(row * set.dim, (row + 1) * set.dim);
  return Buffer.from(vector.buffer);
}

function encode(...parts) {
  const pieces = [Buffer.from(`*${parts.length}\r\n`)];
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    pieces.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(pieces);
}

function additions() {
  const count = set.base.length / set.dim;
  return Array.from({ length: count }, (_, row) =>
    encode("VADD", KEY, "FP32", rowOf(set.base, row), String(row), "M", "16", "EF", "200"),
  );
}

function searches() {
  const count = set.queries.length / set.dim;
  return Array.from({ length: count }, (_, row) =>
    encode("VSIM", KEY, "FP32", rowOf(set.queries, row), "COUNT", "10", "EF", String(options.ef)),
  );
}

function open() {
  return new Promise((resolve, reject) => {
    const socket = connect(options.port, "127.0.0.1", () => resolve(socket));
    socket.setNoDelay(true);
    socket.once("error", reject);
  });
}

/** Sends one command after another until all are sent; resolves when its last is answered. */
function run(socket) {
  return new Promise((resolve) => {
    let text = "";
    let at = 0;
    let sentMs = 0;
    const send = () => {
      if (next >= total) {
        resolve();
        return;
      }
      at = next++;
      text = "";
      sentMs = performance.now();
      socket.write(commands[at % commands.length]);
    };
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const reply = read(text);
      if (reply === undefined) return;
      waits.push(performance.now() - sentMs);
      replies[at % commands.length] = reply;
      send();
    });
    send();
  });
}

/** The texts of a reply, or undefined while it is not whole. */
function read(text) {
  if (text[0] === ":") return text.endsWith("\r\n") ? [text.slice(1, -2)] : undefined;
  if (text[0] !== "*") throw new Error(`an unexpected reply: ${text}`);
  const lines = text.split("\r\n");
  const count = Number(lines[0].slice(1));
  if (lines.length < count * 2 + 2) return undefined;
  return Array.from({ length: count }, (_, index) => lines[index * 2 + 2]);
}
