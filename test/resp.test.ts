// The RESP codec: examples as bytes on the wire, each also cut at every byte, then random values and mutated bytes.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NearkeyError, ReplyError } from "../src/errors.ts";
import { CommandWriter, encodeCommand, encodeReply, type Reply, ReplyDecoder, SimpleString } from "../src/resp.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (encoded: Uint8Array): string => new TextDecoder().decode(encoded);

/** Decodes whole replies from the pieces, each piece scrubbed as soon as the decoder gave it back. */
function decode(pieces: readonly Uint8Array[], options?: { bytes?: boolean }): { value: Reply; push: boolean }[] {
  const decoder = new ReplyDecoder(options);
  const replies: { value: Reply; push: boolean }[] = [];
  for (const piece of pieces) {
    const lent = piece.slice();
    decoder.push(lent);
    for (let reply = decoder.next(); reply; reply = decoder.next()) replies.push(reply);
    lent.fill(0xaa);
  }
  return replies;
}

const values = (wire: string, options?: { bytes?: boolean }): Reply[] =>
  decode([bytes(wire)], options).map((r) => r.value);

/** A decoded map has no prototype; comparing by toStrictEqual wants to be told. */
const map = (entries: Record<string, Reply>): Reply => Object.assign(Object.create(null), entries);

const examples: [string, string, Reply][] = [
  ["a simple string", "+OK\r\n", "OK"],
  ["an empty simple string", "+\r\n", ""],
  ["an error", "-WRONGTYPE no\r\n", new ReplyError("WRONGTYPE no")],
  ["an integer", ":1000\r\n", 1000],
  ["a negative integer", ":-7\r\n", -7],
  ["minus zero as zero", ":-0\r\n", 0],
  ["2^53 - 1 as a number", ":9007199254740991\r\n", 9007199254740991],
  ["2^53 as a bigint", ":9007199254740992\r\n", 9007199254740992n],
  ["the smallest 64-bit integer", ":-9223372036854775808\r\n", -9223372036854775808n],
  ["a bulk string", "$5\r\nhello\r\n", "hello"],
  ["an empty bulk string", "$0\r\n\r\n", ""],
  ["a bulk string that holds line ends", "$4\r\n\r\n\r\n\r\n", "\r\n\r\n"],
  ["a bulk string beyond ASCII", "$8\r\nh\u00e9\u{1f511}!\r\n", "h\u00e9\u{1f511}!"],
  ["a byte order mark, kept", "$4\r\n\ufeffa\r\n", "\ufeffa"],
  ["a null bulk string", "$-1\r\n", null],
  ["a null array", "*-1\r\n", null],
  ["a null", "_\r\n", null],
  ["an empty array", "*0\r\n", []],
  ["nested arrays", "*2\r\n*1\r\n:1\r\n*2\r\n$1\r\na\r\n_\r\n", [[1], ["a", null]]],
  ["a double", ",3.25\r\n", 3.25],
  ["a double with an exponent", ",-1e-7\r\n", -1e-7],
  ["infinity", ",inf\r\n", Number.POSITIVE_INFINITY],
  ["minus infinity", ",-inf\r\n", Number.NEGATIVE_INFINITY],
  ["not a number", ",nan\r\n", Number.NaN],
  ["true", "#t\r\n", true],
  ["false", "#f\r\n", false],
  ["a big number", "(3492890328409238509324850943850943825024385\r\n", 3492890328409238509324850943850943825024385n],
  ["a bulk error", "!9\r\nERR a\r\nb!\r\n", new ReplyError("ERR a\r\nb!")],
  ["a verbatim string", "=8\r\ntxt:some\r\n", "some"],
  ["a map", "%2\r\n+a\r\n:1\r\n$1\r\nb\r\n*1\r\n#t\r\n", map({ a: 1, b: [true] })],
  ["an empty map", "%0\r\n", map({})],
  ["a map with numbers as keys", "%1\r\n:5\r\n+x\r\n", map({ 5: "x" })],
  ["a set", "~2\r\n+a\r\n+b\r\n", ["a", "b"]],
  ["an attribute, skipped", "|1\r\n+ttl\r\n:9\r\n$1\r\nv\r\n", "v"],
  ["an attribute inside an array", "*2\r\n:1\r\n|1\r\n+k\r\n*1\r\n:0\r\n:2\r\n", [1, 2]],
  ["an empty attribute", "|0\r\n:4\r\n", 4],
];

