// Mutated pipelines of every command, fed to the engine in process (its assertions on) and to a served one over TCP
// and WebSocket. Whatever they do, nothing crashes, memory stays within its bound, and a second connection is
// answered correctly all the while. NEARKEY_FUZZ_SECONDS (10 for each port) makes it longer, NEARKEY_SEED plays a run
// again.

import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import WebSocket from "ws";
import type { Engine } from "../src/engine.ts";
import { debugEngine, feed } from "./debug-engine.ts";
import { mutate, PipelineMaker } from "./mutations.ts";
import { Random, seedOfRun } from "./random.ts";
import { encode } from "./random-commands.ts";
import { RawReader, type RawReply, show } from "./raw-replies.ts";
import { ServedProcess } from "./served-process.ts";
import { frame, RawWebSocket } from "./websocket-raw.ts";

const SECONDS = Number(process.env.NEARKEY_FUZZ_SECONDS ?? 10);
const TIMEOUT = { timeout: (SECONDS + 60) * 1000 };
const PIPELINE_COMMANDS = 20;
/** Little more than the fixed regions take, so that it is full most of the time. */
const MEMORY_BYTES = 14 << 20;
/** Node itself, its heap, buffers on their way to sockets, and the output one connection may hold. */
const PROCESS_BYTES = 400 << 20;
/** What an emptied engine may keep: one partly filled page of each size class that is in use. */
const KEPT_BYTES = 1 << 20;

/** What the honest connection asks each time, in one batch, and what it must hear. */
function honestBatch(round: number): { bytes: Buffer; answered: (replies: RawReply[]) => boolean } {
  const value = `value of round ${round}`;
  const bytes = Buffer.concat(
    [
      ["SET", "honest", value],
      ["GET", "honest"],
      ["ECHO", value],
    ].map(encode),
  );
  const expected = ["+OK", `$${JSON.stringify(value)}`, `$${JSON.stringify(value)}`];
  const answered = (replies: RawReply[]) => {
    const heard = replies.map(show);
    const full = heard[0]?.startsWith("-OOM") === true;
    return heard.length === 3 && heard[2] === expected[2] && (full || heard.join() === expected.join());
  };
  return { bytes, answered };
}

function describeRun(seed: number, round: number, bytes: Buffer): string {
  return `NEARKEY_SEED=${seed}, round ${round}: ${JSON.stringify(bytes.toString("latin1").slice(0, 2000))}`;
}

test("the pipelines hold every command of the table, in forms that are accepted", () => {
  const engine = debugEngine();
  const names = engine.commands().map(({ name }) => name.toUpperCase());
  const pipelines = new PipelineMaker(new Random(1), engine.commands());
  const connection = engine.connect();
  // Where it says "subscribed", RESP2 takes hardly any other command.
  engine.setProtocol(connection, 3);
  const accepted = new Set<string>();
  for (let count = 0; count < 20_000; count++) {
    const words = pipelines.command();
    const { output } = feed(engine, connection, encode(words));
    const answered = output[0] !== "-".charCodeAt(0) || output.includes("a command of the host");
    if (answered) accepted.add((words[0] as string).toUpperCase());
  }
  expect(names.filter((name) => !accepted.has(name))).toEqual([]);
});

describe("mutated pipelines in process", () => {
  for (const [eviction, heapStart] of [
    ["noeviction", 0],
    ["allkeys-lru", 0xf000_0000],
  ] as const) {
    test(`with ${eviction}, the heap at ${heapStart}`, TIMEOUT, () => {
      const seed = seedOfRun();
      const random = new Random(seed);
      const engine = debugEngine({ maxMemoryBytes: MEMORY_BYTES, eviction, heapStart });
      const pipelines = new PipelineMaker(random, engine.commands());
      const emptyBytes = engine.stats().memoryUsedBytes;
      const honest = engine.connect();
      const until = Date.now() + (SECONDS * 1000) / 2;
      let hostile = engine.connect();
      for (let round = 0; Date.now() < until; round++) {
        const bytes = mutate(pipelines.next(PIPELINE_COMMANDS), random);
        try {
          if (feedInPieces(engine, hostile, bytes, random) || random.oneIn(4)) {
            engine.disconnect(hostile);
            hostile = engine.connect();
          }
          checkHonest(engine, honest, round);
          expect(engine.stats().memoryUsedBytes).toBeLessThanOrEqual(MEMORY_BYTES);
        } catch (error) {
          throw new Error(describeRun(seed, round, bytes), { cause: error });
        }
      }
      engine.disconnect(hostile);
      expect(bytesWhenEmptied(engine, honest), `NEARKEY_SEED=${seed}`).toBeLessThanOrEqual(emptyBytes + KEPT_BYTES);
    });
  }
});

/** Memory held when all keys and all but one connection are gone and the work this left has been done. */
function bytesWhenEmptied(engine: Engine, connection: number): number {
  feed(engine, connection, encode(["FLUSHALL"]));
  while (engine.tick(Date.now()));
  return engine.stats().memoryUsedBytes;
}

/** True when the engine asked for the connection to be closed. */
function feedInPieces(engine: Engine, connection: number, bytes: Buffer, random: Random): boolean {
  for (let at = 0; at < bytes.length; ) {
    const end = random.oneIn(2) ? bytes.length : Math.min(bytes.length, at + 1 + random.below(200));
    if (feed(engine, connection, bytes.subarray(at, end)).closed) return true;
    at = end;
  }
  return false;
}

