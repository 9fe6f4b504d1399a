// The same random commands on a real redis-server and on the engine, reply by reply. Replies are compared as they stand
// on the wire, except where Redis promises no order, where time passes, and where it draws lots. A difference is
// shrunk to the shortest program that still shows it and printed with its seed; NEARKEY_SEED plays it again, and
// NEARKEY_DIFFERENTIAL_SECONDS makes it longer. Without a seed the programs are always the same: random ones still find differences
// between Redis 7.0 and 8.0 now and then.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../src/engine.ts";
import { debugEngine, feed } from "./debug-engine.ts";
import { findTool } from "./external-tools.ts";
import { Random } from "./random.ts";
import { CommandMaker, encode, showCommand, type Words } from "./random-commands.ts";
import { RawReader, type RawReply, show, sorted } from "./raw-replies.ts";
import { RedisProcess } from "./redis-process.ts";
import { confusesNames } from "./sorted-set-commands.ts";
import { isReworded, isWrongStreamSubcommand } from "./stream-commands.ts";

const SECONDS = Number(process.env.NEARKEY_DIFFERENTIAL_SECONDS ?? 2);
/** Without a seed of one's own. */
const ROUNDS = process.env.NEARKEY_SEED === undefined ? 100 : Number.POSITIVE_INFINITY;
const PROGRAM_COMMANDS = 60;
/** How the engine is run: its protocol, where its heap starts (0: where it always does), and what is sent to it. */
interface Run {
  protocol: 2 | 3;
  heapStart: number;
  make: (seed: number) => Step[];
}

/** One command, on the first or the second connection. */
interface Step {
  words: Words;
  on: 0 | 1;
}

/** The last run has all addresses above 2 GiB, where arithmetic on signed ones goes wrong. */
const RUNS: (Run & { name: string })[] = [
  { name: "in RESP2", protocol: 2, heapStart: 0, make: makeProgram },
  { name: "in RESP3", protocol: 3, heapStart: 0, make: makeProgram },
  { name: "with its heap at the end of the address range", protocol: 3, heapStart: 0xf000_0000, make: makeProgram },
  { name: "in transactions of two connections, in RESP2", protocol: 2, heapStart: 0, make: makeTransactions },
  { name: "in transactions of two connections, in RESP3", protocol: 3, heapStart: 0, make: makeTransactions },
];

/** Between the two servers' answers may lie the time a busy machine takes to run both. */
const TOLERANCE_MS = 3000;

const program = findTool("redis-server");

describe.skipIf(program === undefined)("answers as redis-server does", () => {
  let redis: RedisProcess;
  beforeAll(async () => {
    redis = await RedisProcess.start(program as string);
  });
  afterAll(() => redis?.stop());

  for (const { name, ...run } of RUNS) {
    test(`to random commands ${name}`, { timeout: (SECONDS + 60) * 1000 }, async () => {
      const seed = Number(process.env.NEARKEY_SEED ?? 1);
      const until = Date.now() + SECONDS * 1000;
      for (let round = 0; round < ROUNDS && (round === 0 || Date.now() < until); round++) {
        const commands = run.make(seed + round);
        const difference = await compare(redis, commands, run);
        if (difference === undefined) continue;
        const shortest = await shrink(redis, commands, run);
        const last = (await compare(redis, shortest, run)) ?? difference;
        const lines = [`NEARKEY_SEED=${seed + round}`, ...shortest.map(showStep), `redis:   ${last.redis}`];
        expect.fail([...lines, `nearkey: ${last.nearkey}`].join("\n"));
      }
    });
  }
});

/** Redis refuses a wrong subcommand when it is queued, nearkey when it is executed. */
function isSubcommandError(words: Words): boolean {
  if (isWrongStreamSubcommand(words)) return true;
  return (
    words[0]?.toUpperCase() === "OBJECT" &&
    (words.length !== 3 || !/^(ENCODING|REFCOUNT|IDLETIME|FREQ)$/.test(words[1] as string))
  );
}

/** What the two servers would do differently from then on: bending may leave SPOP with another count, or none. */
function removesAtRandom(words: Words): boolean {
  if (words[0]?.toUpperCase() !== "SPOP" || words.length > 3) return false;
  return words.length < 3 ? words[1] !== "nothing" : Number(words[2]) > 0 && Number(words[2]) < 100_000;
}

