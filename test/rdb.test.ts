// The reader of Redis's files alone: every way of writing a value, fed whole and byte by byte; what is cut off, damaged or
// something else is refused with its offset, and no mutation of a file does more harm than that.

import { describe, expect, test } from "vitest";
import { NearkeyError } from "../src/errors.ts";
import { Crc64 } from "../src/rdb/crc64.ts";
import { unpackLzf } from "../src/rdb/lzf.ts";
import { type RdbItem, type RdbKey, readRdb } from "../src/rdb/rdb-reader.ts";
import { RdbWriter } from "../src/rdb/rdb-writer.ts";
import { MemoryStorage } from "../src/storage/memory-storage.ts";
import { drawSeed } from "./engine-driver.ts";
import { Random } from "./random.ts";
import {
  bytesOf,
  double,
  intset,
  length,
  listpack,
  little,
  packs,
  rdbFile,
  text,
  ziplist,
  zipmap,
  zips,
} from "./rdb-file.ts";

const seed = drawSeed("rdb.test.ts");
const RUNS = Number(process.env.NEARKEY_RDB_RUNS ?? 3000);
const FAR = 4_000_000_000_000;

async function* cut(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.slice(at, at + pieceBytes);
}

async function itemsOf(bytes: Uint8Array, pieceBytes = bytes.length, known?: number): Promise<RdbItem[]> {
  const items: RdbItem[] = [];
  for await (const batch of readRdb(cut(bytes, pieceBytes), "dump.rdb", known)) items.push(...batch);
  return items;
}

/** Keys of a file, their elements joined where they come in batches. */
async function keysOf(bytes: Uint8Array, pieceBytes?: number) {
  const keys = new Map<string, { kind: string; elements: string[]; expiresAtMs?: number; database: number }>();
  for (const item of await itemsOf(bytes, pieceBytes)) {
    if (item.what !== "key") continue;
    const { key, kind, expiresAtMs, database, isFirst } = item;
    const elements = item.elements.map((element) => Buffer.from(element).toString("latin1"));
    const name = Buffer.from(key).toString("latin1");
    const known = keys.get(name);
    expect(known === undefined).toBe(isFirst);
    if (known === undefined) keys.set(name, { kind, elements, database, ...(expiresAtMs && { expiresAtMs }) });
    else known.elements.push(...elements);
  }
  return keys;
}

async function refusal(bytes: Uint8Array, pieceBytes?: number, known?: number): Promise<NearkeyError> {
  const error = await itemsOf(bytes, pieceBytes, known).then(
    () => undefined,
    (reason) => reason,
  );
  if (error instanceof NearkeyError) return error;
  throw error ?? new Error("it was read");
}

const long = "x".repeat(300);
const huge = "y".repeat(20_000);
const NUMBERS = [
  "0",
  "127",
  "-1",
  "-4096",
  "4095",
  "-32768",
  "8388607",
  "-8388608",
  "-2147483648",
  "-9223372036854775808",
];
const listpackOfAll = listpack(
  packs.text6("six"),
  packs.text12(long),
  packs.text32(huge),
  packs.number7(0),
  packs.number7(127),
  packs.number13(-1),
  packs.number13(-4096),
  packs.number13(4095),
  packs.number16(-32768),
  packs.number24(8388607),
  packs.number24(-8388608),
  packs.number32(-2147483648),
  packs.number64(-(2n ** 63n)),
);
const ziplistOfAll = ziplist(
  zips.text6("six"),
  zips.text14(long),
  zips.text32(huge),
  zips.small(0),
  zips.number8(127),
  zips.number8(-1),
  zips.number16(-4096),
  zips.number16(4095),
  zips.number16(-32768),
  zips.number24(8388607),
  zips.number24(-8388608),
  zips.number32(-2147483648),
  zips.number64(-(2n ** 63n)),
);
const ALL = ["six", long, huge, ...NUMBERS];

/** An id as streams have it. */
const streamId = (ms: number, sequence: number): Uint8Array =>
  bytesOf(little(ms, 8).reverse(), little(sequence, 8).reverse());

