// What an entry of the manual of commands holds, and the words that entries share. The entries of a type of values that has many
// commands lie in a file of their own beside this one.

/** One command of the manual. */
export interface ManualEntry {
  /** Arguments after the name, as Redis writes them; empty for none. */
  readonly syntax: string;
  /** Growth of the time it takes. */
  readonly complexity: string;
  /** What it does to each key, in the words of Redis's key flags; keys of several kinds are separated by a semicolon. */
  readonly keys?: string;
  /**
   * Where the number of its keys stands among its words, for a command whose table says nothing of them: they follow it. The
   * name is word 0.
   */
  readonly keyCount?: number;
  /** The same for keys that follow this word, each with an argument of its own behind all of them. */
  readonly keysBehind?: string;
  /** Where it differs from Redis. */
  readonly differs?: string;
}

/** What commands do to a key. */
export const KEY = {
  READ: "RO access",
  LOOK: "RO",
  REMOVE: "RM delete",
  CHANGE: "RW update",
  READ_AND_CHANGE: "RW access update",
  OVERWRITE: "OW update",
  COPY_TO: "RO access; OW update",
} as const;

/** Makes an entry. */
export function entry(syntax: string, complexity: string, keys?: string, differs?: string): ManualEntry {
  return { syntax, complexity, ...(keys === undefined ? {} : { keys }), ...(differs === undefined ? {} : { differs }) };
}
