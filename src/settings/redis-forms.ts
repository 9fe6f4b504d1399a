// How CONFIG writes and reads values: Redis's units (bytes, seconds, microseconds, counts) and Redis's words for what
// is wrong. What Redis would take and nearkey cannot hold is refused as out of range, with the range in the text.

import { sizeOfText } from "../options.ts";

/** A value that CONFIG SET may take, or why not, in Redis's words. */
export type Parsed<T> = { readonly value: T } | { readonly refusal: string };

/** A setting as CONFIG knows it. */
export interface RedisForm<T> {
  readonly name: string;
  /** The value as CONFIG GET answers it. */
  print(value: T): string;
  /** Reads what CONFIG SET was given. */
  parse(text: string): Parsed<T>;
}

/** A limit of memory: 0 stands for the most there can be, and any other is taken, however little that leaves. */
export function memoryLimitForm(name: string, bytesMax: number): RedisForm<number> {
  const { parse, ...form } = memoryForm(name, 0, bytesMax);
  return {
    ...form,
    parse: (text) => {
      const parsed = parse(text);
      return "value" in parsed && parsed.value === 0 ? { value: bytesMax } : parsed;
    },
  };
}

/** A number of bytes, read with Redis's units. */
export function memoryForm(name: string, bytesMin: number, bytesMax: number): RedisForm<number> {
  const parse = (text: string): Parsed<number> => {
    const bytes = sizeOfText(text);
    return Number.isNaN(bytes) ? { refusal: "argument must be a memory value" } : within(bytes, bytesMin, bytesMax);
  };
  return { name, print: String, parse };
}

/**
 * A whole number.
 *
 * @param scale how many of the setting's own unit one of Redis's is
 */
export function integerForm(name: string, min: number, max: number, scale = 1): RedisForm<number> {
  const parse = (text: string): Parsed<number> => {
    if (!/^-?\d{1,19}$/.test(text)) return { refusal: "argument couldn't be parsed into an integer" };
    const checked = within(Number(text), min, max);
    return "value" in checked ? { value: checked.value * scale } : checked;
  };
  return { name, print: (value) => String(Math.ceil(value / scale)), parse };
}

function within(value: number, min: number, max: number): Parsed<number> {
  if (value >= min && value <= max) return { value };
  return { refusal: `argument must be between ${min} and ${max} inclusive` };
}

/** One of a few words, in any case. */
export function choiceForm<T extends string>(name: string, words: readonly T[]): RedisForm<T> {
  const parse = (text: string): Parsed<T> => {
    const found = words.find((word) => word === text.toLowerCase());
    if (found !== undefined) return { value: found };
    return { refusal: `argument(s) must be one of the following: ${words.join(", ")}` };
  };
  return { name, print: (value) => value, parse };
}

/** Text that is taken as it is if a check accepts it. */
export function textForm<T extends string | undefined>(name: string, parse: (text: string) => Parsed<T>): RedisForm<T> {
  return { name, print: (value) => value ?? "", parse };
}

const CLASSES = ["normal", "slave", "replica", "pubsub"];

/** `normal <hard> <soft> <seconds>`: only the hard limit of normal clients exists here; soft ones must be 0. */
export function outputLimitForm(name: string, bytesMin: number, bytesMax: number): RedisForm<number> {
  const parse = (text: string): Parsed<number> => {
    const words = text.trim().split(/\s+/);
    if (words.length !== 4) return { refusal: "Wrong number of arguments in buffer limit configuration." };
    const [kind = "", hard = "", soft = "", seconds = ""] = words;
    if (!CLASSES.includes(kind.toLowerCase())) {
      return { refusal: "Invalid client class specified in buffer limit configuration." };
    }
    const bytes = sizeOfText(hard);
    if (Number.isNaN(bytes) || Number.isNaN(sizeOfText(soft)) || !/^\d+$/.test(seconds)) {
      return { refusal: "Error in hard, soft or soft_seconds setting in buffer limit configuration." };
    }
    const only = kind.toLowerCase() === "normal" && sizeOfText(soft) === 0 && Number(seconds) === 0;
    return only ? within(bytes, bytesMin, bytesMax) : { refusal: "only 'normal <hard limit> 0 0' exists here" };
  };
  return { name, print: (bytes) => `normal ${bytes} 0 0`, parse };
}

/** A setting that CONFIG shows under Redis's name and never changes. */
export function shownForm<T>(name: string, print: (value: T) => string): RedisForm<T> {
  return { name, print, parse: () => ({ refusal: IMMUTABLE }) };
}

/** Redis's answer to changing what cannot change while it runs. */
export const IMMUTABLE = "can't set immutable config";
