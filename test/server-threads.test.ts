// A server with threads, as users start it: pipelines of VADD whose nodes workers link, searches that are left to them, VADDMANY.
// To clients everything is as without threads: what they added they find, in the order of their commands.

import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { drawSeed } from "./engine-driver.ts";
import { graphFaults } from "./graph-links.ts";
import { numbers, Random } from "./random.ts";
import { ServedProcess } from "./served-process.ts";

const seed = drawSeed("server-threads.test.ts");
const DIM = 16;
const ended: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function serve(...options: string[]): Promise<{ served: ServedProcess; client: Redis }> {
  const served = await ServedProcess.start("--max-memory", "128mb", ...options);
  ended.push(() => served.stop());
  return { served, client: connectTo(served) };
}

function connectTo(served: ServedProcess): Redis {
  const client = new Redis({ port: served.respPort, host: "127.0.0.1", retryStrategy: null });
  ended.push(() => client.disconnect());
  return client;
}

function blobs(rows: number, from = 0): Buffer[] {
  const next = numbers(seed + from);
  return Array.from({ length: rows }, () => Buffer.from(Float32Array.from({ length: DIM }, next).buffer));
}

const idOf = (row: number) => `id:${row}`;

/** Adds rows in one pipeline. */
async function addAll(client: Redis, key: string, rows: readonly Buffer[], first = 0): Promise<void> {
  const pipeline = client.pipeline();
  for (const [row, blob] of rows.entries()) {
    pipeline.call("VADD", key, "FP32", blob, idOf(first + row), "SETATTR", JSON.stringify({ n: first + row }));
  }
  for (const [error, reply] of (await pipeline.exec()) ?? []) expect([error, reply]).toEqual([null, 1]);
}

async function faultsOf(client: Redis, key: string, ids: readonly string[]): Promise<string[]> {
  const pipeline = client.pipeline();
  for (const id of ids) pipeline.call("VLINKS", key, id);
  const replies = new Map((await pipeline.exec())?.map(([, reply], at) => [ids[at], reply]));
  return graphFaults((_, __, id) => replies.get(String(id)), key, ids, 16).slice(0, 5);
}

/** How many rows do not find themselves. */
async function lost(client: Redis, key: string, rows: readonly Buffer[]): Promise<number> {
  const pipeline = client.pipeline();
  for (const blob of rows) pipeline.call("VSIM", key, "FP32", blob, "COUNT", 1, "EF", 100);
  const replies = (await pipeline.exec()) ?? [];
  return replies.filter(([, reply], row) => (reply as string[])[0] !== idOf(row)).length;
}

