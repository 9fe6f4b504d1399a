// `nearkey search`, `stats` and `health` as a user runs them, against a server with a set whose answers are known.

import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recallOf } from "../src/cli/search/recall.ts";
import { parseReport, reportText } from "../src/cli/server-report.ts";
import { type Client, connect } from "../src/client-node.ts";
import { CliProcess, runCli, testFolder } from "./cli-program.ts";
import { ServedProcess } from "./served-process.ts";
import { vecsFile } from "./vector-files.ts";

const folder = testFolder("search");
let served: ServedProcess;
let client: Client;
let url: string;

beforeAll(async () => {
  served = await ServedProcess.start();
  url = `ws://127.0.0.1:${served.port}`;
  client = await connect(url);
  const line = await client.vectors("line", { dim: 2, metric: "l2" });
  for (let at = 0; at < 200; at++) await line.set(`p${at}`, [at, 0], { even: at % 2 === 0, at });
});

afterAll(async () => {
  await client?.close();
  await served?.stop();
});

const searching = (...args: string[]) => runCli(["search", "--url", url, ...args]);

describe("search", () => {
  test("prints the nearest as a table, or as JSON", async () => {
    const table = await searching("line", "[50.2, 0]", "-k", "3");
    expect(table.stdout.split("\n").map((line) => line.trim().split(/ +/))).toEqual([
      ["id", "distance", "score", "attributes"],
      ["1", "p50", "0.200001", "0.833333", '{"even":true,"at":50}'],
      ["2", "p51", "0.799999", "0.555556", '{"even":false,"at":51}'],
      ["3", "p49", "1.2", "0.454545", '{"even":false,"at":49}'],
      [""],
    ]);
    const json = JSON.parse((await searching("line", "[50.2, 0]", "-k", "1", "--json")).stdout);
    expect(json).toEqual([
      {
        id: "p50",
        distance: expect.closeTo(0.2, 4),
        score: expect.closeTo(1 / 1.2, 4),
        attributes: { even: true, at: 50 },
      },
    ]);
  });

  test("takes an element, a row of a file, standard input, a filter", async () => {
    const ids = async (...args: string[]): Promise<string[]> => {
      const { stdout, stderr } = await searching("line", ...args, "--json");
      expect(stderr).toBe("");
      return JSON.parse(stdout).map(({ id }: { id: string }) => id);
    };
    // Without the element itself.
    expect((await ids("--like", "p0", "-k", "2")).sort()).toEqual(["p1", "p2"]);
    writeFileSync(folder.file("q.fvecs"), vecsFile([Float32Array.of(1, 0), Float32Array.of(150.1, 0)]));
    expect(await ids(folder.file("q.fvecs"), "--row", "1", "-k", "1")).toEqual(["p150"]);
    expect(await ids("[7.1, 0]", "-k", "2", "--filter", ".even", "--exact")).toEqual(["p8", "p6"]);
    const piped = await runCli(["search", "line", "-", "--url", url, "--json", "-k", "1"], { input: "[3, 0]\n" });
    expect(JSON.parse(piped.stdout)).toMatchObject([{ id: "p3", distance: 0 }]);
  });

  test("measures recall and times", async () => {
    const { stdout } = await searching("line", "--recall", "20", "-k", "5", "--json");
    const { queries, k, rows } = JSON.parse(stdout);
    expect({ queries, k }).toEqual({ queries: 20, k: 5 });
    expect(rows.map(({ ef }: { ef: unknown }) => ef)).toEqual([16, 32, 64, 128, 256, "exact"]);
    // 200 points on a line: a beam of 256 holds them all.
    expect(rows.at(-2)).toMatchObject({ recall: 1, median_ms: expect.any(Number) });
    const table = await searching("line", folder.file("q.fvecs"), "--recall", "--ef", "32");
    expect(table.stdout).toMatch(/^2 queries, .*\n +ef +recall@10 .*\n +32 +\d+\.\d %.*\nexact +100\.0 %/);
  });

  test("counts ties as found, and what is farther as missed", () => {
    const found = (...distances: number[]) => [distances.map((distance) => ({ id: "", score: 0, distance }))];
    expect(recallOf(found(1, 2, 2), found(1, 2, 2))).toBe(1);
    expect(recallOf(found(1, 2, 3), found(1, 2, 2))).toBeCloseTo(2 / 3);
    expect(recallOf(found(-3), found(-3, -2))).toBe(0.5);
    expect(recallOf([[]], [[]])).toBe(1);
  });

  const refusals: [string, string[], RegExp][] = [
    ["a set that is not there", ["nowhere", "[1, 0]"], /no vector set "nowhere": nearkey import/],
    ["another dimension", ["line", "[1]"], /the vector has 1 numbers, the set has 2/],
    ["no query", ["line"], /say what to search for/],
    ["two queries", ["line", "[1, 0]", "--like", "p1"], /one of them/],
    ["an element that is not there", ["line", "--like", "q"], /line has no element "q"/],
    ["what is no vector", ["line", '["a"]'], /JSON array of numbers/],
    ["a filter that is none", ["line", "[1, 0]", "--filter", "("], /ERR/],
    ["a row behind the last", ["line", "Q", "--row", "9"], /no row 9/],
  ];

  test.each(refusals)("refuses %s", async (_, args, message) => {
    const { code, stdout, stderr } = await searching(
      ...args.map((arg) => (arg === "Q" ? folder.file("q.fvecs") : arg)),
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(message);
  });
});

describe("stats", () => {
  test("shows memory, keys and reads; every field as JSON", async () => {
    await client.set("k", "v", { ttlMs: 60_000 });
    await client.getMany(["k", "k", "k", "none"]);
    const { code, stdout } = await runCli(["stats", "--url", url]);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^nearkey \\S+ at 127\\.0\\.0\\.1:${served.port}, up [^\\n]+\n`));
    expect(stdout).toMatch(/^memory +[█░]{24} [\d.]+ MiB of 1\.00 GiB \([\d.]+ %\), noeviction$/m);
    expect(stdout).toMatch(/^keys +2, 1 of them expire$/m);
    expect(stdout).toMatch(/^hit rate +[\d.]+ % of [\d,]+ reads since the start$/m);
    const fields = JSON.parse((await runCli(["stats", "--url", url, "--json"])).stdout);
    expect(fields).toMatchObject({ maxmemory: 1024 ** 3, role: "master", db0: expect.stringMatching(/^keys=2/) });
  });

  test("refreshes until Ctrl-C, with what happened in between", async () => {
    const watching = new CliProcess(["stats", "--url", url, "--watch", "--interval", "0.2"]);
    await watching.until(({ stdout }) => stdout.includes("connections"));
    await client.getMany(["k", "none"]);
    await watching.until(({ stdout }) => /hit rate +50\.0 % of 2 reads just now/.test(stdout));
    watching.child.kill("SIGINT");
    expect(await watching.ended).toMatchObject({ code: 0, stderr: "" });
  });

  test("makes rates of two reports, and of a server that began again", () => {
    const report = (ms: number, commands: number) =>
      parseReport(`# Stats\r\ntotal_commands_processed:${commands}\r\nuptime_in_seconds:10\r\n`, ms);
    const text = (later: number) => reportText(report(3000, later), report(1000, 100), "ws://h:1/");
    expect(text(700)).toMatch(/commands +700 +300 a second/);
    expect(text(50)).toMatch(/commands +50 +25 a second/);
    expect(reportText(report(0, 100), undefined, "ws://h:1/")).toMatch(/100 +10 a second on average/);
  });
});

describe("health", () => {
  test("ends with 0 when the server is well, and with 1 when nobody answers", async () => {
    const well = await runCli(["health", "--url", url]);
    expect(well).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ok: up [^,]+, [\d.]+ MiB of 1\.00 GiB, /) });
    const json = await runCli(["health", "--json"], {
      environment: { NEARKEY_URL: `http://127.0.0.1:${served.port}` },
    });
    expect(JSON.parse(json.stdout)).toMatchObject({ status: "ok" });
    const nobody = await runCli(["health", "--url", "127.0.0.1:1"]);
    expect(nobody).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/no healthy server at http:/) });
  });
});

describe("nearkey", () => {
  test("teaches: examples, variables and exit codes; and guesses what was meant", async () => {
    const help = (await runCli(["--help"])).stdout;
    for (const word of [
      "import",
      "search",
      "stats",
      "cli",
      "health",
      "NEARKEY_URL",
      "NEARKEY_PASSWORD",
      "Exit codes",
    ]) {
      expect(help).toContain(word);
    }
    for (const command of ["import", "search", "stats", "cli", "health"]) {
      const text = (await runCli([command, "--help"])).stdout;
      for (const word of ["Examples:", "Exit code:", "NEARKEY_URL", "--url", "--json"])
        expect(text, command).toContain(word);
    }
    const wrong = await runCli(["serch"]);
    expect(wrong).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/unknown command 'serch'\n\(Did you mean search\?\)/),
    });
  });

  test("takes no address that it could not mean", async () => {
    for (const address of ["ftp://a", "ws://user:secret@a", "ws://"]) {
      const { code, stderr } = await runCli(["stats", "--url", address]);
      expect(code, address).toBe(1);
      expect(stderr).toMatch(/--url.*such as ws:/);
    }
  });
});
