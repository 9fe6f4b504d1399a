// A page that uses the packed package, bundled as its users would bundle it, open in a real Chromium. The page does
// nothing by itself: it lends the package to the test, whose functions run in it.

import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as esbuild from "esbuild";
import type { Browser, Page } from "playwright-core";
import * as vite from "vite";
import type * as nearkey from "../src/browser.ts";
import type { PackedProject } from "./packed-package.ts";
import { StaticServer } from "./static-server.ts";

declare global {
  /** What the page imported. */
  var nearkeyPackage: typeof nearkey;
}

const PROGRAM = 'import * as nearkey from "nearkey"; globalThis.nearkeyPackage = nearkey;';
const START_PAGE = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="./app.js"></script>';

/** The ways to bundle that docs/browser.md describes. */
export const BUNDLERS = ["esbuild", "vite"] as const;
export type Bundler = (typeof BUNDLERS)[number];

/** Bundles the program; the folder to serve. */
export async function bundleApp(project: PackedProject, bundler: Bundler): Promise<string> {
  return bundler === "vite" ? bundleWithVite(project) : bundleWithEsbuild(project);
}

/** As docs/browser.md says: the bundle, and the two files beside it. */
async function bundleWithEsbuild(project: PackedProject): Promise<string> {
  const folder = join(project.folder, "esbuild-app");
  const entry = project.write("app.js", PROGRAM);
  await esbuild.build({ entryPoints: [entry], bundle: true, format: "esm", outdir: folder, logLevel: "error" });
  for (const file of ["engine.wasm", "browser-worker.js"]) {
    copyFileSync(project.installed(`dist/${file}`), join(folder, file));
  }
  project.write("esbuild-app/index.html", START_PAGE);
  return folder;
}

async function bundleWithVite(project: PackedProject): Promise<string> {
  project.write("vite-app/app.js", PROGRAM);
  project.write("vite-app/index.html", START_PAGE);
  const root = join(project.folder, "vite-app");
  await vite.build({ root, base: "./", configFile: false, logLevel: "error", build: { outDir: "out" } });
  return join(root, "out");
}

/** All text files of a folder, in one string. */
export function textOfFolder(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".js"));
  return files.map((path) => readFileSync(join(folder, path), "utf8")).join("\n");
}

/** A served bundle, open in a page. */
export class AppPage {
  readonly server: StaticServer;
  readonly page: Page;
  /** Errors on the page's console and exceptions. */
  readonly complaints: string[] = [];

  private constructor(server: StaticServer, page: Page) {
    this.server = server;
    this.page = page;
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(message.text());
    });
  }

  static async open(browser: Browser, folder: string): Promise<AppPage> {
    const app = new AppPage(await StaticServer.start(folder), await browser.newPage());
    await app.reload();
    return app;
  }

  /** Loads the page anew and waits for the package. */
  async reload(): Promise<void> {
    await this.page.goto(this.server.address);
    await this.page.waitForFunction(() => globalThis.nearkeyPackage !== undefined);
  }

  async close(): Promise<void> {
    await this.page.close();
    await this.server.stop();
  }
}
