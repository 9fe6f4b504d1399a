// The page: wires pad, grids, filter and console to the database. What is on screen follows from four things (the query,
// the label, the place that is searched, the connection), each with one function that changes it. The first view is never empty: a sample is
// drawn and its first digit searched for as soon as there is a connection.

import { CommandConsole } from "./command-console.ts";
import { Connection } from "./connection.ts";
import { DigitGrid, type GridDigit } from "./digit-grid.ts";
import { DIGITS_KEY } from "./digit-names.ts";
import { DigitStore, type Found, type Query } from "./digit-store.ts";
import { makeLabelFilter } from "./label-filter.ts";
import { LatestSearch } from "./latest-search.ts";
import { NeighboursView } from "./neighbours-view.ts";
import { Pad } from "./pad.ts";
import { Painter } from "./painter.ts";
import { SearchPlace } from "./search-place.ts";
import { normalize, rasterize } from "./strokes.ts";
import { fillTab } from "./tab-engine.ts";

/** Digits to choose from. */
const SAMPLE = 30;
/** The engine's share is measured when nothing was asked for so long. */
const REST_MS = 250;
/** How often to look for digits in a server that has none yet. */
const LOADING_MS = 2000;

const SUGGESTIONS = [
  "PING",
  `VINFO ${DIGITS_KEY}`,
  `VSIM ${DIGITS_KEY} ELE 7-1 WITHSCORES COUNT 5`,
  "SET greeting hello EX 60",
  "TTL greeting",
  "INFO memory",
];

function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`the page has no ${type.name} #${id}`);
}