function checkHonest(engine: Engine, connection: number, round: number): void {
  const { bytes, answered } = honestBatch(round);
  const reader = new RawReader();
  reader.push(feed(engine, connection, bytes).output);
  const replies = reader.drain();
  expect(answered(replies), `the second connection heard ${replies.map(show).join(" ")}`).toBe(true);
}

describe("mutated pipelines over a socket", () => {
  const shapes = debugEngine().commands();

  test("on the RESP port", TIMEOUT, async () => {
    await fuzzServer(shapes, async (served) => {
      const socket = await served.connect();
      socket.on("data", () => {});
      socket.on("error", () => {});
      return {
        send: (bytes) => socket.write(bytes),
        open: () => socket.readyState === "open",
        close: () => socket.destroy(),
      };
    });
  });

  test("on the WebSocket port", TIMEOUT, async () => {
    await fuzzServer(shapes, async (served, random) => {
      const socket = new WebSocket(`ws://127.0.0.1:${served.port}/`);
      socket.on("error", () => {});
      await once(socket, "open");
      return {
        send: (bytes) => socket.send(random.oneIn(5) ? jsonFrame(bytes) : bytes),
        open: () => socket.readyState === WebSocket.OPEN,
        close: () => socket.terminate(),
      };
    });
  });

  test("in WebSocket frames that are mutated too", TIMEOUT, async () => {
    await fuzzServer(shapes, async (served, random) => {
      const { socket } = await RawWebSocket.open(served.port);
      return {
        send: (bytes) => socket.write(mutatedFrames(bytes, random)),
        open: () => socket.readyState === "open",
        close: () => socket.destroy(),
      };
    });
  });
});

/** The bytes in frames of any kind, and now and then one byte of those changed, some lost or doubled. */
function mutatedFrames(bytes: Buffer, random: Random): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + random.below(random.oneIn(3) ? 20 : 2000));
    const opcode = random.oneIn(8) ? random.below(16) : 2;
    frames.push(frame(opcode, bytes.subarray(at, end), { fin: !random.oneIn(6), masked: !random.oneIn(200) }));
    at = end;
  }
  const all = Buffer.concat(frames);
  return random.oneIn(3) ? mutate(all, random) : all;
}

/** The pipeline's text as a JSON command, sometimes broken like everything else. */
function jsonFrame(bytes: Buffer): string {
  const words = bytes
    .toString("latin1")
    .split("\r\n")
    .filter((word) => !/^[$*]/.test(word));
  const text = JSON.stringify({ id: 1, command: words });
  return words.length % 3 === 0 ? text.slice(0, words.length * 7) : text;
}

interface HostileConnection {
  send(bytes: Buffer): void;
  open(): boolean;
  close(): void;
}

type Connect = (served: ServedProcess, random: Random) => Promise<HostileConnection>;

async function fuzzServer(shapes: ReturnType<Engine["commands"]>, connectHostile: Connect): Promise<void> {
  const seed = seedOfRun();
  const random = new Random(seed);
  const pipelines = new PipelineMaker(random, shapes);
  const served = await ServedProcess.start("--max-memory", String(MEMORY_BYTES), "--eviction", "allkeys-lru");
  try {
    const honest = await served.connect();
    const until = Date.now() + SECONDS * 1000;
    let hostile = await connectHostile(served, random);
    for (let round = 0; Date.now() < until; round++) {
      const bytes = mutate(pipelines.next(PIPELINE_COMMANDS), random);
      hostile.send(bytes);
      const context = () => `${describeRun(seed, round, bytes)}\n${served.output.slice(-2000)}`;
      expect(await askHonest(honest, round), context()).toBe("answered");
      expect(served.running, context()).toBe(true);
      if (!hostile.open() || random.oneIn(4)) {
        hostile.close();
        hostile = await connectHostile(served, random);
      }
    }
    hostile.close();
    expect(await usedMemory(honest)).toBeLessThanOrEqual(MEMORY_BYTES);
    expect(served.residentBytes ?? 0).toBeLessThan(MEMORY_BYTES + PROCESS_BYTES);
    honest.destroy();
  } finally {
    expect(await served.stop(), served.output).toBe(0);
  }
}

/** "answered", or what the second connection heard instead. */
async function askHonest(socket: Socket, round: number): Promise<string> {
  const { bytes, answered } = honestBatch(round);
  const replies = await ask(socket, bytes, 3);
  return answered(replies) ? "answered" : replies.map(show).join(" ");
}

async function ask(socket: Socket, bytes: Buffer, count: number): Promise<RawReply[]> {
  const reader = new RawReader();
  const replies: RawReply[] = [];
  socket.write(bytes);
  while (replies.length < count) {
    const [chunk] = await once(socket, "data", { signal: AbortSignal.timeout(10_000) });
    reader.push(chunk);
    replies.push(...reader.drain());
  }
  return replies;
}

async function usedMemory(socket: Socket): Promise<number> {
  const [reply] = await ask(socket, encode(["INFO", "memory"]), 1);
  return Number(/used_memory:(\d+)/.exec(reply?.text ?? "")?.[1]);
}
