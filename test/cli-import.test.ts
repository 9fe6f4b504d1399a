// `nearkey import` as a user runs it: files on disk, a server of its own, and what the two of them say afterwards.

import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { type Client, connect } from "../src/client-node.ts";
import { CliProcess, runCli, testFolder } from "./cli-program.ts";
import { ServedProcess } from "./served-process.ts";
import { startTestServer } from "./server-fixture.ts";
import { bytesOf, npyFile, npyHeader, vecsFile } from "./vector-files.ts";

const folder = testFolder("import");
let served: ServedProcess;
let client: Client;
let url: string;

beforeAll(async () => {
  served = await ServedProcess.start();
  url = `ws://127.0.0.1:${served.port}`;
  client = await connect(url);
});

afterAll(async () => {
  await client?.close();
  await served?.stop();
});

const importing = (...args: string[]) => runCli(["import", "--url", url, ...args]);

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(folder.file(name), content);
  return folder.file(name);
}

/** Vectors that say which row they are, and are never zero. */
const rowVector = (row: number): Float32Array => Float32Array.of(row + 1, -row, 0.5);

describe("vectors", () => {
  test("of JSON lines, with attributes, from several files, packed too", async () => {
    const line = (row: number) => JSON.stringify({ id: `a${row}`, vector: [...rowVector(row)], attributes: { row } });
    const lines = (from: number) => Array.from({ length: 300 }, (_, row) => `${line(from + row)}\n`).join("");
    const files = [write("a.jsonl", lines(0)), write("b.jsonl.gz", gzipSync(lines(300)))];
    const { code, stdout } = await importing(...files, "--into", "lines", "--metric", "l2", "--m", "8");
    expect(stdout).toMatch(/^imported 600 vectors into lines in \d+\.\d s, [\d,]+ a second\n$/);
    expect(code).toBe(0);
    const set = await client.vectors("lines");
    expect(set).toMatchObject({ dim: 3, metric: "l2", m: 8 });
    expect(await set.size).toBe(600);
    expect(await set.get("a417")).toEqual(rowVector(417));
    expect(await set.attributes("a417")).toEqual({ row: 417 });

    const again = await importing(files[0] as string, "--into", "lines", "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ imported: 300, replaced: 300, refused: 0, into: "lines" });
    const other = await importing(files[0] as string, "--into", "lines", "--metric", "cosine");
    expect(other).toMatchObject({ code: 1, stdout: expect.stringContaining("imported 0 vectors") });
    expect(other.stderr).toMatch(/nearkey: the vector set exists with metric l2, and metric cosine was asked for/);
  });

  test("of .npy, numbered, with labels, skipping and limited", async () => {
    const rows = Float64Array.from(Array.from({ length: 100 }, (_, row) => [...rowVector(row)]).flat());
    const file = write("m.npy", npyFile(npyHeader("<f8", 100, 3), bytesOf(rows)));
    const labels = write("labels.txt", Array.from({ length: 100 }, (_, row) => `l${row % 10}\n`).join(""));
    const flags = ["--into", "npy", "--id-prefix", "n", "--labels", labels, "--skip", "10", "--limit", "50"];
    expect(await importing(file, ...flags)).toMatchObject({ code: 0 });
    const set = await client.vectors("npy");
    expect(await set.size).toBe(50);
    expect([await set.has("n9"), await set.has("n10"), await set.has("n59"), await set.has("n60")]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(await set.attributes("n42")).toEqual({ label: "l2" });
    const similar = (await set.get("n42")) as Float32Array;
    expect(Math.abs((similar[0] as number) - 43)).toBeLessThan(1e-4);
  });

  test("of .fvecs in ten thousand rows and a chunk's border in each place", async () => {
    const file = write("v.fvecs", vecsFile(Array.from({ length: 10_000 }, (_, row) => rowVector(row))));
    const { code, stderr } = await importing(
      file,
      "--into",
      "vecs",
      "--metric",
      "l2",
      "--m",
      "4",
      "--ef-construction",
      "8",
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/vectors imported, [\d,]+ a second/);
    const set = await client.vectors("vecs");
    expect(await set.size).toBe(10_000);
    for (const row of [0, 4095, 9999]) expect(await set.get(String(row))).toEqual(rowVector(row));
  });

  const mixed = ["id,v0,v1,name", "a,1,2,x", "b,1,zz,y", "c,1", "d,1e39,0,z", "e,0,0,u", "f,3,4,w", ""].join("\n");

  test("that are refused are counted by reason, with their lines", async () => {
    const flags = ["--into", "csv", "--vector", "v*", "--attributes", "name"];
    const { code, stdout } = await importing(write("mixed.csv", mixed), ...flags, "--json");
    expect(code).toBe(1);
    const summary = JSON.parse(stdout);
    expect(summary).toMatchObject({ imported: 2, refused: 4 });
    const reasons = summary.reasons.map(({ code, places }: { code: string; places: string[] }) => [code, places]);
    expect(reasons.sort()).toEqual([
      ["not-a-number", ["line 3"]],
      ["not-finite", ["line 5"]],
      ["other-field-count", ["line 4"]],
      ["zero-vector", ["line 6"]],
    ]);
    const text = await importing(write("mixed.csv", mixed), ...flags);
    expect(text.stdout).toMatch(/2 of them replaced.*\nrefused 4:\n( +1 {2}.* \(line \d\)\n){4}$/);
  });

  test("end at the first that is refused when strict", async () => {
    const flags = ["--into", "strict", "--vector", "v*", "--strict"];
    const { code, stdout, stderr } = await importing(write("mixed.csv", mixed), ...flags);
    expect({ code, stdout: stdout.split("\n")[0] }).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/imported 1 /),
    });
    expect(stderr).toMatch(/nearkey: line 3: number 1 of the vector is "zz" \(--strict/);
    expect(await (await client.vectors("strict")).size).toBe(1);
  });

  test("are only checked by a dry run, which needs no server", async () => {
    const args = ["import", write("mixed.csv", mixed), "--into", "dry", "--vector", "v*", "--dry-run"];
    const { code, stdout } = await runCli([...args, "--url", "ws://127.0.0.1:1"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^checked 2 vectors in .*; nothing was stored\nrefused 4:/);
    expect(stdout).toMatch(/all zeros/);
    expect(await client.has("dry")).toBe(false);
  });

  test("before a file's cut end are in, and the cut is told", async () => {
    const whole = vecsFile([rowVector(0), rowVector(1)]);
    const { code, stdout, stderr } = await importing(write("cut.fvecs", whole.slice(0, -2)), "--into", "cut");
    expect({ code, stdout }).toMatchObject({ code: 1, stdout: expect.stringMatching(/^imported 1 vectors/) });
    expect(stderr).toMatch(/nearkey: .*cut\.fvecs: it ends inside row 2, with 14 bytes of it\n/);
  });
});

describe("keys", () => {
  test("of JSON lines by standard input: strings, hashes, times to live", async () => {
    const lines = [
      { key: "s", value: "text", ttl: 100 },
      { key: "n", value: 17 },
      { key: "h", value: { a: 1, b: "two", c: null, d: [3] }, ttl: 50 },
      { key: "none" },
      { key: "bad", value: "x", ttl: "soon" },
    ];
    const input = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    const { code, stdout } = await runCli(["import", "-", "--format", "jsonl", "--as", "keys", "--url", url], {
      input,
    });
    expect(stdout).toMatch(/imported 3 keys in/);
    expect(stdout).toMatch(/"ttl" is "soon"/);
    expect(code).toBe(1);
    expect(await client.getMany(["s", "n"])).toEqual(["text", "17"]);
    expect(await client.command("HGETALL", "h")).toEqual({ a: "1", b: "two", d: "[3]" });
    expect(await client.ttlMs("n")).toBe(Infinity);
    expect(await client.ttlMs("s")).toBeLessThanOrEqual(100_000);
    expect(await client.ttlMs("h")).toBeLessThanOrEqual(50_000);
  });

  test("of CSV: one column, or columns as a hash, with a prefix", async () => {
    const users = write("users.csv", "id,name,age,ttl\n1,Ada,36,\n2,Eve,,60\n");
    expect(await importing(users, "--as", "keys", "--id", "id", "--hash", "*", "--id-prefix", "u:")).toMatchObject({
      code: 0,
    });
    expect(await client.command("HGETALL", "u:1")).toEqual({ name: "Ada", age: "36" });
    expect(await client.ttlMs("u:2")).toBeLessThanOrEqual(60_000);
    expect(await importing(users, "--as", "keys", "--id", "id", "--value", "name")).toMatchObject({ code: 0 });
    expect(await client.get("1")).toBe("Ada");
  });

  test("by the hundred thousand arrive whole", async () => {
    const count = 100_000;
    const file = write(
      "many.jsonl",
      Array.from({ length: count }, (_, row) => `{"key":"m:${row}","value":"v${row}"}\n`).join(""),
    );
    const { stdout } = await importing(file, "--as", "keys", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ imported: count, refused: 0 });
    expect(await client.getMany(["m:0", "m:54321", `m:${count - 1}`])).toEqual(["v0", "v54321", `v${count - 1}`]);
  });
});

