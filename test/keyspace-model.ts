// The keyspace as anybody would write it: sixteen Maps. Strings are latin1, one character a byte; a reply is the decoded
// value, an error its text. What Redis does not define (the order of keys, which key is random) is left to the caller.

/** A reply of the model. */
export type ModelReply = string | number | bigint | null | ModelReply[] | { error: string };

interface Stored {
  value: string;
  /** ms since epoch; undefined: never. */
  expiry?: number | undefined;
}

export const DATABASES = 16;
const NOT_INTEGER = { error: "ERR value is not an integer or out of range" };
const I64_MAX = 2n ** 63n - 1n;
const I64_MIN = -(2n ** 63n);

/** Parses as Redis does: one spelling for each 64-bit integer. */
function parseInteger(text: string): bigint | undefined {
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value >= I64_MIN && value <= I64_MAX ? value : undefined;
}

/** The model: `run` answers what the engine must. */
export class KeyspaceModel {
  now = 0;
  database = 0;
  readonly #databases: Map<string, Stored>[] = Array.from({ length: DATABASES }, () => new Map());

  /** Keys of the chosen database that live. */
  keys(): string[] {
    const map = this.#map;
    return [...map.keys()].filter((key) => this.#find(key) !== undefined);
  }

  /** Keys of all databases that live. */
  countAll(): number {
    const chosen = this.database;
    let count = 0;
    for (this.database = 0; this.database < DATABASES; this.database++) count += this.keys().length;
    this.database = chosen;
    return count;
  }

  get #map(): Map<string, Stored> {
    return this.#databases[this.database] as Map<string, Stored>;
  }

