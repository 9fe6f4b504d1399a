// From pen strokes to the picture that is searched for. The digits of the data set were all brought to one form: ink in
// a box of 20 × 20, its centre of mass in the middle of 28 × 28. A drawing finds its like only in that form. Scaling a
// picture would make the lines of a small drawing fat; so strokes are kept as lines, the lines are scaled, and then
// drawn with a pen of always the same width. Pure functions over numbers: no canvas, and a millisecond at most.

/** A place on the pad, in cells; the pad is SIDE wide and high, and cell 3 reaches from 3 to 4. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The points a pen went through; one point is a dot. */
export type Stroke = readonly Point[];

/** Cells in a row, and rows. */
export const SIDE = 28;
/** Cells of a picture. */
export const CELLS = SIDE * SIDE;
/** Half the width of the pen, in cells: gives the ink a line has in the data set. */
const PEN_RADIUS = 1.3;
/** The box that the ink of a normalised drawing fills, in cells. */
const INK_BOX = 20;
/** A dot is not blown up to a disc. */
const SCALE_MAX = 8;
const MIDDLE = SIDE / 2;
/** Where the data set has the centre of mass, across and down: the middle of cell 14, not the border before it. */
const MASS_CENTRE = MIDDLE + 0.5;

/** Draws strokes as they are: CELLS numbers from 0 (paper) to 1 (ink), row after row. */
export function rasterize(strokes: readonly Stroke[]): Float32Array {
  const cells = new Float32Array(CELLS);
  for (const stroke of strokes) {
    let from = stroke[0];
    if (from === undefined) continue;
    if (stroke.length === 1) drawLine(cells, from, from);
    for (const to of stroke.slice(1)) {
      drawLine(cells, from, to);
      from = to;
    }
  }
  return cells;
}

/** Draws strokes in the form of the data set; undefined when there is nothing to draw. */
export function normalize(strokes: readonly Stroke[]): Float32Array | undefined {
  const points = strokes.flat();
  if (points.length === 0) return undefined;
  const [left, right] = extent(points.map(({ x }) => x));
  const [top, bottom] = extent(points.map(({ y }) => y));
  const side = Math.max(right - left, bottom - top);
  const scale = Math.min(SCALE_MAX, (INK_BOX - 2 * PEN_RADIUS) / side);
  const place = (point: Point, centre: Point): Point => ({
    x: MIDDLE + (point.x - centre.x) * scale,
    y: MIDDLE + (point.y - centre.y) * scale,
  });
  const middle = { x: (left + right) / 2, y: (top + bottom) / 2 };
  const boxed = strokes.map((stroke) => stroke.map((point) => place(point, middle)));
  const mass = centreOfMass(rasterize(boxed));
  return rasterize(
    boxed.map((stroke) => stroke.map(({ x, y }) => ({ x: x + MASS_CENTRE - mass.x, y: y + MASS_CENTRE - mass.y }))),
  );
}

/** Where a picture would balance; the middle for an empty one. */
export function centreOfMass(cells: ArrayLike<number>): Point {
  let total = 0;
  let x = 0;
  let y = 0;
  for (let index = 0; index < CELLS; index++) {
    const ink = cells[index] ?? 0;
    total += ink;
    x += ink * ((index % SIDE) + 0.5);
    y += ink * (Math.floor(index / SIDE) + 0.5);
  }
  return total === 0 ? { x: MIDDLE, y: MIDDLE } : { x: x / total, y: y / total };
}

function extent(values: readonly number[]): [least: number, most: number] {
  return values.reduce<[number, number]>(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)],
    [Infinity, -Infinity],
  );
}

/** Inks the cells around a line; a cell at the pen's edge gets the share that it is covered. */
function drawLine(cells: Float32Array, from: Point, to: Point): void {
  const reach = PEN_RADIUS + 1;
  const [left, right] = span(from.x, to.x, reach);
  const [top, bottom] = span(from.y, to.y, reach);
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const distance = distanceToLine({ x: column + 0.5, y: row + 0.5 }, from, to);
      const ink = Math.min(1, Math.max(0, PEN_RADIUS + 0.5 - distance));
      const index = row * SIDE + column;
      if (ink > (cells[index] as number)) cells[index] = ink;
    }
  }
}

/** The cells that an interval and its surroundings touch, cut at the pad's border. */
function span(a: number, b: number, reach: number): [first: number, end: number] {
  return [Math.max(0, Math.floor(Math.min(a, b) - reach)), Math.min(SIDE, Math.ceil(Math.max(a, b) + reach))];
}

function distanceToLine(point: Point, from: Point, to: Point): number {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const squared = dx * dx + dy * dy;
  const along = squared === 0 ? 0 : ((point.x - from.x) * dx + (point.y - from.y) * dy) / squared;
  const part = Math.min(1, Math.max(0, along));
  return Math.hypot(point.x - from.x - part * dx, point.y - from.y - part * dy);
}
