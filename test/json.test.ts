// JSON to attributes: the bytes drawn in attributes.ts, JSON.parse as the model, and mutated texts at the very end
// of memory, where reading on would trap.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { Part } from "./compile-part.ts";

interface JsonPart {
  encodeAttributes(json: number, bytes: number, out: number, capacity: number): number;
  readonly ATTRIBUTES_EXPANSION: WebAssembly.Global<"i32">;
}

type Scalar = null | number | string;
type Attribute = Scalar | Scalar[] | Map<string, Attribute>;

const seed = Number(process.env.NEARKEY_SEED ?? Date.now() % 1e9);
const NESTED = "(an array inside an array)";
/** Objects inside one another that are kept. */
const NESTING_MAX = 8;

let part: Part<JsonPart>;
beforeAll(async () => {
  part = await Part.compile<JsonPart>("text/json");
  console.log(`json.test.ts: seed ${seed}`);
});

function encode(json: string | Uint8Array, capacity?: number): number {
  const [place] = part.place(json);
  return part.exports.encodeAttributes(...place, part.output, capacity ?? place[1] * 3);
}

/** Encodes and decodes again; undefined for what is no object. */
function roundTrip(json: string | Uint8Array): Map<string, Attribute> | undefined {
  const bytes = encode(json);
  return bytes < 0 ? undefined : decode(part.bytes.slice(part.output, part.output + bytes));
}

/** Reads attributes as their drawing says. */
function decode(bytes: Uint8Array): Map<string, Attribute> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields = new Map<string, Attribute>();
  let at = 0;
  while (at < view.length) {
    const nameBytes = view.readUInt8(at + 2);
    const head = view.readUInt8(at + 3);
    const name = view.toString("utf8", at + 4, at + 4 + nameBytes);
    const [value, next] = decodeValue(view, head, at + 4 + nameBytes);
    if (!fields.has(name)) fields.set(name, value);
    at = next;
  }
  expect(at).toBe(view.length);
  return fields;
}

function decodeValue(view: Buffer, head: number, body: number): [Attribute, number] {
  const long = (head & 31) === 31;
  const size = long ? view.readUInt32LE(body) : head & 31;
  const start = long ? body + 4 : body;
  const end = start + size;
  if (head >> 5 === 0) return [null, end];
  if (head >> 5 === 1) return [size === 8 ? view.readDoubleLE(start) : view.readIntLE(start, size), end];
  if (head >> 5 === 2) return [view.toString("utf8", start, end), end];
  if (head >> 5 === 4) return [decode(view.subarray(start, end)), end];
  const elements: Scalar[] = [];
  for (let at = start; at < end; ) {
    const elementHead = view.readUInt8(at);
    const [value, next] = decodeValue(view, elementHead, at + 1);
    elements.push(Array.isArray(value) ? NESTED : (value as Scalar));
    at = next;
  }
  return [elements, end];
}

/** What a filter can see of a JSON object. */
function visible(object: object, depth = 1): Map<string, Attribute> {
  const fields = new Map<string, Attribute>();
  for (const [name, value] of Object.entries(object)) {
    const seen = visibleValue(value, depth);
    if (seen !== undefined && Buffer.byteLength(name) <= 255) fields.set(wellFormed(name), seen);
  }
  return fields;
}

function visibleValue(value: unknown, depth: number): Attribute | undefined {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return depth < NESTING_MAX ? visible(value, depth + 1) : undefined;
  }
  if (!Array.isArray(value)) return visibleScalar(value);
  const elements = value.map((element) => (Array.isArray(element) ? NESTED : visibleScalar(element)));
  return elements.includes(undefined) ? undefined : (elements as Scalar[]);
}

function visibleScalar(value: unknown): Scalar | undefined {
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "string") return wellFormed(value);
  return value === null || typeof value === "number" ? value : undefined;
}

/** Half surrogate pairs become U+FFFD, as in any UTF-8. */
const wellFormed = (text: string): string => Buffer.from(text).toString();

const jsonObject = fc.dictionary(
  fc.oneof(fc.constantFrom("a", "year", ""), fc.string({ unit: "binary", maxLength: 300 })),
  fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: "binary", maxLength: 100 }),
    fc.array(
      fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string(), fc.constant(null)),
    ),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -300, max: 300 }),
  ),
);

