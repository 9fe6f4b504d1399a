// The demo page in a real browser, judged by what is on screen: neighbours that share the label, a drawing that finds
// its like, the filter, the console, the keyboard alone, a narrow and a dark screen, a server that goes and comes back.

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  drawLine,
  hasChromium,
  inkOf,
  labelsOf,
  openPage,
  startBrowser,
  textOf,
  type WatchedPage,
} from "./demo-browser.ts";
import { DemoProcess } from "./demo-process.ts";

const FEW = ["--digits", "1000", "--resp-port", "0"];

describe.skipIf(!hasChromium)("the demo page", () => {
  let demo: DemoProcess;
  let browser: Browser;
  let open: WatchedPage[] = [];

  beforeAll(async () => {
    [demo, browser] = await Promise.all([DemoProcess.start("--port", "0", ...FEW), startBrowser()]);
  });

  afterAll(async () => {
    await browser?.close();
    await demo?.stop();
  });

  afterEach(async () => {
    const pages = open;
    open = [];
    for (const { page } of pages) await page.context().close();
    for (const { complaints } of pages) expect(complaints).toEqual([]);
  });

  async function visit(options = {}, address = demo.address): Promise<Page> {
    const watched = await openPage(browser, address, options);
    open.push(watched);
    return watched.page;
  }

  test("is not empty at first sight: a sample, a search that was done, and how long it took", async () => {
    const page = await visit();
    expect(await textOf(page, "#connection")).toBe("connected");
    expect(await textOf(page, "#count")).toBe("1,000");
    expect(await page.locator("#sample button:visible").count()).toBe(30);
    expect(await page.locator("#results button:visible").count()).toBe(12);
    expect(await textOf(page, "#verdict")).toMatch(/^Looks like an? \d \d+ of 12 agree · closest \d/);
    await page.locator("#timing b").waitFor();
    expect(await textOf(page, "#timing")).toMatch(/^[\d.]+ ms in the engine\n[\d.]+ ms round trip$/);
    for (const canvas of ["#pad", "#normalized", "#sample canvas", "#results canvas"]) {
      expect(await inkOf(page, canvas), canvas).toBeGreaterThan(20);
    }
  });

  test("shows neighbours of a clicked digit that mostly share its label, nearest first", async () => {
    const page = await visit();
    let agreeing = 0;
    const picks = 24;
    for (let index = 0; index < picks; index++) {
      const button = page.locator("#sample button").nth(index);
      const id = (await button.getAttribute("data-id")) as string;
      await button.click();
      await expect.poll(() => textOf(page, "#command-text")).toContain(`ELE ${id} `);
      const labels = await labelsOf(page);
      agreeing += labels.filter((label) => label === Number(id[0])).length;
      const distances = (await page.locator("#results .distance").allTextContents()).map(Number);
      expect(distances).toEqual([...distances].sort((a, b) => a - b));
      expect(await page.locator(`#results [data-id="${id}"]`).count(), "it is not its own neighbour").toBe(0);
      expect(await button.getAttribute("aria-pressed")).toBe("true");
    }
    expect(agreeing / (picks * 12)).toBeGreaterThan(0.6);
  });

  test("goes on from neighbour to neighbour", async () => {
    const page = await visit();
    const neighbour = page.locator("#results button").nth(2);
    const id = await neighbour.getAttribute("data-id");
    await neighbour.click();
    await expect.poll(() => textOf(page, "#command-text")).toContain(`ELE ${id} `);
  });

  test("finds ones for a 1 drawn with the mouse, wherever and however small", async () => {
    const page = await visit();
    await drawLine(page, [
      [0.2, 0.15],
      [0.22, 0.5],
    ]);
    await expect.poll(() => textOf(page, "#verdict-label")).toBe("Looks like a 1");
    expect((await labelsOf(page)).filter((label) => label === 1).length).toBeGreaterThanOrEqual(10);
    await page.locator("#clear").click();
    await expect.poll(() => textOf(page, "#verdict-label")).toBe("Nothing yet");
    expect(await inkOf(page, "#pad")).toBe(0);
    const zero = Array.from({ length: 25 }, (_, step) => {
      const angle = (step / 24) * 2 * Math.PI;
      return [0.5 + 0.22 * Math.sin(angle), 0.5 - 0.33 * Math.cos(angle)] as const;
    });
    await drawLine(page, zero);
    await expect.poll(() => textOf(page, "#verdict-label")).toBe("Looks like a 0");
  });

  test("searches while the pen moves, and takes a line back", async () => {
    const page = await visit();
    const box = await page.locator("#pad").boundingBox();
    if (box === null) throw new Error("no pad");
    await page.mouse.move(box.x + 140, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + 140, box.y + 220, { steps: 10 });
    await expect.poll(() => textOf(page, "#verdict-label")).toBe("Looks like a 1");
    await page.mouse.up();
    await page.locator("#undo").click();
    await expect.poll(() => textOf(page, "#verdict-label")).toBe("Nothing yet");
  });

  test("draws with a finger", async () => {
    const page = await visit({ hasTouch: true, isMobile: true, viewport: { width: 390, height: 800 } });
    const session = await page.context().newCDPSession(page);
    const box = await page.locator("#pad").boundingBox();
    if (box === null) throw new Error("no pad");
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", y: number): Promise<unknown> =>
      session.send("Input.dispatchTouchEvent", {
        type,
        touchPoints: type === "touchEnd" ? [] : [{ x: box.x + box.width / 2, y: box.y + y * box.height }],
      });
    await touch("touchStart", 0.2);
    for (let y = 0.25; y < 0.8; y += 0.05) await touch("touchMove", y);
    await touch("touchEnd", 0.8);
    await expect.poll(() => textOf(page, "#verdict-label")).toBe("Looks like a 1");
  });

  test("restricts the search to a label", async () => {
    const page = await visit();
    await page.getByRole("radio", { name: "7", exact: true }).check();
    await expect.poll(() => textOf(page, "#verdict-label")).toBe("The nearest 7s");
    expect(await labelsOf(page)).toEqual(Array.from({ length: 12 }, () => 7));
    expect(await textOf(page, "#command-text")).toContain('FILTER ".label == 7"');
    await page.getByRole("radio", { name: "any" }).check();
    await expect.poll(() => textOf(page, "#verdict-label")).toMatch(/^Looks like/);
  });

  test("searches in this tab as in the server, by the keyboard, and shows both times", async () => {
    const page = await visit();
    await page.locator("#timing b").waitFor();
    const shown = async () =>
      await page.locator("#results button:visible").evaluateAll((buttons) => {
        return buttons.map((button) => (button as HTMLElement).dataset.id);
      });
    const fromServer = await shown();
    await page.locator("#in-server").focus();
    await page.keyboard.press("ArrowDown");
    expect(await page.locator("#in-tab").isChecked()).toBe(true);
    await page.locator("#timing-tab b").waitFor();
    await page.locator("#timing b").waitFor();
    for (const row of ["#timing", "#timing-tab"]) {
      expect(await textOf(page, row), row).toMatch(/^[\d.]+ ms in the engine\n[\d.]+ ms round trip$/);
    }
    // Two graphs of the same digits, each drawn at random: nearly always the same neighbours.
    const fromTab = await shown();
    expect(fromTab.filter((id) => fromServer.includes(id)).length).toBeGreaterThanOrEqual(10);
    expect(page.workers().length).toBe(1);
    await page.getByRole("radio", { name: "7", exact: true }).check();
    await expect.poll(() => textOf(page, "#verdict-label")).toBe("The nearest 7s");
    expect(await labelsOf(page)).toEqual(Array.from({ length: 12 }, () => 7));
    expect(await page.locator("#in-tab").isChecked()).toBe(true);
  });

  test("answers on its console, errors too, and remembers what was typed", async () => {
    const page = await visit();
    const line = page.locator("#line");
    const enter = async (text: string): Promise<string> => {
      const before = await page.locator("#log .reply, #log .failed").count();
      await line.fill(text);
      await line.press("Enter");
      const entries = page.locator("#log .reply, #log .failed");
      await expect.poll(() => entries.count()).toBe(before + 1);
      return (await entries.last().textContent()) ?? "";
    };
    expect(await enter("PING")).toBe("PONG");
    expect(await enter('SET greeting "hello world" EX 60')).toBe("OK");
    expect(await enter("GET greeting")).toBe('"hello world"');
    expect(await enter("VCARD digits")).toBe("1000");
    expect(await enter("VSIM digits ELE 3-7 COUNT 3")).toMatch(/^1\) "3-7"\n2\) "\d-\d+"\n3\) "\d-\d+"$/);
    expect(await enter("INCR greeting")).toMatch(/^ERR value is not an integer/);
    expect(await enter("NONSENSE")).toMatch(/^ERR unknown command/);
    expect(await enter('GET "open')).toContain("a quote is open");
    await line.press("ArrowUp");
    await line.press("ArrowUp");
    expect(await line.inputValue()).toBe("NONSENSE");
    await line.press("ArrowDown");
    await line.press("ArrowDown");
    expect(await line.inputValue()).toBe("");
  });

  test("hands its search to the console", async () => {
    const page = await visit();
    await page.locator("#run-command").click();
    await expect.poll(() => page.locator("#log .reply").count()).toBe(1);
    const shown = (await page
      .locator("#results button:visible")
      .evaluateAll((buttons) => buttons.map((button) => (button as HTMLElement).dataset.id))) as string[];
    const reply = await textOf(page, "#log .reply");
    for (const id of shown) expect(reply).toMatch(new RegExp(`^${id} +0\\.\\d+$`, "m"));
  });

  test("survives what is typed on the console: QUIT, RESET, HELLO 2", async () => {
    const page = await visit();
    for (const text of ["HELLO 2", "RESET", "QUIT", "PING"]) {
      const before = await page.locator("#log .reply, #log .failed").count();
      await page.locator("#line").fill(text);
      await page.locator("#line").press("Enter");
      await expect.poll(() => page.locator("#log .reply, #log .failed").count()).toBe(before + 1);
    }
    await page.getByRole("radio", { name: "4", exact: true }).check();
    await expect.poll(() => textOf(page, "#verdict-label")).toBe("The nearest 4s");
  });

  test("can be used by keyboard alone", async () => {
    const page = await visit();
    const press = (...keys: string[]): Promise<void> =>
      keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
    const focused = (): Promise<string> =>
      page.evaluate(() => document.activeElement?.id || (document.activeElement?.closest("[id]")?.id ?? ""));
    const tabTo = async (id: string): Promise<void> => {
      for (let stops = 0; stops < 14 && (await focused()) !== id; stops++) await press("Tab");
      expect(await focused()).toBe(id);
      const outline = await page.evaluate(() => {
        const ring = document.activeElement?.closest("label, .terminal") ?? document.activeElement;
        return ring === null ? "none" : getComputedStyle(ring).outlineStyle;
      });
      expect(outline, `focus on ${id} is visible`).not.toBe("none");
    };
    await tabTo("pad");
    expect(await page.locator("#brush").isVisible()).toBe(true);
    await press("Space", ...Array.from({ length: 17 }, () => "ArrowDown"), "Space");
    await expect.poll(() => textOf(page, "#verdict-label")).toBe("Looks like a 1");
    expect(await page.locator("#pad-state").textContent()).toBe("brush up");
    await press("Backspace");
    await expect.poll(() => textOf(page, "#verdict-label")).toBe("Nothing yet");

    await tabTo("sample");
    await press("ArrowRight", "ArrowDown", "ArrowLeft");
    const picked = await page.evaluate(() => (document.activeElement as HTMLElement).dataset.id);
    expect(picked).toBe(await page.locator("#sample button").nth(6).getAttribute("data-id"));
    await press("Enter");
    await expect.poll(() => textOf(page, "#command-text")).toContain(`ELE ${picked} `);

    await tabTo("filter");
    await press("ArrowRight", "ArrowRight");
    await expect.poll(() => textOf(page, "#verdict-label")).toBe("The nearest 1s");

    await tabTo("results");
    await press("ArrowRight");
    const neighbour = await page.evaluate(() => (document.activeElement as HTMLElement).dataset.id);
    await press("Enter");
    await expect.poll(() => textOf(page, "#command-text")).toContain(`ELE ${neighbour} `);

    await tabTo("line");
    await page.keyboard.type("PING");
    await press("Enter");
    await expect.poll(() => page.locator("#log .reply").allTextContents()).toEqual(["PONG"]);
  });

  test("fits a narrow screen and a dark one", async () => {
    const page = await visit({ viewport: { width: 340, height: 700 }, colorScheme: "dark" });
    const { width, background } = await page.evaluate(() => ({
      width: document.documentElement.scrollWidth,
      background: getComputedStyle(document.documentElement).backgroundColor,
    }));
    expect(width).toBeLessThanOrEqual(340);
    expect(background).toBe("rgb(20, 20, 22)");
    const ink = await page
      .locator("#results canvas")
      .first()
      .evaluate((canvas) => getComputedStyle(canvas).color);
    expect(ink).toBe("rgb(237, 234, 226)");
  });

  test("says when the server is gone, and goes on when it is back", async () => {
    let server = await DemoProcess.start("--port", "0", ...FEW);
    const { port } = new URL(server.address);
    const { page, complaints } = await openPage(browser, server.address);
    try {
      await server.stop();
      await expect.poll(() => page.locator("#connection").getAttribute("data-state")).toBe("lost");
      server = await DemoProcess.start("--port", port, ...FEW);
      await expect
        .poll(() => page.locator("#connection").getAttribute("data-state"), { timeout: 15_000 })
        .toBe("connected");
      await page.locator("#sample button").nth(3).click();
      const id = await page.locator("#sample button").nth(3).getAttribute("data-id");
      await expect.poll(() => textOf(page, "#command-text")).toContain(`ELE ${id} `);
      // The browser itself reports each attempt that found nobody; nothing else may be wrong.
      expect(complaints.filter((text) => !/WebSocket connection to .* failed/.test(text))).toEqual([]);
    } finally {
      await page.context().close();
      await server.stop();
    }
  });

  test("asks for the password when the server does", async () => {
    const guarded = await DemoProcess.start("--port", "0", "--password", "secret", ...FEW);
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      await page.goto(guarded.address);
      await page.locator("#password").fill("wrong");
      await page.locator("#password").press("Enter");
      await expect.poll(() => textOf(page, "#connection")).toContain("wrong password");
      await page.locator("#password").fill("secret");
      await page.locator("#password").press("Enter");
      await page.locator("#results button:visible").first().waitFor();
      expect(await page.locator("#password-form").isVisible()).toBe(false);
      expect(await textOf(page, "#connection")).toBe("connected");
    } finally {
      await context.close();
      await guarded.stop();
    }
  });
});
