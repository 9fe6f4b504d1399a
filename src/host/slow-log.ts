// The slow log: a list of the commands that took longest to execute. Who measures calls `record`; what is kept of a command
// is bounded as in Redis, 32 arguments of 128 bytes, and passwords are never kept.

import type { SlowArgument, SlowCommand } from "../engine-types.ts";
import type { ReplyValue } from "../resp.ts";
import { bytesOf, readText } from "../text.ts";
import type { HostClient } from "./host-facts.ts";
import { LatencyMonitor } from "./latency-monitor.ts";

/** Defaults of `slowlog-log-slower-than`, microseconds, and `slowlog-max-len`. */
export const SLOWER_THAN_US = 10_000;
export const SLOW_LOG_LENGTH = 128;

const ARGUMENTS_MAX = 32;
const ARGUMENT_BYTES_MAX = 128;

interface Kept {
  readonly id: number;
  readonly atSeconds: number;
  readonly durationUs: number;
  readonly words: readonly Uint8Array[];
  readonly address: string;
  readonly name: string;
}

/** The commands that took longer than a threshold, the newest first. */
export class SlowLog {
  readonly #limit: (microseconds: number | undefined) => void;
  #slowerThanUs = SLOWER_THAN_US;
  #length = SLOW_LOG_LENGTH;
  #nextId = 0;
  #commands: Kept[] = [];

  /** Events of the same commands, by another threshold. */
  readonly latency: LatencyMonitor;

  /** @param limit tells whoever measures from how many microseconds on a command is slow; undefined: none is */
  constructor(limit: (microseconds: number | undefined) => void) {
    this.#limit = limit;
    this.latency = new LatencyMonitor(() => this.#tellLimit());
    this.slowerThanUs = SLOWER_THAN_US;
  }

  /** Whoever measures has one limit: the lower one. */
  #tellLimit(): void {
    const limits = [this.#slowerThanUs, this.latency.thresholdMs > 0 ? this.latency.thresholdMs * 1000 : -1];
    const set = limits.filter((limit) => limit >= 0);
    this.#limit(set.length === 0 ? undefined : Math.min(...set));
  }

  /** Microseconds from which on a command is kept: 0 keeps every one, a negative number none. */
  get slowerThanUs(): number {
    return this.#slowerThanUs;
  }

  set slowerThanUs(microseconds: number) {
    this.#slowerThanUs = microseconds;
    this.#tellLimit();
  }

  /** Whether anybody wants to hear of a command that took so long. */
  isSlow(microseconds: number): boolean {
    return (this.#slowerThanUs >= 0 && microseconds >= this.#slowerThanUs) || this.latency.isEvent(microseconds);
  }

  /** How many commands are kept. */
  get maxLength(): number {
    return this.#length;
  }

  set maxLength(length: number) {
    this.#length = length;
    this.#commands.length = Math.min(this.#commands.length, length);
  }

  get length(): number {
    return this.#commands.length;
  }

  /** How many commands were slow since the start, whatever became of them here. */
  get total(): number {
    return this.#nextId;
  }

  /** Keeps a command if it was slow: AUTH never, HELLO and CONFIG SET without a password, EXEC as the commands it ran. */
  record({ microseconds, arguments: args, argumentCount }: SlowCommand, client: HostClient): void {
    this.latency.note("command", microseconds);
    if (this.#slowerThanUs < 0 || microseconds < this.#slowerThanUs || this.#length === 0) return;
    const name = nameOf(args);
    if (name === "AUTH" || name === "EXEC") return;
    this.#commands.unshift({
      id: this.#nextId++,
      atSeconds: Math.floor(Date.now() / 1000),
      durationUs: Math.floor(microseconds),
      words: wordsOf(withoutPassword(name, args), argumentCount),
      address: client.address,
      name: client.name,
    });
    this.#commands.length = Math.min(this.#commands.length, this.#length);
  }

  clear(): void {
    this.#commands = [];
  }

  /** The newest `count`, in the form that SLOWLOG GET answers. */
  newest(count: number): ReplyValue[] {
    return this.#commands
      .slice(0, count)
      .map(({ id, atSeconds, durationUs, words, address, name }) => [
        id,
        atSeconds,
        durationUs,
        [...words],
        address,
        name,
      ]);
  }
}

function textOf({ bytes }: SlowArgument): string {
  return readText(bytes, 0, bytes.length);
}

function nameOf(args: readonly SlowArgument[]): string {
  return args[0] === undefined ? "" : textOf(args[0]).toUpperCase();
}

const REDACTED: SlowArgument = { length: 10, bytes: bytesOf("(redacted)") };

/** HELLO <version> AUTH <user> <password> …, CONFIG SET … requirepass <password> …: what follows these words is not shown. */
function withoutPassword(name: string, args: readonly SlowArgument[]): readonly SlowArgument[] {
  if (name !== "HELLO" && name !== "CONFIG") return args;
  const before = name === "HELLO" ? "AUTH" : "REQUIREPASS";
  const at = args.findIndex((arg) => textOf(arg).toUpperCase() === before);
  return args.map((arg, index) => (at >= 0 && index > at ? REDACTED : arg));
}

function wordsOf(args: readonly SlowArgument[], count: number): Uint8Array[] {
  if (count <= ARGUMENTS_MAX) return args.map(shortened);
  const more = count - ARGUMENTS_MAX + 1;
  return [...args.slice(0, ARGUMENTS_MAX - 1).map(shortened), bytesOf(`... (${more} more arguments)`)];
}

function shortened({ bytes, length }: SlowArgument): Uint8Array {
  const kept = bytes.subarray(0, ARGUMENT_BYTES_MAX);
  if (kept.length === length) return kept;
  const rest = bytesOf(`... (${length - kept.length} more bytes)`);
  const whole = new Uint8Array(kept.length + rest.length);
  whole.set(kept);
  whole.set(rest, kept.length);
  return whole;
}
