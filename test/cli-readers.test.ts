// The readers of `nearkey import` alone: each format's bytes, fed whole and cut anywhere, and what is refused by name.

import { describe, expect, test } from "vitest";
import { type FileFormat, formatOfName, readRows } from "../src/cli/import/file-format.ts";
import type { FoundRow } from "../src/cli/import/found-row.ts";
import type { InputFile } from "../src/cli/import/input-file.ts";
import { elementOf } from "../src/cli/import/vector-row.ts";
import { bytesOf, npyFile, npyHeader, vecsFile } from "./vector-files.ts";

function inputOf(bytes: Uint8Array, pieceBytes = bytes.length || 1): InputFile {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.slice(at, at + pieceBytes);
  }
  return { name: "file", size: bytes.length, isPacked: false, readBytes: 0, chunks, close: () => undefined };
}

async function rowsOf(bytes: Uint8Array, format: FileFormat, pieceBytes?: number): Promise<FoundRow[]> {
  const rows: FoundRow[] = [];
  for await (const batch of readRows(inputOf(bytes, pieceBytes), format)) rows.push(...batch);
  return rows;
}

async function vectorsOf(bytes: Uint8Array, format: FileFormat, pieceBytes?: number): Promise<number[][]> {
  const rows = await rowsOf(bytes, format, pieceBytes);
  expect(rows.map(({ place }) => place)).toEqual(rows.map((_, index) => index + 1));
  return rows.map((row) => ("vector" in row ? [...row.vector] : []));
}

const text = (lines: string): Uint8Array => new TextEncoder().encode(lines);
const matrix = [
  [1, -2.5, 0],
  [0.5, 1024, -0.25],
];

describe(".npy", () => {
  const flat = matrix.flat();
  const half = Uint16Array.of(0x3c00, 0xc100, 0x0000, 0x3800, 0x6400, 0xb400);
  const kinds: [string, ArrayBufferView, number[][]][] = [
    ["<f4", Float32Array.from(flat), matrix],
    ["<f8", Float64Array.from(flat), matrix],
    ["<f2", half, matrix],
    [
      "|u1",
      Uint8Array.of(1, 2, 3, 4, 5, 255),
      [
        [1, 2, 3],
        [4, 5, 255],
      ],
    ],
    [
      "|i1",
      Int8Array.of(1, 2, 3, 4, 5, -1),
      [
        [1, 2, 3],
        [4, 5, -1],
      ],
    ],
    [
      "<i2",
      Int16Array.of(1, 2, 3, 4, 5, -300),
      [
        [1, 2, 3],
        [4, 5, -300],
      ],
    ],
    [
      "<i4",
      Int32Array.of(1, 2, 3, 4, 5, -70_000),
      [
        [1, 2, 3],
        [4, 5, -70_000],
      ],
    ],
    [
      "<i8",
      BigInt64Array.of(1n, 2n, 3n, 4n, 5n, -6n),
      [
        [1, 2, 3],
        [4, 5, -6],
      ],
    ],
  ];

  test.each(kinds)("of %s is read, however it is cut", async (descr, numbers, expected) => {
    for (const version of [1, 2, 3]) {
      const file = npyFile(npyHeader(descr, 2, 3), bytesOf(numbers), version);
      for (const pieceBytes of [1, 7, 100, file.length])
        expect(await vectorsOf(file, "npy", pieceBytes)).toEqual(expected);
    }
  });

  test("reads subnormal and infinite half floats", async () => {
    const bytes = bytesOf(Uint16Array.of(0x0001, 0x83ff, 0x7c00, 0xfc00, 0x7bff));
    const [row] = await vectorsOf(npyFile(npyHeader("<f2", 1, 5), bytes), "npy");
    expect(row).toEqual([2 ** -24, -1023 * 2 ** -24, Infinity, -Infinity, 65504]);
  });

  const refused: [string, Uint8Array, RegExp][] = [
    ["Fortran's order", npyFile(npyHeader("<f4", 2, 3, true), new Uint8Array(24)), /Fortran order.*ascontiguousarray/],
    ["big-endian numbers", npyFile(npyHeader(">f4", 2, 3), new Uint8Array(24)), /big-endian/],
    [
      "records",
      npyFile("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }", new Uint8Array(24)),
      /records/,
    ],
    ["complex numbers", npyFile(npyHeader("<c8", 2, 3), new Uint8Array(48)), /'<c8'; import takes f2, f4/],
    [
      "three dimensions",
      npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4), }", new Uint8Array(96)),
      /takes a matrix/,
    ],
    [
      "a file cut short",
      npyFile(npyHeader("<f4", 2, 3), new Uint8Array(20)),
      /ends inside row 2; its header promises 2/,
    ],
    ["a header cut short", npyFile(npyHeader("<f4", 2, 3), new Uint8Array(0)).slice(0, 40), /ends inside its header/],
    ["a version to come", npyFile(npyHeader("<f4", 2, 3), new Uint8Array(24), 4), /version 4/],
    ["another file", text("PK\x03\x04 and so on and on"), /no \.npy file/],
  ];

  test.each(refused)("refuses %s by name", async (_, bytes, message) => {
    await expect(rowsOf(bytes, "npy")).rejects.toThrow(message);
  });
});

