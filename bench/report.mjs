// What a part of the benchmark says: tables for people, the same rows as JSON for a later comparison, and bars, each a
// ratio with what it should be. A part runs in a process of its own:
//
//   const report = startReport("engine");            // reads --quick, --rounds and --json of the command line
//   report.table("GET", columns, rows);               // columns: { key, title, format? }; rows: plain objects
//   report.bar("GET, 100,000 keys", ratio, { atLeast: 5 });
//   report.finish();

import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";

/** Options every part takes, and the report that honours them; `own` are more options, for `parseArgs`. */
export function startReport(part, own = {}) {
  const { values } = parseArgs({
    options: { quick: { type: "boolean" }, rounds: { type: "string" }, json: { type: "string" }, ...own },
  });
  return new Report(part, values);
}

class Report {
  constructor(part, options) {
    const { quick = false, rounds = quick ? 2 : 5, json } = options;
    this.part = part;
    /** The command line, with the part's own options. */
    this.options = options;
    /** True when a smoke run is asked for: few rounds, few operations, figures that mean little. */
    this.quick = quick;
    /** Interleaved rounds whose median counts. */
    this.rounds = Number(rounds);
    this.path = json;
    this.versions = {
      node: process.version,
      v8: process.versions.v8,
      cpu: cpus()[0]?.model.trim(),
      cores: cpus().length,
    };
    this.tables = [];
    this.bars = [];
  }

  /** Names a program and its version, once for each peer. */
  peer(name, version) {
    this.versions[name] = version;
  }

  /** Prints a table; columns of numbers are right-aligned. */
  table(title, columns, rows) {
    this.tables.push({ title, rows });
    const cells = rows.map((row) => columns.map(({ key, format }) => show(row[key], format)));
    const widths = columns.map(({ title }, index) => Math.max(title.length, ...cells.map((row) => row[index].length)));
    const line = (texts, right) =>
      texts.map((text, index) => (right(index) ? text.padStart(widths[index]) : text.padEnd(widths[index]))).join("  ");
    const numeric = (index) => rows.some((row) => typeof row[columns[index].key] === "number");
    console.log(`\n${title}`);
    console.log(
      line(
        columns.map(({ title }) => title),
        numeric,
      ),
    );
    for (const row of cells) console.log(line(row, numeric));
  }

  /** A figure with its bar, printed with the verdict. */
  bar(name, value, { atLeast, atMost, unit = "" }) {
    const met = atLeast === undefined ? value <= atMost : value >= atLeast;
    this.bars.push({ name, value, atLeast, atMost, unit, met });
    console.log(describeBar({ name, value, atLeast, atMost, unit, met }));
  }

  /** Prints a sentence under the last table. */
  note(text) {
    console.log(text);
  }

  /** Prints the versions and writes the JSON, when asked for. */
  finish() {
    const versions = Object.entries(this.versions).map(([name, version]) => `${name} ${version}`);
    console.log(`\n${versions.join(", ")}${this.quick ? ", a quick run: its figures mean little" : ""}`);
    const { part, quick, rounds, tables, bars } = this;
    const result = { part, when: new Date().toISOString(), quick, rounds, versions: this.versions, tables, bars };
    if (this.path !== undefined) writeFileSync(this.path, `${JSON.stringify(result, undefined, 2)}\n`);
  }
}

/** One line for a bar: met or missed, the figure, and what it should be. */
export function describeBar({ name, value, atLeast, atMost, unit, met }) {
  const bound = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
  return `${met ? "met   " : "MISSED"}  ${name}: ${fixed(2)(value)}${unit} (${bound}${unit})`;
}

/** Formats for columns. */
export const fixed = (digits) => (value) => value.toFixed(digits);
export const rate = (value) => (value >= 1e6 ? `${(value / 1e6).toFixed(2)} M/s` : `${(value / 1e3).toFixed(1)} k/s`);
export const percent = (value) => `${(value * 100).toFixed(0)}%`;
export const times = (value) => `${value.toFixed(2)}x`;

function show(value, format) {
  if (value === undefined || value === null || Number.isNaN(value)) return "-";
  return format === undefined ? String(value) : format(value);
}
