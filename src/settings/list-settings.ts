// Settings of lists, by Redis's names. How nearkey packs lists does not depend on them: the first says which are named listpacks
// by OBJECT ENCODING, the second is there for programs that set it.

import { integerForm } from "./redis-forms.ts";
import type { Setting } from "./server-settings.ts";
import { count } from "./setting-kinds.ts";

const LEAST = -(2 ** 31);
const MOST = 2 ** 31 - 1;

/** Rows of the table of settings. */
export const LIST_SETTINGS = {
  listpackSize: {
    key: "list-max-listpack-size",
    group: "Memory",
    description: "which lists are named listpacks: elements at most, or with -1 to -5 KiB at most (4, 8, 16, 32, 64)",
    kind: count(LEAST, MOST),
    default: -2,
    live: true,
    redis: integerForm("list-max-listpack-size", LEAST, MOST),
  } as Setting<number>,
  listCompressDepth: {
    key: "list-compress-depth",
    group: "Memory",
    description: "taken and answered for programs that set it; no list is compressed",
    kind: count(0, MOST),
    default: 0,
    live: true,
    redis: integerForm("list-compress-depth", 0, MOST),
  } as Setting<number>,
} as const;
