// Requests as bytes: every form, split at every byte, malformed in every way, and cut at random into pieces.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Outcome } from "../src/engine.ts";
import { encodeCommand } from "../src/resp.ts";
import { drawSeed, EngineDriver } from "./engine-driver.ts";

const seed = drawSeed("parser.test.ts");

/** What a fresh connection answers to bytes, given whole and in two pieces cut anywhere, and byte by byte. */
function expectAnswer(input: string, text: string, outcome = Outcome.Done): void {
  expect(new EngineDriver().send(input), "whole").toEqual({ text, outcome });
  const driver = new EngineDriver();
  for (let cut = 1; cut < input.length; cut++) {
    expect(sendPieces(driver, [input.slice(0, cut), input.slice(cut)]), `cut at ${cut}`).toEqual({ text, outcome });
    driver.must("FLUSHALL");
  }
  expect(sendPieces(driver, [...input]), "byte by byte").toEqual({ text, outcome });
}

/** Feeds pieces to a new connection; what follows a piece after which the connection ends is not sent. */
function sendPieces(driver: EngineDriver, pieces: string[]): { text: string; outcome: Outcome } {
  const connection = driver.engine.connect();
  let text = "";
  let outcome = Outcome.Done;
  for (const piece of pieces) {
    const answer = driver.send(piece, connection);
    text += answer.text;
    outcome = answer.outcome;
    if (outcome === Outcome.Close) break;
  }
  driver.engine.disconnect(connection);
  return { text, outcome };
}

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
const request = (...args: string[]): string => requestOf(args);
const requestOf = (args: string[]): string => `*${args.length}\r\n${args.map(bulk).join("")}`;

describe("arrays of bulk strings", () => {
  it.each<[string, string, string]>([
    ["a command", "*1\r\n$4\r\nPING\r\n", "+PONG\r\n"],
    ["a name in any case", "*1\r\n$4\r\npiNG\r\n", "+PONG\r\n"],
    ["an empty argument", "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", "$0\r\n\r\n"],
    ["line ends and zero bytes inside an argument", "*2\r\n$4\r\nECHO\r\n$5\r\n\r\n\0*$\r\n", "$5\r\n\r\n\0*$\r\n"],
    ["a pipeline", request("SET", "k", "v") + request("GET", "k"), "+OK\r\n$1\r\nv\r\n"],
    ["an array of no elements, which is nothing", `*0\r\n${request("PING")}`, "+PONG\r\n"],
    ["the null array, which is nothing", `*-1\r\n${request("PING")}`, "+PONG\r\n"],
    ["any negative count, which is nothing", `*-10\r\n${request("PING")}`, "+PONG\r\n"],
    ["any two bytes where a line end stands", "*1xy$4xyPING", ""],
    ["an empty name", "*1\r\n$0\r\n\r\n", "-ERR unknown command '', with args beginning with: \r\n"],
    [
      "an unknown command with its arguments",
      request("FOO", "a", "b\r\nc"),
      "-ERR unknown command 'FOO', with args beginning with: 'a' 'b  c' \r\n",
    ],
    [
      "too few arguments",
      request("GET") + request("GET", "a", "b"),
      "-ERR wrong number of arguments for 'get' command\r\n".repeat(2),
    ],
  ])("takes %s", (_name, input, text) => expectAnswer(input, text));

  it("does not take a name that ends in spaces or zero bytes for the name without them", () => {
    for (const name of ["PING ", "PING\0", "GET     "]) {
      expectAnswer(request(name), `-ERR unknown command '${name}', with args beginning with: \r\n`);
    }
  });
});

