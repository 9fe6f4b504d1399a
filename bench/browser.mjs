// The engine in Chromium beside the same engine in this Node: what a browser costs. Strings are the difference: Node
// writes and reads them in linear memory by methods of its Buffer, a page has TextEncoder and TextDecoder, which cost a
// call out of JavaScript, and loops. Which V8 each has is printed; compare with the Node whose V8 is nearest
// (`--node PATH`). It needs chromium and the development dependencies.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { open } from "../dist/node.js";
import { inPage, prepare } from "./browser-workload.mjs";
import { fixed, rate, startReport, times } from "./report.mjs";
import { interleave, median } from "./statistics.mjs";
import { digits } from "./vectors/sets.mjs";

const KEYS = 100_000;
/** Turns a round: they are short, so that whatever slows the machine down meets both. */
const TURNS = 4;
const LENGTHS = [16, 100];
const RATE_RATIO = 0.7;
const SEARCH_RATIO = 1.3;
const PROGRAMS = ["chromium", "chromium-browser", "google-chrome-stable"];

const report = startReport("browser");
const program = PROGRAMS.find((name) => spawnSync(name, ["--version"]).status === 0);
if (program === undefined) {
  report.note(`skipped: none of ${PROGRAMS.join(", ")} is installed`);
} else {
  await main(spawnSync("which", [program], { encoding: "utf8" }).stdout.trim());
}
report.finish();

async function main(executablePath) {
  const set = digits(report.quick ? 1000 : 10_000);
  const server = await serve({
    "/": ["text/html", '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>'],
    "/page.js": ["text/javascript", await bundle()],
    "/engine.wasm": ["application/wasm", readFileSync(new URL("../dist/engine.wasm", import.meta.url))],
    "/browser-worker.js": ["text/javascript", readFileSync(new URL("../dist/browser-worker.js", import.meta.url))],
    "/vectors": ["application/octet-stream", Buffer.from(set.base.buffer)],
    "/queries": ["application/octet-stream", Buffer.from(set.queries.buffer)],
    "/none": ["application/octet-stream", Buffer.alloc(0)],
  });
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    const session = await browser.newBrowserCDPSession();
    const { product, jsVersion } = await session.send("Browser.getVersion");
    report.peer("Chromium", product.replace(/^.*\//, ""));
    report.peer("its V8", jsVersion);
    for (const bytes of LENGTHS) await measureKeys(browser, server, bytes);
    await measureSearch(browser, server, set);
  } finally {
    await browser.close();
    server.close();
  }
}

async function bundle() {
  const result = await build({
    entryPoints: [new URL("./browser-page.mjs", import.meta.url).pathname],
    alias: { nearkey: new URL("../dist/browser.js", import.meta.url).pathname },
    bundle: true,
    format: "esm",
    write: false,
    logLevel: "error",
  });
  return result.outputFiles[0].contents;
}

function serve(files) {
  const server = createServer((request, response) => {
    const [type, body] = files[request.url] ?? ["text/plain", ""];
    response.writeHead(files[request.url] ? 200 : 404, { "content-type": type }).end(body);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function openPage(browser, server) {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(error.message));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction(() => globalThis.bench !== undefined);
  return page;
}

/** Runs a test of one side of the page. */
function ask(page, ...args) {
  return page.evaluate((args) => globalThis.bench.run(...args), args);
}

async function measureKeys(browser, server, bytes) {
  const operations = report.quick ? 50_000 : 100_000;
  const settings = { keys: KEYS, bytes, dim: 4 };
  const page = await openPage(browser, server);
  await page.evaluate(([settings, paths]) => globalThis.bench.prepare(settings, paths), [settings, ["/none", "/none"]]);
  const nothing = new Float32Array(0);
  const here = await prepare(open, { ...settings, vectors: nothing, queries: nothing });
  const rows = [];
  for (const test of ["get", "set"]) {
    const results = await interleave(report.rounds * TURNS, {
      node: (round) => inPage[test](here, operations, round),
      page: (round) => ask(page, "page", test, operations, round),
      worker: (round) => ask(page, "worker", test, operations, round),
    });
    const [node, inThePage, inTheWorker] = ["node", "page", "worker"].map((side) => median(results[side]));
    rows.push({ test, node, page: inThePage, worker: inTheWorker, ratio: inThePage / node });
  }
  report.table(
    `${KEYS.toLocaleString("en")} keys of 16 bytes, strings of ${bytes}, median of ${report.rounds * TURNS} turns`,
    [
      { key: "test", title: "operation" },
      { key: "node", title: "Node", format: rate },
      { key: "page", title: "in the page", format: rate },
      { key: "ratio", title: "of Node", format: times },
      { key: "worker", title: "in a worker, 1,000 a tick", format: rate },
    ],
    rows,
  );
  for (const { test, ratio } of rows) {
    report.bar(`${test} in the page, strings of ${bytes}, of Node's rate`, ratio, { atLeast: RATE_RATIO });
  }
  await here.db.close();
  await page.close();
}

async function measureSearch(browser, server, { base, queries, dim, rows: count }) {
  const settings = { keys: 1, bytes: 1, dim };
  const page = await openPage(browser, server);
  const built = await page.evaluate(
    ([settings, paths]) => globalThis.bench.prepare(settings, paths),
    [settings, ["/vectors", "/queries"]],
  );
  const here = await prepare(open, { ...settings, vectors: base, queries });
  const results = await interleave(report.rounds * TURNS, {
    node: () => inPage.search(here),
    page: () => ask(page, "page", "search"),
    worker: () => ask(page, "worker", "search"),
  });
  const [node, inThePage, inTheWorker] = ["node", "page", "worker"].map((side) => median(results[side]));
  const builtAll = { node: here.buildSeconds, ...built };
  report.table(
    `search for 10 of ${count.toLocaleString("en")} × ${dim}, ef 64, median of ${report.rounds * TURNS} turns`,
    [
      { key: "side", title: "where" },
      { key: "micros", title: "µs a search", format: fixed(0) },
      { key: "times", title: "of Node's time", format: times },
      { key: "seconds", title: "build, s", format: fixed(1) },
    ],
    [
      { side: "Node", micros: node, times: 1, seconds: builtAll.node },
      { side: "in the page", micros: inThePage, times: inThePage / node, seconds: builtAll.page },
      { side: "in a worker, one at a time", micros: inTheWorker, times: inTheWorker / node, seconds: builtAll.worker },
    ],
  );
  report.bar("a search in the page, of Node's time", inThePage / node, { atMost: SEARCH_RATIO });
  await here.db.close();
  await page.close();
}
