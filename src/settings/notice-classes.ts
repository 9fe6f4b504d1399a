// The classes of keyspace notifications as a text, in Redis's letters.

import { Notice } from "../engine.ts";
import { textForm } from "./redis-forms.ts";
import type { Setting } from "./server-settings.ts";
import { text } from "./setting-kinds.ts";

const LETTERS: readonly (readonly [letter: string, notice: Notice])[] = [
  ["g", Notice.Generic],
  ["$", Notice.String],
  ["l", Notice.List],
  ["s", Notice.Set],
  ["h", Notice.Hash],
  ["z", Notice.SortedSet],
  ["x", Notice.Expired],
  ["e", Notice.Evicted],
  ["t", Notice.Stream],
  ["d", Notice.Module],
];
/** Not in `A`. */
const OTHERS: readonly (readonly [letter: string, notice: Notice])[] = [
  ["n", Notice.New],
  ["K", Notice.Keyspace],
  ["E", Notice.Keyevent],
  ["m", Notice.Miss],
];
const ALL = LETTERS.reduce((all, [, notice]) => all | notice, 0);

/** Reads classes; undefined when a letter is none. */
export function noticeClasses(letters: string): number | undefined {
  let classes = 0;
  for (const letter of letters) {
    const found = [...LETTERS, ...OTHERS].find(([each]) => each === letter);
    if (letter === "A") classes |= ALL;
    else if (found === undefined) return undefined;
    else classes |= found[1];
  }
  return classes;
}

/** Writes classes as Redis does. */
export function noticeLetters(classes: number): string {
  const named = (list: typeof LETTERS): string =>
    list.map(([letter, notice]) => (classes & notice ? letter : "")).join("");
  return ((classes & ALL) === ALL ? "A" : named(LETTERS)) + named(OTHERS);
}

/** A row of the table of settings. */
export const NOTICE_SETTINGS = {
  notifyKeyspaceEvents: {
    key: "notify-keyspace-events",
    group: "Access",
    description: "which changes of keys are published, in Redis's letters, such as KEA; nothing for none",
    kind: text("letters", "letters of Ag$lshzxeKEtmdn", (letters) => noticeClasses(letters) !== undefined),
    default: "",
    live: true,
    redis: textForm<string>("notify-keyspace-events", (letters) => {
      const classes = noticeClasses(letters);
      if (classes === undefined) return { refusal: "Invalid event class character. Use 'Ag$lshzxeKEtmdn'." };
      return { value: noticeLetters(classes) };
    }),
  } as Setting<string>,
};