describe("inline commands", () => {
  it.each<[string, string, string]>([
    ["a line", "PING\r\n", "+PONG\r\n"],
    ["a line without carriage return", "PING\n", "+PONG\r\n"],
    ["several words and spaces", "  ECHO\t  a \r\n", "$1\r\na\r\n"],
    ["empty lines", "\r\n\n   \r\nPING\r\n", "+PONG\r\n"],
    ["a pipeline", "SET k v\r\nGET k\r\n", "+OK\r\n$1\r\nv\r\n"],
    ["both forms by turns", `SET k v\r\n${request("GET", "k")}PING\n`, "+OK\r\n$1\r\nv\r\n+PONG\r\n"],
    ["double quotes", 'ECHO "a b"\r\n', "$3\r\na b\r\n"],
    ["an empty word", 'ECHO ""\r\n', "$0\r\n\r\n"],
    ["escapes", 'ECHO "\\x41\\xfF\\n\\r\\t\\b\\a\\"\\q\\x4"\r\n', '$11\r\nA\xff\n\r\t\b\x07"qx4\r\n'],
    ["single quotes", "ECHO 'a \\n \\' \"'\r\n", "$8\r\na \\n ' \"\r\n"],
    ["quotes inside a word", 'ECHO a"b c"\r\n', "$4\r\nab c\r\n"],
    ["a vertical tab inside a word", "ECHO a\vb\r\n", "$3\r\na\vb\r\n"],
    ["a line up to its first zero byte", "PING\0 x\r\n", "+PONG\r\n"],
    ["a lone minus as a name", "-\r\n", "-ERR unknown command '-', with args beginning with: \r\n"],
  ])("take %s", (_name, input, text) => expectAnswer(input, text));

  it.each(['ECHO "a', "ECHO 'a", 'ECHO "a"b', "ECHO 'a'b", 'ECHO "a\\"'])("refuse unbalanced quotes: %s", (line) => {
    expectAnswer(`${line}\r\n`, "-ERR Protocol error: unbalanced quotes in request\r\n", Outcome.Close);
  });

  it("are decoded once, whatever fills the argument records before them", () => {
    const many = requestOf(["EXISTS", ...Array.from({ length: 131_000 }, (_, index) => `${index % 10}`)]);
    const line = `MGET ${'"a b" '.repeat(200)}\r\n`;
    const text = new EngineDriver().send(many + line).text;
    expect(text).toBe(`:0\r\n*200\r\n${"$-1\r\n".repeat(200)}`);
    const echoed = new EngineDriver().send(`${many}ECHO "a\\\\x41 b"\r\n`).text;
    expect(echoed).toBe(":0\r\n$7\r\na\\x41 b\r\n");
  });

  it("refuse a word that no entry can hold, as a key and as a value", () => {
    const answer = { text: "-ERR Protocol error: too big inline request\r\n", outcome: Outcome.Close };
    const long = "x".repeat(40_000);
    expect(new EngineDriver().send(`SET k ${long}\r\n`)).toEqual(answer);
    expect(new EngineDriver().send(`GET ${long}\r\n`)).toEqual(answer);
    expect(new EngineDriver().send(`SET k ${"x".repeat(32_704)}\r\nSTRLEN k\r\n`).text).toBe("+OK\r\n:32704\r\n");
  });

  it("end the connection beyond 64 KiB, with a line end or without", () => {
    const answer = { text: "-ERR Protocol error: too big inline request\r\n", outcome: Outcome.Close };
    expect(new EngineDriver().send("x ".repeat(40_000))).toEqual(answer);
    expect(new EngineDriver().send(`${"x ".repeat(40_000)}\r\n`)).toEqual(answer);
    const pieces = Array.from({ length: 10 }, () => "x ".repeat(4_000));
    expect(sendPieces(new EngineDriver(), pieces)).toEqual(answer);
    expect(new EngineDriver().send(`ECHO ${"x".repeat(30_000)}${" ".repeat(35_000)}\r\n`).text.length).toBe(30_010);
  });
});

