// What an import refused: counted by reason, with the places of the first few, so that a million bad lines are one line
// to read and the first of them can be looked at.

import { countText } from "../figures.ts";

const PLACES = 5;

/** Rows refused for one reason. */
export interface Refusal {
  readonly code: string;
  /** The message of the first of them. */
  readonly message: string;
  count: number;
  /** Where the first few are. */
  readonly places: string[];
}

/** Counts refused rows. */
export class Refusals {
  readonly #byCode = new Map<string, Refusal>();
  /** All of them. */
  count = 0;

  /** Adds one row. */
  add(code: string, message: string, place: string): void {
    this.count++;
    const refusal = this.#byCode.get(code) ?? { code, message, count: 0, places: [] };
    refusal.count++;
    if (refusal.places.length < PLACES) refusal.places.push(place);
    this.#byCode.set(code, refusal);
  }

  /** The reasons, most frequent first. */
  list(): Refusal[] {
    return [...this.#byCode.values()].sort((a, b) => b.count - a.count);
  }

  /** A line for each reason. */
  text(): string {
    const lines = this.list().map(({ count, message, places }) => {
      const more = count > places.length ? ", …" : "";
      return `  ${countText(count).padStart(7)}  ${message} (${places.join(", ")}${more})`;
    });
    return [`refused ${countText(this.count)}:`, ...lines].join("\n");
  }
}