/** Of an entry with the names of the pack, a deleted one and one with names of its own. */
const listpackOfStream = listpack(
  ...[2, 1, 1].map(packs.number7),
  packs.text6("f"),
  packs.number7(0),
  ...[2, 0, 0].map(packs.number7),
  packs.text6("v"),
  packs.number7(4),
  ...[3, 1, 1].map(packs.number7),
  packs.text6("gone"),
  packs.number7(4),
  ...[0, 1, 2, 1].map(packs.number7),
  packs.text6("g"),
  packs.text6("w"),
  packs.number7(6),
);

/** What is read of a stream: commands, each behind the number of its words. */
const commandsOf = (...commands: readonly string[]): string[] =>
  commands.flatMap((command) => [String(command.split(" ").length), ...command.split(" ")]);

/** A file with every type, each under its number. */
const everyType = rdbFile(
  12,
  bytesOf(250, text("redis-ver"), text("8.0.2"), 250, text("redis-bits"), 0xc0, 64),
  bytesOf(245, text("#!lua name=lib")),
  bytesOf(247, 0x81, little(0x123456789abcdefn, 8), 2, 2, 1, 7, 3, little(0, 4), 4, double(1), 5, text("aux"), 0),
  bytesOf(254, 0, 251, length(30), length(3), 244, 5, 1, 0),
  bytesOf(0, text("0"), text("plain")),
  bytesOf(252, little(FAR, 8), 248, length(500), 0, text("0 int8"), 0xc0, 0x85),
  bytesOf(253, little(2_000_000_000, 4), 249, 7, 0, text("0 int16"), 0xc1, little(-300, 2)),
  bytesOf(0, text("0 int32"), 0xc2, little(-70_000, 4)),
  // "abc" and a copy of 17 bytes from three before.
  bytesOf(0, text("0 packed"), 0xc3, length(7), length(20), 2, "abc", 0xe0, 17 - 9, 2),
  bytesOf(1, text("1"), 2, text("a"), text("b")),
  bytesOf(2, text("2"), 2, text("a"), text("b")),
  bytesOf(3, text("3"), 4, text("a"), text("1.5"), text("b"), 253, text("c"), 254, text("d"), 255),
  bytesOf(4, text("4"), 2, text("f"), text("v"), text("g"), 0xc0, 1),
  bytesOf(5, text("5"), 3, text("a"), double(-0.5), text("b"), double(-Infinity), text("c"), double(1e300)),
  bytesOf(
    7,
    text("7"),
    0x81,
    little(0, 8),
    1,
    3,
    2,
    0x81,
    little(-1, 8),
    3,
    little(0, 4),
    4,
    double(2),
    5,
    text("x"),
    0,
  ),
  bytesOf(9, text("9"), text(zipmap(["f", "v"], [long, huge]))),
  bytesOf(10, text("10"), text(ziplistOfAll)),
  bytesOf(11, text("11"), text(intset(2, -32768, 5))),
  bytesOf(11, text("11 of 4"), text(intset(4, -2147483648, 5))),
  bytesOf(11, text("11 of 8"), text(intset(8, -(2n ** 63n), 5n))),
  bytesOf(12, text("12"), text(ziplist(zips.text6("m"), zips.small(3), zips.text6("n"), zips.text6("2.5")))),
  bytesOf(13, text("13"), text(ziplist(zips.text6("f"), zips.text6("v")))),
  bytesOf(14, text("14"), 2, text(ziplist(zips.text6("a"))), text(ziplist(zips.small(12), zips.text6("b")))),
  bytesOf(15, text("15"), 1, text(streamId(1, 1)), text(listpackOfStream), 2, 2, 3, 1, text("group"), 2, 3),
  bytesOf(1, streamId(1, 1), little(FAR, 8), 3, 1, text("consumer"), little(FAR, 8), 1, streamId(1, 1)),
  bytesOf(16, text("16"), text(listpack(packs.text6("f"), packs.number7(9)))),
  bytesOf(17, text("17"), text(listpack(packs.text6("m"), packs.number7(9)))),
  bytesOf(18, text("18"), 2, 1, text("alone"), 2, text(listpackOfAll)),
  bytesOf(19, text("19"), 0, 0, 0, 0, 0, 0, 0, 0, 0x81, little(-1, 8), 1, text("g"), 0, 0, 0x81, little(-1, 8), 0, 0),
  bytesOf(20, text("20"), text(listpack(packs.text6("m"), packs.number7(9)))),
  bytesOf(
    21,
    text("21"),
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    1,
    text("g"),
    0,
    0,
    0,
    0,
    1,
    text("c"),
    little(1, 8),
    little(2, 8),
    0,
  ),
  bytesOf(22, text("22"), 1, 0x81, little(FAR, 8).reverse(), text("f"), text("v")),
  bytesOf(23, text("23"), text(listpack(packs.text6("f"), packs.text6("v"), packs.number7(0)))),
  bytesOf(24, text("24"), little(FAR, 8), 2, 1, text("f"), text("v"), 0, text("g"), text("w")),
  bytesOf(25, text("25"), little(FAR, 8), text(listpack(packs.text6("f"), packs.text6("v"), packs.number7(7)))),
  bytesOf(254, 15, 0, text("last"), text(huge)),
);

