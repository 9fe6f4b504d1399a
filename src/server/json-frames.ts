// The text frames of the WebSocket protocol, as pure functions: JSON in, arguments out; replies in, JSON out. One
// frame is one command, and its `id` comes back with the reply, so that a person with a browser's console, or any
// language with a JSON library, can talk to the server. Bytes that are not UTF-8 travel as {"base64": "…"}, integers
// beyond 2^53 as strings; NaN and the infinities, for which JSON has no number, as the texts that Redis uses.

import { codeOfReply, NearkeyError, type NearkeyErrorCode, ReplyError } from "../errors.ts";
import type { Argument, Reply } from "../resp.ts";

/** What a request names itself by; absent when the sender does not care. */
export type FrameId = string | number | undefined;

/** A text frame that was understood. */
export interface JsonRequest {
  readonly id: FrameId;
  readonly command: readonly Argument[];
}

/** A text frame that was not; the id is there when that much was readable. */
export interface MalformedRequest {
  readonly id: FrameId;
  readonly error: NearkeyError;
}

/** Reads one text frame. */
export function parseRequest(text: string): JsonRequest | MalformedRequest {
  let id: FrameId;
  try {
    const frame = parseObject(text);
    id = readId(frame.id);
    return { id, command: readCommand(frame.command) };
  } catch (error) {
    if (error instanceof NearkeyError) return { id, error };
    throw error;
  }
}

function malformed(reason: string): NearkeyError {
  return new NearkeyError("protocol-error", `${reason}; a text frame is {"id":1,"command":["GET","key"]}`);
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed("the frame is no JSON");
  }
  if (!isObject(value)) throw malformed("the frame is no JSON object");
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readId(id: unknown): FrameId {
  if (id === undefined || typeof id === "string" || typeof id === "number") return id;
  throw malformed("id must be a number or a string");
}

function readCommand(command: unknown): Argument[] {
  if (!Array.isArray(command) || command.length === 0) throw malformed("command must be an array that is not empty");
  return command.map(readArgument);
}

function readArgument(argument: unknown, index: number): Argument {
  if (typeof argument === "string" || typeof argument === "number") return argument;
  if (isObject(argument) && typeof argument.base64 === "string" && isBase64(argument.base64)) {
    return bytesOfBase64(argument.base64);
  }
  throw malformed(`command[${index}] must be a string, a number or {"base64":"…"}`);
}

function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) && (text.endsWith("=") ? text.length % 4 === 0 : text.length % 4 !== 1);
}

/** Node's own: a loop over letters takes seconds, and 30 times the memory, for what one frame may hold. */
function bytesOfBase64(text: string): Uint8Array {
  return Buffer.from(text, "base64");
}

function base64OfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/**
 * Writes the frame that answers a request; an error reply becomes `error` with its stable code, and so does a reply whose
 * JSON is longer than a string of JavaScript may be (a control character takes six letters).
 */
export function encodeReplyFrame(id: FrameId, reply: Reply): string {
  if (reply instanceof ReplyError) return encodeErrorFrame(id, codeOfReply(reply.message), reply.message);
  try {
    return JSON.stringify({ id, reply: jsonValue(reply) });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return encodeErrorFrame(
      id,
      "reply-too-large",
      "the reply is too long for a text frame: ask for it in a binary one",
    );
  }
}

/** Writes a push: something that no request asked for. */
export function encodePushFrame(push: Reply): string {
  return JSON.stringify({ push: jsonValue(push) });
}

/** Writes the frame that refuses a request; without an id it says null, so that it is seen to answer nothing known. */
export function encodeErrorFrame(id: FrameId, code: NearkeyErrorCode, message: string): string {
  return JSON.stringify({ id: id ?? null, error: { code, message } });
}

function jsonValue(reply: Reply): unknown {
  if (typeof reply === "bigint") return String(reply);
  if (typeof reply === "number") return jsonNumber(reply);
  if (reply === null || typeof reply !== "object") return reply;
  if (reply instanceof Uint8Array) return { base64: base64OfBytes(reply) };
  if (reply instanceof ReplyError) return { error: { code: codeOfReply(reply.message), message: reply.message } };
  if (Array.isArray(reply)) return reply.map(jsonValue);
  const map: Record<string, unknown> = Object.create(null);
  for (const [key, value] of Object.entries(reply)) map[key] = jsonValue(value);
  return map;
}

function jsonNumber(value: number): unknown {
  if (Number.isFinite(value)) return value;
  if (Number.isNaN(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}
