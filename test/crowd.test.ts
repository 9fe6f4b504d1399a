// Replies in a crowd: who is one, what is held back and for how long, and that nobody misses a reply.

import { describe, expect, test } from "vitest";
import type { HostCommands } from "../src/host/host-commands.ts";
import { newClient } from "../src/host/host-facts.ts";
import type { CommitWaiter } from "../src/log/commit-queue.ts";
import type { ReplyGate } from "../src/persistence/reply-gate.ts";
import { Crowd, type CrowdMember } from "../src/server/crowd.ts";
import { OutputBudget } from "../src/server/output-budget.ts";
import { BatchCounts } from "../src/server/protocol-traffic.ts";
import type { Channel, SessionHost } from "../src/server/session/channel.ts";
import { ClientPause } from "../src/server/session/client-pause.ts";
import { Session } from "../src/server/session/session.ts";
import { Sessions } from "../src/server/session/sessions.ts";
import { Turns } from "../src/server/session/turns.ts";
import { debugEngine } from "./debug-engine.ts";

interface Client extends CrowdMember {
  sent: number;
}

/** A crowd with a clock of its own; `rests` lists how long each rest was to last. */
function makeCrowd(restTakesMs = 0.06): { crowd: Crowd; rests: number[] } {
  let nowMs = 0;
  const rests: number[] = [];
  const rest = (ms: number): void => {
    rests.push(ms);
    nowMs += restTakesMs;
  };
  return { crowd: new Crowd(() => nowMs, rest), rests };
}

function makeClients(count: number): Client[] {
  return Array.from({ length: count }, () => {
    const client = {
      seenIn: 0,
      sent: 0,
      sendHeld: () => {
        client.sent++;
      },
    };
    return client;
  });
}

