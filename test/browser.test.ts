// The engine in a real Chromium, from the packed package, bundled by esbuild and by Vite: what the embedded database and
// the client promise holds in the page and in its worker, the page stays awake while the worker works, and everything
// that keeps the engine from loading is said in words.

import { readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { AppPage, BUNDLERS, bundleApp, textOfFolder } from "./browser-app.ts";
import { hasChromium, startBrowser } from "./demo-browser.ts";
import { PackedProject } from "./packed-package.ts";

test("what a browser gets names nothing of Node and imports nothing", () => {
  for (const name of ["browser.js", "browser-worker.js", "client.js"]) {
    const text = readFileSync(`dist/${name}`, "utf8");
    expect(text, name).not.toMatch(/["']node:|\brequire\(|\bfrom\s*["']|\bimport\s*\(|\bimport\s+["']/);
  }
});

describe.skipIf(!hasChromium)("in a browser", () => {
  let project: PackedProject;
  let browser: Browser;

  beforeAll(async () => {
    project = new PackedProject();
    browser = await startBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    project?.remove();
  });

  describe.each(BUNDLERS)("bundled by %s", (bundler) => {
    let folder: string;
    let app: AppPage;

    beforeAll(async () => {
      folder = await bundleApp(project, bundler);
      app = await AppPage.open(browser, folder);
    });

    afterAll(() => app?.close());

    test("the bundle names nothing of Node", () => {
      expect(textOfFolder(folder)).not.toMatch(/["']node:/);
    });

    test("an image made in Node opens in page and worker, and one made in the page opens in Node", async () => {
      const { open } = (await import(
        new URL("../dist/node.js", import.meta.url).href
      )) as typeof import("../src/node.ts");
      await using made = await open({ maxMemory: "16mb" });
      made.set("from", "Node");
      await made.vectors("v", { dim: 2 }).set("near", [1, 0]);
      const image = Buffer.from(await made.exportImage()).toString("base64");
      const seen = await app.page.evaluate(async (image) => {
        const { open } = globalThis.nearkeyPackage;
        const bytes = Uint8Array.from(atob(image), (character) => character.charCodeAt(0));
        const here = await open({ maxMemory: "16mb", worker: false, image: bytes });
        const there = await open({ maxMemory: "16mb", image: new Blob([bytes]) });
        const found = await (await there.vectors("v", { dim: 2 })).search([1, 0.5], { k: 1 });
        const values = [here.get("from"), await there.get("from"), found[0]?.id];
        here.set("from", "the page");
        const back = await here.exportImage();
        await Promise.all([here.close(), there.close()]);
        let refused = "";
        try {
          await open({ image: bytes.subarray(1) });
        } catch (error) {
          refused = (error as { code: string }).code;
        }
        return { values, refused, back: btoa(Array.from(back, (byte) => String.fromCharCode(byte)).join("")) };
      }, image);
      expect(seen.values).toEqual(["Node", "Node", "near"]);
      expect(seen.refused).toBe("storage-damaged");
      await using again = await open({ maxMemory: "16mb", image: Buffer.from(seen.back, "base64") });
      expect(again.get("from")).toBe("the page");
    });

    test.each([true, false])("keys, expiry and errors, worker: %s", async (worker) => {
      const seen = await app.page.evaluate(async (worker) => {
        const { open } = globalThis.nearkeyPackage;
        const db = await open({ maxMemory: "32mb", worker });
        const long = `é${"0123456789".repeat(2000)}\u{1f600}`;
        await db.set("short", "value");
        await db.set("long", long);
        await db.set("bytes", Uint8Array.of(0, 255, 1));
        await db.set("brief", "x", { ttlMs: 1 });
        await db.set("hour", "x", { ttlMs: 3_600_000 });
        await db.setMany(Array.from({ length: 5000 }, (_, index) => [`many:${index}`, `${index}`] as const));
        while ((await db.get("brief")) !== undefined) await new Promise((resolve) => setTimeout(resolve, 1));
        const ttl = await db.ttlMs("hour");
        const codes: string[] = [];
        const failing = [
          () => db.increment("short"),
          () => db.command("NOSUCH"),
          () => db.get(7 as unknown as string),
          () => db.set("k", "v", { ttlMs: -1 }),
          () => db.command("SET", "big", "x".repeat(40 << 20)),
        ];
        for (const fail of failing) {
          try {
            await fail();
          } catch (error) {
            codes.push(`${(error as Error).name} ${(error as { code: string }).code}`);
          }
        }
        const values = {
          short: await db.get("short"),
          long: (await db.get("long")) === long,
          bytes: Array.from((await db.getBytes("bytes")) ?? []),
          missing: (await db.get("missing")) ?? "undefined",
          many: await db.getMany(["many:0", "many:4999", "none"]),
          size: await db.command("DBSIZE"),
          count: await db.increment("counter", 5),
          hash: [await db.command("HSET", "h", "f", "v"), await db.command("HGET", "h", "f")],
        };
        await db.close();
        let closed = "";
        try {
          await db.get("short");
        } catch (error) {
          closed = (error as { code: string }).code;
        }
        return { ttl, codes, values, closed };
      }, worker);
      expect(seen.ttl).toBeGreaterThan(0);
      expect(seen.ttl).toBeLessThanOrEqual(3_600_000);
      expect(seen.codes).toEqual([
        "NearkeyError not-a-number",
        "NearkeyError unknown-command",
        "NearkeyError invalid-argument",
        "NearkeyError invalid-argument",
        "NearkeyError out-of-memory",
      ]);
      expect(seen.values).toEqual({
        short: "value",
        long: true,
        bytes: [0, 255, 1],
        missing: "undefined",
        many: ["0", "4999", undefined],
        size: 5004,
        count: 5,
        hash: [1, "v"],
      });
      expect(seen.closed).toBe("closed");
    });

    test.each([true, false])("vectors, attributes and filters, worker: %s", async (worker) => {
      const seen = await app.page.evaluate(async (worker) => {
        const db = await globalThis.nearkeyPackage.open({ worker });
        const set = await db.vectors("docs", { dim: 8, metric: "l2" });
        const ids = Array.from({ length: 500 }, (_, row) => `id${row}`);
        const matrix = Float32Array.from({ length: 500 * 8 }, (_, index) => (index % 8 === 0 ? index / 8 : 0));
        const attributes = ids.map((_, row) => ({ even: row % 2 === 0 }));
        await set.setMany(ids, matrix, attributes);
        const query = [100.2, 0, 0, 0, 0, 0, 0, 0];
        const any = await set.search(query, { k: 3 });
        const odd = await set.search(query, { k: 2, filter: ".even == false" });
        const size = await set.size;
        const removed = await set.delete("id100");
        const after = await set.search(query, { k: 1, exact: true });
        await db.close();
        return { any, odd: odd.map(({ id }) => id), size, removed, after: after.map(({ id }) => id) };
      }, worker);
      expect(seen.any.map(({ id }) => id)).toEqual(["id100", "id101", "id99"]);
      expect(seen.any[0]?.distance).toBeCloseTo(0.2, 4);
      expect(seen.any[0]?.attributes).toEqual({ even: true });
      expect(seen).toMatchObject({ odd: ["id101", "id99"], size: 500, removed: 1, after: ["id101"] });
    });

    test("complains of nothing", () => {
      expect(app.complaints).toEqual([]);
    });
  });

  describe("the worker", () => {
    let app: AppPage;

    beforeAll(async () => {
      app = await AppPage.open(browser, await bundleApp(project, "esbuild"));
    });

    afterAll(() => app?.close());

    test("leaves the page awake while it builds a graph", async () => {
      const turns = await app.page.evaluate(async () => {
        const db = await globalThis.nearkeyPackage.open();
        let turns = 0;
        let building = true;
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          turns++;
          if (building) port2.postMessage(undefined);
        };
        port2.postMessage(undefined);
        // One message to the worker, which is busy with it until the end.
        const commands = Array.from({ length: 1500 }, (_, row) => {
          const vector = Array.from({ length: 16 }, (_, place) => Math.sin(row * 16 + place));
          return db.command("VADD", "v", "VALUES", 16, ...vector, `id${row}`, "EF", 400);
        });
        await Promise.all(commands);
        building = false;
        const card = await db.command("VCARD", "v");
        await db.close();
        return { turns, card };
      });
      expect(turns.card).toBe(1500);
      expect(turns.turns).toBeGreaterThan(50);
    });

    test("answers commands of one tick in their order", async () => {
      const replies = await app.page.evaluate(async () => {
        const db = await globalThis.nearkeyPackage.open();
        const sums = await Promise.all(Array.from({ length: 20_000 }, () => db.increment("n")));
        const results = await db.pipeline().set("a", "1").increment("a").get("a").send();
        await db.close();
        return { ordered: sums.every((sum, index) => sum === index + 1), results };
      });
      expect(replies).toEqual({ ordered: true, results: [true, 2, "2"] });
    });

    test("runs transactions, and ends calls that were aborted or took too long", async () => {
      const seen = await app.page.evaluate(async () => {
        const db = await globalThis.nearkeyPackage.open();
        const results = await db.transaction().set("a", "1").increment("a", 4).send();
        const code = (promise: Promise<unknown>) =>
          promise.then(
            () => "done",
            (error) => error.code,
          );
        const controller = new AbortController();
        controller.abort();
        const aborted = await code(db.with({ signal: controller.signal }).get("a"));
        // Busy for long with what was asked before.
        const busy = Promise.all(Array.from({ length: 100 }, () => db.set("big", "x".repeat(1 << 20))));
        const late = await code(db.with({ timeoutMs: 1 }).get("a"));
        await busy;
        const value = await db.get("a");
        await db.close();
        return { results, aborted, late, value };
      });
      expect(seen).toEqual({ results: [true, 5], aborted: "not-sent", late: expect.any(String), value: "5" });
      expect(["timed-out", "not-sent"]).toContain(seen.late);
    });

    test("goes on after a command that could not be read, and with those behind it", async () => {
      const seen = await app.page.evaluate(async () => {
        const db = await globalThis.nearkeyPackage.open();
        await db.set("kept", "yes");
        const code = (promise: Promise<unknown>) =>
          promise.then(
            () => "done",
            (error) => error.code,
          );
        const codes = await Promise.all([
          code(db.command("SET", "a", "1")),
          code(db.set("big", new Uint8Array(65 << 20))),
          code(db.set("behind", "1")),
        ]);
        const kept = await db.get("kept");
        await db.close();
        return { codes, kept };
      });
      expect(seen).toEqual({ codes: ["done", "protocol-error", "done"], kept: "yes" });
    });

    test("that fails rejects everything with engine-failed", async () => {
      const codes = await app.page.evaluate(async () => {
        const workers: Worker[] = [];
        const Original = globalThis.Worker;
        globalThis.Worker = class extends Original {
          constructor(...args: ConstructorParameters<typeof Worker>) {
            super(...args);
            workers.push(this);
          }
        };
        const db = await globalThis.nearkeyPackage.open();
        globalThis.Worker = Original;
        await db.set("k", "v");
        const code = (promise: Promise<unknown>) =>
          promise.then(
            () => "done",
            (error) => error.code,
          );
        const pending = [code(db.get("k")), code(db.vectors("v", { dim: 2 }))];
        // Those are on their way when the worker fails, the next one is not.
        await Promise.resolve();
        pending.push(code(db.get("k")));
        workers[0]?.dispatchEvent(new ErrorEvent("error", { message: "out of memory" }));
        const codes = [...(await Promise.all(pending)), await code(db.get("k")), await code(db.set("k", "w"))];
        await db.close();
        return codes;
      });
      expect(codes).toEqual(Array.from({ length: 5 }, () => "engine-failed"));
    });

    test("ends with close(), after what was issued", async () => {
      // Those of the tests before may still be on their way out.
      await expect.poll(() => app.page.workers().length, { timeout: 10_000 }).toBe(0);
      const value = await app.page.evaluate(async () => {
        const db = await globalThis.nearkeyPackage.open();
        const last = db.set("k", "v").then(() => db.get("k").catch((error) => error.code));
        await db.close();
        return last;
      });
      expect(value).toBe("closed");
      await expect.poll(() => app.page.workers().length, { timeout: 10_000 }).toBe(0);
    });
  });

  describe("what keeps the engine from loading is said", () => {
    let app: AppPage;

    beforeAll(async () => {
      app = await AppPage.open(browser, await bundleApp(project, "esbuild"));
    });

    afterEach(() => {
      app.server.deviation = {};
    });

    afterAll(() => app?.close());

    const failure = (options: { worker?: boolean; module?: string; workerUrl?: string } = {}) =>
      app.page.evaluate(async (options) => {
        try {
          await (await globalThis.nearkeyPackage.open(options)).close();
          return "opened";
        } catch (error) {
          return `${(error as { code: string }).code}: ${(error as Error).message}`;
        }
      }, options);

    test("a missing engine, and one that is the start page instead", async () => {
      app.server.deviation = { missing: "engine.wasm" };
      expect(await failure()).toMatch(/^load-failed: .*engine\.wasm: the server answered 404\. Put engine\.wasm/);
      app.server.deviation = { missing: "engine.wasm", fallback: true };
      expect(await failure()).toMatch(/^load-failed: .*what came is no WebAssembly but text\/html/);
      app.server.deviation = {};
      expect(await failure(), "what failed is tried again").toBe("opened");
    });

    test("an engine of the wrong type loads, with a hint on the console", async () => {
      await app.reload();
      app.complaints.length = 0;
      app.server.deviation = { type: { path: ".wasm", type: "text/plain" } };
      expect(await failure({ worker: false })).toBe("opened");
      expect(app.complaints.join()).toMatch(/came as text\/plain; as application\/wasm/);
    });

    test("a missing worker, and one elsewhere", async () => {
      expect(await failure({ workerUrl: "/nowhere.js" })).toMatch(
        /^load-failed: cannot start the worker at \/nowhere\.js: .*Put browser-worker\.js/,
      );
      expect(await failure({ workerUrl: "https://elsewhere.invalid/w.js" })).toMatch(/^load-failed: cannot start the/);
      expect(await failure({ workerUrl: "/browser-worker.js", module: "/engine.wasm" })).toBe("opened");
    });

    test("a policy without wasm-unsafe-eval; with it, it opens", async () => {
      app.server.deviation = { policy: "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:" };
      await app.reload();
      expect(await failure()).toMatch(/^unsupported: .*'wasm-unsafe-eval'/);
      const policy = "script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src data:";
      app.server.deviation = { policy: `default-src 'none'; ${policy}` };
      await app.reload();
      expect(await failure()).toBe("opened");
      expect(await failure({ worker: false })).toBe("opened");
    });

    test("a browser without SIMD, or without the memory", async () => {
      await app.reload();
      const seen = await app.page.evaluate(async () => {
        const code = (worker: boolean) =>
          globalThis.nearkeyPackage.open({ worker }).then(
            () => "opened",
            (error) => `${error.code}: ${error.message}`,
          );
        const { validate, Memory } = WebAssembly;
        WebAssembly.validate = () => false;
        const scalar = await code(true);
        WebAssembly.validate = validate;
        WebAssembly.Memory = class {
          constructor() {
            throw new RangeError("could not allocate memory");
          }
        } as unknown as typeof Memory;
        const full = await code(false);
        WebAssembly.Memory = Memory;
        return { scalar, full };
      });
      expect(seen.scalar).toMatch(/^unsupported: this browser has no SIMD/);
      expect(seen.full).toMatch(/^out-of-memory: the browser does not give the memory/);
    });

    test("options that cannot be meant", async () => {
      expect(await failure({ worker: 1 as unknown as boolean })).toMatch(
        /^invalid-option: worker must be true or false/,
      );
      expect(await failure({ Worker: true } as { worker?: boolean })).toMatch(/^invalid-option: there is no option/);
      expect(await failure({ module: 7 as unknown as string })).toMatch(/^invalid-option: module must be/);
    });

    test("the module may be bytes, a response or compiled", async () => {
      const values = await app.page.evaluate(async () => {
        const bytes = new Uint8Array(await (await fetch("/engine.wasm")).arrayBuffer());
        const sources = [bytes, bytes.buffer, fetch("/engine.wasm"), await WebAssembly.compile(bytes)];
        const values: unknown[] = [];
        for (const module of sources) {
          const db = await globalThis.nearkeyPackage.open({ worker: false, module });
          db.set("k", "v");
          values.push(db.get("k"));
          await db.close();
        }
        return values;
      });
      expect(values).toEqual(["v", "v", "v", "v"]);
    });
  });
});
