// What a console shows, below its terminal: replies with their wire types, what the server's own description of its
// commands becomes, and which lines are kept.

import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { commandPages, complete, helpText, hintFor } from "../src/cli/console/command-pages.ts";
import { HistoryFile, holdsSecret } from "../src/cli/console/history-file.ts";
import { jsonReply, rawReply, shownReply } from "../src/cli/console/printed-reply.ts";
import { WireReader, type WireReply } from "../src/cli/console/wire-reply.ts";
import { splitLine } from "../src/demo/command-line.ts";
import { testFolder } from "./cli-program.ts";

const wire = (text: string): Uint8Array => new TextEncoder().encode(text);
const folder = testFolder("console");

function one(text: string): WireReply {
  const [reply] = new WireReader().read(wire(text));
  if (reply === undefined) throw new Error("no whole reply");
  return reply;
}

describe("a reply", () => {
  const cases: [string, string, string, string][] = [
    ["+OK\r\n", "OK", "OK", '"OK"'],
    ['$5\r\na"b\nc\r\n', '"a\\"b\\nc"', 'a"b\nc', '"a\\"b\\nc"'],
    ["$-1\r\n", "(nil)", "", "null"],
    ["_\r\n", "(nil)", "", "null"],
    [":42\r\n", "(integer) 42", "42", "42"],
    [":9223372036854775807\r\n", "(integer) 9223372036854775807", "9223372036854775807", '"9223372036854775807"'],
    [",0.5\r\n", "(double) 0.5", "0.5", "0.5"],
    [",inf\r\n", "(double) inf", "inf", '"inf"'],
    ["#t\r\n", "(true)", "(true)", "true"],
    ["-ERR no\r\n", "(error) ERR no", "ERR no", '{"error":"ERR no"}'],
    ["!6\r\nERR no\r\n", "(error) ERR no", "ERR no", '{"error":"ERR no"}'],
    ["=7\r\ntxt:a\nb\r\n", "a\nb", "a\nb", '"a\\nb"'],
    ["*0\r\n", "(empty array)", "", "[]"],
    ["%0\r\n", "(empty hash)", "", "{}"],
    ["~2\r\n:1\r\n:2\r\n", "1~ (integer) 1\n2~ (integer) 2", "1\n2", "[1,2]"],
    [
      "%2\r\n$1\r\n9\r\n:1\r\n$1\r\n1\r\n_\r\n",
      '1# "9" => (integer) 1\n2# "1" => (nil)',
      "9 1\n1 ",
      '{"9":1,"1":null}',
    ],
    ["*2\r\n*2\r\n+a\r\n+b\r\n$1\r\nc\r\n", '1) 1) a\n   2) b\n2) "c"', "a\nb\nc", '[["a","b"],"c"]'],
    ["|1\r\n+ttl\r\n:1\r\n$1\r\nx\r\n", '"x"', "x", '"x"'],
  ];

  test.each(cases)("%j is shown, raw and as JSON", (bytes, shown, raw, json) => {
    const reply = one(bytes);
    expect(shownReply(reply)).toBe(shown);
    expect(rawReply(reply).toString()).toBe(raw);
    expect(jsonReply(reply)).toBe(json);
  });

  test("numbers a long list in one column", () => {
    const lines = shownReply(one(`*10\r\n${":1\r\n".repeat(10)}`)).split("\n");
    expect([lines[0], lines[9]]).toEqual([" 1) (integer) 1", "10) (integer) 1"]);
  });

  test("cannot draw on the terminal, shows text and escapes bytes", () => {
    const bytes = (content: Uint8Array): WireReply => ({ kind: "string", bytes: Buffer.from(content) });
    expect(shownReply(bytes(wire("\x1b[2Jé\u009b\u202e")))).toBe('"\\x1b[2Jé\\x9b\\xe2\\x80\\xae"');
    expect(shownReply(bytes(Uint8Array.of(0, 65, 255, 92)))).toBe('"\\x00A\\xff\\\\"');
    expect(jsonReply(bytes(Uint8Array.of(255)))).toBe('{"base64":"/w=="}');
  });

  test("arrives in any pieces", () => {
    const stream = wire(cases.map(([bytes]) => bytes).join(""));
    const whole = new WireReader().read(stream);
    expect(whole).toHaveLength(cases.length);
    for (const pieceBytes of [1, 2, 3, 7, 50]) {
      const reader = new WireReader();
      const replies: WireReply[] = [];
      for (let at = 0; at < stream.length; at += pieceBytes)
        replies.push(...reader.read(stream.slice(at, at + pieceBytes)));
      expect(replies).toEqual(whole);
    }
  });

  test("that is shown as a string is typed back as the same bytes", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const split = splitLine(`ECHO ${shownReply({ kind: "string", bytes: Buffer.from(bytes) })}`);
    expect("words" in split && split.words[1]).toEqual(bytes);
  });
});

