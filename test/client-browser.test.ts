// The client as browsers get it, in a real Chromium whose connection goes through a proxy that breaks it: what the
// browser's own WebSocket tells of a loss, and what the client makes of it.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type * as ClientModule from "../src/client.ts";
import { CuttingProxy } from "./cutting-proxy.ts";
import { hasChromium, startBrowser } from "./demo-browser.ts";
import { Random } from "./random.ts";
import { startTestServer } from "./server-fixture.ts";

/** What the page has beside its own. */
interface Outside {
  readonly nearkeyClient: typeof ClientModule;
  cutNow(): Promise<void>;
  stall(yes: boolean): Promise<void>;
}

describe.skipIf(!hasChromium)("in Chromium", () => {
  let browser: Awaited<ReturnType<typeof startBrowser>>;

  beforeAll(async () => {
    browser = await startBrowser();
  });

  afterAll(async () => {
    await browser?.close();
  });

  test("the client comes back, times out, aborts, tells its states and the server's reasons", async () => {
    const server = await startTestServer({ maxFrameBytes: 100_000 });
    const proxy = await CuttingProxy.start(server.httpPort, new Random(1));
    const context = await browser.newContext({ bypassCSP: true });
    const page = await context.newPage();
    await page.exposeFunction("cutNow", () => proxy.cut());
    await page.exposeFunction("stall", (yes: boolean) => {
      proxy.stalled = yes;
    });
    await page.goto(proxy.url.replace("ws:", "http:"));
    const module = `data:text/javascript;base64,${readFileSync("dist/client.js").toString("base64")}`;
    const content = `import * as client from "${module}"; globalThis.nearkeyClient = client;`;
    await page.addScriptTag({ type: "module", content });
    await page.waitForFunction("globalThis.nearkeyClient");
    const seen = await page.evaluate(async (url) => {
      const outside = globalThis as unknown as Outside;
      const code = (call: Promise<unknown>) => call.catch((error: { code: string }) => error.code);
      const client = await outside.nearkeyClient.connect(url, {
        database: 2,
        name: "tab",
        reconnect: { maxDelayMs: 20 },
      });
      const states: string[] = [];
      client.on("state", ({ state }) => states.push(state));
      const before = await client.increment("n");
      await outside.stall(true);
      const timedOut = await code(client.with({ timeoutMs: 20 }).increment("n"));
      const abort = new AbortController();
      const aborting = code(client.with({ signal: abort.signal }).get("n"));
      await new Promise((resolve) => setTimeout(resolve, 5));
      abort.abort();
      const aborted = await aborting;
      const losing = code(client.get("n"));
      await outside.cutNow();
      await outside.stall(false);
      const lost = await losing;
      const after = await client.increment("n");
      const name = await client.command("CLIENT", "GETNAME");
      const transaction = await client.transaction().set("t", "1").increment("t").send();
      const long = await client.set("long", "x".repeat(200_000)).catch((error: Error) => error.message);
      await client.close();
      return { before, timedOut, aborted, lost, after, name, transaction, long, states };
    }, proxy.url);
    await context.close();
    await proxy.stop();
    expect(seen).toEqual({
      before: 1,
      timedOut: "timed-out",
      aborted: "aborted",
      lost: "connection-lost",
      after: 2,
      name: "tab",
      transaction: [true, 2],
      long: expect.stringMatching(/frames are limited to 100000 bytes \(--max-frame-bytes\)/),
      states: expect.arrayContaining(["reconnecting", "connecting", "open", "closed"]),
    });
  });
});
