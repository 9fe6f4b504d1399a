// Random commands on streams: few streams, groups, consumers and ids, so that they meet. One kind runs on redis-server too:
// it leaves out what tells the time and what later releases than 7.0 answer otherwise. Strings are latin1: one character is one byte.

import type { Argument } from "../src/resp.ts";
import type { Random } from "./random.ts";

const STREAMS = ["s0", "s1", "s2", "s\x00\xff"];
const GROUPS = ["g0", "g1", "", "g\r\n"];
const CONSUMERS = ["alice", "bob", "carol", ""];
const FIELDS = ["f", "g", "", "field\x00"];
const VALUES = ["", "v", "12", "-7", "value", "x".repeat(130), "\x00\xff\r\n"];
const LARGEST = "18446744073709551615";
const ODD_IDS = [
  "0-0",
  "0-1",
  "0",
  "-",
  "+",
  "",
  "x",
  "1-",
  "-1",
  "1-x",
  "01",
  " 3",
  "+4-02",
  "1-1-1",
  `1-${LARGEST}`,
  LARGEST,
];

/** A command on streams; `key` draws a key of any type now and then. */
export function streamCommand(random: Random, key: () => string): string[] {
  const stream = (): string => (random.oneIn(15) ? key() : random.pick(STREAMS));
  const group = (): string => random.pick(random.oneIn(6) ? GROUPS : ["g0", "g0", "g1"]);
  const consumer = (): string => random.pick(CONSUMERS);
  const id = (): string => (random.oneIn(12) ? random.pick(ODD_IDS) : plainId(random));
  const ids = (): string[] => random.list(1, 6, id);
  const bound = (end: string): string => (random.oneIn(3) ? end : `${random.oneIn(4) ? "(" : ""}${id()}`);
  const number = (): string => random.pick(random.oneIn(9) ? ["-1", "x", "", "1.5"] : ["0", "1", "2", "5", "100"]);
  const count = (): string[] => (random.oneIn(2) ? ["COUNT", number()] : []);
  return random.pick<() => string[]>([
    () => ["XADD", stream(), ...addOptions(random, number, id), newId(random), ...fields(random)],
    () => ["XADD", stream(), newId(random), ...fields(random)],
    () => ["XADD", stream(), newId(random), ...fields(random)],
    () => ["XLEN", stream()],
    () => ["XRANGE", stream(), bound("-"), bound("+"), ...count()],
    () => ["XRANGE", stream(), "-", "+"],
    () => ["XREVRANGE", stream(), bound("+"), bound("-"), ...count()],
    () => ["XREVRANGE", stream(), "+", "-"],
    () => ["XDEL", stream(), ...ids()],
    () => ["XTRIM", stream(), ...trimOptions(random, number, id)],
    () => ["XSETID", stream(), id(), ...(random.oneIn(3) ? ["ENTRIESADDED", number(), "MAXDELETEDID", id()] : [])],
    () => ["XREAD", ...count(), "STREAMS", stream(), readId(random, id)],
    () => ["XREAD", ...count(), "STREAMS", stream(), stream(), readId(random, id), readId(random, id)],
    () => ["XGROUP", "CREATE", stream(), group(), groupId(random, id), ...(random.oneIn(2) ? ["MKSTREAM"] : [])],
    () => ["XGROUP", "CREATE", stream(), group(), "0"],
    () => ["XGROUP", "SETID", stream(), group(), groupId(random, id)],
    () => ["XGROUP", random.oneIn(4) ? "DESTROY" : "CREATE", stream(), group(), ...(random.oneIn(2) ? ["0"] : [])],
    () => ["XGROUP", random.pick(["CREATECONSUMER", "DELCONSUMER"]), stream(), group(), consumer()],
    () => readOfGroup(random, group(), consumer(), [...count(), ...noAck(random)], [stream()], id),
    () => readOfGroup(random, group(), consumer(), count(), [stream(), stream()], id),
    () => readOfGroup(random, group(), consumer(), count(), [stream()], id),
    () => ["XACK", stream(), group(), ...ids()],
    () => ["XPENDING", stream(), group()],
    () => ["XPENDING", stream(), group(), "IDLE", "100000000", bound("-"), bound("+"), number(), consumer()],
    () => ["XCLAIM", stream(), group(), consumer(), number(), ...ids(), ...claimOptions(random, number, id)],
    () => ["XAUTOCLAIM", stream(), group(), consumer(), number(), bound("-"), ...count(), ...justId(random)],
    () => [random.pick(["COPY", "RENAME"]), stream(), stream()],
    () => [random.pick(["TYPE", "DEL"]), stream()],
  ])();
}

