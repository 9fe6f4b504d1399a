// RESP over real sockets: bytes as bytes, cut anywhere, deep pipelines, readers who do not read, limits, the end.

import { describe, expect, test } from "vitest";
import { ReplyError } from "../src/resp.ts";
import { eventually, RespSocket, startTestServer } from "./server-fixture.ts";

const EXCHANGE =
  "*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nva\r\nl\r\n*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n" +
  "PING hello\r\n*2\r\n$6\r\nCLIENT\r\n$7\r\nGETNAME\r\n*2\r\n$3\r\nGET\r\n$4\r\nnone\r\n*1\r\n$7\r\nNOTHING\r\n";
const REPLIES =
  "+PONG\r\n+OK\r\n$5\r\nva\r\nl\r\n$5\r\nhello\r\n$-1\r\n$-1\r\n" +
  "-ERR unknown command 'NOTHING', with args beginning with: \r\n";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("commands and replies", () => {
  test("answers a pipeline byte for byte", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    client.write(EXCHANGE);
    expect((await client.bytes(REPLIES.length)).toString()).toBe(REPLIES);
  });

  test("answers a pipeline cut in two at every byte", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    for (let cut = 1; cut < EXCHANGE.length; cut++) {
      client.write(EXCHANGE.slice(0, cut));
      await nextTurn();
      await nextTurn();
      client.write(EXCHANGE.slice(cut));
      expect((await client.bytes(REPLIES.length)).toString(), `cut at ${cut}`).toBe(REPLIES);
    }
  });

  test("answers a pipeline that arrives byte by byte", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    for (const letter of EXCHANGE) {
      client.write(letter);
      await nextTurn();
    }
    expect((await client.bytes(REPLIES.length)).toString()).toBe(REPLIES);
  });

  test("answers 100,000 commands written at once", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    const commands = 100_000;
    let pipeline = "";
    let expected = "";
    for (let index = 0; index < commands; index++) {
      const key = `key:${index % 1000}`;
      pipeline += index % 2 === 0 ? `SET ${key} ${index}\r\n` : `GET key:${(index - 1) % 1000}\r\n`;
      expected += index % 2 === 0 ? "+OK\r\n" : `$${String(index - 1).length}\r\n${index - 1}\r\n`;
    }
    client.write(pipeline);
    expect((await client.bytes(expected.length)).equals(Buffer.from(expected))).toBe(true);
  });

  test("stores and answers a value of 64 MiB", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    const value = Buffer.alloc(64 * 1024 * 1024, "0123456789abcdef-");
    client.write(`*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${value.length}\r\n`);
    client.write(value);
    client.write("\r\nGET big\r\n");
    const head = `+OK\r\n$${value.length}\r\n`;
    const chunks: Buffer[] = [];
    client.socket.removeAllListeners("data");
    let bytes = 0;
    await new Promise<void>((resolve) => {
      client.socket.on("data", (chunk) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes >= head.length + value.length + 2) resolve();
      });
    });
    const all = Buffer.concat(chunks);
    expect(all.subarray(0, head.length).toString()).toBe(head);
    expect(all.subarray(head.length, head.length + value.length).equals(value)).toBe(true);
  });

  test("answers everything to a client that closes its sending half", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    client.socket.end("PING x\r\n".repeat(50_000));
    expect((await client.rest()).length).toBe("$1\r\nx\r\n".length * 50_000);
  });

  test("runs many commands of the host in one piece", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    client.write("CLIENT ID\r\nPING\r\n".repeat(5000));
    const expected = ":1\r\n+PONG\r\n".repeat(5000);
    expect((await client.bytes(expected.length)).toString()).toBe(expected);
  });
});

