// Pictures on canvases of 28 × 28 that the browser scales. Ink is the canvas's own text colour with the cell's darkness
// as opacity, so a picture follows the style sheet; when the colour scheme changes, all are painted again.

import { CELLS, SIDE } from "./strokes.ts";

/** A picture: numbers from 0 to 1, or bytes from 0 to 255, row after row. */
export type Picture = Float32Array | Uint8Array;

/** Paints pictures and keeps them, to paint them again in other colours. */
export class Painter {
  readonly #pictures = new Map<HTMLCanvasElement, Picture>();

  constructor() {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      for (const [canvas, picture] of this.#pictures) paint(canvas, picture);
    });
  }

  /** Paints a picture; the canvas must be in the document, for its colour. */
  paint(canvas: HTMLCanvasElement, picture: Picture): void {
    this.#pictures.set(canvas, picture);
    paint(canvas, picture);
  }
}

function paint(canvas: HTMLCanvasElement, picture: Picture): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const [red = 0, green = 0, blue = 0] = (getComputedStyle(canvas).color.match(/[\d.]+/g) ?? []).map(Number);
  const opacity = picture instanceof Uint8Array ? 1 : 255;
  const image = context.createImageData(SIDE, SIDE);
  for (let index = 0; index < CELLS; index++) {
    image.data.set([red, green, blue, (picture[index] ?? 0) * opacity], index * 4);
  }
  context.putImageData(image, 0, 0);
}
