// The server's password: the hash that stands for it, that checking it is bounded and stalls nobody, and logging in
// with it over both wires.

import { describe, expect, test } from "vitest";
import { ReplyError } from "../src/resp.ts";
import { hashPassword, ServerPassword } from "../src/server/password.ts";
import { RespSocket, startTestServer } from "./server-fixture.ts";
import { TestWebSocket } from "./websocket-fixture.ts";

const always = (): boolean => true;
const bytes = (text: string): Buffer => Buffer.from(text);
const WRONG = new ReplyError("WRONGPASS invalid username-password pair or user is disabled.");

describe("a password", () => {
  test("is found right or wrong against its hash; what was right once is known at once", async () => {
    const password = new ServerPassword(await hashPassword("wörd"));
    expect(password.required).toBe(true);
    const first = password.check(bytes("wörd"), always);
    expect(first).toBeInstanceOf(Promise);
    expect(await first).toBe("right");
    expect(password.check(bytes("wörd"), always)).toBe("right");
    expect(await password.check(bytes("word"), always)).toBe("wrong");
    expect(password.check(bytes("x".repeat(1025)), always)).toBe("wrong");
  });

  test("given as text is hashed likewise: a wrong guess costs the guesser as much", async () => {
    const password = new ServerPassword("secret");
    expect(password.check(bytes("secret"), always)).toBe("right");
    const guess = password.check(bytes("Secret"), always);
    expect(guess).toBeInstanceOf(Promise);
    expect(await guess).toBe("wrong");
  });

  test("agrees with the test vector of RFC 7914", async () => {
    const hash =
      "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640";
    const base64 = (data: Buffer): string => data.toString("base64").replace(/=+$/, "");
    // The vector's salt is "NaCl", shorter than this server takes for itself: its other one is "SodiumChloride".
    const sodium =
      "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887";
    const line = `scrypt:ln=14,r=8,p=1:${base64(bytes("SodiumChloride"))}:${base64(Buffer.from(sodium, "hex"))}`;
    expect(await new ServerPassword(line).check(bytes("pleaseletmein"), always)).toBe("right");
    const other = line.replace(base64(Buffer.from(sodium, "hex")), base64(Buffer.from(hash, "hex")));
    expect(await new ServerPassword(other).check(bytes("pleaseletmein"), always)).toBe("wrong");
  });

  test("a flood of guesses is bounded, and those whose client is gone cost nothing", async () => {
    const password = new ServerPassword("secret");
    let isWanted = true;
    const verdicts = Array.from({ length: 400 }, (_, index) => password.check(bytes(`guess ${index}`), () => isWanted));
    const turnedAway = verdicts.filter((verdict) => verdict === "busy").length;
    expect(turnedAway).toBe(400 - 256 - 2);
    expect(password.check(bytes("secret"), always)).toBe("right");
    isWanted = false;
    const started = performance.now();
    const decided = await Promise.all(verdicts);
    // All 258 checked would take some 7 seconds.
    expect(performance.now() - started).toBeLessThan(2000);
    expect(new Set(decided)).toEqual(new Set(["wrong", "busy"]));
  });

  test("changed while a candidate waits is compared with the new one", async () => {
    const password = new ServerPassword("old");
    const late = password.check(bytes("new"), always);
    password.change("new");
    expect(await late).toBe("right");
    password.change(undefined);
    expect(password.required).toBe(false);
    expect(password.check(bytes("anything"), always)).toBe("right");
  });
});