describe("attributes", () => {
  it("are the bytes that are drawn", () => {
    const bytes = encode('{"n":-2,"s":"hi"}');
    const view = Buffer.from(part.bytes.slice(part.output, part.output + bytes));
    expect(view.length).toBe(4 + 1 + 1 + 4 + 1 + 2);
    expect(view.subarray(2, 6).toString("hex")).toBe("01216efe");
    expect(view.subarray(8).toString("hex")).toBe("0142736869");
  });

  it("hold numbers in the fewest bytes", () => {
    const sizes: [number, number][] = [
      [0, 1],
      [-128, 1],
      [127, 1],
      [128, 2],
      [-32768, 2],
      [32768, 4],
      [2147483647, 4],
      [-2147483647, 4],
      [2147483648, 8],
      [0.5, 8],
    ];
    for (const [value, size] of sizes) expect(encode(`{"":${value}}`), String(value)).toBe(4 + size);
    expect(encode('{"":-0}')).toBe(12);
  });

  it("are none of a text that is no object", () => {
    const refused = ["", " ", "1", '"a"', "null", "[]", "[1]", "{", "}", "{]", '{"a"}', '{"a":}', '{"a":1', '{"a":1,}'];
    const more = [
      '{"a":1}x',
      "{a:1}",
      '{"a":tru}',
      '{"a":truex}',
      '{"a":nul',
      '{"a":1 2}',
      '{"a":[1,]}',
      '{"a":[1',
      '{"a":"',
    ];
    const last = [
      '{"a":"\\"}',
      '{"a":{}',
      '{"a":{"b":"}"}',
      '{"a":1}}',
      "{,}",
      '{"a":1,,"b":2}',
      '{"a":1e}',
      '{"a":-}',
      "{1:2}",
    ];
    for (const text of [...refused, ...more, ...last]) expect(encode(text), text).toBe(-1);
  });

  it("say so when there is no room", () => {
    const text = JSON.stringify({ name: "a longer text than fits a head of a value", list: [1, 2.5, "x"], n: 1e300 });
    const needed = encode(text);
    for (let capacity = 0; capacity < needed; capacity++) expect(encode(text, capacity)).toBe(-2);
  });

  it("leave out what no filter can match", () => {
    const deep = `${'{"d":'.repeat(9)}1${"}".repeat(9)}`;
    expect(roundTrip(`{"o":{"a":[1],"b":[{}]},"m":[1,{"b":2},3],"n":[1,[2,{"c":3}],4],"bad":{"a"},"z":1}`)).toEqual(
      new Map<string, Attribute>([
        ["o", new Map([["a", [1]]])],
        ["n", [1, NESTED, 4]],
        ["z", 1],
      ]),
    );
    let inner = roundTrip(deep);
    for (let depth = 1; depth < 8; depth++) inner = inner?.get("d") as Map<string, Attribute>;
    expect(inner).toEqual(new Map());
  });

  it("take escapes as JSON does, and any other as the letter", () => {
    const text =
      '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00","\\u0062":"\\ud83d\\ude0","c":"\\q\\u12g4\t"}';
    expect(roundTrip(text)).toEqual(
      new Map([
        ["a", '"\\/\b\f\n\r\tAé€😀'],
        ["b", "\ufffdude0"],
        ["c", "qu12g4\t"],
      ]),
    );
  });

  it("are what JSON.parse reads, with any spaces", () => {
    const spaces = fc.constantFrom("", " ", "\n\t", "  ");
    const property = fc.property(jsonObject, spaces, fc.boolean(), (object, space, ascii) => {
      let text = JSON.stringify(object, null, space);
      if (ascii)
        text = text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
      expect(roundTrip(`${space}${text}${space}`), text).toEqual(visible(JSON.parse(text)));
    });
    fc.assert(property, { seed, numRuns: 5_000 });
  });

  it("of any mutated text stay within their bytes and read back", () => {
    const property = fc.property(
      jsonObject,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
      fc.nat(),
      (object, changes, cut) => {
        const bytes = Buffer.from(JSON.stringify(object));
        for (const [place, value] of changes) bytes[place % bytes.length] = value;
        const text = bytes.subarray(0, cut % 3 === 0 ? cut % (bytes.length + 1) : bytes.length);
        const fields = roundTrip(text);
        if (fields === undefined) expect(isObject(text.toString("latin1"))).toBe(false);
      },
    );
    fc.assert(property, { seed, numRuns: 20_000 });
  });
});

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
