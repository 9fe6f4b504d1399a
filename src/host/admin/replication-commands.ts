// WAIT, WAITAOF and ROLE of a server that has no replicas, and two that every server has: TIME and LOLWUT.

import { ReplyError, type ReplyValue } from "../../resp.ts";
import { type HostCall, type HostReply, Verbatim, wrongArity } from "../host-call.ts";

const NOT_INTEGER = "ERR value is not an integer or out of range";
const NOT_TIMEOUT = "ERR timeout is not an integer or out of range";
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** Answers WAIT: no replica ever has what was written, so whoever wants one waits in vain. */
export function waitCommand(call: HostCall): ReplyValue | Promise<ReplyValue> {
  const replicas = wholeOf(call.words[0]);
  if (replicas === undefined) return new ReplyError(NOT_INTEGER);
  const timeout = timeoutOf(call.words[1]);
  if (timeout instanceof ReplyError) return timeout;
  return replicas <= 0 ? 0 : inVain(call, timeout, 0);
}

/**
 * Answers WAITAOF. With the log synchronized always a reply waits for the disk anyway, so the answer is 1; otherwise nobody can say
 * when, and it is 0 once the time has passed.
 */
export function waitLogCommand(call: HostCall): ReplyValue | Promise<ReplyValue> {
  const local = wholeOf(call.words[0]);
  const replicas = wholeOf(call.words[1]);
  if (local === undefined || replicas === undefined) return new ReplyError(NOT_INTEGER);
  if (local < 0 || local > 1 || replicas < 0)
    return new ReplyError("ERR value is out of range, must be between 0 and 1");
  const timeout = timeoutOf(call.words[2]);
  if (timeout instanceof ReplyError) return timeout;
  const { settings } = call.facts;
  if (local === 1 && settings.get("appendonly") !== "yes") {
    return new ReplyError("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
  }
  const isSynchronized = settings.get("appendonly") === "yes" && settings.get("appendfsync") === "always";
  const answer = [isSynchronized ? 1 : 0, 0];
  return replicas === 0 && (local === 0 || isSynchronized) ? answer : inVain(call, timeout, answer);
}

/** Where a command is answered at once, as in a transaction, the answer comes at once. */
function inVain(
  { facts, inTransaction }: HostCall,
  timeoutMs: number,
  answer: ReplyValue,
): ReplyValue | Promise<ReplyValue> {
  if (inTransaction || facts.closeClient === undefined) return answer;
  // Without a timeout it waits until its client goes.
  return new Promise((resolve) => {
    if (timeoutMs > 0) setTimeout(() => resolve(answer), timeoutMs);
  });
}

function wholeOf(text = ""): number | undefined {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function timeoutOf(text: string | undefined): number | ReplyError {
  const timeout = wholeOf(text);
  if (timeout === undefined || timeout > TIMEOUT_MS_MAX) return new ReplyError(NOT_TIMEOUT);
  return timeout < 0 ? new ReplyError("ERR timeout is negative") : timeout;
}

/** Answers ROLE: a master that has no replicas. */
export function roleCommand(): ReplyValue {
  return ["master", 0, []];
}

/** Answers TIME: seconds and microseconds. */
export function timeCommand(): ReplyValue {
  const microseconds = Math.floor((performance.timeOrigin + performance.now()) * 1000);
  return [String(Math.floor(microseconds / 1e6)), String(microseconds % 1e6)];
}

/** Answers LOLWUT. */
export function lolwutCommand({ facts, words }: HostCall): HostReply {
  if (words.length > 0 && !/^version$/i.test(words[0] ?? "")) return wrongArity("lolwut");
  return new Verbatim(`${PICTURE}\nnearkey ${facts.nearkeyVersion}, Redis ver. ${facts.redisVersion}\n`);
}

const PICTURE = ["  o---o", " / \\ / \\", "o---o---o", " \\ / \\ /", "  o---o", ""].join("\n");