/** Requests of all clients in turn, `gapMs` apart; answers when the last came. */
function request(crowd: Crowd, clients: Client[], requests: number, gapMs: number, startMs = 0): number {
  let nowMs = startMs;
  for (let index = 0; index < requests; index++) {
    nowMs += gapMs;
    crowd.served(clients[index % clients.length] as Client, Math.floor(nowMs));
  }
  return nowMs;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("who is a crowd", () => {
  test("many clients with many small requests are one", () => {
    const { crowd } = makeCrowd();
    request(crowd, makeClients(50), 300, 0.01);
    expect(crowd.isHere).toBe(true);
  });

  test("few clients are none, however fast", () => {
    const { crowd } = makeCrowd();
    request(crowd, makeClients(31), 10_000, 0.001);
    expect(crowd.isHere).toBe(false);
  });

  test("many slow clients are none", () => {
    const { crowd } = makeCrowd();
    request(crowd, makeClients(1000), 10_000, 0.05);
    expect(crowd.isHere).toBe(false);
  });

  test("it is over with the first request that comes late", () => {
    const { crowd } = makeCrowd();
    const clients = makeClients(50);
    const nowMs = request(crowd, clients, 300, 0.01);
    request(crowd, clients, 1, 10, nowMs);
    expect(crowd.isHere).toBe(false);
  });

  test("one client that goes on alone waits for 6 ms at most", () => {
    const { crowd } = makeCrowd();
    const clients = makeClients(50);
    const nowMs = request(crowd, clients, 300, 0.01);
    request(crowd, clients.slice(0, 1), 9, 1, nowMs);
    expect(crowd.isHere).toBe(false);
  });
});

describe("what is held back", () => {
  test("leaves when the turn ends", async () => {
    const { crowd } = makeCrowd();
    const clients = makeClients(50);
    request(crowd, clients, 300, 0.01);
    crowd.hold(clients[0] as Client);
    expect(clients[0]?.sent).toBe(0);
    await nextTurn();
    expect(clients[0]?.sent).toBe(1);
  });

  test("leaves at once when it is much", () => {
    const { crowd } = makeCrowd();
    const clients = makeClients(50);
    request(crowd, clients, 300, 0.01);
    for (const client of clients.slice(0, 24)) crowd.hold(client);
    expect(clients.map((client) => client.sent).slice(0, 25)).toEqual([...Array(24).fill(1), 0]);
  });
});

describe("a rest", () => {
  /** One turn with so many requests, then what the loop does at its end. */
  async function turn(crowd: Crowd, clients: Client[], requests: number): Promise<void> {
    request(crowd, clients, requests, 0);
    await nextTurn();
  }

  test("follows a turn that served few of the crowd, and no other", async () => {
    const { crowd, rests } = makeCrowd();
    const clients = makeClients(64);
    await turn(crowd, clients, 300);
    expect(crowd.isHere).toBe(true);
    expect(rests).toEqual([]);
    await turn(crowd, clients, 8);
    expect(rests).toEqual([]);
    await turn(crowd, clients, 7);
    expect(rests).toEqual([0.01]);
  });

  test("is given up where the system's timers are coarse", async () => {
    const { crowd, rests } = makeCrowd(1);
    const clients = makeClients(64);
    await turn(crowd, clients, 300);
    for (let index = 0; index < 50; index++) await turn(crowd, clients, 1);
    expect(rests.length).toBe(16);
  });
});

describe("a session", () => {
  /** A session in a crowd, which keeps whom it was told to hold. */
  function openSession(gate?: ReplyGate) {
    const engine = debugEngine();
    const held: CrowdMember[] = [];
    const log: string[] = [];
    const channel: Channel = {
      batches: new BatchCounts(),
      writtenBytes: 0,
      undrainedBytes: 0,
      write: (bytes) => void log.push(Buffer.from(bytes).toString()),
      pause: () => undefined,
      resume: () => undefined,
      end: () => void log.push("end"),
      destroy: () => void log.push("destroy"),
    };
    const sessions = new Sessions();
    const host: SessionHost = {
      engine,
      commands: {} as HostCommands,
      turns: new Turns(),
      sessions,
      pause: new ClientPause(engine, sessions),
      crowd: { isHere: true, served: () => undefined, hold: (member) => void held.push(member) },
      budget: new OutputBudget(1 << 20),
      log: gate,
      outputLimitBytes: 1 << 20,
      failed: (error) => {
        throw error;
      },
    };
    const session = new Session(host, channel, newClient(1, "", "", true));
    const receive = (text: string): void => {
      const bytes = Buffer.from(text);
      engine.input.view(bytes.length).set(bytes);
      session.receiveInPlace(bytes.length);
    };
    return { session, receive, held, log };
  }

  test("keeps its reply until it is told to send it, once", () => {
    const { receive, held, log } = openSession();
    receive("PING\r\n");
    receive("ECHO a\r\n");
    expect(log).toEqual([]);
    expect(held.length).toBe(1);
    held[0]?.sendHeld();
    held[0]?.sendHeld();
    expect(log).toEqual(["+PONG\r\n$1\r\na\r\n"]);
    receive("PING\r\n");
    expect(held.length).toBe(2);
  });

  test("sends the replies to many commands at once, those before them first", () => {
    const { receive, held, log } = openSession();
    receive("ECHO a\r\n");
    receive("PING\r\n".repeat(5));
    expect(log).toEqual([`$1\r\na\r\n${"+PONG\r\n".repeat(5)}`]);
    held[0]?.sendHeld();
    expect(log.length).toBe(1);
  });

  test("sends what it kept before it ends", () => {
    const { session, receive, log } = openSession();
    receive("PING\r\n");
    session.finish();
    expect(log).toEqual(["+PONG\r\n", "end"]);
  });

  test("ends no sooner than the log has what it kept", () => {
    const waiting: CommitWaiter[] = [];
    const gate = {
      syncs: true,
      position: 1,
      isCovered: false,
      whenCovered: (waiter: CommitWaiter) => void waiting.push(waiter),
      whenRoom: () => undefined,
      refusal: undefined,
    };
    const { session, receive, log } = openSession(gate);
    receive("PING\r\n");
    session.finish();
    expect(log).toEqual([]);
    gate.isCovered = true;
    for (const waiter of waiting) waiter.goOn(true);
    expect(log).toEqual(["+PONG\r\n", "end"]);
  });

  test("sends what it kept before a protocol error ends it", () => {
    const { receive, log } = openSession();
    receive("PING\r\n");
    receive("*x\r\n");
    expect(log).toEqual(["+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n", "end"]);
  });

  test("sends nothing once it is closed", () => {
    const { session, receive, held, log } = openSession();
    receive("PING\r\n");
    session.close();
    held[0]?.sendHeld();
    expect(log).toEqual([]);
  });
});
