// A grid of digits that are buttons. Only one of them is a stop of the Tab key; the arrows move between them, by the
// columns that the style sheet happens to give. Buttons are made once and reused, so that neither focus nor layout
// jumps while results change under a moving pen.

import type { Painter, Picture } from "./painter.ts";

/** What a grid shows of a digit. */
export interface GridDigit {
  readonly id: string;
  readonly label: number;
  readonly picture: Picture;
  /** Cosine distance from the query; a grid of samples has none. */
  readonly distance?: number;
  /** Marked as unlike the rest. */
  readonly other?: boolean;
}

/** A grid in a container of the page. */
export class DigitGrid {
  readonly #container: HTMLElement;
  readonly #painter: Painter;
  readonly #cells: Cell[] = [];
  #shown: readonly GridDigit[] = [];

  constructor(container: HTMLElement, painter: Painter, pick: (digit: GridDigit) => void) {
    this.#container = container;
    this.#painter = painter;
    container.addEventListener("click", (event) => {
      const digit = this.#shown[this.#indexOf(event.target)];
      if (digit !== undefined) pick(digit);
    });
    container.addEventListener("keydown", (event) => this.#move(event));
    container.addEventListener("focusin", (event) => this.#rove(this.#indexOf(event.target)));
  }

  /** Shows these digits, and nothing of earlier ones. */
  show(digits: readonly GridDigit[]): void {
    this.#shown = digits;
    while (this.#cells.length < digits.length) this.#add();
    for (const [index, cell] of this.#cells.entries()) {
      const digit = digits[index];
      cell.button.hidden = digit === undefined;
      if (digit !== undefined) this.#fill(cell, digit);
    }
    if (!this.#cells.some(({ button }) => button.tabIndex === 0 && !button.hidden)) this.#rove(0);
  }

  /** Marks the digit that is searched for, if it is here. */
  press(id: string | undefined): void {
    for (const [index, { button }] of this.#cells.entries()) {
      button.setAttribute("aria-pressed", String(id !== undefined && this.#shown[index]?.id === id));
    }
  }

  #add(): void {
    const cell = newCell();
    this.#container.append(cell.button);
    this.#cells.push(cell);
  }

  #fill(cell: Cell, { id, label, picture, distance, other = false }: GridDigit): void {
    this.#painter.paint(cell.canvas, picture);
    const { button } = cell;
    button.dataset.id = id;
    button.classList.toggle("other", other);
    const far = distance === undefined ? "" : distance.toFixed(3);
    button.setAttribute("aria-label", far === "" ? `a ${label}` : `a ${label}, distance ${far}`);
    cell.facts.hidden = distance === undefined;
    cell.label.textContent = String(label);
    cell.distance.textContent = far;
  }

  #indexOf(target: EventTarget | null): number {
    return this.#cells.findIndex(({ button }) => target instanceof Node && button.contains(target));
  }

  #rove(to: number): void {
    if (to < 0) return;
    for (const [index, { button }] of this.#cells.entries()) button.tabIndex = index === to ? 0 : -1;
  }

  #move(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const from = this.#indexOf(event.target);
    const last = this.#shown.length - 1;
    const columns = this.#columns();
    const targets: Readonly<Record<string, number>> = {
      ArrowLeft: from - 1,
      ArrowRight: from + 1,
      ArrowUp: from - columns,
      ArrowDown: from + columns,
      Home: 0,
      End: last,
    };
    const to = targets[event.key];
    if (from < 0 || to === undefined) return;
    event.preventDefault();
    if (to >= 0 && to <= last) this.#cells[to]?.button.focus();
  }

  /** Buttons in the first row. */
  #columns(): number {
    const top = this.#cells[0]?.button.offsetTop;
    return this.#cells.filter(({ button }) => !button.hidden && button.offsetTop === top).length;
  }
}

interface Cell {
  readonly button: HTMLButtonElement;
  readonly canvas: HTMLCanvasElement;
  readonly facts: HTMLElement;
  readonly label: HTMLElement;
  readonly distance: HTMLElement;
}

function newCell(): Cell {
  const button = document.createElement("button");
  button.type = "button";
  button.tabIndex = -1;
  const canvas = document.createElement("canvas");
  canvas.width = 28;
  canvas.height = 28;
  const [facts, label, distance] = ["facts", "label", "distance"].map((name) => {
    const span = document.createElement("span");
    span.className = name;
    return span;
  }) as [HTMLElement, HTMLElement, HTMLElement];
  facts.append(label, distance);
  button.append(canvas, facts);
  return { button, canvas, facts, label, distance };
}
