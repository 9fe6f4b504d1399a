// What was found, in words and pictures: the neighbours, what most of them are, and the command that a person would type
// for the same search.

import { quoteWord } from "./command-line.ts";
import type { DigitGrid, GridDigit } from "./digit-grid.ts";
import { DIGITS_KEY } from "./digit-names.ts";
import { type Found, filterText, NEIGHBOURS, type Query } from "./digit-store.ts";

/** The elements of the view. */
export interface NeighboursParts {
  readonly grid: DigitGrid;
  readonly verdict: HTMLElement;
  /** What the digit looks like, inside the verdict. */
  readonly label: HTMLElement;
  /** How sure that is, inside the verdict. */
  readonly detail: HTMLElement;
  readonly command: HTMLElement;
  readonly runCommand: HTMLElement;
}

/** The result of a search, shown. */
export class NeighboursView {
  readonly #parts: NeighboursParts;

  constructor(parts: NeighboursParts) {
    this.#parts = parts;
  }

  /** Shows what was found; announces it when the pen rests, not while it moves. */
  show(query: Query, { digits }: Found): void {
    const { grid, verdict, command, runCommand } = this.#parts;
    const majority = majorityOf(digits);
    grid.show(digits.map((digit) => ({ ...digit, other: digit.label !== majority })));
    verdict.setAttribute("aria-live", query.settled ? "polite" : "off");
    this.#say(...verdictOf(query, digits, majority));
    command.textContent = commandOf(query);
    runCommand.hidden = query.id === undefined;
  }

  /** Shows that nothing is searched for. */
  clear(): void {
    const { grid, command, runCommand } = this.#parts;
    grid.show([]);
    this.#say("Nothing yet", "draw a digit, or pick one");
    command.textContent = "";
    runCommand.hidden = true;
  }

  #say(label: string, detail: string): void {
    this.#parts.label.textContent = label;
    this.#parts.detail.textContent = detail;
  }
}

function majorityOf(digits: readonly GridDigit[]): number | undefined {
  const votes = new Map<number, number>();
  for (const { label } of digits) votes.set(label, (votes.get(label) ?? 0) + 1);
  return [...votes].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function verdictOf(
  { label }: Query,
  digits: readonly GridDigit[],
  majority: number | undefined,
): [label: string, detail: string] {
  const [nearest] = digits;
  if (nearest === undefined || majority === undefined) return ["Nothing found", ""];
  const closest = `closest ${nearest.distance?.toFixed(3)}`;
  if (label !== undefined) return [`The nearest ${label}s`, closest];
  const agreeing = digits.filter((digit) => digit.label === majority).length;
  return [`Looks like a${majority === 8 ? "n" : ""} ${majority}`, `${agreeing} of ${digits.length} agree · ${closest}`];
}

/** The search as a person would type it; a drawing has no name to type. */
function commandOf({ id, label, cells }: Query): string {
  const element = id === undefined ? `FP32 <${cells.byteLength} bytes>` : `ELE ${quoteWord(id)}`;
  const filter = label === undefined ? "" : ` FILTER ${quoteWord(filterText(label))}`;
  return `VSIM ${DIGITS_KEY} ${element} WITHSCORES COUNT ${NEIGHBOURS + 1}${filter}`;
}