describe("logging in with a hashed password", () => {
  test("over RESP: what is behind AUTH waits for it, whatever comes in one piece", async () => {
    const server = await startTestServer({ password: await hashPassword("a secret") });
    const client = await RespSocket.open(server.respPort);
    client.write("GET k\r\nAUTH wrong\r\nGET k\r\n");
    expect(await client.reply()).toHaveProperty("prefix", "NOAUTH");
    expect(await client.reply()).toEqual(WRONG);
    expect(await client.reply()).toHaveProperty("prefix", "NOAUTH");
    const value = "v".repeat(20_000);
    client.write(`AUTH "a secret"\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${value.length}\r\n${value}\r\nGET k\r\n`);
    expect(await client.reply()).toBe("OK");
    expect(await client.reply()).toBe("OK");
    expect(await client.reply()).toBe(value);
  });

  test("by HELLO, with the name set once it is right", async () => {
    const server = await startTestServer({ password: await hashPassword("a secret") });
    const client = await RespSocket.open(server.respPort);
    expect(await client.command("HELLO", "3", "AUTH", "default", "no", "SETNAME", "me")).toEqual(WRONG);
    expect(await client.command("HELLO", "3", "AUTH", "default", "a secret", "SETNAME", "me")).toMatchObject({
      proto: 3,
    });
    expect(await client.command("CLIENT GETNAME")).toBe("me");
  });

  test("over WebSocket: as a subprotocol, in binary and in text frames", async () => {
    const server = await startTestServer({ password: await hashPassword("a secret") });
    const subprotocol = (password: string): string[] => [
      "nearkey",
      `nearkey.auth.${bytes(password).toString("base64url")}`,
    ];
    expect(await TestWebSocket.refused(server.httpPort, { protocols: subprotocol("no") })).toMatchObject({
      status: 401,
    });
    const upgraded = await TestWebSocket.open(server.httpPort, { protocols: subprotocol("a secret") });
    expect(await upgraded.request({ id: 1, command: ["PING"] })).toEqual({ id: 1, reply: "PONG" });
    const other = await TestWebSocket.open(server.httpPort);
    expect(await other.request({ id: 1, command: ["AUTH", "no"] })).toMatchObject({
      error: { code: "wrong-password" },
    });
    expect(await other.request({ id: 2, command: ["AUTH", "a secret"] })).toEqual({ id: 2, reply: "OK" });
    other.binary("PING\r\n");
    expect(await other.reply()).toBe("PONG");
  });

  test("others are served while guesses are checked", async () => {
    const server = await startTestServer({ password: "secret" });
    const friend = await RespSocket.open(server.respPort);
    expect(await friend.command("AUTH secret")).toBe("OK");
    const guessers = await Promise.all(Array.from({ length: 20 }, () => RespSocket.open(server.respPort)));
    for (const guesser of guessers) guesser.write("AUTH wrong\r\n".repeat(3));
    let rounds = 0;
    const answered = guessers.map((guesser) => guesser.bytes(10));
    let isOver = false;
    const over = Promise.all(answered).then(() => {
      isOver = true;
    });
    while (!isOver) {
      expect(await friend.command("PING")).toBe("PONG");
      rounds++;
    }
    await over;
    expect(rounds).toBeGreaterThan(20);
  });

  test("a client that leaves before it is answered does no harm", async () => {
    const server = await startTestServer({ password: await hashPassword("a secret") });
    const leaving = await Promise.all(Array.from({ length: 5 }, () => RespSocket.open(server.respPort)));
    for (const client of leaving) client.write('AUTH "a secret"\r\nHELLO 3\r\nSET k v\r\n');
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const client of leaving) client.socket.resetAndDestroy();
    const client = await RespSocket.open(server.respPort);
    expect(await client.command("AUTH", "a secret")).toBe("OK");
    const others = async (): Promise<number> =>
      String(await client.command("CLIENT LIST"))
        .trim()
        .split("\n").length - 1;
    for (let tries = 0; (await others()) > 0; tries++) {
      expect(tries, "they stay connected").toBeLessThan(500);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });

  test("a stopping server answers it", async () => {
    const server = await startTestServer({ password: await hashPassword("a secret") });
    const client = await RespSocket.open(server.respPort);
    client.write('AUTH "a secret"\r\nPING\r\n');
    await new Promise((resolve) => setTimeout(resolve, 10));
    await server.stop();
    expect(await client.rest()).toBe("+OK\r\n+PONG\r\n");
  });

  test("never inside a transaction, where nothing may wait", async () => {
    const server = await startTestServer({ password: "secret" });
    const client = await RespSocket.open(server.respPort);
    await client.command("AUTH secret");
    for (const line of ["MULTI", "AUTH secret", "PING"]) await client.command(line);
    const [refused, pong] = (await client.command("EXEC")) as unknown[];
    expect(refused).toHaveProperty("message", expect.stringContaining("not allowed in a transaction"));
    expect(pong).toBe("PONG");
  });
});

describe("after RESET", () => {
  test("the time to authenticate begins anew, over RESP", async () => {
    const server = await startTestServer({ password: "secret", authTimeoutMs: 150 });
    const client = await RespSocket.open(server.respPort);
    await client.command("AUTH secret");
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await client.command("RESET")).toBe("RESET");
    expect(await client.rest()).toBe("-NOAUTH no password within 0.15 seconds (--auth-timeout)\r\n");
  });

  test("and over WebSocket, where frames are short again", async () => {
    const server = await startTestServer({ password: "secret", authTimeoutMs: 150 });
    const client = await TestWebSocket.open(server.httpPort);
    client.binary("AUTH secret\r\nRESET\r\nAUTH secret\r\n");
    expect(await client.reply()).toBe("OK");
    await client.reply();
    expect(await client.reply()).toBe("OK");
    client.send(Buffer.from(`ECHO ${"x".repeat(5000)}\r\n`));
    expect(await client.reply()).toBe("x".repeat(5000));
    client.binary("RESET\r\n");
    await client.reply();
    expect(await client.closed).toEqual({ code: 1008, reason: "no password within 0.15 seconds (--auth-timeout)" });
    const other = await TestWebSocket.open(server.httpPort);
    other.binary("AUTH secret\r\nRESET\r\n");
    await other.reply();
    await other.reply();
    other.send(Buffer.from(`ECHO ${"x".repeat(5000)}\r\n`));
    expect(await other.closed).toMatchObject({ code: 1008 });
  });
});
