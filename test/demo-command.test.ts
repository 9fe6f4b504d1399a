// `nearkey demo` on the command line: what it prints, what it loads, and how it goes on when a port is taken.

import { createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Progress } from "../src/cli/progress.ts";
import { DemoProcess } from "./demo-process.ts";

const started: DemoProcess[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((demo) => demo.stop()));
});

async function start(...options: string[]): Promise<DemoProcess> {
  const demo = await DemoProcess.start("--port", "0", ...options);
  started.push(demo);
  return demo;
}

/** Runs commands as JSON text frames. */
async function replies(address: string, ...commands: unknown[][]): Promise<unknown[]> {
  const socket = new WebSocket(address.replace("http", "ws"));
  const frames: unknown[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.on("open", () => {
      for (const command of commands) socket.send(JSON.stringify({ command }));
    });
    socket.on("message", (bytes) => {
      const { reply, error } = JSON.parse(String(bytes));
      frames.push(reply ?? error?.code);
      if (frames.length === commands.length) resolve();
    });
    socket.on("error", reject);
  });
  socket.close();
  return frames;
}

describe("nearkey demo", () => {
  test("loads digits with labels and pictures, says how far it is and where its page is", async () => {
    const demo = await start("--digits", "200", "--resp-port", "0");
    expect(demo.output).toMatch(/100 of 200 digits loaded, [\d,]+ a second\n/);
    expect(demo.output).toMatch(/200 of 200 digits loaded/);
    expect(demo.output).not.toContain("\r");
    const page = await fetch(demo.address);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("<title>nearkey");
    const vinfo = ["VCARD", "digits"];
    const found = await replies(demo.address, vinfo, ["VGETATTR", "digits", "3-7"], ["STRLEN", "picture:3-7"]);
    expect(found).toEqual([200, '{"label":3}', 784]);
    expect(await demo.stop()).toBe(0);
  });

  test("goes on without RESP when its port is taken, and says so", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as { port: number };
    const demo = await start("--digits", "10", "--resp-port", String(port));
    expect(demo.output).toContain(`port ${port} is taken: going on without RESP`);
    expect(demo.output).not.toContain("redis-cli");
    expect((await fetch(demo.address)).status).toBe(200);
    other.close();
  });

  test("ends with one line when the page's own port is taken", async () => {
    const demo = await start("--digits", "10", "--resp-port", "0");
    const { port } = new URL(demo.address);
    await expect(DemoProcess.start("--port", port, "--resp-port", "0")).rejects.toThrow(
      /port \d+ on 127\.0\.0\.1 is in use/,
    );
  });

  test("ends with one line when the digits do not fit", async () => {
    const started = DemoProcess.start("--port", "0", "--resp-port", "0", "--max-memory", "12mb");
    await expect(started).rejects.toThrow(/nearkey: .*--max-memory is 12582912 bytes/);
  });

  test("loads beside a password, and asks for it", async () => {
    const demo = await start("--digits", "10", "--resp-port", "0", "--password", "secret");
    const asked = [
      ["VCARD", "digits"],
      ["AUTH", "secret"],
      ["VCARD", "digits"],
    ];
    expect(await replies(demo.address, ...asked)).toEqual(["authentication-required", "OK", 10]);
  });
});

describe("progress", () => {
  const shown = (isTTY: boolean): string => {
    let text = "";
    const stream = { isTTY, write: (part: string) => (text += part) };
    const progress = new Progress(stream, "things done", 200);
    for (let done = 0; done <= 200; done += 5) progress.show(done);
    return text;
  };

  test("is a line at every tenth where nobody watches", () => {
    const lines = shown(false).trimEnd().split("\n");
    expect(lines.length).toBe(10);
    expect(lines[0]).toMatch(/^20 of 200 things done, /);
    expect(lines[9]).toMatch(/^200 of 200 things done, /);
  });

  test("is one line that redraws itself on a terminal, and ends it", () => {
    const text = shown(true);
    // Drawings closer than the eye sees are left out, the last one never.
    expect(text.split("\r").length).toBeGreaterThan(2);
    expect(text.split("\r").at(-1)).toMatch(/█{24} 200 of 200 things done, [\d,∞]+ a second\n$/);
    expect(text.indexOf("\n")).toBe(text.length - 1);
  });
});
