// TLS on both ports, with certificates made for the test: the clients that people have, certificates of clients,
// files that are wrong, and new files at SIGHUP.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { connect as connectTcp } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect } from "../src/client-node.ts";
import { readTlsFiles } from "../src/server/tls-files.ts";
import { Certificates } from "./certificates.ts";
import { runCli } from "./cli-program.ts";
import { findTool } from "./external-tools.ts";
import { RespSocket, startTestServer, type TestServer } from "./server-fixture.ts";

const run = promisify(execFile);
let certificates: Certificates;
const toClose: (() => unknown)[] = [];
const none = findTool("openssl") === undefined;

beforeAll(() => {
  if (!none) certificates = new Certificates();
});
afterAll(() => certificates?.remove());
afterEach(async () => {
  for (const close of toClose.splice(0)) await close();
});

function files(name: string): { tlsCert: string; tlsKey: string } {
  return { tlsCert: certificates.path(`${name}.pem`), tlsKey: certificates.path(`${name}.key`) };
}

async function open(port: number, options: ConnectionOptions = {}): Promise<RespSocket> {
  const socket = connectTls({ port, host: "127.0.0.1", ca: certificates.read("ca.pem"), ...options });
  toClose.push(() => socket.destroy());
  await once(socket, "secureConnect");
  return new RespSocket(socket);
}

/** The name that the server's certificate bears. */
async function nameAt(port: number): Promise<string> {
  const client = await open(port);
  const { subject } = (client.socket as TLSSocket).getPeerCertificate();
  client.socket.destroy();
  return String(subject.CN);
}

describe.skipIf(none)("over TLS", () => {
  const start = (): Promise<TestServer> => startTestServer({ ...files("server"), password: "secret" });
  const ca = (): Buffer => certificates.read("ca.pem");

  test("RESP: batches, large values both ways, a half-closed socket", async () => {
    const server = await start();
    const client = await open(server.respPort, { allowHalfOpen: true } as ConnectionOptions);
    expect(await client.command("AUTH secret")).toBe("OK");
    const value = "v".repeat(3_000_000);
    expect(await client.command("SET", "large", value)).toBe("OK");
    expect(await client.command("GET", "large")).toBe(value);
    client.write("GET large\r\n".repeat(20));
    for (let reply = 0; reply < 20; reply++) expect(await client.reply()).toBe(value);
    client.write("PING\r\n".repeat(10_000));
    client.socket.end();
    expect(await client.rest()).toBe("+PONG\r\n".repeat(10_000));
  });

  test("a stop does not wait for handshakes", async () => {
    const server = await start();
    for (const port of [server.respPort, server.httpPort]) {
      const silent = connectTcp(port, "127.0.0.1").on("error", () => undefined);
      toClose.push(() => silent.destroy());
      await once(silent, "connect");
      // Who came later was let in: so was the silent one.
      await nameAt(port);
    }
    const started = performance.now();
    await server.stop();
    // A handshake may take 10 seconds.
    expect(performance.now() - started).toBeLessThan(4000);
  });

  test("a reader that stops is not read from, and gets everything later", async () => {
    const server = await start();
    const client = await open(server.respPort);
    await client.command("AUTH secret");
    await client.command("SET", "large", "x".repeat(1_000_000));
    client.socket.pause();
    client.write("GET large\r\n".repeat(60));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(server.engine.stats().memoryUsedBytes).toBeLessThan(32 << 20);
    client.socket.resume();
    for (let reply = 0; reply < 60; reply++) expect(String(await client.reply())).toHaveLength(1_000_000);
  });

  test("1.2 and 1.3 only", async () => {
    const server = await start();
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const client = await open(server.respPort, { minVersion: version, maxVersion: version });
      expect((client.socket as TLSSocket).getProtocol()).toBe(version);
    }
    const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" } as const;
    await expect(open(server.respPort, old)).rejects.toThrow();
  });

  test("a client that speaks none is put out, and others go on", async () => {
    const server = await start();
    const plain = await RespSocket.open(server.respPort);
    plain.write("PING\r\n");
    await plain.closed;
    const web = await RespSocket.open(server.httpPort);
    web.write("GET /health HTTP/1.1\r\n\r\n");
    await web.closed;
    const client = await open(server.respPort);
    expect(await client.command("AUTH secret")).toBe("OK");
  });

  test.skipIf(findTool("redis-cli") === undefined)("redis-cli --tls", async () => {
    const { respPort } = await start();
    const flags = ["-p", String(respPort), "--tls", "--cacert", certificates.path("ca.pem"), "-a", "secret"];
    const { stdout } = await run(findTool("redis-cli") ?? "", [...flags, "--no-auth-warning", "SET", "k", "v"]);
    expect(stdout).toBe("OK\n");
  });

  test("ioredis with tls", async () => {
    const { respPort } = await start();
    const client = new Redis({ port: respPort, host: "127.0.0.1", password: "secret", tls: { ca: ca() } });
    toClose.push(() => client.disconnect());
    expect(await client.set("k", "v")).toBe("OK");
    const answers = await client.pipeline().get("k").incr("n").exec();
    expect(answers).toEqual([
      [null, "v"],
      [null, 1],
    ]);
  });

  test("redis with rediss://", async () => {
    const { respPort } = await start();
    const url = `rediss://:secret@127.0.0.1:${respPort}`;
    const client = createClient({ url, socket: { tls: true, ca: ca() } });
    toClose.push(() => client.isOpen && client.destroy());
    await client.connect();
    expect(await client.set("k", "v")).toBe("OK");
    expect(await client.get("k")).toBe("v");
  });

  test("the client of this package with wss://", async () => {
    const { httpPort } = await start();
    const url = `wss://127.0.0.1:${httpPort}`;
    const client = await connect(url, { password: "secret", tls: { ca: ca() } });
    toClose.push(() => client.close());
    const value = "v".repeat(500_000);
    await client.set("k", value);
    expect(await client.get("k")).toBe(value);
    const keys = Array.from({ length: 1000 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key) => client.set(key, key)));
    expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys);
    await expect(connect(url, { password: "secret", reconnect: false, tls: {} })).rejects.toMatchObject({
      code: "connection-failed",
    });
    const careless = await connect(url, { password: "secret", tls: { rejectUnauthorized: false } });
    await careless.close();
  });

  test("the command line says what a connection that fails over TLS lacks", async () => {
    const { httpPort } = await start();
    const stats = (url: string, authority = "") => {
      const environment = { NEARKEY_PASSWORD: "secret", NODE_EXTRA_CA_CERTS: authority };
      return runCli(["stats", "--url", url], { environment });
    };
    const untrusted = await stats(`wss://127.0.0.1:${httpPort}`);
    expect(untrusted.code).toBe(1);
    expect(untrusted.stderr).toMatch(/is not trusted \(.*\): name the file .* in NODE_EXTRA_CA_CERTS\n$/);
    expect((await stats(`ws://127.0.0.1:${httpPort}`)).stderr).toContain("if it speaks TLS, write wss://");
    expect((await stats(`wss://127.0.0.1:${httpPort}`, certificates.path("ca.pem"))).code).toBe(0);
  });

  test("WebSocket text frames, and HTTP", async () => {
    const { httpPort } = await start();
    const socket = new WebSocket(`wss://localhost:${httpPort}/`, { ca: ca() });
    toClose.push(() => socket.terminate());
    await once(socket, "open");
    socket.send('{"id":1,"command":["AUTH","secret"]}');
    expect(JSON.parse(String((await once(socket, "message"))[0]))).toEqual({ id: 1, reply: "OK" });
    const asked = request({ port: httpPort, host: "127.0.0.1", path: "/health", ca: ca() }).end();
    const [response] = await once(asked, "response");
    expect(response.statusCode).toBe(200);
    response.resume();
  });
});

