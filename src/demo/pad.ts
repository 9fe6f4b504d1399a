// The pad: a canvas to draw on with mouse, pen, finger or keys. A hand moves the pen; the arrows move a brush, which the
// space bar puts down and lifts (or keeps down while it is held, as one would a mouse button). The pad shows the cells
// of 28 × 28 as they will be searched, but where they were drawn. It may also show a picture that somebody picked, until
// the first new line.

import type { Painter, Picture } from "./painter.ts";
import { type Point, rasterize, SIDE, type Stroke } from "./strokes.ts";

/** The elements of the pad. */
export interface PadParts {
  readonly canvas: HTMLCanvasElement;
  readonly brush: HTMLElement;
  /** Says to those who cannot see it whether the brush is down. */
  readonly state: HTMLElement;
  readonly painter: Painter;
}

/** What the pad tells. */
export interface PadEvents {
  /** A line grows, and may grow on. */
  drawing(): void;
  /** A line ended, or was taken back. */
  drawn(): void;
  /** The enter key. */
  enter(): void;
}

const STEPS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The drawing pad. */
export class Pad {
  readonly #parts: PadParts;
  readonly #events: PadEvents;
  #strokes: Point[][] = [];
  /** The stroke that grows. */
  #open: Point[] | undefined;
  #brush: Point = { x: SIDE / 2 + 0.5, y: 5.5 };
  #spaceHeld = false;
  #movedWhileHeld = false;

  constructor(parts: PadParts, events: PadEvents) {
    this.#parts = parts;
    this.#events = events;
    this.#listenToPointer(parts.canvas);
    this.#listenToKeys(parts.canvas);
  }

  /** What was drawn; empty while a picture is shown. */
  get strokes(): readonly Stroke[] {
    return this.#strokes;
  }

  /** Shows a picture in place of the drawing. */
  show(picture: Picture): void {
    this.#strokes = [];
    this.#open = undefined;
    this.#parts.painter.paint(this.#parts.canvas, picture);
    this.#showBrush();
  }

  /** Takes everything back. */
  clear(): void {
    this.show(rasterize([]));
    this.#events.drawn();
  }

  /** Takes the last line back. */
  undo(): void {
    this.#lift();
    this.#strokes.pop();
    this.#paint();
    this.#events.drawn();
  }

  #listenToPointer(canvas: HTMLCanvasElement): void {
    canvas.addEventListener("pointerdown", (event) => {
      if (!event.isPrimary || event.button !== 0) return;
      event.preventDefault();
      canvas.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      this.#parts.brush.hidden = true;
      this.#begin(this.#pointOf(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!event.isPrimary || !canvas.hasPointerCapture(event.pointerId)) return;
      const moves = event.getCoalescedEvents();
      for (const move of moves.length > 0 ? moves : [event]) this.#extend(this.#pointOf(move));
      this.#grown();
    });
    for (const end of ["pointerup", "pointercancel"] as const) {
      canvas.addEventListener(end, (event) => {
        if (event.isPrimary && this.#open !== undefined) this.#end();
      });
    }
  }

  #listenToKeys(canvas: HTMLCanvasElement): void {
    canvas.addEventListener("keydown", (event) => this.#keyDown(event));
    canvas.addEventListener("keyup", (event) => {
      if (event.key !== " ") return;
      this.#spaceHeld = false;
      if (this.#movedWhileHeld && this.#open !== undefined) this.#end();
    });
    canvas.addEventListener("focus", () => {
      if (canvas.matches(":focus-visible")) this.#showBrush();
    });
    canvas.addEventListener("blur", () => {
      this.#spaceHeld = false;
      if (this.#open !== undefined) this.#end();
      this.#parts.brush.hidden = true;
    });
  }

  #keyDown(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const step = STEPS[event.key];
    if (step !== undefined) this.#step(step, event.shiftKey ? 4 : 1);
    else if (event.key === " ") this.#space(event.repeat);
    else if (event.key === "Enter") this.#events.enter();
    else if (event.key === "Backspace") this.undo();
    else if (event.key === "Delete") this.clear();
    else return;
    event.preventDefault();
  }

  #step([x, y]: readonly [x: number, y: number], cells: number): void {
    this.#brush = { x: inside(this.#brush.x + x * cells), y: inside(this.#brush.y + y * cells) };
    this.#movedWhileHeld = this.#spaceHeld;
    if (this.#open !== undefined) {
      this.#extend(this.#brush);
      this.#grown();
    }
    this.#showBrush();
  }

  #space(repeat: boolean): void {
    if (repeat) return;
    this.#spaceHeld = true;
    this.#movedWhileHeld = false;
    if (this.#open === undefined) this.#begin(this.#brush);
    else this.#end();
    this.#showBrush();
  }

  #begin(point: Point): void {
    this.#open = [point];
    this.#strokes.push(this.#open);
    this.#parts.state.textContent = "brush down";
    this.#grown();
  }

  #extend(point: Point): void {
    this.#open?.push(point);
  }

  #grown(): void {
    this.#paint();
    this.#events.drawing();
  }

  #lift(): void {
    this.#open = undefined;
    this.#parts.state.textContent = "brush up";
    this.#parts.brush.classList.remove("down");
  }

  #end(): void {
    this.#lift();
    this.#events.drawn();
  }

  #paint(): void {
    this.#parts.painter.paint(this.#parts.canvas, rasterize(this.#strokes));
  }

  /** By property, not by attribute: the page's policy allows no inline style. */
  #showBrush(): void {
    const { brush, canvas } = this.#parts;
    brush.hidden = document.activeElement !== canvas;
    brush.classList.toggle("down", this.#open !== undefined);
    brush.style.left = `${((this.#brush.x - 0.5) / SIDE) * 100}%`;
    brush.style.top = `${((this.#brush.y - 0.5) / SIDE) * 100}%`;
  }

  #pointOf(event: PointerEvent): Point {
    const box = this.#parts.canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * SIDE, y: ((event.clientY - box.top) / box.height) * SIDE };
  }
}

function inside(cell: number): number {
  return Math.min(SIDE - 0.5, Math.max(0.5, cell));
}