/** What Redis 7.0 leaves to chance, or does otherwise than 8.0 with other content from then on. */
function differsForGood(words: Words): boolean {
  const name = words[0]?.toUpperCase() ?? "";
  // Its scores may begin with spaces.
  if (name.startsWith("Z") && words.some((word) => /^\(?\s/.test(word))) return true;
  // WITHSCORE came with 7.2, and the number of arguments is looked at when a transaction is queued.
  if (/^Z(REV)?RANK$/.test(name)) return words.length > 3;
  if (!/^SORT(_RO)?$/.test(name)) return false;
  // A set that is not sorted has no order; and numbers are read with an error that an earlier command has left.
  const by = words.findIndex((word) => word.toUpperCase() === "BY");
  const stays = by >= 0 && !(words[by + 1] ?? "").includes("*");
  return stays || words.some((word) => /^store$/i.test(word));
}

function showStep({ words, on }: Step): string {
  return `${on === 0 ? "" : "(second connection) "}${showCommand(words)}`;
}

function makeProgram(seed: number): Step[] {
  const maker = new CommandMaker(new Random(seed));
  const commands = Array.from({ length: PROGRAM_COMMANDS }, () => withWitness(maker.next())).flat();
  return commands
    .filter((words) => !isSubcommandError(words) && !removesAtRandom(words) && !confusesNames(words))
    .filter((words) => !differsForGood(words))
    .map((words) => ({ words, on: 0 }));
}

/** Transactions that two connections watch each other by, a quarter of the commands from the second. */
function makeTransactions(seed: number): Step[] {
  const random = new Random(seed);
  const maker = new CommandMaker(random);
  const steps = Array.from({ length: PROGRAM_COMMANDS }, () => ({
    words: random.oneIn(3) ? maker.transaction() : maker.next(),
    on: random.oneIn(4) ? (1 as const) : (0 as const),
  }));
  // A lot is compared with what it was drawn from, which the other connection may change.
  return steps.filter(
    ({ words }) =>
      !isSubcommandError(words) &&
      !removesAtRandom(words) &&
      !confusesNames(words) &&
      !differsForGood(words) &&
      !/^(RANDOMKEY|[HSZ]RAND(FIELD|MEMBER))$/i.test(words[0] as string),
  );
}

/** A drawn lot is followed by what it was drawn from. */
function withWitness(words: Words): Words[] {
  const name = words[0]?.toUpperCase();
  if (name === "RANDOMKEY") return [words, ["KEYS", "*"]];
  if (name === "HRANDFIELD" && words.length > 1) return [words, ["HGETALL", words[1] as string]];
  if (name === "SRANDMEMBER" && words.length > 1) return [words, ["SMEMBERS", words[1] as string]];
  if (name === "ZRANDMEMBER" && words.length > 1) return [words, ["ZRANGE", words[1] as string, "0", "-1"]];
  return [words];
}

interface Difference {
  index: number;
  redis: string;
  nearkey: string;
}

/** Runs a program on both from an empty keyspace; the first reply that differs. */
async function compare(redis: RedisProcess, commands: Step[], run: Run): Promise<Difference | undefined> {
  const theirs = await runRedis(redis, commands, run.protocol);
  const ours = runEngine(commands, run);
  const queued: Words[][] = [[], []];
  for (let index = 0; index < commands.length; index++) {
    const [one, other] = [theirs[index] as RawReply, ours[index]];
    const { words, on } = commands[index] as Step;
    if (other instanceof Error) return { index, redis: show(one), nearkey: String(other.stack) };
    if (other === undefined) return { index, redis: show(one), nearkey: "no reply" };
    const waiting = queued[on] as Words[];
    if (
      /^(EXEC|DISCARD|RESET)$/i.test(words[0] as string) &&
      !/^ERR/.test(one.kind === "-" ? (one.text as string) : "")
    )
      queued[on] = [];
    if (one.kind === "+" && one.text === "QUEUED") waiting.push(words);
    if (words[0]?.toUpperCase() === "DBSIZE" && commands.some(diesAtOnce)) continue;
    const same = isExecuted(words, one, other)
      ? executedAlike(waiting, one, other, commands)
      : alike(words, one, other, theirs[index + 1]);
    if (!same) return { index, redis: show(one), nearkey: show(other) };
  }
  return ours.length > commands.length ? { index: -1, redis: "", nearkey: "a reply too many" } : undefined;
}

function isExecuted(words: Words, one: RawReply, other: RawReply): boolean {
  return words[0]?.toUpperCase() === "EXEC" && one.items !== undefined && other.items !== undefined;
}

/** The replies of a transaction, each as that of its command. */
function executedAlike(queued: Words[], one: RawReply, other: RawReply, commands: Step[]): boolean {
  const [theirs, ours] = [one.items ?? [], other.items ?? []];
  if (theirs.length !== ours.length || theirs.length !== queued.length) return false;
  return queued.every((words, at) => {
    if (words[0]?.toUpperCase() === "DBSIZE" && commands.some(diesAtOnce)) return true;
    const drawn = /^(RANDOMKEY|[HSZ]RAND(FIELD|MEMBER))$/i.test(words[0] as string);
    return alike(words, theirs[at] as RawReply, ours[at] as RawReply, undefined) || drawn;
  });
}

/** Replies of redis-server, in the order of the program: a connection's commands are answered before the other's next. */
async function runRedis(redis: RedisProcess, commands: Step[], protocol: 2 | 3): Promise<RawReply[]> {
  const prologue = [["RESET"], ["HELLO", String(protocol)], ["FLUSHALL"]];
  const start = Buffer.concat(prologue.map(encode));
  for (const connection of redis.connections) await connection.send(start, prologue.length);
  const replies: RawReply[] = [];
  for (let from = 0; from < commands.length; ) {
    const { on } = commands[from] as Step;
    const next = commands.findIndex((step, index) => index > from && step.on !== on);
    const batch = commands.slice(from, next < 0 ? commands.length : next);
    const bytes = Buffer.concat(batch.map(({ words }) => encode(words)));
    replies.push(...(await redis.connections[on].send(bytes, batch.length)));
    from += batch.length;
  }
  return replies;
}

/** SET can store a key that has expired already: each server notices, and no longer counts it, at its own time. */
function diesAtOnce({ words }: Step): boolean {
  return words[0]?.toUpperCase() === "SET" && words.some((word) => /^(EXAT|PXAT)$/i.test(word));
}

/** Replies of a fresh engine, which gets the program in pieces cut anywhere; a trap ends them with its error. */
function runEngine(commands: Step[], { protocol, heapStart }: Run): (RawReply | Error)[] {
  const replies: (RawReply | Error)[] = [];
  const readers = [new RawReader(), new RawReader()];
  try {
    const engine = debugEngine({ heapStart });
    const connections = [engine.connect(), engine.connect()];
    for (const connection of connections) engine.setProtocol(connection, protocol);
    for (let from = 0; from < commands.length; ) {
      const { on } = commands[from] as Step;
      const next = commands.findIndex((step, index) => index > from && step.on !== on);
      const batch = commands.slice(from, next < 0 ? commands.length : next);
      const bytes = Buffer.concat(batch.map(({ words }) => encode(words)));
      feedInPieces(engine, connections[on] as number, bytes, readers[on] as RawReader, replies);
      from += batch.length;
    }
  } catch (error) {
    replies.push(error as Error);
  }
  return replies;
}

function feedInPieces(engine: Engine, connection: number, bytes: Buffer, reader: RawReader, replies: unknown[]): void {
  const random = new Random(bytes.length);
  for (let at = 0; at < bytes.length; ) {
    const end = random.oneIn(3) ? bytes.length : Math.min(bytes.length, at + 1 + random.below(400));
    const answer = feed(engine, connection, bytes.subarray(at, end));
    reader.push(answer.output);
    replies.push(...reader.drain());
    if (answer.closed) throw new Error(`closed after ${replies.length} replies`);
    at = end;
  }
}

/** What Redis leaves open: order (1: of elements, 2: of pairs), time, chance. */
const UNORDERED: Record<string, number> = {
  KEYS: 1,
  HKEYS: 1,
  HVALS: 1,
  HGETALL: 2,
  SMEMBERS: 1,
  SINTER: 1,
  SUNION: 1,
  SDIFF: 1,
  SPOP: 1,
};
const SCANS: Record<string, number> = { SCAN: 1, HSCAN: 2, SSCAN: 1, ZSCAN: 2 };
const TIMES: Record<string, number> = { TTL: 1000, EXPIRETIME: 1000, PTTL: 1, PEXPIRETIME: 1 };

function alike(words: Words, theirs: RawReply, ours: RawReply, witness: RawReply | undefined): boolean {
  const name = (words[0] as string).toUpperCase();
  if (show(theirs) === show(ours) || excused(name, words, theirs, ours)) return true;
  if (theirs.kind !== ours.kind) return false;
  // Since 7.2 Redis writes scores with as few digits as they need.
  if (name.startsWith("Z") && sameNumbers(theirs, ours)) return true;
  const step = UNORDERED[name];
  if (step !== undefined) return show(sorted(theirs, step)) === show(sorted(ours, step));
  // A set that is not sorted has no order, and LIMIT takes any.
  if (/^SORT(_RO)?$/.test(name) && words.includes("nosort") && /^s[01]$/.test(words[1] as string))
    return theirs.items?.length === ours.items?.length;
  const scanned = SCANS[name];
  if (scanned !== undefined && !seesAll(name, words)) return theirs.kind === "*";
  if (scanned !== undefined) return sameNumbers(sortedScan(theirs, scanned), sortedScan(ours, scanned));
  const unit = TIMES[name];
  if (unit !== undefined && theirs.kind === ":") {
    const [one, other] = [Number(theirs.text), Number(ours.text)];
    return one > 0 && other > 0 && Math.abs(one - other) * unit <= TOLERANCE_MS;
  }
  // An encoding is what each server has made of the value.
  if (name === "OBJECT") return true;
  if (name === "RANDOMKEY" || /^[HSZ]RAND/.test(name)) return drawnAlike(words, theirs, ours, witness);
  return false;
}

/** True for a scan that begins at the beginning and may take all: only then both servers must say the same. */
function seesAll(name: string, words: Words): boolean {
  const cursor = words[name === "SCAN" ? 1 : 2];
  const count = words.findIndex((word) => word.toUpperCase() === "COUNT");
  return cursor === "0" && words[count + 1] === "1000";
}

/** Where the reference, Redis 8, answers otherwise than the 7.0 that Debian has, or where Redis cuts its own text. */
function excused(name: string, words: Words, theirs: RawReply, ours: RawReply): boolean {
  const cursor = words[name === "SCAN" ? 1 : 2] as string;
  if (/^[HSZ]?SCAN$/.test(name) && !/^\d+$/.test(cursor)) return ours.text === "ERR invalid cursor";
  if (/^L(POS|REM)$/.test(name) && words.includes(SMALLEST))
    return ours.text?.endsWith(`${SMALLEST.slice(0, -1)}7 and 9223372036854775807`) === true;
  if (isReworded(theirs.text, ours.text)) return true;
  // A bent command may have a long value for its key: nearkey sees that first.
  if (ours.text === "ERR key exceeds 32704 bytes" && theirs.kind === "-") return true;
  // Redis reads a text up to its first zero byte, if it has one.
  const notNumbers = "ERR One or more scores can't be converted into double";
  if (name.startsWith("SORT") && ours.text === notNumbers) return theirs.kind === "*";
  // It does not forget the range error of an earlier command before it reads an empty text.
  if (name.startsWith("SORT") && theirs.text === notNumbers) return ours.kind === "*";
  // Since 8.0 the arguments are read before the key.
  if (
    /^BIT(COUNT|POS)$/.test(name) &&
    ours.kind === "-" &&
    (theirs.kind === ":" || theirs.text?.startsWith("WRONGTYPE"))
  )
    return true;
  // Since 8.0 an end before the first byte is not that byte.
  if (/^(GETRANGE|SUBSTR)$/.test(name)) return ours.text === "" && theirs.text?.length === 1;
  const quotesZero = words.some((word) => word.includes("\0")) && theirs.kind === "-" && ours.kind === "-";
  return quotesZero && ours.text?.slice(0, 22) === theirs.text?.slice(0, 22);
}

/** Refused as a count or a rank since Redis 7.2. */
const SMALLEST = "-9223372036854775808";

/** The same but for how numbers are written. */
function sameNumbers(theirs: RawReply, ours: RawReply): boolean {
  if (theirs.kind !== ours.kind || theirs.items?.length !== ours.items?.length) return false;
  if (theirs.items !== undefined)
    return theirs.items.every((item, at) => sameNumbers(item, ours.items?.[at] as RawReply));
  return theirs.text === ours.text || (theirs.text !== "" && Number(theirs.text) === Number(ours.text));
}

function sortedScan(reply: RawReply, step: number): RawReply {
  const [cursor, found] = reply.items ?? [];
  return cursor === undefined || found === undefined
    ? reply
    : { kind: reply.kind, items: [cursor, sorted(found, step)] };
}

/** Another lot, of the same number and from the same urn, and without putting back when the count is positive. */
function drawnAlike(words: Words, theirs: RawReply, ours: RawReply, witness: RawReply | undefined): boolean {
  if ((theirs.items?.length ?? -1) !== (ours.items?.length ?? -1)) return false;
  const urn = new Set((witness?.items ?? []).map(show));
  const leaves = (reply: RawReply): RawReply[] => reply.items?.flatMap(leaves) ?? [reply];
  const drawn = leaves(ours).map(show);
  const fields = words.length === 4 ? drawn.filter((_, at) => at % 2 === 0) : drawn;
  // Scores of the urn may be written otherwise.
  const told = words[0]?.toUpperCase() === "ZRANDMEMBER" ? fields : drawn;
  if (!told.every((reply) => urn.has(reply))) return false;
  return !(Number(words[2]) > 0) || new Set(fields).size === fields.length;
}

/** Leaves out what can be left out, in halves, quarters and at last one by one. */
async function shrink(redis: RedisProcess, commands: Step[], run: Run): Promise<Step[]> {
  let shortest = commands;
  for (let piece = Math.ceil(commands.length / 2); piece >= 1; piece = piece === 1 ? 0 : Math.ceil(piece / 2)) {
    for (let at = 0; at < shortest.length; ) {
      const shorter = [...shortest.slice(0, at), ...shortest.slice(at + piece)];
      if (shorter.length > 0 && (await compare(redis, shorter, run)) !== undefined) shortest = shorter;
      else at += piece;
    }
  }
  return shortest;
}