describe("VADD in pipelines", () => {
  test("makes a whole graph, in which each finds what it added", async () => {
    const { served, client } = await serve("--threads", "2");
    const rows = blobs(3000);
    const clients = [client, connectTo(served), connectTo(served)];
    await Promise.all(
      clients.map((one, part) => addAll(one, "v", rows.slice(part * 1000, part * 1000 + 1000), part * 1000)),
    );
    expect(await client.call("VCARD", "v")).toBe(3000);
    expect(
      await faultsOf(
        client,
        "v",
        rows.map((_, row) => idOf(row)),
      ),
    ).toEqual([]);
    expect(await lost(client, "v", rows)).toBeLessThanOrEqual(3);
  });

  test("is followed by what comes behind it in the same pipeline", async () => {
    const { client } = await serve("--threads", "2");
    const rows = blobs(400);
    const pipeline = client.pipeline();
    for (const [row, blob] of rows.entries()) {
      pipeline.call("VADD", "v", "FP32", blob, idOf(row));
      if (row % 40 === 39) pipeline.call("VSIM", "v", "FP32", blob, "COUNT", 1);
      if (row % 100 === 99) {
        pipeline.call("MULTI");
        pipeline.call("VADD", "v", "FP32", rows[0] as Buffer, "again");
        pipeline.call("VSIM", "v", "ELE", "again", "COUNT", 2);
        pipeline.call("EXEC");
      }
      if (row % 100 === 50) pipeline.call("VREM", "v", idOf(row - 1));
    }
    const replies = ((await pipeline.exec()) ?? []).map(([error, reply]) => error ?? reply);
    expect(replies.filter((reply) => reply instanceof Error)).toEqual([]);
    const found = replies.filter((reply) => Array.isArray(reply) && reply.length === 1).map(String);
    expect(found).toEqual(Array.from({ length: 10 }, (_, at) => idOf(at * 40 + 39)));
    const both = replies.filter((reply) => Array.isArray(reply) && reply.length === 2 && Array.isArray(reply[1]));
    expect(both.map((reply) => [...((reply as string[][])[1] as string[])].sort())).toEqual(
      Array(4).fill(["again", idOf(0)]),
    );
  });

  test("is in snapshots and the log, whole, however they come amid it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "nearkey-server-threads-"));
    ended.push(() => rmSync(folder, { recursive: true, force: true }));
    const options = ["--dir", folder, "--fsync", "never"];
    const first = await serve("--threads", "2", ...options);
    const rows = blobs(4000);
    const saver = connectTo(first.served);
    const adding = Promise.all(
      [0, 1].map((part) =>
        addAll(
          part === 0 ? first.client : connectTo(first.served),
          "v",
          rows.slice(part * 2000, part * 2000 + 2000),
          part * 2000,
        ),
      ),
    );
    for (let save = 0; save < 4; save++) expect(await saver.call("SAVE")).toBe("OK");
    await adding;
    expect(await first.served.stop()).toBe(0);
    const second = await serve(...options);
    expect(await second.client.call("VCARD", "v")).toBe(4000);
    expect(
      await faultsOf(
        second.client,
        "v",
        rows.map((_, row) => idOf(row)),
      ),
    ).toEqual([]);
  });
});