describe("an import", () => {
  test("says what is in when Ctrl-C stops it", async () => {
    const running = new CliProcess(["import", "-", "--format", "jsonl", "--as", "keys", "--url", url]);
    running.child.stdin?.write('{"key":"int:1","value":"1"}\n{"key":"int:2","value":"2"}\n');
    for (let tries = 0; tries < 500 && !(await client.has("int:2")); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    running.child.kill("SIGINT");
    // A stream that says nothing more is not waited for.
    const { code, stdout } = await running.ended;
    expect(stdout).toMatch(/^imported 2 keys .*\nstopped by Ctrl-C/);
    expect(code).toBe(130);
  });

  test("sends again what a broken connection left open", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await new Promise((resolve) => server.once("listening", resolve));
    let connections = 0;
    const seen = new Set<string>();
    server.on("connection", (socket) => {
      const first = ++connections === 1;
      socket.on("message", (bytes: Buffer) => {
        const text = bytes.toString();
        if (text.includes("HELLO")) socket.send(Buffer.from("%1\r\n+proto\r\n:3\r\n"));
        else if (first) socket.terminate();
        else {
          const keys = text.match(/lost:\d+/g) ?? [];
          for (const key of keys) seen.add(key);
          socket.send(Buffer.from("+OK\r\n".repeat(keys.length)));
        }
      });
    });
    const input = Array.from({ length: 50 }, (_, row) => `{"key":"lost:${row}","value":"v"}\n`).join("");
    const { port } = server.address() as { port: number };
    const args = ["import", "-", "--format", "jsonl", "--as", "keys", "--url", `127.0.0.1:${port}`, "--json"];
    const { code, stdout } = await runCli(args, { input });
    server.close();
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, imported: 50, refused: 0 });
    expect({ keys: seen.size, connections }).toEqual({ keys: 50, connections: 2 });
  });

  test("refuses the rows that the server cannot read, and no other", async () => {
    const server = await startTestServer({ maxValueBytes: 65_536 });
    const value = (row: number): string => "v".repeat(row % 150 === 50 ? 70_000 : 1);
    const input = Array.from({ length: 1500 }, (_, row) => `{"key":"k:${row}","value":"${value(row)}"}\n`).join("");
    const args = [
      "import",
      "-",
      "--format",
      "jsonl",
      "--as",
      "keys",
      "--json",
      "--url",
      `127.0.0.1:${server.httpPort}`,
    ];
    const { code, stdout } = await runCli(args, { input });
    const summary = JSON.parse(stdout);
    const reason = { code: "protocol-error", count: 10 };
    expect({ code, ...summary }).toMatchObject({ code: 1, imported: 1490, reasons: [reason] });
    // Those refused first: what was on its way beside one that ended the connection is tried again, in any order.
    const wrong = Array.from({ length: 10 }, (_, index) => `line ${51 + 150 * index}`);
    const { places } = summary.reasons[0];
    expect(places).toHaveLength(5);
    expect(wrong).toEqual(expect.arrayContaining(places));
    expect(server.engine.stats().keys).toBe(1490);
  });

  const refusals: [string, string[], RegExp][] = [
    ["no set", ["x.npy"], /--into names the vector set/],
    ["a set for keys", ["x.csv", "--as", "keys", "--into", "s"], /--into names a vector set/],
    ["a name that tells nothing", ["x.bin", "--into", "s"], /x\.bin has no ending that import knows.*--format/],
    ["a file that is not there", ["none.npy", "--into", "s"], /none\.npy: there is no such file/],
    ["keys of numbers", ["x.npy", "--as", "keys"], /--as keys needs rows with fields/],
    [
      "a metric that is none",
      ["x.npy", "--into", "s", "--metric", "l1"],
      /Allowed choices are cosine, l2, ip, manhattan/,
    ],
    ["a limit of none", ["x.npy", "--into", "s", "--limit", "0"], /whole number from 1/],
  ];

  test.each(refusals)("refuses %s", async (_, args, message) => {
    const { code, stdout, stderr } = await runCli(["import", ...args]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(message);
  });

  test("without a server says what to do, and asks for no file to be packed that is none", async () => {
    const file = write("k.jsonl", '{"key":"a","value":"b"}\n');
    const { code, stderr } = await runCli(["import", file, "--as", "keys", "--url", "127.0.0.1:1"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^nearkey: no server answers at ws:\/\/127\.0\.0\.1:1\/ \(.*\): start one with nearkey serve/,
    );
    const broken = await importing(write("k.jsonl.gz", "not packed"), "--as", "keys");
    expect(broken.stderr).toMatch(/k\.jsonl\.gz: it cannot be unpacked: incorrect header check/);
  });
});