const plainId = (random: Random): string => `${random.below(40)}${random.oneIn(3) ? "" : `-${random.below(3)}`}`;
const noAck = (random: Random): string[] => (random.oneIn(4) ? ["NOACK"] : []);
const justId = (random: Random): string[] => (random.oneIn(2) ? ["JUSTID"] : []);

/** Mostly one that is beyond those before. */
function newId(random: Random): string {
  if (random.oneIn(15)) return random.pick(ODD_IDS);
  return random.oneIn(4) ? `${random.below(60)}-*` : `${random.below(60)}-${random.below(4)}`;
}

function fields(random: Random): string[] {
  if (random.oneIn(3)) return ["f", random.pick(VALUES), "g", random.pick(VALUES)];
  return random.list(1, 4, () => [random.pick(FIELDS), random.pick(VALUES)]).flat();
}

/** Trimming that is not exact depends on how each server packs entries: only what removes nothing is asked for. */
function trimOptions(random: Random, number: () => string, id: () => string): string[] {
  return random.pick<() => string[]>([
    () => ["MAXLEN", ...random.pick([[], ["="]]), number()],
    () => ["MINID", ...random.pick([[], ["="]]), id()],
    () => ["MAXLEN", "~", "1000", ...random.pick([[], ["LIMIT", number()]])],
    () => ["MAXLEN", "3", "LIMIT", number()],
    () => ["LIMIT", number()],
  ])();
}

function addOptions(random: Random, number: () => string, id: () => string): string[] {
  return random.pick<() => string[]>([() => ["NOMKSTREAM"], () => trimOptions(random, number, id)])();
}

function readId(random: Random, id: () => string): string {
  if (random.oneIn(4)) return random.pick(["$", ">", "0"]);
  const drawn = id();
  return drawn === "+" ? "0" : drawn;
}

const groupId = (random: Random, id: () => string): string => (random.oneIn(2) ? random.pick(["$", "0"]) : id());

function readOfGroup(
  random: Random,
  group: string,
  consumer: string,
  options: string[],
  streams: string[],
  id: () => string,
): string[] {
  const ids = streams.map(() => (random.oneIn(3) ? readId(random, id) : ">"));
  return ["XREADGROUP", "GROUP", group, consumer, ...options, "STREAMS", ...streams, ...ids];
}

function claimOptions(random: Random, number: () => string, id: () => string): string[] {
  const options = [
    ["FORCE"],
    ["JUSTID"],
    ["RETRYCOUNT", number()],
    ["IDLE", number()],
    ["TIME", number()],
    ["LASTID", id()],
  ];
  return options.filter(() => random.oneIn(4)).flat();
}

/** Whether two errors are the same in the words of Redis 7.0 and of 8. */
export function isReworded(theirs: string | undefined, ours: string | undefined): boolean {
  return /^ERR Unbalanced XREAD /.test(theirs ?? "") && /^ERR Unbalanced 'xread(group)?' /.test(ours ?? "");
}