describe("protocol errors", () => {
  const error = (text: string): string => `-ERR Protocol error: ${text}\r\n`;
  it.each<[string, string]>([
    ["*a\r\n", "invalid multibulk length"],
    ["*\r\n", "invalid multibulk length"],
    ["* 1\r\n", "invalid multibulk length"],
    ["*+1\r\n", "invalid multibulk length"],
    ["*01\r\n", "invalid multibulk length"],
    ["*131073\r\n", "invalid multibulk length, a command has at most 131072 arguments (--max-arguments)"],
    ["*99999999999999999999\r\n", "invalid multibulk length"],
    ["*1\r\n+4\r\n", "expected '$', got '+'"],
    ["*1\r\n:\r\n", "expected '$', got ':'"],
    ["*1\r\n\r\n", "expected '$', got ' '"],
    ["*1\r\n\0\r\n", "expected '$', got '\0'"],
    ["*1\r\n$\r\n", "invalid bulk length"],
    ["*1\r\n$-1\r\n", "invalid bulk length"],
    ["*1\r\n$a\r\n", "invalid bulk length"],
    ["*1\r\n$67108865\r\n", "invalid bulk length"],
    ["*1\r\n$4294967296\r\n", "invalid bulk length"],
    ["*1\r\n$-9223372036854775808\r\n", "invalid bulk length"],
    ["*2\r\n$4\r\nECHO\r\n$1x\r\n", "invalid bulk length"],
  ])("%j is answered by %s", (input, text) => {
    expectAnswer(input, error(text), Outcome.Close);
    expectAnswer(request("PING") + input, `+PONG\r\n${error(text)}`, Outcome.Close);
  });

  it("come after the replies of the commands before them, and nothing comes after", () => {
    const input = `${request("SET", "k", "1").repeat(20)}${request("INCR", "k")}*1\r\n!\r\n${request("INCR", "k")}`;
    expectAnswer(input, `${"+OK\r\n".repeat(20)}:2\r\n${error("expected '$', got '!'")}`, Outcome.Close);
  });

  it("of one connection do not show in another's", () => {
    const driver = new EngineDriver();
    const other = driver.engine.connect();
    // The host answers first: the error that was parsed ahead is not reported in that call.
    expect(driver.engine.execute(other, Buffer.from(`${request("INFO")}*1\r\n!\r\n`), 0, 0)).toBe(Outcome.Host);
    driver.engine.disconnect(other);
    expect(driver.send("*a\r\n").text).toBe(error("invalid multibulk length"));
  });

  it("end lines that are longer than any length", () => {
    const digits = "1".repeat(70_000);
    for (const [input, text] of [
      [`*${digits}`, "too big mbulk count string"],
      [`*1\r\n$${digits}`, "too big bulk count string"],
      [`*1\r\n!${digits}`, "too big bulk count string"],
    ] as const) {
      expect(new EngineDriver().send(input)).toEqual({ text: error(text), outcome: Outcome.Close });
      const pieces = [input.slice(0, 5), input.slice(5, 40_000), input.slice(40_000)];
      expect(sendPieces(new EngineDriver(), pieces)).toEqual({ text: error(text), outcome: Outcome.Close });
    }
  });

  it("are found in lines of any length around 64 KiB, at every split near it", () => {
    for (let length = 65_520; length < 65_550; length++) {
      for (const head of ["*", "*1\r\n$", "*1\r\n$4\r\nPING\r\n*"]) {
        const input = head + "1".repeat(length);
        const { text, outcome } = sendPieces(new EngineDriver(), [input, "\r", "\n"]);
        expect([length, outcome]).toEqual([length, Outcome.Close]);
        expect(text).toMatch(/-ERR Protocol error: (too big m?bulk count string|invalid (multi)?bulk length)\r\n$/);
      }
    }
  });
});

describe("a connection that has not authenticated", () => {
  const locked = (): EngineDriver => new EngineDriver({ requireAuthentication: true });

  it("is asked to, except by the commands that do it", () => {
    expect(locked().send(request("GET", "k") + request("AUTH", "x") + request("PING")).text).toBe(
      "-NOAUTH Authentication required.\r\n+HOST\r\n-NOAUTH Authentication required.\r\n",
    );
  });

  it("may send 10 arguments of 16 KiB", () => {
    const args = ["AUTH", ...Array.from({ length: 9 }, () => "x".repeat(16_384))];
    expect(locked().send(request(...args)).text).toBe("+HOST\r\n");
    expect(locked().send(`*11\r\n`)).toEqual({
      text: "-ERR Protocol error: unauthenticated multibulk length\r\n",
      outcome: Outcome.Close,
    });
    expect(locked().send(`*2\r\n$4\r\nAUTH\r\n$16385\r\n`)).toEqual({
      text: "-ERR Protocol error: unauthenticated bulk length\r\n",
      outcome: Outcome.Close,
    });
  });
});

