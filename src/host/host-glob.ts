// Redis's glob patterns over short names of the host (settings, commands); keys are matched inside the engine.

/**
 * Tells whether `text` matches a pattern of Redis's globs: `*`, `?`, `[a-c]`, `[^a]` and `\` before a literal. On a
 * mismatch it goes back to the last `*` only, so the time is at most the product of both lengths.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let starText = 0;
  let index = 0;
  while (index < text.length) {
    const width = pattern[at] === "*" ? 0 : matchOne(pattern, at, text.charCodeAt(index));
    if (pattern[at] === "*") {
      star = at++;
      starText = index;
    } else if (width > 0) {
      at += width;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++starText;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

/** Matches one character against the pattern's item at `at`; the item's length, or 0 when it does not match. */
function matchOne(pattern: string, at: number, code: number): number {
  switch (pattern[at]) {
    case undefined:
      return 0;
    case "?":
      return 1;
    case "[":
      return matchClass(pattern, at, code);
    case "\\":
      return at + 1 < pattern.length ? (pattern.charCodeAt(at + 1) === code ? 2 : 0) : code === 92 ? 1 : 0;
    default:
      return pattern.charCodeAt(at) === code ? 1 : 0;
  }
}

function matchClass(pattern: string, start: number, code: number): number {
  let at = start + 1;
  const negated = pattern[at] === "^";
  if (negated) at++;
  let hit = false;
  for (; at < pattern.length && pattern[at] !== "]"; at++) {
    if (pattern[at] === "\\" && at + 1 < pattern.length) at++;
    const low = pattern.charCodeAt(at);
    const ranged = pattern[at + 1] === "-" && at + 2 < pattern.length;
    const high = ranged ? pattern.charCodeAt(at + 2) : low;
    if (ranged) at += 2;
    if (code >= Math.min(low, high) && code <= Math.max(low, high)) hit = true;
  }
  const end = Math.min(at + 1, pattern.length);
  return hit !== negated ? end - start : 0;
}