const EVERY_KEY: Record<string, [kind: string, elements: string[]]> = {
  "0": ["string", ["plain"]],
  "0 int8": ["string", ["-123"]],
  "0 int16": ["string", ["-300"]],
  "0 int32": ["string", ["-70000"]],
  "0 packed": ["string", ["abcabcabcabcabcabcab"]],
  "1": ["list", ["a", "b"]],
  "2": ["set", ["a", "b"]],
  "3": ["sorted set", ["a", "1.5", "b", "nan", "c", "inf", "d", "-inf"]],
  "4": ["hash", ["f", "v", "g", "1"]],
  "5": ["sorted set", ["a", "-0.5", "b", "-inf", "c", "1e+300"]],
  "7": ["module value", ["AAAAAAAAA"]],
  "9": ["hash", ["f", "v", long, huge]],
  "10": ["list", ALL],
  "11": ["set", ["-32768", "5"]],
  "11 of 4": ["set", ["-2147483648", "5"]],
  "11 of 8": ["set", ["-9223372036854775808", "5"]],
  "12": ["sorted set", ["m", "3", "n", "2.5"]],
  "13": ["hash", ["f", "v"]],
  "14": ["list", ["a", "12", "b"]],
  "15": [
    "stream",
    commandsOf(
      "XADD 1-1 f v",
      "XADD 2-3 g w",
      "XSETID 2-3 ENTRIESADDED 2 MAXDELETEDID 0-0",
      "XGROUP CREATE group 2-3 ENTRIESREAD 2",
      `XGROUP SETCONSUMER group consumer ${FAR} ${FAR} 1-1 ${FAR} 3`,
    ),
  ],
  "16": ["hash", ["f", "9"]],
  "17": ["sorted set", ["m", "9"]],
  "18": ["list", ["alone", ...ALL]],
  "19": [
    "stream",
    commandsOf(
      "XADD MAXLEN 0 0-1 f v",
      "XSETID 0-0 ENTRIESADDED 18446744073709551615 MAXDELETEDID 0-0",
      "XGROUP CREATE g 0-0 ENTRIESREAD -1",
    ),
  ],
  "20": ["set", ["m", "9"]],
  "21": [
    "stream",
    commandsOf(
      "XADD MAXLEN 0 0-1 f v",
      "XSETID 0-0 ENTRIESADDED 0 MAXDELETEDID 0-0",
      "XGROUP CREATE g 0-0 ENTRIESREAD 0",
      "XGROUP SETCONSUMER g c 1 2",
    ),
  ],
  "22": ["hash whose fields expire", ["f", "v", String(FAR)]],
  "23": ["hash whose fields expire", ["f", "v", "0"]],
  "24": ["hash whose fields expire", ["f", "v", String(FAR), "g", "w", "0"]],
  "25": ["hash whose fields expire", ["f", "v", "7"]],
  last: ["string", [huge]],
};

