// Files of Redis that are more than they seem, or less: a small one that unpacks to much takes no more memory than the command
// that reads it has, and one that is cut off leaves no part of a value.

import { writeFileSync } from "node:fs";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { runCli, testFolder } from "./cli-program.ts";
import { bytesOf, length, little, rdbFile, text } from "./rdb-file.ts";
import { ServedProcess } from "./served-process.ts";

const folder = testFolder("rdb-bounds");

/** A listpack of sevens, 132 for each copy that LZF makes of the first ones and four more, packed. */
function packedSevens(copies: number): Uint8Array {
  const bytes = 6 + 4 + copies * 264 + 1;
  const start = bytesOf(9, little(bytes, 4), little(0xffff, 2), 7, 1, 7, 1);
  const copy = bytesOf(0xe0, 255, 1);
  const packed = new Uint8Array(start.length + copies * copy.length + 2);
  packed.set(start);
  for (let at = start.length; at < packed.length - 2; at += copy.length) packed.set(copy, at);
  packed.set([0, 255], packed.length - 2);
  return bytesOf(0xc3, length(packed.length), length(bytes), packed);
}

test("four million elements out of ninety kilobytes", { timeout: 120_000 }, async () => {
  const path = folder.file("sevens.rdb");
  const file = rdbFile(11, 16, text("hash"), packedSevens(30_000));
  expect(file.length).toBeLessThan(100_000);
  writeFileSync(path, file);
  const environment = { NODE_OPTIONS: "--max-old-space-size=128" };
  const ended = await runCli(["import", path, "--dry-run"], { environment });
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining("checked 1 keys") });
});

test("a file that ends amid a long hash leaves the keys before it, and nothing of the hash", {
  timeout: 60_000,
}, async () => {
  const served = await ServedProcess.start();
  const redis = new Redis(served.respPort, "127.0.0.1");
  const fields = Array.from({ length: 5000 }, (_, field) => bytesOf(text(`field:${field}`), text("value")));
  const dies = bytesOf(252, little(Date.now() + 1_000_000, 8));
  const file = rdbFile(11, 0, text("whole"), text("value"), dies, 4, text("hash"), length(5000), ...fields);
  const path = folder.file("cut.rdb");
  writeFileSync(path, file.subarray(0, file.length - 20_000));
  const ended = await runCli(["import", path, "--url", `127.0.0.1:${served.port}`]);
  expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining("imported 1 keys") });
  expect(await redis.mget("whole")).toEqual(["value"]);
  expect(await redis.exists("hash")).toBe(0);
  redis.disconnect();
  await served.stop();
});
