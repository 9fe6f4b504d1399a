// XREAD and XREADGROUP that wait, by plain sockets: for entries that come, and for what else may become of the key.

import { afterEach, expect, test } from "vitest";
import { Listener } from "./listener.ts";
import { startTestServer } from "./server-fixture.ts";

const open: Listener[] = [];

afterEach(() => {
  for (const { socket } of open.splice(0)) socket.destroy();
});

/** One who asks, two who wait, and how to wait. */
async function serve() {
  const server = await startTestServer();
  const make = async (): Promise<Listener> => {
    const listener = await Listener.open(server.respPort);
    open.push(listener);
    return listener;
  };
  const asker = await make();
  const wait = async (listener: Listener, ...command: (string | number)[]): Promise<void> => {
    const id = (await listener.ask("CLIENT", "ID")).slice(1);
    listener.send(...command);
    let flags = "";
    while (!flags.includes("b")) flags = /flags=(\S+)/.exec(await asker.ask("CLIENT", "LIST", "ID", id))?.[1] ?? "";
  };
  return { asker, a: await make(), b: await make(), wait };
}

test("everybody who waits behind the last id reads what comes", async () => {
  const { asker, a, b, wait } = await serve();
  await asker.ask("XADD", "s", "1-1", "old", "1");
  await wait(a, "XREAD", "BLOCK", 0, "STREAMS", "none", "s", "$", "$");
  await wait(b, "XREAD", "BLOCK", 0, "COUNT", 1, "STREAMS", "s", "1-5");
  await asker.ask("XADD", "s", "1-5", "not", "beyond");
  expect(await a.next()).toBe('*[*[$"s" *[*[$"1-5" *[$"not" $"beyond"]]]]]');
  await asker.ask("XADD", "s", "2-1", "new", "1");
  expect(await b.next()).toBe('*[*[$"s" *[*[$"2-1" *[$"new" $"1"]]]]]');
});

test("an entry goes to the consumer of a group that came first, and its end is told", async () => {
  const { asker, a, b, wait } = await serve();
  await asker.ask("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM");
  await wait(a, "XREADGROUP", "GROUP", "g", "alice", "BLOCK", 0, "STREAMS", "s", ">");
  await wait(b, "XREADGROUP", "GROUP", "g", "bob", "BLOCK", 0, "STREAMS", "s", ">");
  await asker.ask("XADD", "s", "1-1", "f", "v");
  expect(await a.next()).toBe('*[*[$"s" *[*[$"1-1" *[$"f" $"v"]]]]]');
  await asker.ask("XGROUP", "DESTROY", "s", "g");
  expect(await b.next()).toMatch(/NOGROUP/);
  await asker.ask("XGROUP", "CREATE", "s", "g", "$");
  await wait(a, "XREADGROUP", "GROUP", "g", "alice", "BLOCK", 0, "STREAMS", "s", ">");
  await asker.ask("SET", "s", "text");
  expect(await a.next()).toMatch(/WRONGTYPE/);
});

test("nothing within the time is nothing, and so it is in a transaction", async () => {
  const { a } = await serve();
  expect(await a.ask("XREAD", "BLOCK", 20, "STREAMS", "s", "$")).toBe("*nil");
  a.send("MULTI");
  a.send("XREAD", "BLOCK", 0, "STREAMS", "s", "$");
  a.send("EXEC");
  expect((await a.take(3))[2]).toBe("*[*nil]");
});
