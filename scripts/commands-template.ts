// docs/commands.md as text, from the engine's command table and the manual beside it.

import type { CommandDescription } from "../src/engine-types.ts";
import { MANUAL, type ManualEntry } from "../src/host/command-manual.ts";

/** Groups in the order of the page, with their headings. */
const GROUPS: readonly (readonly [string, string])[] = [
  ["string", "Strings"],
  ["bitmap", "Bits of strings"],
  ["hyperloglog", "HyperLogLogs"],
  ["list", "Lists"],
  ["hash", "Hashes"],
  ["set", "Sets"],
  ["stream", "Streams"],
  ["sorted-set", "Sorted sets"],
  ["vector_set", "Vector sets"],
  ["generic", "Keys of any type"],
  ["pubsub", "Publish and subscribe"],
  ["transactions", "Transactions"],
  ["scripting", "Scripts and functions"],
  ["connection", "Connection"],
  ["server", "Server"],
];

const HEAD = `# Commands

Every command of nearkey, made from the engine's command table by \`node scripts/commands-page.mjs\`. Names, arguments,
replies and error texts are those of Redis 8; what differs is said with the command.

- **Arity** counts the name; a negative one is a minimum. **Keys** are the places of the keys among the arguments: first,
  last (negative from the end), step.
- \`write\` changes keys, \`readonly\` does not, \`denyoom\` may be refused at the memory limit, \`fast\` takes constant or
  logarithmic time, \`no_auth\` may come before the password.
- A key, a hash field and a member of a set are at most 32,704 bytes long. Any command that stores something, an expiry too, may answer
  \`OOM\` when memory is full and nothing may be evicted.
- Between \`MULTI\` and \`EXEC\` a command is queued in memory that counts for its connection, up to the limit of a
  connection's output (\`--output-limit\`). \`EXEC\` runs them with nobody's command between: however long that takes, others
  wait.
- A watched key counts as changed when it is written, deleted, moved, renamed, evicted or flushed, when its time passes,
  and when its database is swapped.
`;

/**
 * Makes the page.
 *
 * @param commands the engine's command table
 * @throws Error when a command is in one of table and manual alone, or in a group that the page has not
 */
export function commandsPage(commands: readonly CommandDescription[]): string {
  const names = new Set(commands.map(({ name }) => name));
  const stray = Object.keys(MANUAL).filter((name) => !names.has(name));
  if (stray.length > 0) throw new Error(`the manual has what the command table has not: ${stray.join(" ")}`);
  const known = new Set(GROUPS.map(([group]) => group));
  const homeless = commands.filter(({ group }) => !known.has(group));
  if (homeless.length > 0) throw new Error(`no heading for the group of ${homeless.map(({ name }) => name).join(" ")}`);
  const parts = GROUPS.map(([group, title]) => {
    const members = commands.filter((command) => command.group === group);
    return `## ${title}\n\n${members.map(section).join("\n")}`;
  });
  return `${HEAD}\n${parts.join("\n")}`;
}

/** Where the keys are of a command whose table cannot say it. */
function movingKeys({ keys, keyCount, keysBehind }: ManualEntry): string {
  if (keyCount !== undefined) return `as many as argument ${keyCount} says, behind it (${keys})`;
  return keysBehind === undefined ? "none" : `the first half of what follows ${keysBehind} (${keys})`;
}

function section(command: CommandDescription): string {
  const manual = MANUAL[command.name];
  if (manual === undefined) throw new Error(`${command.name} is not in the manual (src/host/command-manual.ts)`);
  const { name, summary, arity, flags, firstKey, lastKey, keyStep, since } = command;
  const keys = firstKey === 0 ? movingKeys(manual) : `${firstKey}, ${lastKey}, ${keyStep} (${manual.keys})`;
  const lines = [
    `### ${name}`,
    "",
    `\`${`${name} ${manual.syntax}`.trim()}\``,
    "",
    `${summary} Takes ${manual.complexity}.`,
    "",
    `Arity ${arity} · keys ${keys} · ${flags.length === 0 ? "no flags" : flags.join(" ")} · since ${since}`,
    "",
  ];
  if (manual.differs !== undefined) lines.push(`Differs from Redis: ${manual.differs}`, "");
  return lines.join("\n");
}
