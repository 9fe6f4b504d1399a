// A place where the search runs, the server or this tab, as a row of the page: its switch, and what a search there
// takes. Both rows show the same search, so that the times can be compared.

import type { DigitStore, Found, Query } from "./digit-store.ts";

/** The elements of a row. */
export interface PlaceParts {
  readonly radio: HTMLInputElement;
  readonly timing: HTMLElement;
}

/** A place to search in. */
export class SearchPlace {
  readonly #parts: PlaceParts;
  #store: DigitStore | undefined;

  /** @param store the digits there; undefined until `filled` */
  constructor(parts: PlaceParts, store: DigitStore | undefined) {
    this.#parts = parts;
    this.#store = store;
  }

  /** Whether it is the one whose results are shown. */
  get chosen(): boolean {
    return this.#parts.radio.checked;
  }

  /** The digits there, once there are any. */
  get store(): DigitStore | undefined {
    return this.#store;
  }

  /** From now on it can be searched. */
  filled(store: DigitStore): void {
    this.#store = store;
    this.say("");
  }

  /** Searches there and shows how long that took. */
  async search(query: Query): Promise<Found> {
    if (this.#store === undefined) throw new Error("there are no digits here yet");
    const found = await this.#store.search(query);
    this.say(`${milliseconds(found.roundTripMs)} round trip`);
    return found;
  }

  /** Adds what the engine alone takes to the line that `search` wrote. */
  async measure(query: Query): Promise<void> {
    if (this.#store === undefined) return;
    const { timing } = this.#parts;
    const before = timing.textContent;
    const engineMs = await this.#store.searchMs(query);
    // Another search has written its line meanwhile, or this one has been measured.
    if (timing.textContent !== before || timing.querySelector("b") !== null) return;
    const engine = document.createElement("b");
    engine.textContent = milliseconds(engineMs);
    timing.prepend(engine, " in the engine\n");
  }

  /** Says something in place of a time. */
  say(text: string): void {
    this.#parts.timing.textContent = text;
  }

  /** Shows the results of this place. */
  choose(): void {
    this.#parts.radio.checked = true;
  }
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 1 ? 2 : ms < 10 ? 1 : 0)} ms`;
}