describe("a file with every type", () => {
  test.each([1e9, 1, 2, 3, 7, 4096])("is read in pieces of %i bytes", async (pieceBytes) => {
    const keys = await keysOf(everyType, pieceBytes);
    const found = Object.fromEntries([...keys].map(([name, { kind, elements }]) => [name, [kind, elements]]));
    expect(found).toEqual(EVERY_KEY);
    expect(keys.get("0 int8")?.expiresAtMs).toBe(FAR);
    expect(keys.get("0 int16")?.expiresAtMs).toBe(2_000_000_000_000);
    expect(keys.get("0 int32")?.expiresAtMs).toBeUndefined();
    expect(keys.get("25")?.database).toBe(0);
    expect(keys.get("last")?.database).toBe(15);
  });

  test("says who wrote it and what stands beside keys", async () => {
    const asides = (await itemsOf(everyType)).filter((item) => item.what !== "key");
    expect(asides.map((item) => [item.what, "name" in item && item.name, "value" in item && item.value])).toEqual([
      ["fact", "redis-ver", "8.0.2"],
      ["fact", "redis-bits", "64"],
      ["functions", "functions", "#!lua name=lib"],
    ]);
  });

  test("is refused with the offset wherever it ends early", { timeout: 60_000 }, async () => {
    for (let end = 0; end < everyType.length; end += end < 2000 ? 1 : 997) {
      const { code, message } = await refusal(everyType.slice(0, end), 4096);
      expect(code).toBe("invalid-argument");
      expect(message, `cut to ${end}`).toMatch(/^dump\.rdb, offset \d+: it ends after \d+ bytes, in the middle of/);
      expect(message).toContain(`after ${end} bytes`);
    }
  });

  test("is refused by its checksum when a bit of a value turned over", async () => {
    const bytes = Uint8Array.from(everyType);
    const at = bytes.length - 100;
    bytes[at] = (bytes[at] as number) ^ 4;
    expect((await refusal(bytes)).message).toBe(
      `dump.rdb, offset ${bytes.length - 8}: the checksum of the file is wrong: something in it is damaged, and nobody knows where`,
    );
    // Redis was told to make none.
    bytes.fill(0, bytes.length - 8);
    expect((await itemsOf(bytes)).length).toBeGreaterThan(30);
  });
});

describe("versions", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])("%i is read, with a checksum from 5 on", async (version) => {
    const keys = await keysOf(rdbFile(version, 254, 3, 0, text("key"), text("value")));
    expect(keys.get("key")).toEqual({ kind: "string", elements: ["value"], database: 3 });
  });

  test.each(["REDIS0013", "REDIS0080", "VALKEY080"])("%s is read as far as it holds nothing new", async (header) => {
    const file = Buffer.concat([bytesOf(header), rdbFile(12, 254, 3, 0, text("key"), text("value")).subarray(9, -8)]);
    const keys = await keysOf(Buffer.concat([file, Buffer.alloc(8)]));
    expect(keys.get("key")).toEqual({ kind: "string", elements: ["value"], database: 3 });
  });

  test("what a newer one has that is new, another program's file and an empty one are refused by what they are", async () => {
    expect((await refusal(rdbFile(13, 200))).message).toContain(
      "dump.rdb, offset 9: a value has the type 200, and the file is of version 13 of the format, of which 12 (Redis 8.0) is known",
    );
    expect((await refusal(bytesOf("VALKEY080", 22))).message).toContain(
      "the type 22 of Valkey's own, which is not read",
    );
    expect((await refusal(bytesOf("VALKEY"))).message).toContain("offset 0: it ends after 6 bytes");
    expect((await refusal(bytesOf("PK\x03\x04 and so on"))).message).toContain("is it the right one?");
    expect((await refusal(bytesOf("REDIS"))).message).toContain("offset 0: it ends after 5 bytes");
  });

  test("bytes behind the end are refused: the commands of an append-only file", async () => {
    const file = bytesOf(rdbFile(9, 0, text("k"), text("v")), "*1\r\n$4\r\nPING\r\n");
    expect((await refusal(file)).message).toContain("bytes follow its end: an append-only file may begin so");
    expect((await refusal(file, 1)).message).toContain("bytes follow its end");
  });
});