describe.skipIf(none)("with --tls-ca", () => {
  const start = (): Promise<TestServer> => startTestServer({ ...files("server"), tlsCa: certificates.path("ca.pem") });
  const own = () => ({ cert: certificates.read("client.pem"), key: certificates.read("client.key") });

  test("a client must show a certificate, over RESP", async () => {
    const server = await start();
    const known = await open(server.respPort, own());
    expect(await known.command("PING")).toBe("PONG");
    // TLS 1.3 tells a client that it was refused only after its own side is done.
    const stranger = await open(server.respPort);
    await stranger.closed;
    expect(await known.command("PING")).toBe("PONG");
  });

  test("and over WebSocket", async () => {
    const server = await start();
    const ca = certificates.read("ca.pem");
    const url = `wss://127.0.0.1:${server.httpPort}`;
    const client = await connect(url, { tls: { ca, ...own() } });
    expect(await client.get("k")).toBeUndefined();
    await client.close();
    await expect(connect(url, { tls: { ca }, reconnect: false })).rejects.toMatchObject({ code: "connection-failed" });
  });
});

describe.skipIf(none)("files that are wrong", () => {
  const problems = (settings: { tlsCert: string; tlsKey: string; tlsCa?: string }): readonly string[] => {
    const read = readTlsFiles({ tlsCa: undefined, ...settings });
    return read !== undefined && "problems" in read ? read.problems : [];
  };

  test("are named, with what to do, all of them", () => {
    const right = files("server");
    writeFileSync(certificates.path("empty"), "");
    writeFileSync(
      certificates.path("damaged"),
      certificates
        .read("server.pem")
        .toString()
        .replace(/[A-Za-z]{20}/, "A"),
    );
    certificates.issue("old", -1);
    certificates.openssl("pkey", "-in", "server.key", "-aes256", "-passout", "pass:x", "-out", "locked.key");
    const path = (name: string): string => certificates.path(name);
    expect(problems(right)).toEqual([]);
    expect(problems({ tlsCert: path("no"), tlsKey: path("no") })).toEqual([
      `--tls-cert ${path("no")} does not exist: check the path`,
      `--tls-key ${path("no")} does not exist: check the path`,
    ]);
    expect(problems({ ...right, tlsCert: path("empty") })).toEqual([
      expect.stringMatching(/^--tls-cert .*empty holds no certificate: it takes PEM/),
    ]);
    expect(problems({ ...right, tlsCert: path("damaged") })).toEqual([
      expect.stringMatching(/^--tls-cert .*damaged holds a damaged certificate/),
    ]);
    expect(problems({ ...right, tlsKey: path("server.pem") })).toEqual([
      expect.stringMatching(/^--tls-key .*server\.pem holds no private key/),
    ]);
    expect(problems({ ...right, tlsKey: path("locked.key") })).toEqual([
      expect.stringMatching(/^--tls-key .*locked\.key is encrypted: decrypt it with 'openssl pkey/),
    ]);
    expect(problems({ ...right, tlsKey: path("client.key") })).toEqual([
      expect.stringMatching(/^--tls-key .*client\.key is not the key of --tls-cert .*server\.pem/),
    ]);
    expect(problems(files("old"))).toEqual([expect.stringMatching(/^--tls-cert .*old\.pem expired on \d{4}-/)]);
    expect(problems({ ...right, tlsCa: path("empty") })).toEqual([expect.stringMatching(/^--tls-ca .*empty holds no/)]);
  });

  test("one that cannot be read", () => {
    expect(problems({ ...files("server"), tlsKey: certificates.folder })).toEqual([
      `--tls-key ${certificates.folder} cannot be read (EISDIR)`,
    ]);
  });

  test("a certificate that ends soon is a warning", () => {
    certificates.issue("soon", 3);
    expect(readTlsFiles({ tlsCa: undefined, ...files("soon") })).toMatchObject({
      warnings: [expect.stringMatching(/expires on .*: renew it, then send SIGHUP/)],
    });
  });

  test("keep a server from starting", async () => {
    await expect(
      startTestServer({ ...files("server"), tlsKey: certificates.path("client.key") }),
    ).rejects.toMatchObject({
      code: "invalid-option",
    });
  });
});

describe.skipIf(none)("nearkey serve", () => {
  interface Serving {
    readonly respPort: number;
    readonly stderr: () => string;
    signal(name: NodeJS.Signals): void;
    said(text: string): Promise<void>;
  }

  async function serve(...flags: string[]): Promise<Serving> {
    const respPort = await freePort();
    const args = ["dist/cli.js", "serve", "--json", "--port", "0", "--resp-port", String(respPort), ...flags];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    toClose.push(() => child.kill("SIGKILL"));
    let errors = "";
    child.stderr.on("data", (bytes) => {
      errors += bytes;
    });
    const [line] = await once(child.stdout, "data");
    const { http, resp } = JSON.parse(String(line));
    expect([http, resp].join()).toMatch(flags.includes("--tls-cert") ? /^https:.*,rediss:/ : /^http:.*,redis:/);
    const said = async (text: string): Promise<void> => {
      while (!errors.includes(text)) await once(child.stderr, "data");
    };
    return { respPort, stderr: () => errors, signal: (name) => child.kill(name), said };
  }

  test("takes new files at SIGHUP, and keeps the old ones when the new are broken", async () => {
    const copy = (name: string): void => {
      copyFileSync(certificates.path(`${name}.pem`), certificates.path("live.pem"));
      copyFileSync(certificates.path(`${name}.key`), certificates.path("live.key"));
    };
    copy("server");
    const { tlsCert, tlsKey } = files("live");
    const server = await serve("--tls-cert", tlsCert, "--tls-key", tlsKey);
    expect(await nameAt(server.respPort)).toBe("server");
    const before = await open(server.respPort);
    copy("client");
    server.signal("SIGHUP");
    await server.said("new connections use them");
    expect(await nameAt(server.respPort)).toBe("client");
    expect(await before.command("PING")).toBe("PONG");
    writeFileSync(certificates.path("live.key"), "broken");
    server.signal("SIGHUP");
    await server.said("live.key holds no private key: it takes PEM");
    expect(server.stderr()).toContain("going on with the certificate read before");
    expect(await nameAt(server.respPort)).toBe("client");
  });

  test("warns of passwords that travel unencrypted", async () => {
    const exposed = ["--host", "0.0.0.0", "--password", "secret"];
    const plain = await serve(...exposed);
    await plain.said("warning: --host 0.0.0.0 can be reached from other machines and speaks no TLS");
    const { tlsCert, tlsKey } = files("server");
    const encrypted = await serve(...exposed, "--tls-cert", tlsCert, "--tls-key", tlsKey);
    expect(encrypted.stderr()).toBe("");
  });
});

async function freePort(): Promise<number> {
  const server = await startTestServer();
  const { respPort } = server;
  await server.stop();
  return respPort;
}