  #find(key: string): Stored | undefined {
    const stored = this.#map.get(key);
    if (stored?.expiry === undefined || stored.expiry > this.now) return stored;
    this.#map.delete(key);
    return undefined;
  }

  run(name: string, args: readonly string[]): ModelReply {
    const [first = "", second = "", third = ""] = args;
    switch (name) {
      case "SET":
        return this.#set(first, second, args.slice(2));
      case "GET":
        return this.#find(first)?.value ?? null;
      case "SETNX":
        return this.#find(first) ? 0 : this.#put(first, second, 1);
      case "SETEX":
        return this.#put(first, third, "OK", this.now + Number(second) * 1000);
      case "PSETEX":
        return this.#put(first, third, "OK", this.now + Number(second));
      case "GETSET":
        return this.#put(first, second, this.#find(first)?.value ?? null);
      case "GETDEL":
        return this.#getDel(first);
      case "GETEX":
        return this.#getEx(first, args.slice(1));
      case "APPEND":
        return this.#write(first, (this.#find(first)?.value ?? "") + second);
      case "STRLEN":
        return this.#find(first)?.value.length ?? 0;
      case "SETRANGE":
        return this.#setRange(first, Number(second), third);
      case "GETRANGE":
        return this.#getRange(first, Number(second), Number(third));
      case "INCR":
        return this.#increment(first, 1n);
      case "DECR":
        return this.#increment(first, -1n);
      case "INCRBY":
        return this.#increment(first, parseInteger(second));
      case "DECRBY":
        return this.#increment(first, negated(parseInteger(second)));
      case "MSET":
        return this.#setPairs(args, "OK");
      case "MSETNX":
        return evens(args).some((key) => this.#find(key)) ? 0 : this.#setPairs(args, 1);
      case "MGET":
        return args.map((key) => this.#find(key)?.value ?? null);
      default:
        return this.#runOnKeys(name, args);
    }
  }

  #runOnKeys(name: string, args: readonly string[]): ModelReply {
    const [first = "", second = ""] = args;
    switch (name) {
      case "DEL":
      case "UNLINK":
        return args.filter((key) => this.#find(key) && this.#map.delete(key)).length;
      case "EXISTS":
      case "TOUCH":
        return args.filter((key) => this.#find(key)).length;
      case "TYPE":
        return this.#find(first) ? "string" : "none";
      case "RENAME":
        return this.#rename(first, second, "OK");
      case "RENAMENX":
        if (!this.#find(first)) return { error: "ERR no such key" };
        return this.#find(second) ? 0 : this.#rename(first, second, 1);
      case "COPY":
        return this.#copy(first, second, args.slice(2));
      case "EXPIRE":
        return this.#expire(first, this.now + Number(second) * 1000, args.slice(2));
      case "PEXPIRE":
        return this.#expire(first, this.now + Number(second), args.slice(2));
      case "EXPIREAT":
        return this.#expire(first, Number(second) * 1000, args.slice(2));
      case "PEXPIREAT":
        return this.#expire(first, Number(second), args.slice(2));
      case "TTL":
        return this.#timeOf(first, (expiry) => Math.floor((expiry - this.now + 500) / 1000));
      case "PTTL":
        return this.#timeOf(first, (expiry) => expiry - this.now);
      case "EXPIRETIME":
        return this.#timeOf(first, (expiry) => Math.floor((expiry + 500) / 1000));
      case "PEXPIRETIME":
        return this.#timeOf(first, (expiry) => expiry);
      case "PERSIST":
        return this.#persist(first);
      case "SELECT":
        this.database = Number(first);
        return "OK";
      case "FLUSHDB":
        this.#map.clear();
        return "OK";
      case "FLUSHALL":
        for (const map of this.#databases) map.clear();
        return "OK";
      default:
        throw new Error(`the model does not know ${name}`);
    }
  }

  #put<Reply>(key: string, value: string, reply: Reply, expiry?: number): Reply {
    this.#map.set(key, { value, expiry });
    return reply;
  }

  /** Changes a value and leaves the expiry. */
  #write(key: string, value: string): number {
    this.#map.set(key, { value, expiry: this.#find(key)?.expiry });
    return value.length;
  }

  #set(key: string, value: string, options: readonly string[]): ModelReply {
    const old = this.#find(key);
    const refused = options.includes("NX") ? old !== undefined : options.includes("XX") && old === undefined;
    if (!refused) this.#put(key, value, "OK", options.includes("KEEPTTL") ? old?.expiry : this.#timeIn(options));
    if (options.includes("GET")) return old?.value ?? null;
    return refused ? null : "OK";
  }

  /** The time that an option and its argument name. */
  #timeIn(options: readonly string[]): number | undefined {
    for (const [index, option] of options.entries()) {
      const given = Number(options[index + 1]);
      if (option === "EX") return this.now + given * 1000;
      if (option === "PX") return this.now + given;
      if (option === "EXAT") return given * 1000;
      if (option === "PXAT") return given;
    }
    return undefined;
  }

  #getDel(key: string): ModelReply {
    const value = this.#find(key)?.value ?? null;
    this.#map.delete(key);
    return value;
  }

  #getEx(key: string, options: readonly string[]): ModelReply {
    const stored = this.#find(key);
    if (stored && options.length > 0) stored.expiry = this.#timeIn(options);
    return stored?.value ?? null;
  }

  #setRange(key: string, offset: number, part: string): ModelReply {
    const old = this.#find(key)?.value ?? "";
    if (offset < 0) return { error: "ERR offset is out of range" };
    if (part === "") return old.length;
    const head = old.slice(0, offset).padEnd(offset, "\0");
    return this.#write(key, head + part + old.slice(offset + part.length));
  }

  #getRange(key: string, start: number, end: number): string {
    const value = this.#find(key)?.value ?? "";
    const from = start < 0 ? start + value.length : start;
    const to = end < 0 ? end + value.length : end;
    return to < 0 ? "" : value.slice(Math.max(from, 0), Math.min(to, value.length - 1) + 1);
  }

  #increment(key: string, by: bigint | undefined): ModelReply {
    if (by === undefined) return NOT_INTEGER;
    if (by > I64_MAX) return { error: "ERR decrement would overflow" };
    const stored = this.#find(key);
    const old = stored === undefined ? 0n : parseInteger(stored.value);
    if (old === undefined) return NOT_INTEGER;
    const sum = old + by;
    if (sum > I64_MAX || sum < I64_MIN) return { error: "ERR increment or decrement would overflow" };
    this.#write(key, `${sum}`);
    return sum;
  }

  #setPairs(args: readonly string[], reply: ModelReply): ModelReply {
    for (let index = 0; index < args.length; index += 2) this.#put(args[index] as string, args[index + 1] as string, 0);
    return reply;
  }

  #rename(from: string, to: string, reply: ModelReply): ModelReply {
    const stored = this.#find(from);
    if (stored === undefined) return { error: "ERR no such key" };
    this.#map.delete(from);
    this.#map.set(to, stored);
    return reply;
  }

  #copy(from: string, to: string, options: readonly string[]): ModelReply {
    const source = this.database;
    const at = options.indexOf("DB");
    const target = at < 0 ? source : Number(options[at + 1]);
    if (target === source && from === to) return { error: "ERR source and destination objects are the same" };
    const stored = this.#find(from);
    this.database = target;
    const free = options.includes("REPLACE") || this.#find(to) === undefined;
    if (stored && free) this.#map.set(to, { ...stored });
    this.database = source;
    return stored && free ? 1 : 0;
  }

  #expire(key: string, time: number, conditions: readonly string[]): ModelReply {
    const stored = this.#find(key);
    if (stored === undefined) return 0;
    const old = stored.expiry;
    if (conditions.includes("NX") && old !== undefined) return 0;
    if (conditions.includes("XX") && old === undefined) return 0;
    if (conditions.includes("GT") && !(old !== undefined && time > old)) return 0;
    if (conditions.includes("LT") && !(old === undefined || time < old)) return 0;
    stored.expiry = time;
    return 1;
  }

  #timeOf(key: string, shown: (expiry: number) => number): number {
    const stored = this.#find(key);
    if (stored === undefined) return -2;
    return stored.expiry === undefined ? -1 : shown(stored.expiry);
  }

  #persist(key: string): number {
    const stored = this.#find(key);
    if (stored?.expiry === undefined) return 0;
    stored.expiry = undefined;
    return 1;
  }
}

function negated(value: bigint | undefined): bigint | undefined {
  return value === undefined ? undefined : -value;
}

function evens(args: readonly string[]): string[] {
  return args.filter((_, index) => index % 2 === 0);
}
