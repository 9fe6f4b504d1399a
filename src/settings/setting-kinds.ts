// The kinds of values that settings have: how each is read from a flag, a variable or a file (text or TOML's own
// types), what is allowed in words, and how it is written back. A kind is a valibot schema with one message for
// whatever may be wrong, because the only useful answer to a wrong value is what would be right.

import * as v from "valibot";
import { sizeOfText } from "../options.ts";

/** A value as TOML has it. */
export type TomlValue = string | number | boolean | readonly string[];

/** A kind of value. */
export interface Kind<T> {
  /** What stands behind a flag in its help: `size`, `duration`. */
  readonly placeholder: string;
  /** What is allowed, as it completes the sentence "it takes …". */
  readonly allowed: string;
  /** Reads what a flag, a variable or a file says. */
  readonly schema: v.GenericSchema<unknown, T>;
  /** Writes a value so that `schema` reads it again. */
  print(value: T): TomlValue;
}

const KIBI = 1024;
const ANY_TEXT = v.union([v.string(), v.number()]);

/** A size as Redis writes it, in bytes. */
export function size(bytesMin: number, bytesMax: number): Kind<number> {
  const allowed = `a size such as "512mb" (kb is 1,024, k is 1,000), from ${sizeText(bytesMin)} to ${sizeText(bytesMax)}`;
  const read = (input: string | number): number => (typeof input === "string" ? sizeOfText(input) : input);
  const inRange = (bytes: number): boolean => Number.isSafeInteger(bytes) && bytes >= bytesMin && bytes <= bytesMax;
  const schema = v.message(v.pipe(ANY_TEXT, v.transform(read), v.number(), v.check(inRange)), allowed);
  return { placeholder: "size", allowed, schema, print: sizeText };
}

/** A size as it may be written: in the largest unit that divides it. */
export function sizeText(bytes: number): string {
  const units = ["", "kb", "mb", "gb"];
  let value = bytes;
  let unit = 0;
  for (; unit < units.length - 1 && value % KIBI === 0 && value > 0; unit++) value /= KIBI;
  return `${value}${units[unit]}`;
}

/** Units of time and how many microseconds each is. */
const MICROSECONDS: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6 };

/** What a duration counts and allows; bounds are in its unit. */
export interface DurationRules {
  readonly unit: "us" | "ms";
  readonly min: number;
  readonly max: number;
  /** Where a duration must be whole ones of a larger unit, that unit in microseconds. */
  readonly step?: number;
  /** The value that `off` stands for. */
  readonly off?: number;
}

/** A duration with its unit: `us`, `ms`, `s`, `m`, `h`. */
export function duration(rules: DurationRules): Kind<number> {
  const { unit, min, max, off } = rules;
  const scale = MICROSECONDS[unit] as number;
  const step = (rules.step ?? scale) / scale;
  const whole = rules.step === MICROSECONDS.s ? "whole seconds, " : "";
  const units = unit === "us" ? "us, ms, s, m or h" : "ms, s, m or h";
  const orOff = off === undefined ? "" : `, or "off"`;
  const print = (value: number): string => (value === off ? "off" : durationText(value * scale));
  const allowed = `a duration such as "10s", in ${whole}${units}, from ${durationText(min * scale)} to ${durationText(max * scale)}${orOff}`;
  const read = (input: string): number => {
    if (input.trim().toLowerCase() === "off") return off ?? Number.NaN;
    const match = /^(\d{1,15})(us|ms|s|m|h)$/.exec(input.trim().toLowerCase());
    return match === null ? Number.NaN : (Number(match[1]) * (MICROSECONDS[match[2] as string] as number)) / scale;
  };
  const inRange = (value: number): boolean => value === off || (value >= min && value <= max && value % step === 0);
  const schema = v.message(v.pipe(v.string(), v.transform(read), v.number(), v.check(inRange)), allowed);
  return { placeholder: "duration", allowed, schema, print };
}

function durationText(microseconds: number): string {
  const [unit, factor] = Object.entries(MICROSECONDS).findLast(
    ([, each]) => microseconds % each === 0 && microseconds >= each,
  ) ?? ["ms", 1e3];
  return `${microseconds / factor}${unit}`;
}

/** A whole number. */
export function count(min: number, max: number): Kind<number> {
  const allowed = `a whole number from ${min} to ${max}`;
  const schema = v.message(v.pipe(wholeNumber(), v.minValue(min), v.maxValue(max)), allowed);
  return { placeholder: "number", allowed, schema, print: Number };
}

/** A TCP port; with `off`, 0 means none. */
export function port(zero: "chosen"): Kind<number>;
export function port(zero: "off"): Kind<number | undefined>;
export function port(zero: "chosen" | "off"): Kind<number | undefined> {
  const allowed = `a whole number from 0 to 65535; 0 ${zero === "off" ? "is off" : "lets the system choose"}`;
  const read = (value: number): number | undefined => (value === 0 && zero === "off" ? undefined : value);
  const schema = v.message(v.pipe(wholeNumber(), v.minValue(0), v.maxValue(65_535), v.transform(read)), allowed);
  return { placeholder: "number", allowed, schema, print: (value) => value ?? 0 };
}

function wholeNumber() {
  const digits = v.pipe(v.string(), v.trim(), v.regex(/^\d{1,15}$/), v.transform(Number));
  return v.pipe(v.union([digits, v.number()]), v.safeInteger());
}

/** One of a few words. */
export function choice<const T extends string>(words: readonly T[]): Kind<T> {
  const allowed = `one of ${words.join(", ")}`;
  const schema = v.message(v.pipe(v.string(), v.trim(), v.picklist(words)), allowed);
  return { placeholder: "word", allowed, schema, print: (value) => value };
}

const YES = ["yes", "true", "on", "1"];
const NO = ["no", "false", "off", "0"];

/** Yes or no. */
export function toggle(): Kind<boolean> {
  const allowed = "yes or no (true and false in a file)";
  const words = v.pipe(v.string(), v.trim(), v.toLowerCase(), v.picklist([...YES, ...NO]));
  const schema = v.message(
    v.union([
      v.boolean(),
      v.pipe(
        words,
        v.transform((word) => YES.includes(word)),
      ),
    ]),
    allowed,
  );
  return { placeholder: "yes|no", allowed, schema, print: (value) => value };
}

/** A text that a check accepts. */
export function text(placeholder: string, allowed: string, accepts: (text: string) => boolean): Kind<string> {
  const schema = v.message(v.pipe(v.string(), v.trim(), v.check(accepts)), allowed);
  return { placeholder, allowed, schema, print: (value) => value };
}

/** A text whose blanks count, such as a password. */
export function secret(allowed: string, accepts: (text: string) => boolean): Kind<string> {
  const schema = v.message(v.pipe(v.string(), v.check(accepts)), allowed);
  return { placeholder: "text", allowed, schema, print: (value) => value };
}

/** Several texts: an array in a file, a flag given several times, commas in a variable. */
export function list(placeholder: string, each: string, accepts: (text: string) => boolean): Kind<readonly string[]> {
  const allowed = `${each}; several as an array in a file, as a flag repeated, with commas in a variable`;
  const parts = v.pipe(
    v.string(),
    v.transform((input) => input.split(",")),
  );
  const item = v.pipe(v.string(), v.trim(), v.check(accepts));
  const schema = v.message(v.pipe(v.union([v.array(v.string()), parts]), v.array(item)), allowed);
  return { placeholder, allowed, schema, print: (value) => value };
}