class Demo {
  readonly #painter = new Painter();
  readonly #connection = new Connection({
    status: byId("connection", HTMLElement),
    form: byId("password-form", HTMLFormElement),
    password: byId("password", HTMLInputElement),
    connected: () => void this.#load(),
  });
  readonly #store = new DigitStore(() => this.#connection.client());
  readonly #pad = new Pad(
    {
      canvas: byId("pad", HTMLCanvasElement),
      brush: byId("brush", HTMLElement),
      state: byId("pad-state", HTMLElement),
      painter: this.#painter,
    },
    { drawing: () => this.#draw(false), drawn: () => this.#draw(true), enter: () => this.#again() },
  );
  readonly #sample = new DigitGrid(byId("sample", HTMLElement), this.#painter, (digit) => this.#pick(digit));
  readonly #neighbours = new NeighboursView({
    grid: new DigitGrid(byId("results", HTMLElement), this.#painter, (digit) => this.#pick(digit)),
    verdict: byId("verdict", HTMLElement),
    label: byId("verdict-label", HTMLElement),
    detail: byId("verdict-detail", HTMLElement),
    command: byId("command-text", HTMLElement),
    runCommand: byId("run-command", HTMLButtonElement),
  });
  readonly #server = new SearchPlace(
    { radio: byId("in-server", HTMLInputElement), timing: byId("timing", HTMLElement) },
    this.#store,
  );
  readonly #tab = new SearchPlace(
    { radio: byId("in-tab", HTMLInputElement), timing: byId("timing-tab", HTMLElement) },
    undefined,
  );
  readonly #search = new LatestSearch<Query, Found>(
    (query) => (this.#tab.chosen && this.#tab.store ? this.#tab : this.#server).search(query),
    (query, found) => this.#found(query, found),
    (error) => this.#fail(error),
  );
  readonly #console = new CommandConsole(
    {
      log: byId("log", HTMLElement),
      form: byId("console-form", HTMLFormElement),
      line: byId("line", HTMLInputElement),
    },
    (words) => this.#connection.runForConsole(words),
  );
  #query: Pick<Query, "cells" | "id"> | undefined;
  #label: number | undefined;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #filling = false;

  constructor() {
    makeLabelFilter(byId("filter", HTMLFieldSetElement), (label) => {
      this.#label = label;
      this.#again();
    });
    byId("where", HTMLFieldSetElement).addEventListener("change", () => this.#moved());
    byId("search", HTMLButtonElement).addEventListener("click", () => this.#again());
    byId("undo", HTMLButtonElement).addEventListener("click", () => this.#pad.undo());
    byId("clear", HTMLButtonElement).addEventListener("click", () => this.#pad.clear());
    byId("resample", HTMLButtonElement).addEventListener("click", () => void this.#resample());
    byId("run-command", HTMLButtonElement).addEventListener("click", () => {
      void this.#console.run(byId("command-text", HTMLElement).textContent);
    });
    this.#suggest(byId("suggestions", HTMLElement));
    this.#neighbours.clear();
  }

  /** Fills the first view, and refreshes the count after each reconnection. */
  async #load(): Promise<void> {
    try {
      const count = await this.#store.count();
      showCount(count);
      if (count === 0) {
        notify("This server holds no digits yet: `npm start` (or `nearkey demo`) starts one that loads them.");
        setTimeout(() => void this.#load(), LOADING_MS);
        return;
      }
      notify(undefined);
      if (this.#query !== undefined) return this.#again();
      const [first] = await this.#resample();
      if (first !== undefined) this.#pick(first);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The other place was chosen; the tab's engine is filled when it is chosen first. */
  #moved(): void {
    if (this.#tab.chosen && this.#tab.store === undefined) void this.#fill();
    else this.#again();
  }

  async #fill(): Promise<void> {
    if (this.#filling) return;
    this.#filling = true;
    const bar = byId("tab-progress", HTMLProgressElement);
    bar.hidden = false;
    try {
      const store = await fillTab(await this.#connection.client(), (done, count) => {
        bar.max = count;
        bar.value = done;
        this.#tab.say(`loading ${done.toLocaleString("en")} of ${count.toLocaleString("en")}`);
      });
      this.#tab.filled(store);
      this.#again();
    } catch (error) {
      this.#tab.say("not loaded: choose it to try again");
      this.#server.choose();
      this.#fail(error);
    }
    bar.hidden = true;
    this.#filling = false;
  }

  async #resample(): Promise<readonly GridDigit[]> {
    try {
      const digits = await this.#store.sample(SAMPLE);
      this.#sample.show(digits);
      this.#sample.press(this.#query?.id);
      return digits;
    } catch (error) {
      this.#fail(error);
      return [];
    }
  }

  #pick({ id, picture }: GridDigit): void {
    const cells = Float32Array.from(picture, (byte) => byte / 255);
    this.#pad.show(picture);
    this.#ask({ cells, id }, true);
  }

  #draw(settled: boolean): void {
    const cells = normalize(this.#pad.strokes);
    if (cells !== undefined) {
      this.#ask({ cells, id: undefined }, settled);
      return;
    }
    clearTimeout(this.#rest);
    this.#search.cancel();
    this.#query = undefined;
    this.#showQuery(rasterize([]));
    this.#neighbours.clear();
    for (const place of [this.#server, this.#tab]) if (place.store !== undefined) place.say("");
  }

  #again(): void {
    if (this.#query !== undefined) this.#ask(this.#query, true);
  }

  #ask(query: Pick<Query, "cells" | "id">, settled: boolean): void {
    clearTimeout(this.#rest);
    this.#query = query;
    this.#showQuery(query.cells);
    this.#search.search({ ...query, label: this.#label, settled });
  }

  #showQuery(cells: Float32Array): void {
    this.#painter.paint(byId("normalized", HTMLCanvasElement), cells);
    this.#sample.press(this.#query?.id);
  }

  #found(query: Query, found: Found): void {
    if (this.#query === undefined) return; // cleared while the answer travelled
    notify(undefined);
    this.#neighbours.show(query, found);
    if (!query.settled) return;
    this.#rest = setTimeout(() => void this.#measure(query), REST_MS);
  }

  /** Fills in the times of both places: the one that was not asked gets the same search first. */
  async #measure(query: Query): Promise<void> {
    const [shown, other] = this.#tab.chosen ? [this.#tab, this.#server] : [this.#server, this.#tab];
    try {
      showCount(await this.#store.count());
      await shown.measure(query);
      if (other.store !== undefined && this.#query?.cells === query.cells) {
        await other.search(query);
        await other.measure(query);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A lost connection shows in the status line; anything else is said. */
  #fail(error: unknown): void {
    if (!this.#connection.lost(error)) notify(error instanceof Error ? error.message : String(error));
  }

  #suggest(container: HTMLElement): void {
    for (const line of SUGGESTIONS) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = line;
      button.addEventListener("click", () => void this.#console.run(line));
      container.append(button);
    }
  }
}

function showCount(count: number): void {
  byId("count", HTMLElement).textContent = count.toLocaleString("en");
}

function notify(text: string | undefined): void {
  const notice = byId("notice", HTMLElement);
  notice.hidden = text === undefined;
  notice.textContent = text ?? "";
}

new Demo();