/** Whether Redis 7.0 refuses a subcommand before it looks at anything, as it does when a transaction is queued. */
export function isWrongStreamSubcommand(words: readonly string[]): boolean {
  if (words[0]?.toUpperCase() !== "XGROUP") return false;
  const least = { CREATE: 5, SETID: 5, DESTROY: 4, CREATECONSUMER: 5, DELCONSUMER: 5 }[String(words[1]).toUpperCase()];
  if (least === undefined || words.length < least) return true;
  return least !== words.length && !/^(CREATE|SETID)$/i.test(String(words[1]));
}

/** A command that changes a stream, with values of every length that is stored in a way of its own. */
export function streamWrite(random: Random): Argument[] {
  const stream = `s${random.below(3)}`;
  const group = `g${random.below(2)}`;
  const consumer = `c${random.below(4)}`;
  const id = (): string => `${random.below(2_000)}-${random.below(2)}`;
  const ids = (): string[] => random.list(1, 8, id);
  const value = (): string =>
    "y".repeat(random.pick(random.oneIn(12) ? [4_000, 32_704, 32_705, 140_000] : [0, 3, 40, 300]));
  const pairs = (): Argument[] => (random.oneIn(4) ? ["b", value(), "c", 1] : ["a", value()]);
  return random.pick<() => Argument[]>([
    () => ["XADD", stream, "*", ...pairs()],
    () => ["XADD", stream, "*", ...pairs()],
    () => ["XADD", stream, "*", ...random.list(1, 400, () => [`f${random.below(9)}`, "z"]).flat()],
    () => ["XADD", stream, `${random.below(2_000)}-*`, ...pairs()],
    () => ["XADD", stream, id(), ...pairs()],
    () => ["XADD", stream, "MAXLEN", random.pick(["~", "="]), random.below(200), "*", ...pairs()],
    () => ["XADD", stream, "MINID", random.pick(["~", "="]), id(), "*", ...pairs()],
    () => ["XADD", stream, "NOMKSTREAM", "MAXLEN", random.below(30), "*", ...pairs()],
    () => ["XTRIM", stream, "MAXLEN", random.pick(["~", "="]), random.below(150)],
    () => ["XTRIM", stream, "MINID", "~", id(), "LIMIT", random.below(200)],
    () => ["XDEL", stream, ...ids()],
    () => [
      "XSETID",
      stream,
      `${4_000_000_000_000 + random.below(100)}-1`,
      "ENTRIESADDED",
      100_000,
      "MAXDELETEDID",
      id(),
    ],
    () => ["XGROUP", "CREATE", stream, group, random.pick(["0", "$", id()]), "MKSTREAM"],
    () => ["XGROUP", "SETID", stream, group, random.pick(["0", id()]), ...random.pick([[], ["ENTRIESREAD", 7]])],
    () => ["XGROUP", random.oneIn(4) ? "DESTROY" : "CREATECONSUMER", stream, group, ...random.pick([[], [consumer]])],
    () => ["XGROUP", "DELCONSUMER", stream, group, consumer],
    () => ["XGROUP", "SETCONSUMER", stream, group, consumer, 5, -1, id(), 1_000, 3, id(), 2_000, 1],
    () => ["XREADGROUP", "GROUP", group, consumer, "COUNT", random.below(60), ...noAck(random), "STREAMS", stream, ">"],
    () => ["XREADGROUP", "GROUP", group, consumer, "STREAMS", stream, "s1", ">", ">"],
    () => ["XREADGROUP", "GROUP", group, consumer, "STREAMS", stream, "0"],
    () => ["XACK", stream, group, ...ids()],
    () => ["XCLAIM", stream, group, consumer, random.pick([0, 50]), ...ids(), ...claimOptions(random, () => "2", id)],
    () => ["XAUTOCLAIM", stream, group, consumer, random.pick([0, 50]), "-", "COUNT", 1 + random.below(40)],
    () => ["COPY", stream, `s${random.below(3)}`, "REPLACE"],
    () => ["RENAME", stream, `s${random.below(3)}`],
    () => (random.oneIn(6) ? ["DEL", stream] : ["XLEN", stream]),
  ])();
}