describe("the decoder", () => {
  test.each(examples)("reads %s", (_name, wire, expected) => {
    expect(values(wire)).toStrictEqual([expected]);
  });

  test.each(examples)("reads %s cut at every byte", (_name, wire, expected) => {
    const whole = bytes(wire + wire);
    for (let cut = 0; cut <= whole.length; cut++) {
      const replies = decode([whole.subarray(0, cut), whole.subarray(cut)]);
      expect(replies.map((reply) => reply.value)).toStrictEqual([expected, expected]);
    }
    const single = Array.from(whole, (_byte, at) => whole.subarray(at, at + 1));
    expect(decode(single).map((reply) => reply.value)).toStrictEqual([expected, expected]);
  });

  test("marks pushes between replies", () => {
    expect(decode([bytes(">2\r\n+message\r\n+hi\r\n+OK\r\n")])).toStrictEqual([
      { value: ["message", "hi"], push: true },
      { value: "OK", push: false },
    ]);
  });

  test("gives bytes for strings and flat arrays for maps when asked", () => {
    expect(values("%1\r\n$1\r\n\r\r\n+v\r\n*1\r\n:1\r\n", { bytes: true })).toStrictEqual([
      [bytes("\r"), bytes("v")],
      [1],
    ]);
  });

  test("keeps __proto__ and constructor as plain keys of a map", () => {
    const [reply] = values("%2\r\n+__proto__\r\n*0\r\n+constructor\r\n:1\r\n") as [Record<string, Reply>];
    expect(Object.keys(reply)).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(reply)).toBeNull();
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test.each([
    ["an unknown type", "^1\r\n"],
    ["a bulk string without its line end", "$1\r\nabc\r\n"],
    ["a length that is no number", "$x\r\n"],
    ["a length with no digits", "*\r\n"],
    ["a negative length", "$-2\r\n"],
    ["a null map", "%-1\r\n"],
    ["a null verbatim string", "=-1\r\n"],
    ["a streamed string", "$?\r\n"],
    ["a bulk string over 512 MiB", "$536870913\r\n"],
    ["an integer beyond any length", "*99999999999999999999\r\n"],
    ["a double that is text", ",abc\r\n"],
    ["a boolean that is neither", "#x\r\n"],
    ["a verbatim string without a format", "=2\r\nab\r\n"],
    ["a map keyed by an array", "%1\r\n*0\r\n:1\r\n"],
    ["a push inside an array", "*1\r\n>1\r\n:1\r\n"],
    ["129 nested arrays", "*1\r\n".repeat(129)],
  ])("refuses %s and stays broken", (_name, wire) => {
    const decoder = new ReplyDecoder();
    decoder.push(bytes(wire));
    expect(() => decoder.next()).toThrowError(expect.objectContaining({ code: "protocol-error" }));
    decoder.push(bytes("+OK\r\n"));
    expect(() => decoder.next()).toThrowError(NearkeyError);
  });

  test("refuses a line that never ends", () => {
    const decoder = new ReplyDecoder();
    const piece = new Uint8Array(1 << 18).fill(97);
    expect(() => {
      for (let count = 0; count < 6; count++) {
        decoder.push(piece);
        decoder.next();
      }
    }).toThrowError(/line/);
  });

  test("reads 128 nested arrays", () => {
    expect(values(`${"*1\r\n".repeat(127)}*0\r\n`)).toHaveLength(1);
  });

  test("takes time linear in the pieces: 16 MiB in pieces of 100 bytes", () => {
    const body = new Uint8Array(1 << 24).fill(120);
    const decoder = new ReplyDecoder({ bytes: true });
    decoder.push(bytes(`$${body.length}\r\n`));
    expect(decoder.next()).toBeUndefined();
    let steps = 0;
    for (let at = 0; at < body.length; at += 100) {
      decoder.push(body.subarray(at, at + 100));
      expect(decoder.next() === undefined).toBe(true);
      steps++;
    }
    decoder.push(bytes("\r\n"));
    expect(steps).toBeGreaterThan(160_000);
    expect(decoder.next()?.value).toHaveLength(1 << 24);
    expect(decoder.partial).toBe(false);
  }, 20_000);
});

describe("the encoder", () => {
  test("writes a command as an array of bulk strings", () => {
    expect(text(encodeCommand(["SET", "k", 1, 2n ** 63n, bytes("\0v")]))).toBe(
      "*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n1\r\n$19\r\n9223372036854775808\r\n$2\r\n\0v\r\n",
    );
  });

  test.each([9, 10, 33, 34, 99, 100, 333, 334, 999, 1000, 3334])(
    "counts the bytes of %i characters beyond ASCII",
    (count) => {
      for (const character of ["a", "\u00e9", "\u20ac", "\u{1f511}"]) {
        const argument = character.repeat(count);
        expect(text(encodeCommand([argument, "end"]))).toBe(
          `*2\r\n$${bytes(argument).length}\r\n${argument}\r\n$3\r\nend\r\n`,
        );
      }
    },
  );

  test("replaces lone surrogates", () => {
    expect(text(encodeCommand(["\ud800"]))).toBe("*1\r\n$3\r\n\ufffd\r\n");
    expect(text(encodeCommand([`${"x".repeat(30)}\udfff`]))).toContain("\ufffd");
  });

  test.each([undefined, null, true, {}, [1]])("refuses %s as an argument and leaves nothing behind", (argument) => {
    const writer = new CommandWriter();
    writer.command(["PING"]);
    expect(() => writer.command(["SET", "k", argument as unknown as string])).toThrowError(
      expect.objectContaining({ code: "invalid-argument" }),
    );
    expect(() => writer.command([])).toThrowError(expect.objectContaining({ code: "invalid-argument" }));
    writer.command(["PING"]);
    expect(text(writer.take())).toBe("*1\r\n$4\r\nPING\r\n".repeat(2));
    expect(writer.length).toBe(0);
  });

  test("writes replies for both protocols", () => {
    const reply = {
      status: new SimpleString("OK\r\nno"),
      list: ["a", 1, null, true, 1.5, 2n ** 64n, new ReplyError("ERR a\nb")],
    };
    expect(text(encodeReply(reply, 3))).toBe(
      "%2\r\n$6\r\nstatus\r\n+OK no\r\n$4\r\nlist\r\n*7\r\n$1\r\na\r\n:1\r\n_\r\n#t\r\n,1.5\r\n(18446744073709551616\r\n-ERR a b\r\n",
    );
    expect(text(encodeReply(reply, 2))).toBe(
      "*4\r\n$6\r\nstatus\r\n+OK no\r\n$4\r\nlist\r\n*7\r\n$1\r\na\r\n:1\r\n$-1\r\n:1\r\n$3\r\n1.5\r\n$20\r\n18446744073709551616\r\n-ERR a b\r\n",
    );
  });
});

describe("random values", () => {
  const leaf = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.integer(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 80n }),
    fc.double({ noNaN: true }).filter((value) => !Object.is(value, -0)),
    fc.boolean(),
    fc.constant(null),
    fc.string({ unit: "grapheme-ascii", maxLength: 20 }).map((message) => new ReplyError(`ERR ${message}`)),
  );
  const { value } = fc.letrec<{ value: Reply; list: Reply[]; map: Record<string, Reply> }>((tie) => ({
    value: fc.oneof({ maxDepth: 5 }, leaf, tie("list"), tie("map")),
    list: fc.array(tie("value"), { maxLength: 5 }),
    map: fc.dictionary(fc.string({ maxLength: 8 }), tie("value"), { maxKeys: 5, noNullPrototype: false }),
  }));

  test("come back equal however the bytes are cut", () => {
    const seed = Date.now() & 0x7fffffff;
    const cuts = fc.array(fc.nat(), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), cuts, (replies, places) => {
        const wire = Buffer.concat(replies.map((reply) => encodeReply(reply, 3)));
        const borders = places.map((place) => place % (wire.length + 1)).sort((a, b) => a - b);
        const pieces = [...borders, wire.length].map((end, index) => wire.subarray(borders[index - 1] ?? 0, end));
        expect(decode(pieces).map((reply) => reply.value)).toEqual(replies);
      }),
      { seed, numRuns: 300 },
    );
  });

  test("mutated bytes either decode or are a protocol error", () => {
    const seed = Date.now() & 0x7fffffff;
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(value, flips, (reply, changes) => {
        const wire = encodeReply(reply, 3).slice();
        for (const [place, byte] of changes) wire[place % wire.length] = byte;
        try {
          decode([wire]);
        } catch (error) {
          expect(error).toMatchObject({ name: "NearkeyError", code: "protocol-error" });
        }
      }),
      { seed, numRuns: 500 },
    );
  });
});