describe("fairness", () => {
  test("a deep pipeline does not stall another client", async () => {
    const server = await startTestServer();
    const busy = await RespSocket.open(server.respPort);
    const other = await RespSocket.open(server.respPort);
    const commands = 400_000;
    busy.write("SET some-key some-value\r\n".repeat(commands));
    await nextTurn();
    let rounds = 0;
    while (busy.receivedBytes < commands * 5) {
      expect(await other.command("PING")).toBe("PONG");
      rounds++;
    }
    expect(rounds).toBeGreaterThan(5);
  });

  test("a client that never reads costs its bound and nobody else", async () => {
    const server = await startTestServer();
    const other = await RespSocket.open(server.respPort);
    await other.command("SET", "big", "x".repeat(60_000));
    const before = server.engine.stats().memoryUsedBytes;
    const slow = await RespSocket.open(server.respPort);
    slow.socket.pause();
    const bytes = 60_000 * 2000;
    slow.write("GET big\r\n".repeat(2000));
    await eventually(() => server.engine.stats().memoryUsedBytes > before + 500_000);
    for (let round = 0; round < 200; round++) expect(await other.command("PING")).toBe("PONG");
    const held = server.engine.stats().memoryUsedBytes - before;
    expect(held).toBeLessThan(4 * 1024 * 1024);
    expect(held).toBeLessThan(bytes / 10);
    slow.socket.destroy();
    await eventually(() => server.engine.stats().memoryUsedBytes <= before);
  });

  test("a client that reads late gets every byte", async () => {
    const server = await startTestServer();
    const slow = await RespSocket.open(server.respPort);
    const other = await RespSocket.open(server.respPort);
    const values = ["a", "b", "c"].map((letter) => letter.repeat(30_000));
    for (const [index, value] of values.entries()) await other.command("SET", `key${index}`, value);
    slow.socket.pause();
    const rounds = 600;
    slow.write("GET key0\r\nGET key1\r\nPING\r\nGET key2\r\n".repeat(rounds));
    for (let round = 0; round < 300; round++) await other.command("SET", `key${round % 3}`, values[round % 3] ?? "");
    slow.socket.resume();
    const bulk = (value: string): string => `$${value.length}\r\n${value}\r\n`;
    const [a = "", b = "", c = ""] = values;
    const expected = Buffer.from(`${bulk(a)}${bulk(b)}+PONG\r\n${bulk(c)}`.repeat(rounds));
    expect((await slow.bytes(expected.length)).equals(expected)).toBe(true);
  });
});

describe("what a client may not do", () => {
  test("a malformed command gets Redis's text and the end, and harms nobody", async () => {
    const server = await startTestServer();
    const other = await RespSocket.open(server.respPort);
    const cases = [
      ["*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"],
      ["*1\r\n$-5\r\n", "-ERR Protocol error: invalid bulk length\r\n"],
      ["PING\r\n*1\r\n+1\r\n", "+PONG\r\n-ERR Protocol error: expected '$', got '+'\r\n"],
    ] as const;
    for (const [sent, answered] of cases) {
      const client = await RespSocket.open(server.respPort);
      client.write(sent);
      client.write("PING\r\n".repeat(1000));
      expect(await client.rest()).toBe(answered);
      expect(await other.command("PING")).toBe("PONG");
    }
  });

  test("more clients than --max-connections are turned away by name", async () => {
    const server = await startTestServer({ maxConnections: 2 });
    const first = await RespSocket.open(server.respPort);
    const second = await RespSocket.open(server.respPort);
    await first.command("PING");
    await second.command("PING");
    const third = await RespSocket.open(server.respPort);
    third.write("PING\r\n");
    expect(await third.rest()).toBe("-ERR max number of clients reached (--max-connections is 2)\r\n");
    first.socket.destroy();
    await first.closed;
    await eventually(() => true);
    const fourth = await RespSocket.open(server.respPort);
    expect(await fourth.command("PING")).toBe("PONG");
  });

  test("replies beyond --output-limit end the connection", async () => {
    const server = await startTestServer({ maxValueBytes: 100_000, outputLimitBytes: 1_200_000 });
    const client = await RespSocket.open(server.respPort);
    await client.command("SET", "big", "x".repeat(60_000));
    const before = server.engine.stats().memoryUsedBytes;
    client.write(`MGET ${"big ".repeat(100)}\r\n`);
    await client.closed;
    const other = await RespSocket.open(server.respPort);
    expect(await other.command("STRLEN big")).toBe(60_000);
    await eventually(() => server.engine.stats().memoryUsedBytes <= before);
  });

  test("a value beyond --max-value-bytes is refused", async () => {
    const server = await startTestServer({ maxValueBytes: 100_000 });
    const client = await RespSocket.open(server.respPort);
    client.write("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100001\r\n");
    expect(await client.rest()).toBe("-ERR Protocol error: invalid bulk length\r\n");
  });

  test("lines with quotes are read once, whatever ends the call before them", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    client.write('CLIENT ID\r\nSET k "a b"\r\nGET k\r\nMULTI\r\nSET q "c d"\r\nEXEC\r\nSET z "e f"\r\nGET z\r\n');
    const replies = [];
    for (let count = 0; count < 8; count++) replies.push(await client.reply());
    expect(replies).toEqual([1, "OK", "a b", "OK", "QUEUED", ["OK"], "OK", "e f"]);
  });

  test("more arguments than --max-arguments are refused", async () => {
    const server = await startTestServer({ maxArguments: 10 });
    const client = await RespSocket.open(server.respPort);
    client.write("*11\r\n");
    expect(await client.rest()).toMatch(/^-ERR Protocol error: invalid multibulk length, .*\(--max-arguments\)\r\n$/);
  });
});

