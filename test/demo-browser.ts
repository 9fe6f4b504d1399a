// A real Chromium for tests of the page. Whatever the page complains about (errors on its console, exceptions, breaches
// of its content security policy) is collected, so that a test can demand silence.

import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { findTool } from "./external-tools.ts";

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Whether there is a browser; without one tests are skipped, or fail under NEARKEY_REQUIRE_ALL. */
export const hasChromium = findTool("chromium") !== undefined;

/** Starts the browser, with a profile of its own that is removed when it is closed. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: findTool("chromium") as string, args: ARGUMENTS });
}

/** An open page and its complaints. */
export interface WatchedPage {
  readonly page: Page;
  readonly complaints: string[];
}

/** Opens a page and waits for its first search. */
export async function openPage(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.exposeFunction("reportBreach", (breach: string) => complaints.push(breach));
  await page.addInitScript(`addEventListener("securitypolicyviolation",
    (event) => reportBreach(event.violatedDirective + " " + event.blockedURI))`);
  await page.goto(address);
  await page.locator("#results button:visible").first().waitFor();
  return { page, complaints };
}

/** The text of an element. */
export async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).textContent()) ?? "";
}

/** The labels that the page shows for the neighbours, nearest first. */
export async function labelsOf(page: Page): Promise<number[]> {
  const texts = await page.locator("#results button:visible .label").allTextContents();
  return texts.map(Number);
}

/** Draws a line on the pad with the mouse; points are shares of its width and height. */
export async function drawLine(page: Page, points: readonly (readonly [x: number, y: number])[]): Promise<void> {
  const box = await page.locator("#pad").boundingBox();
  if (box === null) throw new Error("the pad is not visible");
  for (const [index, [x, y]] of points.entries()) {
    await page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 8 });
    if (index === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

/** How much ink a canvas shows: the sum of its opacities from 0 to 1. */
export function inkOf(page: Page, selector: string): Promise<number> {
  return page
    .locator(selector)
    .first()
    .evaluate((canvas) => {
      const { data } = (canvas as HTMLCanvasElement).getContext("2d")?.getImageData(0, 0, 28, 28) ?? { data: [] };
      let ink = 0;
      for (let index = 3; index < data.length; index += 4) ink += (data[index] ?? 0) / 255;
      return ink;
    });
}
