// Numbers as Redis and Lua print them: arguments of commands by the shortest digits that read back the same, whole numbers never
// with an exponent while they fit 64 bits; JSON and Lua's own text by 14 digits.

/** Whole numbers below it are printed as such when they are arguments of a command: 2^62. */
const WHOLE_MAX = 2 ** 62;
/** Digits after which C's `%.14g` turns to an exponent. */
const LUA_DIGITS = 14;

/** A number as an argument of a command. */
export function argumentText(value: number): string {
  if (Number.isSafeInteger(value)) return String(value + 0);
  if (Number.isInteger(value) && Math.abs(value) < WHOLE_MAX) return String(BigInt(value));
  return shortestText(value);
}

/** Shortest digits that read back as the same number; an exponent where Redis writes one. */
export function shortestText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const [mantissa = "", power = "0"] = Math.abs(value).toExponential().split("e");
  return sign + place(mantissa.replace(".", ""), Number(power));
}

/** Digits of which the first is worth 10^`power`. */
function place(digits: string, power: number): string {
  const last = power - digits.length + 1;
  const distance = Math.abs(power);
  if (last >= 0 && distance < digits.length + 7) return digits + "0".repeat(last);
  if (last < 0 && (last > -7 || distance < 4)) {
    const whole = power + 1;
    return whole <= 0 ? `0.${"0".repeat(-whole)}${digits}` : `${digits.slice(0, whole)}.${digits.slice(whole)}`;
  }
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
  return `${digits.slice(0, 1)}${fraction}e${power < 0 ? "-" : "+"}${distance}`;
}

/** As C's `%.<digits>g`. */
export function generalText(value: number, digits = LUA_DIGITS): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (digits === LUA_DIGITS && Number.isInteger(value) && Math.abs(value) < 1e14 && !Object.is(value, -0)) {
    return String(value);
  }
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const [mantissa = "", power = "0"] = Math.abs(value)
    .toExponential(digits - 1)
    .split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= digits) {
    const two = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${withoutZeros(mantissa)}e${exponent < 0 ? "-" : "+"}${two}`;
  }
  return sign + withoutZeros(Math.abs(value).toFixed(Math.max(0, digits - 1 - exponent)));
}

function withoutZeros(decimal: string): string {
  return decimal.includes(".") ? decimal.replace(/\.?0+$/, "") : decimal;
}
