// Composition: starting whole or not at all, stopping once, and what happens when the engine traps.

import { connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { NearkeyError } from "../src/errors.ts";
import { newClient } from "../src/host/host-facts.ts";
import { Connections } from "../src/server/connections.ts";
import { startServer } from "../src/server/server.ts";
import { debugModule } from "./debug-engine.ts";

const module = debugModule();
const unexpected = (error: unknown): void => {
  throw error;
};

test("when one port is taken, the other is given back", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  const starting = startServer(module, { port: 0, respPort: port }, unexpected);
  await expect(starting).rejects.toThrow(
    new NearkeyError(
      "listen-failed",
      `port ${port} on 127.0.0.1 is in use: give --resp-port another number, or 0 for no RESP`,
    ),
  );
  const optional = await startServer(module, { port: 0, respPort: port, respOptional: true }, unexpected);
  expect(optional.resp).toBeUndefined();
  await optional.stop();
  taken.close();
});

test("another address than loopback needs a password", async () => {
  await expect(startServer(module, { host: "0.0.0.0", port: 0 }, unexpected)).rejects.toMatchObject({
    code: "invalid-option",
    message: expect.stringContaining("--password"),
  });
});

test("stopping twice is stopping once", async () => {
  const server = await startServer(module, { port: 0, respPort: 0 }, unexpected);
  await Promise.all([server.stop(), server.stop()]);
  await server.stop();
});

test("an idle client is asked to finish, and cut off when it reads nothing", () => {
  const connections = new Connections(10);
  const calls: string[] = [];
  const client = newClient(1, "127.0.0.1:1", "127.0.0.1:2", true);
  const traffic = { receivedBytes: 0, sentBytes: 0, receivedFrames: 0, sentFrames: 0 };
  connections.add({
    client,
    protocol: "resp",
    traffic,
    finish: () => void calls.push("finish"),
    destroy: () => void calls.push("destroy"),
  });
  const silent = (ms: number): void => connections.closeIdle(2000, client.lastActiveMs + ms);
  silent(2000);
  expect(calls).toEqual([]);
  silent(2001);
  expect(calls).toEqual(["finish"]);
  silent(7001);
  expect(calls).toEqual(["finish", "destroy"]);
});

test("an engine that traps is told of once", async () => {
  const failures: unknown[] = [];
  const server = await startServer(module, { port: 0, respPort: 0 }, (error) => failures.push(error));
  const trap = new WebAssembly.RuntimeError("unreachable");
  server.engine.executeInPlace = () => {
    throw trap;
  };
  const client = connect(server.resp?.port ?? 0, "127.0.0.1");
  client.write("PING\r\n");
  while (failures.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  client.write("PING\r\n");
  client.destroy();
  await server.stop();
  expect(failures).toEqual([trap]);
});
