// The settings as texts for people: a file with every default to begin with, and the page docs/settings.md. Both come
// from the table, so neither can say anything else than what the server does.

import { GROUPS, type Setting, settingEntries, variableOf } from "./server-settings.ts";
import { tomlText } from "./settings-file.ts";

const inGroup = (group: string): Setting<unknown>[] =>
  settingEntries.map(([, setting]) => setting).filter((setting) => setting.group === group);

/** A settings file that says what holds anyway; what has no default stands in comments. */
export function settingsTemplate(): string {
  const groups = GROUPS.map((group) => {
    const lines = inGroup(group).map((setting) => {
      const { key, description, kind } = setting;
      const value =
        setting.default === undefined && key !== "resp-port" ? undefined : tomlText(kind.print(setting.default));
      return `# ${description}\n${value === undefined ? `# ${key} = "…"` : `${key} = ${value}`}\n`;
    });
    return `# ---- ${group}\n\n${lines.join("\n")}`;
  });
  return `# Settings of nearkey; docs/settings.md explains them, 'nearkey config check' checks them.\n\n${groups.join("\n")}`;
}

const INTRODUCTION = `<!-- Made by scripts/settings-page.mjs from src/settings/server-settings.ts; change it there. -->

# Settings

A setting has one name everywhere: \`max-memory\` in the file, \`--max-memory\` as a flag, \`NEARKEY_MAX_MEMORY\` as a variable.
Flags come before variables, variables before the file, the file before the defaults.

\`\`\`sh
nearkey config print --default > nearkey.toml     # a file to begin with
nearkey config check --config nearkey.toml        # every problem at once; ends with 0 or 1
nearkey config print --config nearkey.toml        # what holds, and who said it
nearkey serve --config nearkey.toml               # or NEARKEY_CONFIG=nearkey.toml
\`\`\`

The file is [TOML](https://toml.io) with one line a setting and no tables. Files that it names lie beside it.

- **Sizes** are written as Redis writes them: \`kb\`, \`mb\` and \`gb\` are powers of 1,024; \`k\`, \`m\` and \`g\` of 1,000; a number alone
  is bytes.
- **Durations** have a unit: \`us\`, \`ms\`, \`s\`, \`m\`, \`h\`. \`"off"\` where it is allowed.
- **Lists** are arrays in the file, a flag given several times, commas in a variable.
- An unknown key is an error and names the nearest one. An unknown \`NEARKEY_\` variable is only a warning: Kubernetes sets
  such for every service that bears the name. (It also sets \`NEARKEY_PORT=tcp://…\` for a service named nearkey: \`enableServiceLinks:
  false\` keeps that out.) An empty variable says nothing.

**While it runs**, \`CONFIG SET\` changes what is marked *live*, all settings of one command or none, under the name in the
column CONFIG and in Redis's notation: bytes, seconds (microseconds for the slow log), \`normal <bytes> 0 0\`. \`CONFIG REWRITE\`
writes what was changed that way into the file, on the lines where it stands, a password as its hash; flags and variables
still come before it at the next start. \`CONFIG GET\` answers every setting but a password.
`;

/** The page docs/settings.md. */
export function settingsPage(): string {
  const groups = GROUPS.map((group) => {
    const rows = inGroup(group).map((setting) => {
      const { key, description, kind, redis } = setting;
      const cells = [
        code(key),
        `${description}. It takes ${kind.allowed}`,
        defaultCell(setting),
        code(redis?.name ?? key),
        liveCell(setting),
      ];
      return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
    });
    return `## ${group}\n\n| setting | what it does | default | CONFIG | live |\n| --- | --- | --- | --- | --- |\n${rows.join("\n")}\n`;
  });
  return [INTRODUCTION, ...groups, variables()].join("\n");
}

function defaultCell({ default: value, kind }: Setting<unknown>): string {
  return value === undefined || (Array.isArray(value) && value.length === 0)
    ? "none"
    : code(tomlText(kind.print(value)));
}

function liveCell({ live }: Setting<unknown>): string {
  if (live === undefined || live === false) return "";
  return live === true ? "yes" : live;
}

function variables(): string {
  const names = settingEntries.map(([, { key }]) => code(variableOf(key))).join(", ");
  return `## Variables\n\n${["`NEARKEY_CONFIG` (the file), ", names].join("")}.\n`;
}

function code(text: string): string {
  return `\`${text}\``;
}