describe("a password", () => {
  test("comes from the environment; without it the message says so", async () => {
    const locked = await ServedProcess.start("--password", "secret");
    try {
      const args = ["import", write("p.jsonl", '{"key":"a","value":"b"}\n'), "--as", "keys"];
      const NEARKEY_URL = `127.0.0.1:${locked.port}`;
      const without = await runCli(args, { environment: { NEARKEY_URL } });
      expect(without.stderr).toMatch(/asks for a password: set NEARKEY_PASSWORD/);
      const wrong = await runCli(args, { environment: { NEARKEY_URL, NEARKEY_PASSWORD: "wrong" } });
      expect(wrong.stderr).toMatch(/refused the password/);
      const right = await runCli(args, { environment: { NEARKEY_URL, NEARKEY_PASSWORD: "secret" } });
      expect(right).toMatchObject({ code: 0, stdout: expect.stringMatching(/imported 1 keys/) });
    } finally {
      await locked.stop();
    }
  });

  test("that memory has no room for rows behind a limit is told once", async () => {
    const small = await ServedProcess.start("--max-memory", "8mb");
    try {
      const value = "x".repeat(1000);
      const lines = Array.from({ length: 20_000 }, (_, row) => `{"key":"f:${row}","value":"${value}"}\n`).join("");
      const args = ["import", "-", "--format", "jsonl", "--as", "keys", "--url", `127.0.0.1:${small.port}`];
      const { code, stdout, stderr } = await runCli(args, { input: lines });
      expect(code).toBe(1);
      expect(stdout).toMatch(/^imported [\d,]+ keys/);
      expect(stderr).toMatch(/nearkey: the server's memory is full .*--max-memory\n$/);
    } finally {
      await small.stop();
    }
  });
});
