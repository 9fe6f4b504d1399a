// Commands that need several connections, through ioredis, redis over both protocols, and redis-cli.

import { spawn } from "node:child_process";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterEach, describe, expect, test } from "vitest";
import { findTool } from "../external-tools.ts";
import { eventually, startTestServer } from "../server-fixture.ts";

const toClose: (() => unknown)[] = [];

afterEach(() => {
  for (const close of toClose.splice(0)) close();
});

function ioredis(port: number): Redis {
  const client = new Redis(port, "127.0.0.1", { maxRetriesPerRequest: 1 });
  toClose.push(() => client.disconnect());
  return client;
}

test("ioredis subscribes, publishes and unsubscribes", async () => {
  const { respPort } = await startTestServer();
  const [listener, speaker] = [ioredis(respPort), ioredis(respPort)];
  const heard: unknown[] = [];
  listener.on("message", (...args) => heard.push(args));
  listener.on("pmessage", (...args) => heard.push(args));
  listener.on("smessage", (...args) => heard.push(args));
  expect(await listener.subscribe("news", "more")).toBe(2);
  expect(await listener.psubscribe("n*")).toBe(3);
  expect(await listener.ssubscribe("shard")).toBe(1);
  expect(await speaker.publish("news", "one")).toBe(2);
  expect(await speaker.spublish("shard", "two")).toBe(1);
  await eventually(() => heard.length === 3);
  expect(heard).toEqual([
    ["news", "one"],
    ["n*", "news", "one"],
    ["shard", "two"],
  ]);
  expect(await speaker.pubsub("CHANNELS")).toEqual(["news", "more"]);
  expect(await speaker.pubsub("NUMSUB", "news", "none")).toEqual(["news", 1, "none", 0]);
  expect(await speaker.pubsub("NUMPAT")).toBe(1);
  expect(await speaker.pubsub("SHARDCHANNELS")).toEqual(["shard"]);
  expect(await listener.ping()).toBe("PONG");
  expect(await listener.unsubscribe("news")).toBe(2);
  expect(await listener.punsubscribe("n*")).toBe(1);
  expect(await listener.sunsubscribe("shard")).toBe(0);
  expect(await speaker.publish("news", "three")).toBe(0);
});

describe.each([2, 3] as const)("redis over RESP%i", (RESP) => {
  test("subscribes, publishes and unsubscribes", async () => {
    const { respPort } = await startTestServer();
    const options = { RESP, socket: { port: respPort, host: "127.0.0.1" } };
    const [listener, speaker] = [createClient(options), createClient(options)];
    for (const client of [listener, speaker]) {
      client.on("error", () => undefined);
      toClose.push(() => client.isOpen && client.destroy());
      await client.connect();
    }
    const heard: unknown[] = [];
    await listener.subscribe("news", (message, channel) => heard.push([channel, message]));
    await listener.pSubscribe("n*", (message, channel) => heard.push(["by pattern", channel, message]));
    await listener.sSubscribe("shard", (message, channel) => heard.push([channel, message]));
    expect(await speaker.publish("news", "one")).toBe(2);
    expect(await speaker.sPublish("shard", "two")).toBe(1);
    await eventually(() => heard.length === 3);
    expect(heard).toEqual([
      ["news", "one"],
      ["by pattern", "news", "one"],
      ["shard", "two"],
    ]);
    expect(await speaker.pubSubChannels()).toEqual(["news"]);
    expect(await speaker.pubSubNumPat()).toBe(1);
    await listener.unsubscribe("news");
    await listener.pUnsubscribe();
    await listener.sUnsubscribe();
    expect(await speaker.publish("news", "three")).toBe(0);
    expect(String(await listener.ping())).toBe("PONG");
  });
});

const program = findTool("redis-cli");

test.skipIf(program === undefined)("redis-cli subscribes and publishes", async () => {
  const { respPort } = await startTestServer();
  const speaker = ioredis(respPort);
  const child = spawn(program as string, ["-p", String(respPort), "SUBSCRIBE", "news"]);
  toClose.push(() => child.kill());
  let printed = "";
  child.stdout.on("data", (bytes) => {
    printed += bytes;
  });
  await eventually(() => printed.includes("subscribe"));
  expect(await speaker.publish("news", "hello")).toBe(1);
  await eventually(() => printed.includes("hello"));
  expect(printed).toBe("subscribe\nnews\n1\nmessage\nnews\nhello\n");
});