describe("VSIM on a worker", () => {
  test("answers what the thread that serves answers, in both protocols", async () => {
    const { served, client } = await serve("--threads", "2", "--search-inline", "0us");
    const rows = blobs(1500);
    await addAll(client, "v", rows);
    await client.call("VINDEX", "v", "ADD", ".n");
    const random = new Random(seed);
    const options = [
      ["WITHSCORES"],
      ["WITHATTRIBS"],
      ["WITHDISTANCES"],
      ["COUNT", "1"],
      ["COUNT", "300"],
      ["EF", "700"],
      ["TRUTH"],
      ["FILTER", ".n < 700"],
      ["FILTER", ".n % 7 == 0"],
      ["FILTER-EF", "50"],
      ["EPSILON", "0.3"],
      ["MAXDISTANCE", "0.5"],
      ["PLAN", "WALK"],
      ["PLAN", "SCAN"],
    ];
    for (const protocol of [2, 3] as const) {
      const one = connectTo(served);
      await one.call("HELLO", protocol);
      for (let round = 0; round < 60; round++) {
        const target = random.oneIn(3) ? ["ELE", idOf(random.below(1500))] : ["FP32", random.pick(rows)];
        const chosen = random.list(0, 4, () => random.pick(options)).flat();
        const here = await one.call("VSIM", "v", ...target, ...chosen, "NOTHREAD");
        expect(await one.call("VSIM", "v", ...target, ...chosen), chosen.join(" ")).toEqual(here);
      }
    }
    expect(await client.call("VSIM", "none", "FP32", rows[0] as Buffer)).toEqual([]);
    await expect(client.call("VSIM", "v", "FP32", rows[0] as Buffer, "FILTER", "((")).rejects.toThrow("ERR");
  });

  test("goes on while others write, and when sets go", async () => {
    const { served, client } = await serve("--threads", "2", "--search-inline", "0us");
    const rows = blobs(2000);
    await addAll(client, "v", rows);
    await client.call("VINDEX", "v", "ADD", ".n");
    const writer = connectTo(served);
    let isDone = false;
    const write = async (): Promise<void> => {
      const random = new Random(seed + 1);
      for (let step = 0; !isDone; step++) {
        const row = random.below(2000);
        if (step % 500 === 499) await writer.call("DEL", "w");
        else if (random.oneIn(3)) await writer.call("VREM", "v", idOf(row));
        else if (random.oneIn(2)) await writer.call("VSETATTR", "v", idOf(row), `{"n":${row},"m":[1,2]}`);
        else await addAll(writer, "w", blobs(8, step), step * 8);
        if (random.oneIn(2))
          await writer.call("VADD", "v", "FP32", rows[row] as Buffer, idOf(row), "SETATTR", `{"n":${row}}`);
      }
    };
    const writing = write();
    const searchers = [client, connectTo(served), connectTo(served)];
    const random = new Random(seed + 2);
    const search = async (one: Redis): Promise<void> => {
      for (let round = 0; round < 80; round++) {
        const how = random.pick([
          ["TRUTH"],
          ["FILTER", ".n < 500"],
          ["FILTER", ".n % 3 == 0", "EF", "400"],
          ["EF", "800"],
        ]);
        const found = (await one.call(
          "VSIM",
          random.pick(["v", "v", "w"]),
          "FP32",
          random.pick(rows),
          ...how,
          "WITHATTRIBS",
        )) as string[];
        for (let at = 0; at < found.length; at += 2) expect(found[at]).toMatch(/^id:\d+$/);
      }
    };
    await Promise.all(searchers.map(search));
    isDone = true;
    await writing;
    for (const [row, blob] of rows.entries())
      if (row % 3 === 0) await client.call("VADD", "v", "FP32", blob, idOf(row));
    expect(await client.call("PING")).toBe("PONG");
  });

  test("writes nothing to a client that wants no reply", async () => {
    const { served, client } = await serve("--threads", "1", "--search-inline", "0us");
    await addAll(client, "v", blobs(50));
    const socket = connect(served.respPort, "127.0.0.1");
    ended.push(() => socket.destroy());
    const query = Array.from({ length: DIM }, (_, at) => at + 1).join(" ");
    socket.write(
      `CLIENT REPLY SKIP\r\nVSIM v VALUES ${DIM} ${query}\r\nVSIM v VALUES ${DIM} ${query} COUNT 1\r\nPING\r\n`,
    );
    let received = "";
    for await (const chunk of socket) {
      received += chunk;
      if (received.includes("PONG")) break;
    }
    expect(received).toMatch(/^\*1\r\n\$\d+\r\nid:\d+\r\n\+PONG\r\n$/);
  });

  test("minds transactions, and clients that leave", async () => {
    const { served, client } = await serve("--threads", "1", "--search-inline", "0us");
    const rows = blobs(500);
    await addAll(client, "v", rows);
    const [replies] = await Promise.all([
      client
        .multi()
        .call("VSIM", "v", "FP32", rows[3] as Buffer, "COUNT", 1)
        .exec(),
      ...Array.from({ length: 20 }, () => {
        const leaver = connectTo(served);
        leaver.call("VSIM", "v", "FP32", rows[3] as Buffer, "TRUTH").catch(() => undefined);
        return leaver.call("VSIM", "v", "FP32", rows[3] as Buffer, "EF", 400).then(
          () => leaver.disconnect(),
          () => undefined,
        );
      }),
    ]);
    expect(replies).toEqual([[null, [idOf(3)]]]);
    const many = await Promise.all(
      Array.from({ length: 40 }, (_, row) =>
        connectTo(served).call("VSIM", "v", "FP32", rows[row] as Buffer, "COUNT", 1),
      ),
    );
    expect(many).toEqual(Array.from({ length: 40 }, (_, row) => [idOf(row)]));
  });
});