describe(".fvecs, .bvecs, .ivecs", () => {
  test("are read, however they are cut", async () => {
    const floats = vecsFile(matrix.map((row) => Float32Array.from(row)));
    const bytes = vecsFile([Uint8Array.of(1, 2, 255), Uint8Array.of(0, 0, 7)]);
    const integers = vecsFile([Int32Array.of(1, -2, 3)]);
    for (const pieceBytes of [1, 3, 5, 100]) {
      expect(await vectorsOf(floats, "fvecs", pieceBytes)).toEqual(matrix);
      expect(await vectorsOf(bytes, "bvecs", pieceBytes)).toEqual([
        [1, 2, 255],
        [0, 0, 7],
      ]);
      expect(await vectorsOf(integers, "ivecs", pieceBytes)).toEqual([[1, -2, 3]]);
    }
    expect(await vectorsOf(new Uint8Array(0), "fvecs")).toEqual([]);
  });

  test("are refused when rows differ, or the last one is cut", async () => {
    const differing = vecsFile([Float32Array.of(1, 2), Float32Array.of(1, 2, 3)]);
    await expect(rowsOf(differing, "fvecs")).rejects.toThrow(/row 2 claims 3 numbers, the first has 2/);
    const whole = vecsFile([Float32Array.of(1, 2), Float32Array.of(1, 2)]);
    await expect(rowsOf(whole.slice(0, -1), "fvecs")).rejects.toThrow(/ends inside row 2, with 11 bytes/);
    await expect(rowsOf(whole.slice(0, 3), "fvecs")).rejects.toThrow(/ends inside row 1/);
    await expect(rowsOf(text("id,vector\n1,2\n"), "fvecs")).rejects.toThrow(/no \.fvecs file/);
  });
});

describe("JSON lines", () => {
  test("are read, however they are cut, with the lines that are none", async () => {
    const file = text('\ufeff{"id":"é","n":1}\r\n\n[1]\n{"id":\nnull\n{"id":"last"}');
    const expected = [
      { place: 1, fields: { id: "é", n: 1 } },
      { place: 3, problem: { code: "not-an-object" } },
      { place: 4, problem: { code: "not-json" } },
      { place: 5, problem: { code: "not-an-object" } },
      { place: 6, fields: { id: "last" } },
    ];
    for (let pieceBytes = 1; pieceBytes <= file.length; pieceBytes++) {
      expect(await rowsOf(file, "jsonl", pieceBytes)).toMatchObject(expected);
    }
  });

  test("that are not UTF-8 are refused, and a whole array too", async () => {
    const broken = Buffer.concat([text('{"id":"'), Uint8Array.of(0xff), text('"}\n{"id":"b"}\n')]);
    expect(await rowsOf(broken, "jsonl")).toMatchObject([
      { place: 1, problem: { code: "not-utf8" } },
      { place: 2, fields: { id: "b" } },
    ]);
    await expect(rowsOf(text('[\n{"id":"a"}\n]\n'), "jsonl")).rejects.toThrow(/JSON array.*jq/);
  });
});

