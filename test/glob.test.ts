// Glob patterns: examples, Redis's corners, and a recursive matcher as the model.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { Part } from "./compile-part.ts";

interface GlobPart {
  matchGlob(pattern: number, patternBytes: number, text: number, textBytes: number): number;
}

const seed = Number(process.env.NEARKEY_SEED ?? Date.now() % 1e9);

let part: Part<GlobPart>;
beforeAll(async () => {
  part = await Part.compile<GlobPart>("text/glob");
  console.log(`glob.test.ts: seed ${seed}`);
});

/** Matches twice: once with the pattern at the very end of memory, once with the text there. */
function matches(pattern: string | Uint8Array, text: string | Uint8Array): boolean {
  const [patternFirst, textLast] = part.place(pattern, text);
  const answer = part.exports.matchGlob(...patternFirst, ...textLast) !== 0;
  const [textFirst, patternLast] = part.place(text, pattern);
  expect(part.exports.matchGlob(...patternLast, ...textFirst) !== 0).toBe(answer);
  return answer;
}

describe("glob patterns", () => {
  it("matches literals, wildcards and classes", () => {
    for (const [pattern, text] of [
      ["", ""],
      ["*", ""],
      ["*", "any"],
      ["h?llo", "hello"],
      ["h*llo", "hllo"],
      ["h*llo", "heeeello"],
      ["h[ae]llo", "hallo"],
      ["h[^e]llo", "hbllo"],
      ["h[a-b]llo", "hbllo"],
      ["h[b-a]llo", "hallo"],
      ["\\*", "*"],
      ["a\\?b", "a?b"],
      ["*a*b*c*", "xxaxxbxxcxx"],
      ["**b", "ab"],
      ["user:*:name", "user:17:name"],
      ["[\\]]", "]"],
      ["[*]", "*"],
      ["\\", "\\"],
      ["é*", "état"],
    ] as const) {
      expect(matches(pattern, text), `${pattern} on ${text}`).toBe(true);
    }
  });

  it("refuses what differs", () => {
    for (const [pattern, text] of [
      ["", "a"],
      ["?", ""],
      ["a", ""],
      ["h?llo", "hllo"],
      ["h[ae]llo", "hillo"],
      ["h[^e]llo", "hello"],
      ["\\*", "a"],
      ["*a", "ab"],
      ["a*b", "a"],
      ["[", "["],
      ["A", "a"],
      ["?", "é"],
    ] as const) {
      expect(matches(pattern, text), `${pattern} on ${text}`).toBe(false);
    }
  });

  it("keeps Redis's corners of classes", () => {
    expect(matches("[abc", "b")).toBe(true);
    expect(matches("[^abc", "d")).toBe(true);
    expect(matches("[^", "x")).toBe(true);
    expect(matches("[a-]", "^")).toBe(true);
    expect(matches("[a-]x", "^")).toBe(true);
    expect(matches("[]a", "a")).toBe(false);
    expect(matches(Uint8Array.of(0x5b, 0x61, 0x2d, 0xff, 0x5d), "b")).toBe(false);
    expect(matches(Uint8Array.of(0x5b, 0x61, 0x2d, 0xff, 0x5d), "A")).toBe(true);
  });

  it("agrees with a plain recursive matcher", () => {
    const letters = fc.constantFrom(..."ab*?[]^-\\");
    const pattern = fc.string({ unit: letters, maxLength: 10 });
    const text = fc.string({ unit: fc.constantFrom(..."aab*-]^\\"), maxLength: 8 });
    const property = fc.property(pattern, text, (from, against) => {
      expect(matches(from, against)).toBe(model(from, against));
    });
    fc.assert(property, { seed, numRuns: 100_000 });
  });

  it("takes no exponential time for a pattern full of stars", () => {
    const started = performance.now();
    expect(matches(`${"a*".repeat(200)}b`, "a".repeat(30_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

/** Tries every length for every star. */
function model(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (pattern[0] === "*") return model(pattern.slice(1), text) || (text !== "" && model(pattern, text.slice(1)));
  if (text === "") return false;
  const [accepts, rest] = element(pattern);
  return accepts(text[0] ?? "") && model(rest, text.slice(1));
}

function element(pattern: string): [(letter: string) => boolean, string] {
  if (pattern[0] === "?") return [() => true, pattern.slice(1)];
  if (pattern[0] === "[") return classElement(pattern.slice(1));
  const literal = pattern[0] === "\\" && pattern.length > 1 ? pattern.slice(1) : pattern;
  return [(letter) => letter === literal[0], literal.slice(1)];
}

function classElement(pattern: string): [(letter: string) => boolean, string] {
  const inverted = pattern.startsWith("^");
  let rest = inverted ? pattern.slice(1) : pattern;
  const ranges: [string, string][] = [];
  while (rest !== "" && rest[0] !== "]") {
    const [, escaped, first, last] = /^(?:\\(.)|(.)-(.)|.)/s.exec(rest) ?? [];
    if (escaped !== undefined) ranges.push([escaped, escaped]);
    else if (first !== undefined && last !== undefined) ranges.push(first < last ? [first, last] : [last, first]);
    else ranges.push([rest[0] ?? "", rest[0] ?? ""]);
    rest = rest.slice(escaped !== undefined ? 2 : first !== undefined ? 3 : 1);
  }
  const accepts = (letter: string) => ranges.some(([from, to]) => letter >= from && letter <= to) !== inverted;
  return [accepts, rest.slice(1)];
}