describe("what the server says of its commands", () => {
  const bulk = (text: string): WireReply => ({ kind: "string", bytes: Buffer.from(text) });
  const number = (value: number): WireReply => ({ kind: "integer", text: String(value) });
  const array = (...items: WireReply[]): WireReply => ({ kind: "array", items });
  const map = (fields: Record<string, WireReply>): WireReply => ({
    kind: "map",
    items: Object.entries(fields).flatMap(([name, value]) => [bulk(name), value]),
  });
  const row = (name: string, arity: number, firstKey: number, lastKey: number): WireReply =>
    array(bulk(name), number(arity), array(), number(firstKey), number(lastKey), number(1));
  const optional = array({ kind: "status", text: "optional" });
  const token = (name: string): WireReply => map({ name: bulk(name), type: bulk("pure-token"), token: bulk(name) });
  const setArguments = array(
    map({ name: bulk("key"), type: bulk("key") }),
    map({ name: bulk("value"), type: bulk("string") }),
    map({ name: bulk("condition"), type: bulk("oneof"), flags: optional, arguments: array(token("NX"), token("XX")) }),
    map({ name: bulk("seconds"), type: bulk("integer"), token: bulk("EX"), flags: optional }),
  );
  const page = { summary: bulk("Sets a key."), since: bulk("1.0.0"), group: bulk("string") };
  const pages = commandPages(
    array(row("set", -3, 1, 1), row("mget", -2, 1, -1), row("ping", -1, 0, 0), row("getrange", 4, 1, 1)),
    map({ set: map({ ...page, arguments: setArguments }), mget: map(page) }),
  );

  test("becomes syntax, by the arguments or by the arity", () => {
    expect(pages.get("SET")?.syntax).toBe("key value [NX|XX] [EX seconds]");
    expect(pages.get("MGET")?.syntax).toBe("key […]");
    expect(pages.get("GETRANGE")?.syntax).toBe("key arg arg");
    expect(pages.get("PING")?.syntax).toBe("[…]");
    expect(helpText(pages, "set")).toBe(
      "  SET key value [NX|XX] [EX seconds]\n  Sets a key.\n  string, since Redis 1.0.0",
    );
    expect(helpText(pages, "nope")).toMatch(/no command NOPE/);
    expect(helpText(pages, undefined)).toMatch(/^string: MGET SET$/m);
    expect(helpText(new Map(), undefined)).toMatch(/AUTH/);
  });

  test("completes names, keywords in the letters' case, and names after help", () => {
    expect(complete(pages, "ge")).toEqual([["getrange "], "ge"]);
    expect(complete(pages, "S")).toEqual([["SET "], "S"]);
    expect(complete(pages, "help m")).toEqual([["mget "], "m"]);
    expect(complete(pages, "set k v e")).toEqual([["ex "], "e"]);
    expect(complete(pages, "SET k v ")).toEqual([["EX ", "NX ", "XX "], ""]);
    expect(complete(pages, "mget ")).toEqual([[], ""]);
  });

  test("hints at the arguments to come", () => {
    expect(hintFor(pages, "set")).toBe("");
    expect(hintFor(pages, "set ")).toBe("key value [NX|XX] [EX seconds]");
    expect(hintFor(pages, "set k")).toBe(" value [NX|XX] [EX seconds]");
    expect(hintFor(pages, "set k v ")).toBe("[NX|XX] [EX seconds]");
    expect(hintFor(pages, "getrange a 1 2")).toBe("");
    expect(hintFor(pages, "nope ")).toBe("");
  });
});

describe("the history", () => {
  test("keeps no line with a password", () => {
    for (const line of [
      "AUTH x",
      " auth default x",
      '"AUTH" x',
      "HELLO 3 AUTH default x",
      "CONFIG SET requirepass x",
    ]) {
      expect(holdsSecret(line), line).toBe(true);
    }
    for (const line of ["GET auth", "HELLO 3", "CONFIG GET maxmemory", "SET password x"]) {
      expect(holdsSecret(line), line).toBe(false);
    }
  });

  test("is its owner's alone, newest first, and does not grow for ever", () => {
    const path = folder.file("state/nearkey/history");
    const history = new HistoryFile(path);
    expect(history.read()).toEqual([]);
    for (const line of ["GET a", "AUTH x", "  ", "GET b"]) history.add(line);
    expect(readFileSync(path, "utf8")).toBe("GET a\nGET b\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(history.read()).toEqual(["GET b", "GET a"]);
    writeFileSync(path, Array.from({ length: 3000 }, (_, line) => `GET ${line}\n`).join(""), { mode: 0o644 });
    expect(history.read()).toHaveLength(1000);
    expect(readFileSync(path, "utf8").split("\n")).toHaveLength(1001);
    history.add("GET last");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("that cannot be written costs nothing else", () => {
    mkdirSync(folder.file("taken"));
    const history = new HistoryFile(folder.file("taken"));
    history.add("GET a");
    expect(history.read()).toEqual([]);
  });
});
