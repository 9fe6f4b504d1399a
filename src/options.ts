// The settings of a database as people write them, checked and turned into numbers. Sizes are read as Redis reads
// them: `kb`, `mb` and `gb` are powers of 1,024, `k`, `m` and `g` powers of 1,000, in either case. Whatever cannot be
// meant is refused with the name of the setting in the message; nothing is rounded or clamped in silence.

import { NearkeyError } from "./errors.ts";

/** What happens when a write does not fit under the memory limit, by Redis's names and one more. */
export const evictionPolicies = [
  "noeviction",
  "allkeys-lru",
  "allkeys-lfu",
  "allkeys-random",
  "volatile-lru",
  "volatile-lfu",
  "volatile-random",
  "volatile-ttl",
  "allkeys-s3fifo",
] as const;

/** One of `evictionPolicies`. */
export type EvictionPolicy = (typeof evictionPolicies)[number];

/** Settings of `open`; every one has a default. */
export interface OpenOptions {
  /**
   * Most memory the database may hold, everything counted: bytes as a number, or a size as Redis writes it
   * (`"512mb"`, `"2g"`; `kb` is 1,024 bytes, `k` is 1,000). Default 1 GiB. One memory holds just under 3.75 GiB.
   */
  maxMemory?: number | string | undefined;
  /**
   * What a write does at the limit: `"noeviction"` (default) fails with `out-of-memory`, `"allkeys-lru"` makes room by
   * removing keys that were not used for long; docs/eviction.md compares all of them.
   */
  eviction?: EvictionPolicy | undefined;
}

/** OpenOptions, complete and in numbers. */
export interface DatabaseSettings {
  maxMemoryBytes: number;
  eviction: EvictionPolicy;
}

const KIBI = 1024;
const DEFAULT_MEMORY_BYTES = KIBI ** 3;
/** The engine's fixed regions take 5.9 MiB of it; with less than this no more than a few keys would fit. */
const MEMORY_BYTES_MIN = 8 * KIBI ** 2;

const factors: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1000,
  kb: KIBI,
  m: 1000 ** 2,
  mb: KIBI ** 2,
  g: 1000 ** 3,
  gb: KIBI ** 3,
};

/**
 * Reads a size in bytes: a whole number, or digits and one of Redis's units.
 *
 * @param name the setting, for the message
 * @throws NearkeyError `invalid-option`
 */
export function parseSize(size: number | string, name: string): number {
  const bytes = typeof size === "string" ? sizeOfText(size) : size;
  if (Number.isSafeInteger(bytes) && bytes >= 0) return bytes;
  throw new NearkeyError(
    "invalid-option",
    `${name} must be a whole number of bytes or a size such as "512mb" (kb is 1,024, k is 1,000), not ${shown(size)}`,
  );
}

/** Reads digits and one of Redis's units as bytes; NaN for anything else. */
export function sizeOfText(text: string): number {
  const match = /^(\d+)(b|[kmg]b?)?$/i.exec(text.trim());
  if (!match) return Number.NaN;
  return Number(match[1]) * (factors[(match[2] ?? "").toLowerCase()] as number);
}

/**
 * Checks the options of `open` and fills in the defaults.
 *
 * @param memoryBytesMax what one memory can hold
 * @param others names of options that the caller has taken out, for the message
 * @throws NearkeyError `invalid-option`, with the setting's name in the message
 */
export function resolveOptions(
  options: OpenOptions,
  memoryBytesMax: number,
  others: readonly string[] = [],
): DatabaseSettings {
  for (const name of Object.keys(options)) {
    if (name === "maxMemory" || name === "eviction") continue;
    const names = ["maxMemory", "eviction", ...others].join(", ");
    throw new NearkeyError("invalid-option", `there is no option ${JSON.stringify(name)}; there are ${names}`);
  }
  return {
    maxMemoryBytes: checkMaxMemory(options.maxMemory ?? Math.min(DEFAULT_MEMORY_BYTES, memoryBytesMax), memoryBytesMax),
    eviction: evictionPolicy(options.eviction ?? "noeviction"),
  };
}

/**
 * Checks a memory limit and answers it in bytes.
 *
 * @param memoryBytesMax what one memory can hold
 * @throws NearkeyError `invalid-option`
 */
function checkMaxMemory(size: number | string, memoryBytesMax: number): number {
  const bytes = parseSize(size, "maxMemory");
  if (bytes > memoryBytesMax) {
    throw new NearkeyError(
      "invalid-option",
      `maxMemory is ${shown(size)}, more than one memory holds: ${memoryBytesMax} bytes; more needs several databases`,
    );
  }
  if (bytes < MEMORY_BYTES_MIN) {
    throw new NearkeyError(
      "invalid-option",
      `maxMemory must be at least ${MEMORY_BYTES_MIN} bytes (8mb), not ${shown(size)}`,
    );
  }
  return bytes;
}

/**
 * Checks the name of an eviction policy.
 *
 * @throws NearkeyError `invalid-option`
 */
export function evictionPolicy(name: string): EvictionPolicy {
  const known: readonly string[] = evictionPolicies;
  if (known.includes(name)) return name as EvictionPolicy;
  throw new NearkeyError("invalid-option", `eviction must be one of ${known.join(", ")}, not ${shown(name)}`);
}

/**
 * Refuses what is no object of options.
 *
 * @param what names it in the message
 * @param example of what it may be
 * @throws NearkeyError `invalid-option`
 */
export function checkObject(what: string, value: unknown, example: string): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  throw new NearkeyError("invalid-option", `${what} must be an object such as ${example}, not ${shown(value)}`);
}

/** A value in a message: text in quotes, so that "10" is told from 10. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" && value !== null
    ? Array.isArray(value)
      ? "an array"
      : "an object"
    : String(value);
}