describe("long commands", () => {
  const longs = [32_703, 32_704, 32_705, 65_535, 65_536, 65_537, 131_072, 1_048_576, 1_100_000];

  it("are received in pieces of any size", () => {
    const driver = new EngineDriver();
    for (const bytes of longs) {
      const value = pattern(bytes);
      const input = Buffer.from(request("SET", "k", value) + request("GET", "k"), "latin1");
      for (const piece of [1_000, 16_384, 65_536, input.length]) {
        expect(sendChunks(driver, input, piece)).toBe(`+OK\r\n${bulk(value)}`);
      }
    }
  });

  it("split at every byte around an argument that gets its own pages", () => {
    const value = pattern(40_000);
    const head = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$40000\r\n";
    const tail = `${value.slice(-3)}\r\n${request("STRLEN", "k")}`;
    const input = head + value.slice(0, -3) + tail;
    const driver = new EngineDriver();
    for (let cut = 1; cut <= head.length + 2; cut++) {
      expect(sendPieces(driver, [input.slice(0, cut), input.slice(cut)]).text).toBe("+OK\r\n:40000\r\n");
    }
    for (let cut = input.length - tail.length - 2; cut < input.length; cut++) {
      expect(sendPieces(driver, [input.slice(0, cut), input.slice(cut)]).text).toBe("+OK\r\n:40000\r\n");
    }
  });

  it("of many arguments are collected", () => {
    const keys = Array.from({ length: 30_000 }, (_, index) => `key:${index}`);
    const input = Buffer.from(requestOf(["MSET", ...keys.flatMap((key) => [key, key])]) + request("DBSIZE"));
    for (const piece of [1_460, 65_536, 70_001, 400_000, input.length]) {
      expect(sendChunks(new EngineDriver(), input, piece)).toBe("+OK\r\n:30000\r\n");
    }
  });

  it("take as many arguments as there may be", () => {
    const driver = new EngineDriver();
    const keys = Array.from({ length: 131_071 }, () => "k");
    expect(driver.send(requestOf(["EXISTS", ...keys])).text).toBe(":0\r\n");
    expect(driver.send(requestOf(["EXISTS", ...keys, "k"]))).toEqual({
      text: "-ERR Protocol error: invalid multibulk length, a command has at most 131072 arguments (--max-arguments)\r\n",
      outcome: Outcome.Close,
    });
  });

  it("bring the longest key and the longest inline value to one entry", () => {
    const driver = new EngineDriver();
    const key = pattern(32_704);
    for (const bytes of [0, 1, 32_703, 32_704, 32_705]) {
      driver.send(request("PSETEX", key, "100000", pattern(bytes)));
      expect(driver.send(request("STRLEN", key)).text).toBe(`:${bytes}\r\n`);
      driver.send(request("HSET", "h", key, pattern(bytes)));
      expect(driver.send(request("HGET", "h", key)).text).toBe(bulk(pattern(bytes)));
    }
  });

  it("do not bring keys, fields, patterns and options of other than one piece into commands that need one", () => {
    const driver = new EngineDriver();
    driver.must("SET", "k", "v");
    const long = "x".repeat(32_705);
    const overlong = (what: string): string => `-ERR ${what} exceeds 32704 bytes\r\n`;
    expect(driver.send(request("GET", long)).text).toBe(overlong("key"));
    expect(driver.send(request("MSET", "a", "b", long, "c")).text).toBe(overlong("key"));
    expect(driver.send(request("SET", "big", long)).text).toBe("+OK\r\n");
    expect(driver.send(request("HSET", "h", long, "v")).text).toBe(overlong("hash field"));
    expect(driver.send(request("KEYS", long)).text).toBe(overlong("pattern"));
    expect(driver.send(request("SCAN", "0", "MATCH", long)).text).toBe(overlong("pattern"));
    expect(driver.send(request("EXPIRE", "k", "1", long)).text).toBe(`-ERR Unsupported option ${"x".repeat(128)}\r\n`);
    expect(driver.send(request("SELECT", long)).text).toMatch(/^-ERR/);
    expect(driver.send(request(long, long)).text).toMatch(/^-ERR unknown command 'x{128}'/);
  });
});