describe("what is damaged is said with what and where", () => {
  test("and what stands before it is given", async () => {
    const found: string[] = [];
    const reading = (async () => {
      for await (const items of readRdb(cut(rdbFile(11, 0, text("k"), text("v"), 99, text("x")), 1000), "dump.rdb")) {
        for (const item of items) if (item.what === "key") found.push(Buffer.from(item.key).toString());
      }
    })();
    await expect(reading).rejects.toThrow("no value has the type 99");
    expect(found).toEqual(["k"]);
  });

  const begin = bytesOf(254, 0);
  const at = (offset: number, reason: string) => `dump.rdb, offset ${offset}: ${reason}`;
  test.each<[string, Uint8Array, string]>([
    [
      "an unknown type",
      bytesOf(begin, 99, text("k")),
      at(11, "no value has the type 99: the file is damaged here or before"),
    ],
    ["a length in no form", bytesOf(begin, 0, 0x90), at(12, "no length begins with 0x90")],
    ["a string in no form", bytesOf(begin, 0, 0xc7), at(12, "a string in an unknown form (0xc7)")],
    ["a length of nonsense", bytesOf(begin, 0, 0x81, little(-1, 8)), at(12, "a string of 18446744073709552000 bytes")],
    ["a number of keys of nonsense", bytesOf(251, 0x81, little(-1, 8)), at(10, "a length of 18446744073709552000")],
    [
      "a packed string",
      bytesOf(begin, 0, text("k"), 0xc3, 2, 9, 31, "a"),
      at(14, "a packed string cannot be unpacked"),
    ],
    [
      "a listpack's length",
      bytesOf(begin, 16, text("k"), text(bytesOf(listpack(), 0))),
      at(14, "a damaged listpack: its length is wrong"),
    ],
    [
      "a listpack of odd length",
      bytesOf(begin, 16, text("k"), text(listpack(packs.number7(1)))),
      at(14, "1 elements where 2 belong together"),
    ],
    [
      "a ziplist's element",
      bytesOf(begin, 10, text("k"), text(ziplist(bytesOf(0xff)))),
      at(14, "a damaged ziplist: no element begins with 0xff"),
    ],
    [
      "an intset's width",
      bytesOf(begin, 11, text("k"), text(intset(3, 1))),
      at(14, "a damaged intset: numbers of 3 bytes"),
    ],
    [
      "a zipmap's end",
      bytesOf(begin, 9, text("k"), text(bytesOf(1, 5, "a"))),
      at(14, "a damaged zipmap: it ends inside an element"),
    ],
    ["a module's value", bytesOf(begin, 7, text("k"), 1, 9), at(16, "a module's value in an unknown form (9)")],
  ])("%s", async (_name, body, message) => {
    expect((await refusal(rdbFile(11, body))).message).toContain(message);
  });

  test("a length that leads out of a file of known length is found out without reading on", async () => {
    const file = rdbFile(11, 0, text("k"), 0x80, little(1 << 29, 4).reverse(), "x".repeat(100_000));
    let read = 0;
    async function* chunks() {
      for await (const chunk of cut(file, 1000)) {
        read += chunk.length;
        yield chunk;
      }
    }
    const reading = (async () => {
      for await (const _ of readRdb(chunks(), "dump.rdb", file.length));
    })();
    await expect(reading).rejects.toThrow(`it ends after ${file.length} bytes`);
    expect(read).toBe(1000);
  });
});

test("collections larger than a batch come in several, in order", async () => {
  const members = Array.from({ length: 1000 }, (_, index) => `member ${index}`);
  const file = rdbFile(
    11,
    2,
    text("set"),
    length(members.length),
    ...members.map((member) => text(member)),
    0,
    text("k"),
    text("v"),
  );
  const items = (await itemsOf(file, 5000)) as RdbKey[];
  const batches = items.filter(({ kind }) => kind === "set");
  expect(batches.length).toBeGreaterThan(3);
  expect(batches.map(({ isFirst }) => isFirst).indexOf(true, 1)).toBe(-1);
  expect(batches.map(({ isLast }) => isLast).indexOf(true)).toBe(batches.length - 1);
  expect((await keysOf(file, 77)).get("set")?.elements).toEqual(members);
});

