// Replies as they stand on the wire, for comparing two servers: every type byte is kept, nothing becomes a JavaScript
// value. Deliberately apart from src/resp.ts, so that an error there cannot hide here.

/** One reply: its type byte with its line or string (latin1), or its elements; a null has neither. */
export interface RawReply {
  kind: string;
  text?: string;
  items?: RawReply[];
}

const STRINGS = "$=!";
const AGGREGATES: Record<string, number> = { "*": 1, "~": 1, ">": 1, "%": 2 };

/** Collects bytes and gives whole replies, oldest first. */
export class RawReader {
  #pending = Buffer.alloc(0);

  push(chunk: Uint8Array): void {
    this.#pending = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk]);
  }

  /** Bytes that are not yet a whole reply. */
  get pendingBytes(): number {
    return this.#pending.length;
  }

  next(): RawReply | undefined {
    const read = readReply(this.#pending, 0);
    if (read === undefined) return undefined;
    this.#pending = this.#pending.subarray(read.end);
    return read.reply;
  }

  /** All whole replies that are there. */
  drain(): RawReply[] {
    const replies: RawReply[] = [];
    for (let reply = this.next(); reply !== undefined; reply = this.next()) replies.push(reply);
    return replies;
  }
}

interface Read {
  reply: RawReply;
  end: number;
}

/** @throws Error when the bytes cannot be the beginning of a reply. */
function readReply(bytes: Buffer, at: number): Read | undefined {
  const lineEnd = bytes.indexOf("\r\n", at, "latin1");
  if (lineEnd < 0) return undefined;
  const kind = String.fromCharCode(bytes[at] as number);
  const line = bytes.toString("latin1", at + 1, lineEnd);
  const end = lineEnd + 2;
  if (kind === "_") return { reply: { kind }, end };
  const perItem = AGGREGATES[kind];
  if (perItem !== undefined)
    return line === "-1" ? { reply: { kind }, end } : readItems(bytes, kind, count(line) * perItem, end);
  if (STRINGS.includes(kind))
    return line === "-1" ? { reply: { kind }, end } : readString(bytes, kind, count(line), end);
  if (!"+-:,#(".includes(kind))
    throw new Error(`not a reply: ${JSON.stringify(bytes.toString("latin1", at, at + 40))}`);
  return { reply: { kind, text: line }, end };
}

function count(line: string): number {
  if (!/^\d+$/.test(line)) throw new Error(`not a length: ${JSON.stringify(line)}`);
  return Number(line);
}

function readItems(bytes: Buffer, kind: string, items: number, at: number): Read | undefined {
  const reply: RawReply & { items: RawReply[] } = { kind, items: [] };
  let end = at;
  for (; items > 0; items--) {
    const read = readReply(bytes, end);
    if (read === undefined) return undefined;
    reply.items.push(read.reply);
    end = read.end;
  }
  return { reply, end };
}

function readString(bytes: Buffer, kind: string, length: number, at: number): Read | undefined {
  if (bytes.length < at + length + 2) return undefined;
  if (bytes.toString("latin1", at + length, at + length + 2) !== "\r\n")
    throw new Error("a string does not end with a line");
  return { reply: { kind, text: bytes.toString("latin1", at, at + length) }, end: at + length + 2 };
}

/** A reply on one line, every byte visible: `*[$"a" :1 _]`. */
export function show(reply: RawReply): string {
  if (reply.items !== undefined) return `${reply.kind}[${reply.items.map(show).join(" ")}]`;
  if (reply.text === undefined) return `${reply.kind}nil`;
  return STRINGS.includes(reply.kind) ? `${reply.kind}${JSON.stringify(reply.text)}` : `${reply.kind}${reply.text}`;
}

/** The same reply with its elements sorted, `step` at a time (2 keeps pairs together). */
export function sorted(reply: RawReply, step: number): RawReply {
  if (reply.items === undefined) return reply;
  const groups: RawReply[][] = [];
  for (let at = 0; at < reply.items.length; at += step) groups.push(reply.items.slice(at, at + step));
  const key = (group: RawReply[]) => group.map(show).join(" ");
  groups.sort((one, other) => (key(one) < key(other) ? -1 : 1));
  return { kind: reply.kind, items: groups.flat() };
}
