// The HTTP side: health for monitors, the page's files with their types and nothing else, names and origins.

import { mkdtempSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { RespSocket, startTestServer } from "./server-fixture.ts";

/** What HTTP clients that know HTTP/2 send with their first request. */
const OFFER = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABkAAQCAAAAAAIAAAAA" };

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

function ask(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, path, ...options }, (response) => {
      let body = "";
      response.on("data", (bytes) => {
        body += bytes;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    asked.on("error", reject);
    asked.end();
  });
}

function pageFolder(): URL {
  const folder = mkdtempSync(join(tmpdir(), "nearkey-page-"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>nearkey</title>");
  writeFileSync(join(folder, "style.css"), "body{}");
  writeFileSync(join(folder, "demo.js"), "export {};");
  writeFileSync(join(folder, "secret.txt"), "secret");
  return pathToFileURL(`${folder}/`);
}

describe("/health", () => {
  test("reports the counts that a monitor needs, without a password", async () => {
    const server = await startTestServer({ password: "secret", maxConnections: 1 });
    const client = await RespSocket.open(server.respPort);
    await client.command("AUTH secret");
    await client.command("SET k v");
    const turnedAway = await RespSocket.open(server.respPort);
    await turnedAway.closed;
    const { status, headers, body } = await ask(server.httpPort, "/health");
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("application/json");
    expect(JSON.parse(body)).toEqual({
      status: "ok",
      uptime_seconds: 0,
      active_connections: 1,
      total_connections: 1,
      rejected_connections: 1,
      memory_used_bytes: server.engine.stats().memoryUsedBytes,
      memory_limit_bytes: server.engine.stats().memoryLimitBytes,
      evicted_keys: 0,
      total_commands: 2,
    });
  });

  test("may be read by pages of a listed origin", async () => {
    const server = await startTestServer({ allowOrigins: ["https://app.example.org"] });
    const { headers } = await ask(server.httpPort, "/health", { headers: { origin: "https://app.example.org" } });
    expect(headers["access-control-allow-origin"]).toBe("https://app.example.org");
  });
});

test("an offer of HTTP/2 is passed over", async () => {
  const server = await startTestServer();
  const answer = await ask(server.httpPort, "/health", { headers: OFFER });
  expect(answer).toMatchObject({ status: 200, headers: { connection: "close" } });
  expect(JSON.parse(answer.body)).toMatchObject({ status: "ok" });
  expect(await ask(server.httpPort, "/none", { headers: OFFER })).toMatchObject({ status: 404 });
  const foreign = { ...OFFER, host: "rebound.example.org" };
  expect(await ask(server.httpPort, "/health", { headers: foreign })).toMatchObject({ status: 403 });
});

describe("the page", () => {
  test("is served with its types under a strict policy", async () => {
    const server = await startTestServer({ pageFolder: pageFolder() });
    const types = {
      "/": "text/html",
      "/style.css": "text/css",
      "/demo.js": "text/javascript",
      "/?digit=3": "text/html",
    };
    for (const [path, type] of Object.entries(types)) {
      const { status, headers } = await ask(server.httpPort, path);
      expect(status).toBe(200);
      expect(headers["content-type"]).toBe(`${type}; charset=utf-8`);
      expect(headers["content-security-policy"]).toContain("default-src 'none'; script-src 'self'");
      expect(headers["x-content-type-options"]).toBe("nosniff");
    }
  });

  test("is all there is: no other file, no way out of the list", async () => {
    const server = await startTestServer({ pageFolder: pageFolder() });
    for (const path of [
      "/secret.txt",
      "/index.html/../secret.txt",
      "/%2e%2e/secret.txt",
      "//secret.txt",
      "/constructor",
    ]) {
      expect((await ask(server.httpPort, path)).status, path).toBe(404);
    }
  });

  test("answers HEAD without a body, and no other method", async () => {
    const server = await startTestServer({ pageFolder: pageFolder() });
    const head = await ask(server.httpPort, "/", { method: "HEAD" });
    expect(head).toMatchObject({ status: 200, body: "", headers: { "content-length": "37" } });
    const post = await ask(server.httpPort, "/", { method: "POST" });
    expect(post).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" } });
  });

  test("is absent where none was built", async () => {
    const server = await startTestServer();
    expect((await ask(server.httpPort, "/")).status).toBe(404);
  });
});

describe("names", () => {
  test("a foreign host or origin is refused in words", async () => {
    const server = await startTestServer();
    const host = await ask(server.httpPort, "/health", { headers: { host: "rebound.example.org" } });
    expect(host).toMatchObject({ status: 403 });
    expect(host.body).toContain("--allow-host");
    const origin = await ask(server.httpPort, "/health", { headers: { origin: "https://example.org" } });
    expect(origin).toMatchObject({ status: 403 });
    expect(origin.body).toContain("--allow-origin");
  });

  test("the address that the connection came to is a name of its own", async () => {
    const server = await startTestServer({ host: "127.0.0.2" });
    const { status } = await new Promise<{ status: number }>((resolve) => {
      request({ host: "127.0.0.2", port: server.httpPort, path: "/health" }, (response) => {
        response.resume();
        resolve({ status: response.statusCode ?? 0 });
      }).end();
    });
    expect(status).toBe(200);
  });
});
