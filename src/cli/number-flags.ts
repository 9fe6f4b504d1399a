// Flags that take numbers: what commander reads as text is checked here, and the error says what the flag takes.

import { InvalidArgumentError } from "commander";

/** Reads a whole number between two bounds. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    const bounds = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It takes a whole number ${bounds}.`);
  };
}

/** Reads a number of seconds above 0. */
export function secondsNumber(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 86_400) return value;
  throw new InvalidArgumentError("It takes a number of seconds above 0.");
}