describe("CSV", () => {
  test("is read with quotes and line ends in them; other counts of fields are refused", async () => {
    const file = text('\ufeffid,name\na,"x, ""y""\nz"\nb\n\nc,d\n');
    const expected = [
      { fields: { id: "a", name: 'x, "y"\nz' } },
      { place: 4, problem: { code: "other-field-count", message: "1 fields under 2 columns" } },
      { place: 6, fields: { id: "c", name: "d" } },
    ];
    for (const pieceBytes of [1, 2, 5, 100]) expect(await rowsOf(file, "csv", pieceBytes)).toMatchObject(expected);
    expect(await rowsOf(text("a\tb\n1\t2,3\n"), "tsv")).toMatchObject([{ fields: { a: "1", b: "2,3" } }]);
    await expect(rowsOf(text("a,a\n1,2\n"), "csv")).rejects.toThrow(/two columns are named "a"/);
  });
});

describe("a name", () => {
  test("tells the format", () => {
    expect(formatOfName("a/b.fvecs")).toBe("fvecs");
    expect(formatOfName("B.NPY.GZ")).toBe("npy");
    expect(formatOfName("x.ndjson")).toBe("jsonl");
    expect(() => formatOfName("notes.txt")).toThrow(/--format jsonl\|csv/);
    expect(() => formatOfName("-")).toThrow(/standard input has no name/);
  });
});

describe("a row of fields", () => {
  const names = { id: "id", vector: ["vector"], attributes: ["attributes"], idPrefix: "" };
  const make = (fields: Record<string, unknown>, more: Partial<typeof names> = {}, label?: unknown) =>
    elementOf({ place: 1, fields }, 7, { ...names, ...more }, label);

  test("becomes an element, its vector an array, a text or columns", () => {
    const vector = Float32Array.of(1, 2);
    expect(make({ id: 5, vector: [1, 2] })).toEqual({ id: "5", vector, attributes: undefined });
    for (const written of ["[1, 2]", "1,2", " 1  2 ", "1;2"])
      expect(make({ id: "a", vector: written })).toMatchObject({ vector });
    expect(make({ id: "a", v0: "1", v1: "2" }, { vector: ["v*"], idPrefix: "p:" })).toMatchObject({
      id: "p:a",
      vector,
    });
    expect(make({ x: 1, y: "2" }, { id: undefined, vector: ["x", "y"] })).toMatchObject({ id: "7", vector });
  });

  test("takes attributes from an object, from fields, from all others, and the label", () => {
    const fields = {
      id: "a",
      vector: [1],
      year: "2026",
      zip: "007",
      name: "",
      draft: "false",
      attributes: { lang: "en" },
    };
    expect(make(fields)).toMatchObject({ attributes: { lang: "en" } });
    expect(make(fields, { attributes: ["year", "zip", "name", "draft"] })).toMatchObject({
      attributes: { year: 2026, zip: "007", draft: false },
    });
    expect(make({ id: "a", vector: [1], b: 2, c: null }, { attributes: ["*"] }, 3)).toMatchObject({
      attributes: { b: 2, label: 3 },
    });
  });

  test("is refused without an id, a vector or a number", () => {
    expect(make({ vector: [1] })).toMatchObject({ code: "no-id" });
    expect(make({ id: "", vector: [1] })).toMatchObject({ code: "no-id" });
    expect(make({ id: "a" })).toMatchObject({ code: "no-vector" });
    expect(make({ id: "a", vector: [1, null] })).toMatchObject({
      code: "not-a-number",
      message: expect.stringMatching(/^number 1 .* null$/),
    });
    expect(make({ id: "a", vector: "1,x" })).toMatchObject({
      code: "not-a-number",
      message: expect.stringMatching(/"x"/),
    });
    expect(make({ id: "a", w: "1" }, { vector: ["v*"] })).toMatchObject({ code: "no-vector" });
  });
});