describe("passwords", () => {
  const password = "correct horse";

  test("nothing but authenticating works before it", async () => {
    const server = await startTestServer({ password });
    const client = await RespSocket.open(server.respPort);
    expect(await client.command("GET key")).toEqual(new ReplyError("NOAUTH Authentication required."));
    expect(await client.command("CLIENT LIST")).toEqual(new ReplyError("NOAUTH Authentication required."));
    const wrong = new ReplyError("WRONGPASS invalid username-password pair or user is disabled.");
    expect(await client.command("AUTH wrong")).toEqual(wrong);
    expect(await client.command("AUTH", "other", password)).toEqual(wrong);
    expect(await client.command("HELLO 3 AUTH default wrong")).toEqual(wrong);
    expect(await client.command("HELLO 3")).toHaveProperty("prefix", "NOAUTH");
    expect(await client.command("PING")).toEqual(new ReplyError("NOAUTH Authentication required."));
  });

  test("AUTH, AUTH with the user, and HELLO let a client in; RESET puts it out", async () => {
    const server = await startTestServer({ password });
    for (const words of [
      ["AUTH", password],
      ["AUTH", "default", password],
    ]) {
      const client = await RespSocket.open(server.respPort);
      expect(await client.command(...words)).toBe("OK");
      expect(await client.command("PING")).toBe("PONG");
    }
    const client = await RespSocket.open(server.respPort);
    expect(await client.command("HELLO", "3", "AUTH", "default", password, "SETNAME", "me")).toMatchObject({
      proto: 3,
    });
    expect(await client.command("CLIENT GETNAME")).toBe("me");
    expect(await client.command("RESET")).toBe("RESET");
    expect(await client.command("PING")).toHaveProperty("prefix", "NOAUTH");
  });

  test("a large command right behind AUTH in one piece works", async () => {
    const server = await startTestServer({ password: "secret" });
    const client = await RespSocket.open(server.respPort);
    const value = "v".repeat(20_000);
    client.write(`AUTH secret\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${value.length}\r\n${value}\r\n`);
    expect((await client.bytes(10)).toString()).toBe("+OK\r\n+OK\r\n");
  });

  test("a stranger's large command is refused before it is received", async () => {
    const server = await startTestServer({ password });
    const client = await RespSocket.open(server.respPort);
    client.write("*2\r\n$4\r\nAUTH\r\n$20000\r\n");
    expect(await client.rest()).toBe("-ERR Protocol error: unauthenticated bulk length\r\n");
  });

  test("who does not authenticate within --auth-timeout is put out", async () => {
    const server = await startTestServer({ password, authTimeoutMs: 100 });
    const client = await RespSocket.open(server.respPort);
    const quick = await RespSocket.open(server.respPort);
    await quick.command("AUTH", password);
    expect(await client.rest()).toBe("-NOAUTH no password within 0.1 seconds (--auth-timeout)\r\n");
    expect(await quick.command("PING")).toBe("PONG");
  });
});

describe("the end", () => {
  test("QUIT is answered, what follows it is not run", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    client.write("SET a 1\r\nQUIT\r\nSET a 2\r\n");
    expect(await client.rest()).toBe("+OK\r\n+OK\r\n");
    const other = await RespSocket.open(server.respPort);
    expect(await other.command("GET a")).toBe("1");
  });

  test("a client that reads late gets everything before its QUIT, and then the end", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    await client.command("SET", "big", "x".repeat(60_000));
    client.socket.pause();
    client.write(`${"GET big\r\n".repeat(200)}QUIT\r\n`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.socket.resume();
    expect(await client.rest()).toBe(`${`$60000\r\n${"x".repeat(60_000)}\r\n`.repeat(200)}+OK\r\n`);
  });

  test("a stopping server answers what it has received", async () => {
    const server = await startTestServer();
    const client = await RespSocket.open(server.respPort);
    await client.command("PING");
    client.write("PING\r\n".repeat(5000));
    await nextTurn();
    await server.stop();
    expect(await client.rest()).toBe("+PONG\r\n".repeat(5000));
    await expect(RespSocket.open(server.respPort)).rejects.toThrow("ECONNREFUSED");
  });

  test("clients that come and go leave nothing behind", async () => {
    const server = await startTestServer();
    const other = await RespSocket.open(server.respPort);
    await other.command("SET k v");
    const before = server.engine.stats().memoryUsedBytes;
    for (let round = 0; round < 50; round++) {
      const client = await RespSocket.open(server.respPort);
      client.write(`SET k ${"x".repeat(round * 500)}\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${50_000 + round}\r\nxxx`);
      await client.bytes(5);
      client.socket.destroy();
      await client.closed;
    }
    await other.command("SET k v");
    await eventually(() => server.engine.stats().memoryUsedBytes <= before);
  });
});
