// Every error that nearkey throws is a NearkeyError with a stable code, and this is the list of the codes. An error
// reply is a plain value (ReplyError, no stack trace: a pipeline may hold thousands) until somebody throws it; then
// its code follows from Redis's prefix, or from the text where Redis says no more than ERR. docs/errors.md explains
// each code in a sentence; a test compares both lists.

/** The stable codes of NearkeyError; docs/errors.md says what each means and what to do about it. */
export const errorCodes = [
  "aborted",
  "authentication-required",
  "closed",
  "closed-by-server",
  "command-failed",
  "connection-failed",
  "connection-lost",
  "directory-in-use",
  "engine-failed",
  "integer-overflow",
  "invalid-argument",
  "invalid-option",
  "listen-failed",
  "load-failed",
  "log-full",
  "not-a-number",
  "not-finite",
  "not-permitted",
  "not-sent",
  "options-differ",
  "out-of-memory",
  "protocol-error",
  "read-only",
  "reply-too-large",
  "storage-damaged",
  "storage-failed",
  "syntax-error",
  "timed-out",
  "unknown-command",
  "unsafe-integer",
  "unsupported",
  "wrong-argument-count",
  "wrong-dimension",
  "wrong-password",
  "wrong-type",
  "zero-vector",
] as const;

/** One of the codes listed in docs/errors.md. */
export type NearkeyErrorCode = (typeof errorCodes)[number];

/** The one class of errors that nearkey throws. Decide by `code`; the message is for people and may change. */
export class NearkeyError extends Error {
  override readonly name = "NearkeyError";
  /** What happened, as a stable kebab-case word. */
  readonly code: NearkeyErrorCode;

  constructor(code: NearkeyErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** An error reply as it came over the wire: `ERR …`, `WRONGTYPE …`. A value, not an exception. */
export class ReplyError {
  /** The whole line, prefix included. */
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }

  /** The first word: `ERR`, `WRONGTYPE`, `OOM` … */
  get prefix(): string {
    const space = this.message.indexOf(" ");
    return space < 0 ? this.message : this.message.slice(0, space);
  }
}

const codeOfPrefix: Readonly<Record<string, NearkeyErrorCode>> = {
  WRONGTYPE: "wrong-type",
  OOM: "out-of-memory",
  NOAUTH: "authentication-required",
  WRONGPASS: "wrong-password",
  NOPERM: "not-permitted",
  NOPROTO: "unsupported",
  MISCONF: "read-only",
};

/** Tried in this order on replies whose prefix says nothing; texts are Redis's, so they are as stable as its tests. */
const codeOfText: readonly (readonly [RegExp, NearkeyErrorCode])[] = [
  [/^ERR unknown (command|subcommand)/i, "unknown-command"],
  [/^ERR wrong number of arguments/i, "wrong-argument-count"],
  [/^ERR syntax error/i, "syntax-error"],
  [/^ERR Protocol error/i, "protocol-error"],
  [/^ERR (increment or decrement would overflow|value is out of range)/i, "integer-overflow"],
  [/^ERR (value|hash value|min or max|increment)\b.* not (an integer|a valid float|a float)/i, "not-a-number"],
  [/^ERR .*\b(NaN|infinity|infinite)\b/i, "not-finite"],
  [/^ERR Vector dimension/i, "wrong-dimension"],
  [/^ERR a vector of length zero/i, "zero-vector"],
  [/^ERR asked .* mismatch/i, "options-differ"],
  [/^ERR attributes are too long/i, "invalid-argument"],
  [/^ERR (an index is declared|invalid path|a vector set has \d+ indexes)/, "invalid-argument"],
  [/^ERR (NOORIGINALS needs|the set keeps no originals)/, "invalid-option"],
  [/^ERR [a-z ]+ exceeds \d+ bytes/i, "invalid-argument"],
];

/**
 * Finds the code of an error reply: by its prefix, then by its text, else `command-failed`.
 *
 * @param message the whole line, as in `ReplyError.message`
 */
export function codeOfReply(message: string): NearkeyErrorCode {
  const space = message.indexOf(" ");
  const prefix = space < 0 ? message : message.slice(0, space);
  if (Object.hasOwn(codeOfPrefix, prefix)) return codeOfPrefix[prefix] as NearkeyErrorCode;
  for (const [text, code] of codeOfText) {
    if (text.test(message)) return code;
  }
  return "command-failed";
}

/** Makes the error that an error reply is thrown as; its message is the reply's own text. */
export function errorOfReply(reply: ReplyError): NearkeyError {
  return new NearkeyError(codeOfReply(reply.message), reply.message);
}