describe("VADDMANY", () => {
  const matrixOf = (rows: readonly Buffer[]) => Buffer.concat(rows);

  test.each([["0"], ["2"]])("adds all elements, which are there afterwards: %s threads", async (threads) => {
    const folder = mkdtempSync(join(tmpdir(), "nearkey-server-threads-"));
    ended.push(() => rmSync(folder, { recursive: true, force: true }));
    const { served, client } = await serve("--threads", threads, "--dir", folder);
    const rows = blobs(1200);
    const ids = rows.map((_, row) => idOf(row));
    const texts = ids.map((_, row) => (row % 2 === 0 ? `{"n": ${row}}` : ""));
    await client.call("SELECT", 3);
    const reply = await client.call(
      "VADDMANY",
      "v",
      "FP32",
      matrixOf(rows),
      "ELEMENTS",
      rows.length,
      ...ids,
      "SETATTRS",
      ...texts,
      "METRIC",
      "L2",
      "M",
      16,
      "Q4",
    );
    expect(reply).toBe(1200);
    expect(await client.call("VGETATTR", "v", idOf(8))).toBe('{"n": 8}');
    expect(await client.call("VGETATTR", "v", idOf(9))).toBe(null);
    expect(await lost(client, "v", rows)).toBeLessThanOrEqual(5);
    expect(await faultsOf(client, "v", ids)).toEqual([]);
    expect(await served.stop()).toBe(0);
    const again = await serve("--dir", folder);
    await again.client.call("SELECT", 3);
    expect(await again.client.call("VCARD", "v")).toBe(1200);
  });

  test("of few elements is done by the thread that serves, beside pipelines that are not", async () => {
    const { served, client } = await serve("--threads", "2");
    const rows = blobs(600);
    const few = rows.slice(0, 60);
    await addAll(client, "v", few);
    const adding = addAll(connectTo(served), "v", rows.slice(60), 60);
    for (const key of ["a", "b", "c"]) {
      const ids = few.map((_, row) => idOf(row));
      expect(await client.call("VADDMANY", key, "FP32", matrixOf(few), "ELEMENTS", few.length, ...ids)).toBe(60);
      expect(await lost(client, key, few)).toBe(0);
      expect(await faultsOf(client, key, ids)).toEqual([]);
    }
    await adding;
    expect(
      await faultsOf(
        client,
        "v",
        rows.map((_, row) => idOf(row)),
      ),
    ).toEqual([]);
  });

  test("refuses what it cannot do before anything is stored", async () => {
    const { client } = await serve("--threads", "1");
    const rows = blobs(3);
    const refused = async (...args: (string | Buffer)[]) => {
      const error = await client.call("VADDMANY", ...args).then(
        () => undefined,
        (thrown: Error) => thrown.message,
      );
      expect(await client.call("EXISTS", "v")).toBe(0);
      return error;
    };
    const matrix = matrixOf(rows);
    expect(await refused("v", "FP32", matrix, "ELEMENTS", "4", "a", "b", "c")).toMatch(/^ERR count must be/);
    expect(await refused("v", "FP32", matrix.subarray(1), "ELEMENTS", "3", "a", "b", "c")).toMatch(
      /no 3 rows of float32/,
    );
    expect(await refused("v", "VALUES", "1", "ELEMENTS", "1", "a")).toMatch(/^ERR syntax error/);
    expect(await refused("v", "FP32", matrix, "ELEMENTS", "3", "a", "b", "a")).toMatch(/^ERR the id .* comes twice/);
    expect(await refused("v", "FP32", matrix, "ELEMENTS", "3", "a", "b", "c", "METRIC", "X")).toMatch(
      /^ERR metric must be/,
    );
    expect(await refused("v", "FP32", matrix, "ELEMENTS", "3", "a", "b", "c", "SETATTRS", "{}")).toMatch(
      /of 3 elements/,
    );
    const bad = Buffer.from(matrix);
    bad.writeFloatLE(Number.NaN, 8);
    expect(await refused("v", "FP32", bad, "ELEMENTS", "3", "a", "b", "c")).toMatch(/^ERR number 2 of row 0 is NaN/);
    await client.call("SET", "s", "x");
    await expect(client.call("VADDMANY", "s", "FP32", matrix, "ELEMENTS", "3", "a", "b", "c")).rejects.toThrow(
      /^WRONGTYPE/,
    );
    const transaction = client.multi().call("VADDMANY", "v", "FP32", matrix, "ELEMENTS", "3", "a", "b", "c");
    const [[error] = [null]] = (await transaction.exec()) ?? [];
    expect(String(error)).toMatch(/not allowed in a transaction/);
  });
});