test("so do packed ones that no command could take at once, with what belongs together in one batch", async () => {
  const pairs = Array.from({ length: 10_000 }, (_, index) => [packs.text6(`f${index}`), packs.number7(index % 100)]);
  const pack = listpack(...pairs.flat());
  pack.set(little(0xffff, 2), 4);
  const items = (await itemsOf(rdbFile(11, 16, text("hash"), text(pack)), 50_000)) as RdbKey[];
  expect(items.map(({ elements }) => elements.length)).toEqual([8192, 8192, 3616]);
  expect(items.map(({ isFirst, isLast }) => [isFirst, isLast])).toEqual([
    [true, false],
    [false, false],
    [false, true],
  ]);
});

test(`${RUNS} mutated files do no more than be refused`, { timeout: 60_000 + RUNS * 20 }, async () => {
  const random = new Random(seed);
  const small = rdbFile(12, ...[everyType.subarray(9, 700)]);
  for (let run = 0; run < RUNS; run++) {
    const bytes = Uint8Array.from(random.oneIn(4) ? everyType : small);
    for (let flips = 1 + random.below(4); flips > 0; flips--) {
      const at = 9 + random.below(bytes.length - 9);
      bytes[at] = random.pick([random.below(256), 255, 0, (bytes[at] as number) ^ (1 << random.below(8))]);
    }
    const end = random.oneIn(3) ? random.below(bytes.length) : bytes.length;
    const outcome = await itemsOf(
      bytes.subarray(0, end),
      1 + random.below(5000),
      random.oneIn(2) ? end : undefined,
    ).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (outcome === undefined) continue;
    expect(outcome, `run ${run}: ${outcome}`).toBeInstanceOf(NearkeyError);
    expect((outcome as NearkeyError).message).toMatch(/^dump\.rdb, offset \d+: /);
  }
});

test("the checksum is the one of Redis", () => {
  const sum = new Crc64();
  sum.add(bytesOf("1234"));
  sum.add(bytesOf("56789"));
  expect(Buffer.from(sum.bytes().reverse()).toString("hex")).toBe("e9c6d914c4b8d9ca");
});

test("a packed string that copies from before its start, or comes out longer or shorter, is refused", () => {
  expect(unpackLzf(bytesOf(0, "a", 0x20, 0), 4)).toEqual(bytesOf("aaaa"));
  expect(unpackLzf(bytesOf(0, "a", 0x20, 1), 4)).toBeUndefined();
  expect(unpackLzf(bytesOf(0, "a", 0x20, 0), 3)).toBeUndefined();
  expect(unpackLzf(bytesOf(0, "a", 0x20, 0), 5)).toBeUndefined();
  expect(unpackLzf(bytesOf(0, "a", 0xe0), 12)).toBeUndefined();
  expect(unpackLzf(bytesOf(5, "a"), 6)).toBeUndefined();
});

test("what is written is read: keys of every length, in databases, with times", async () => {
  const random = new Random(seed);
  const file = await new MemoryStorage().open("dump.rdb", { create: true });
  const writer = new RdbWriter(file);
  const expected = new Map<string, unknown>();
  writer.fact("nearkey-ver", "1");
  for (const database of [0, 7]) {
    writer.database(database, 100, 50);
    for (let key = 0; key < 100; key++) {
      const name = `${database}:${key}:${"k".repeat(random.pick([0, 63, 64, 20_000]))}`;
      const expiresAtMs = random.oneIn(2) ? FAR + random.below(1e6) : undefined;
      const value = "v".repeat(random.pick([0, 1, 63, 64, 16_383, 16_384, 70_000, 300_000]));
      const isHash = random.oneIn(3);
      if (isHash) {
        writer.hash(bytesOf(name), 2, expiresAtMs);
        for (const part of ["f", value, "g", "w"]) writer.text(bytesOf(part));
      } else writer.string(bytesOf(name), bytesOf(value), expiresAtMs);
      expected.set(name, {
        kind: isHash ? "hash" : "string",
        elements: isHash ? ["f", value, "g", "w"] : [value],
        database,
        ...(expiresAtMs && { expiresAtMs }),
      });
      if (random.oneIn(3)) await writer.flush();
    }
  }
  await writer.end();
  const bytes = new Uint8Array(file.size);
  await file.read(0, bytes);
  expect(await keysOf(bytes, 100_000)).toEqual(expected);
});