/** Text whose every part is different. */
function pattern(bytes: number): string {
  let text = "";
  for (let at = 0; text.length < bytes; at += 8) text += `${at} `.padStart(8, ".");
  return text.slice(0, bytes);
}

function sendChunks(driver: EngineDriver, input: Buffer, piece: number): string {
  const connection = driver.engine.connect();
  const replies: Buffer[] = [];
  for (let at = 0; at < input.length; at += piece) {
    replies.push(driver.feed(input.subarray(at, at + piece), connection).bytes);
  }
  driver.engine.disconnect(connection);
  return Buffer.concat(replies).toString("latin1");
}

describe("a batch of megabytes", () => {
  it("is taken a mebibyte a call, so that others may go between", () => {
    const driver = new EngineDriver();
    const batch = Buffer.from(request("SET", "k", "x".repeat(900_000)).repeat(3));
    const outcomes: [Outcome, number][] = [];
    for (let at = 0; at < batch.length; at += driver.engine.consumed) {
      const outcome = driver.engine.execute(driver.connection, batch, at, driver.now);
      outcomes.push([outcome, driver.engine.consumed]);
    }
    expect(outcomes.slice(0, 2)).toEqual([
      [Outcome.Yield, 1 << 20],
      [Outcome.Yield, 1 << 20],
    ]);
    expect(outcomes).toHaveLength(3);
    expect(outcomes[2]?.[0]).toBe(Outcome.Done);
  });
});

describe("any pipeline", () => {
  const word = fc.oneof(
    { weight: 8, arbitrary: fc.string({ maxLength: 20, unit: "binary-ascii" }) },
    { weight: 1, arbitrary: fc.integer({ min: 30_000, max: 140_000 }).map(pattern) },
  );
  const key = fc.constantFrom("a", "b", "c");
  const command = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constant("SET"), key, word) },
    { weight: 4, arbitrary: fc.tuple(fc.constant("GET"), key) },
    { weight: 2, arbitrary: fc.tuple(fc.constant("APPEND"), key, word) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("ECHO"), word) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("MSET"), key, word, key, word) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom("INFO", "NOSUCH"), word) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom("", "PING", "GET")) },
  );

  it("is answered the same however it is cut", () => {
    const pipeline = fc.array(command, { minLength: 1, maxLength: 40 });
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
    fc.assert(
      fc.property(pipeline, cuts, (commands, places) => {
        const input = Buffer.concat(commands.map((args) => encodeCommand(args)));
        const whole = new EngineDriver();
        const cut = new EngineDriver();
        const expected = whole.feed(input).bytes;
        const borders = [0, ...places.map((place) => Math.floor(place * input.length)).sort((a, b) => a - b)];
        const pieces = borders.map((from, index) => input.subarray(from, borders[index + 1]));
        const replies = Buffer.concat(pieces.map((piece) => cut.feed(piece).bytes));
        expect(replies.equals(expected)).toBe(true);
        expect(cut.hostCommands).toEqual(whole.hostCommands);
        // Nothing of a request outlives it.
        for (const driver of [whole, cut]) {
          driver.must("FLUSHALL");
          driver.settle();
          expect(driver.heldPages).toBe(new EngineDriver().heldPages);
        }
      }),
      { seed, numRuns: 60 },
    );
  });
});
