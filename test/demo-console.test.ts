// The console's two languages: the line a person types, and the reply as it is printed.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { quoteWord, splitLine } from "../src/demo/command-line.ts";
import { replyText } from "../src/demo/reply-text.ts";
import { ReplyError } from "../src/resp.ts";

const words = (line: string): unknown => {
  const split = splitLine(line);
  return "words" in split ? split.words : "problem";
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a line", () => {
  test("is split at blanks", () => {
    expect(words("  SET  a\tb ")).toEqual(["SET", "a", "b"]);
    expect(words("")).toEqual([]);
    expect(words("   ")).toEqual([]);
  });

  test("takes quotes, and escapes in double ones", () => {
    expect(words('SET k "a b\\n\\t\\"c\\\\"')).toEqual(["SET", "k", 'a b\n\t"c\\']);
    expect(words("SET k 'a \\n \\' b'")).toEqual(["SET", "k", "a \\n ' b"]);
    expect(words('ECHO ""')).toEqual(["ECHO", ""]);
    expect(words("ECHO it\u2019s")).toEqual(["ECHO", "it\u2019s"]);
  });

  test("lets a quote open inside a word, and its end end the word", () => {
    expect(words(`SET a"b c" d'e f'`)).toEqual(["SET", "ab c", "de f"]);
    expect(words('SET a"\\xff" b')).toEqual(["SET", Uint8Array.of(97, 255), "b"]);
  });

  test("takes any byte as \\xHH", () => {
    expect(words('SET k "\\x00\\xffé"')).toEqual(["SET", "k", Uint8Array.of(0, 255, 0xc3, 0xa9)]);
  });

  test("says when a quote is open or glued to a word", () => {
    expect(words('GET "a')).toBe("problem");
    expect(words("GET 'a")).toBe("problem");
    expect(words('GET "a"b')).toBe("problem");
    expect(words('GET a"b')).toBe("problem");
    expect(words(' "a')).toBe("problem");
    expect(words("GET 'a'b")).toBe("problem");
  });

  test("reads what quoteWord wrote", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }), { minLength: 1 }), (list) => {
        expect(words(list.map(quoteWord).join(" "))).toEqual(list);
      }),
    );
  });
});

describe("a reply", () => {
  test("shows what it is", () => {
    expect(replyText(bytes("OK"))).toBe("OK");
    expect(replyText("PONG")).toBe("PONG");
    expect(replyText(bytes('say "hi"'))).toBe('"say \\"hi\\""');
    expect(replyText(7)).toBe("7");
    expect(replyText(2n ** 60n)).toBe("1152921504606846976");
    expect(replyText(null)).toBe("(nil)");
    expect(replyText(true)).toBe("(true)");
    expect(replyText(new ReplyError("ERR no"))).toBe("(error) ERR no");
  });

  test("numbers lists and indents what lies in them", () => {
    expect(replyText([])).toBe("(empty)");
    expect(replyText([bytes("a"), [1, null], "b"])).toBe('1) "a"\n2) 1) 1\n   2) (nil)\n3) "b"');
  });

  test("shows maps by name", () => {
    expect(replyText({ one: 1, list: [bytes("x")] })).toBe('one = 1\nlist = 1) "x"');
  });

  test("shows a flat map in two columns", () => {
    const map = [bytes("size"), 10000, bytes("metric"), bytes("COSINE"), "a b", [0.5, null]];
    expect(replyText(map, true)).toBe('size    10000\nmetric  "COSINE"\n"a b"   1) 0.5\n        2) (nil)');
    expect(replyText([], true)).toBe("(empty)");
    expect(replyText(null, true)).toBe("(nil)");
  });

  test("leaves lines of text as they are", () => {
    expect(replyText(bytes("# Server\r\nredis_version:8.0.2\r\n"))).toBe("# Server\nredis_version:8.0.2");
  });

  test("escapes bytes that are no text, and counts what it cuts", () => {
    expect(replyText(Uint8Array.of(0, 65, 255, 34))).toBe('"\\x00A\\xff\\""');
    expect(replyText(new Uint8Array(784))).toMatch(/ … \(784 bytes\)$/);
    expect(replyText("x".repeat(3000))).toMatch(/ … \(3000 characters\)"?$/);
  });

  test("writes a vector on one line", () => {
    expect(replyText(Array.from({ length: 784 }, (_, index) => index / 3))).toBe(
      "[0, 0.3333, 0.6667, 1, 1.333, 1.667, 2, 2.333, 2.667, 3, 3.333, 3.667, …] (784 numbers)",
    );
  });
});
