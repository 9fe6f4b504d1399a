// The examples, run as a reader would run them, against dist/ and by the package's own name: each must end well, write
// nothing to standard error and say what it is there to say.

import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServedProcess } from "./served-process.ts";

const run = promisify(execFile);

/** What an example prints, by line. */
async function linesOf(name: string, ...args: string[]): Promise<string[]> {
  const { stdout, stderr } = await run(process.execPath, [`examples/${name}`, ...args], { timeout: 20_000 });
  expect(stderr).toBe("");
  return stdout.trimEnd().split("\n");
}

describe("the examples", () => {
  let server: ServedProcess;

  beforeAll(async () => {
    server = await ServedProcess.start();
  });

  afterAll(async () => {
    await server?.stop();
  });

  test("are these four", () => {
    const names = ["embedding.mjs", "redis-client.mjs", "semantic-cache.mjs", "websocket-client.mjs"];
    expect(readdirSync("examples").sort()).toEqual(names);
  });

  test("embedding.mjs keeps keys and finds vectors in the process", async () => {
    expect(await linesOf("embedding.mjs")).toEqual([
      "user:1 is Ada for 60 more seconds",
      "many: [ '1', '2', undefined ]",
      "visits: 1 11",
      "page:home is { title: 'Home', views: '3' }",
      "near Bonn: Hamburg, 4.0 degrees away",
      "near Bonn: Paris, 5.1 degrees away",
      "the nearest in Germany: Hamburg",
    ]);
  });

  test("semantic-cache.mjs answers what means the same, by language, until it expires", async () => {
    expect(await linesOf("semantic-cache.mjs")).toEqual([
      "model | How do I reset my password? (en)",
      "cache | how can I reset the password (en)",
      "model | How do I reset my password? (de)",
      "model | Where is my invoice? (en)",
      "model | How do I reset my password? (en)",
      "questions kept: 3",
    ]);
  });

  test("websocket-client.mjs talks to a server", async () => {
    expect(await linesOf("websocket-client.mjs", `ws://127.0.0.1:${server.port}`)).toEqual([
      "greeting: hello",
      "sums: [ 1, 3, 6 ]",
      "pipeline: true 1",
      expect.stringMatching(/^near: orange at 0\.0\d\d$/),
      expect.stringMatching(/^near: red at 0\.1\d\d$/),
      "nearest cold one: blue",
    ]);
  });

  test("redis-client.mjs talks to it as to Redis", async () => {
    expect(await linesOf("redis-client.mjs", `redis://127.0.0.1:${server.respPort}`)).toEqual([
      "greeting: hello for 60 seconds",
      "pipeline: [[null,1],[null,1]]",
      'nearest: ["orange","red"]',
      'nearest cold one: ["blue"]',
    ]);
  });
});
