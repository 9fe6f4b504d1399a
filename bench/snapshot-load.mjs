// Writers over all keys, somebody who asks for one key after another and notes what he waits, and a snapshot asked for in
// the middle. Takes one argument, { port, keys, bytes, perSecond (0: as fast as they are answered), seconds }, and prints
// rates and waits before the snapshot and during it. It spins, since timers would add their own slack to every wait, and
// makes no garbage, since a collection would look like a pause of the server.

import { connect } from "node:net";
import { percentile, randomFrom } from "./statistics.mjs";

const WRITERS = 16;
/** Commands that are sent at once. */
const BATCH = 32;
const WARM_SECONDS = 1;
/** A question each so often; a wait of ten times as long is still seen by some. */
const ASK_MS = 0.5;
const LOOK_MS = 50;
const DIGITS = 12;
const ZERO = 48;
/** Where the digits of a key end in its command. */
const KEY_ENDS = "*3\r\n$3\r\nSET\r\n$16\r\nkey:".length + DIGITS;
const REPLY_BYTES = "+OK\r\n".length;

const options = JSON.parse(process.argv[2]);
const random = randomFrom(7);

/** Resolves to a socket that sends at once. */
function open() {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: options.port, host: "127.0.0.1", noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => resolve(socket));
  });
}

/** What was seen since the last `take`. */
class Watch {
  #startMs = performance.now();
  #waits = new Float64Array(1 << 20);
  #count = 0;
  replies = 0;
  ownLongestMs = 0;

  waited(ms) {
    this.#waits[this.#count++] = ms;
  }

  take() {
    const nowMs = performance.now();
    const seconds = (nowMs - this.#startMs) / 1000;
    const waits = this.#waits.subarray(0, this.#count);
    const result = {
      seconds,
      perSecond: this.replies / seconds,
      p99Ms: percentile(waits, 0.99),
      longestMs: waits[waits.length - 1],
      ownLongestMs: this.ownLongestMs,
    };
    this.#startMs = nowMs;
    this.#count = 0;
    this.replies = 0;
    this.ownLongestMs = 0;
    return result;
  }
}

/** Sends batches of SETs of random keys, the next when the last is answered. */
class Writer {
  #socket;
  #bytes;
  #commandBytes;
  #waitingBytes = 0;

  constructor(socket, watch) {
    const value = "w".repeat(options.bytes);
    const command = `*3\r\n$3\r\nSET\r\n$16\r\nkey:${"0".repeat(DIGITS)}\r\n$${options.bytes}\r\n${value}\r\n`;
    this.#socket = socket;
    this.#commandBytes = command.length;
    this.#bytes = Buffer.from(command.repeat(BATCH));
    socket.on("data", ({ length }) => {
      this.#waitingBytes -= length;
      watch.replies += length / REPLY_BYTES;
    });
  }

  get isFree() {
    return this.#waitingBytes === 0 && this.#socket.writableLength === 0;
  }

  send() {
    for (let index = 0; index < BATCH; index++) {
      let at = index * this.#commandBytes + KEY_ENDS;
      for (let key = random(options.keys), left = DIGITS; left > 0; left--, key = Math.floor(key / 10)) {
        this.#bytes[--at] = ZERO + (key % 10);
      }
    }
    this.#waitingBytes = BATCH * REPLY_BYTES;
    this.#socket.write(this.#bytes);
  }
}

const watch = new Watch();
const writers = [];
for (let index = 0; index < WRITERS; index++) writers.push(new Writer(await open(), watch));
const asker = await open();
const control = await open();
let askedMs = 0;
let isAsking = false;
asker.on("data", () => {
  watch.waited(performance.now() - askedMs);
  isAsking = false;
});

/** Runs load and questions until `done` answers true, asked every so often. */
function runUntil(done) {
  return new Promise((resolve) => {
    const startMs = performance.now();
    let sent = 0;
    let lastMs = startMs;
    let lookedMs = startMs;
    const step = () => {
      const nowMs = performance.now();
      watch.ownLongestMs = Math.max(watch.ownLongestMs, nowMs - lastMs);
      lastMs = nowMs;
      if (!isAsking && nowMs - askedMs >= ASK_MS) {
        isAsking = true;
        askedMs = nowMs;
        asker.write("GET key:000000000001\r\n");
      }
      for (const writer of writers) {
        if (options.perSecond > 0 && sent >= ((nowMs - startMs) / 1000) * options.perSecond) break;
        if (!writer.isFree) continue;
        writer.send();
        sent += BATCH;
      }
      if (nowMs - lookedMs >= LOOK_MS) {
        lookedMs = nowMs;
        if (done(nowMs - startMs)) return resolve();
      }
      setImmediate(step);
    };
    step();
  });
}

const forSeconds = (seconds) => runUntil((ms) => ms >= seconds * 1000);

await forSeconds(WARM_SECONDS);
watch.take();
await forSeconds(options.seconds);
const before = watch.take();
let report = "";
control.on("data", (bytes) => {
  report = String(bytes);
});
control.write("BGREWRITEAOF\r\n");
await runUntil(() => {
  const isDone = /rdb_bgsave_in_progress:0/.test(report);
  report = "";
  if (!isDone) control.write("INFO persistence\r\n");
  return isDone;
});
const during = watch.take();
control.write("INFO persistence\r\n");
await new Promise((resolve) => control.once("data", resolve));
const told = (name) => /** @type {RegExpExecArray} */ (new RegExp(`${name}:([\\d.]+)`).exec(report))[1];
if (!/rdb_last_bgsave_status:ok/.test(report)) throw new Error(`the snapshot failed: ${report}`);
during.seconds = Number(told("nearkey_snapshot_ms")) / 1000;
const megabytes = Number(told("nearkey_snapshot_bytes")) / 1e6;
process.stdout.write(JSON.stringify({ before, during, megabytes }), () => process.exit(0));
