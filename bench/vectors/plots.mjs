#!/usr/bin/env node
// Draws recall against queries a second, a picture for each set, from the JSON that a run of the vectors part wrote:
//
//   node bench/vectors/plots.mjs bench/results/vectors-v24.21.0.json [more.json …]   // into docs/images/vectors-SET.svg
//
// Both axes are logarithmic, recall by what is missed, so that 0.9, 0.99 and 0.999 stand equally far apart.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = new URL("../../docs/images/", import.meta.url).pathname;
const WIDTH = 760;
const HEIGHT = 460;
const FRAME = { left: 70, right: 210, top: 40, bottom: 50 };
const RECALLS = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999];
const LEAST_RECALL = 0.5;
const MOST_RECALL = 0.9995;
const DECIMALS = 1;

/** Ours are drawn in one hue, native code in another, WebAssembly in a third. */
const looks = {
  "nearkey int8": { colour: "#c0392b", width: 3 },
  "nearkey int8, search": { colour: "#e08478", dash: "6 3" },
  "nearkey f32": { colour: "#d68910" },
  "nearkey int4": { colour: "#b7950b", dash: "2 3" },
  "nearkey binary": { colour: "#8e44ad", dash: "2 3" },
  "nearkey int8 alone": { colour: "#cb4335", dash: "2 3" },
  "hnswlib-node": { colour: "#1f618d" },
  usearch: { colour: "#2e86c1", dash: "6 3" },
  "hnswlib-wasm": { colour: "#1e8449" },
  edgevec: { colour: "#52be80", dash: "6 3" },
};
const otherLook = { colour: "#212f3d" };

mkdirSync(FOLDER, { recursive: true });
for (const path of process.argv.slice(2)) {
  const { tables } = JSON.parse(readFileSync(path, "utf8"));
  for (const { title, rows } of tables.filter(isCurve)) {
    const file = join(FOLDER, `vectors-${rows[0].set}.svg`);
    writeFileSync(file, picture(title.replace(/: recall.*/, ""), rows));
    console.log(file);
  }
}

function isCurve({ title }) {
  return title.includes(": recall and queries a second");
}

function picture(title, rows) {
  const shown = rows.filter(({ recall }) => recall >= LEAST_RECALL);
  const rates = shown.map(({ perSecond }) => perSecond);
  const [least, most] = [Math.min(...rates), Math.max(...rates)];
  const x = (recall) =>
    scale(missed(recall), missed(LEAST_RECALL), missed(MOST_RECALL), FRAME.left, WIDTH - FRAME.right);
  const y = (rate) => scale(Math.log(rate), Math.log(least), Math.log(most), HEIGHT - FRAME.bottom, FRAME.top);
  const names = [...new Set(shown.map(({ name }) => name))];
  const curves = names.map((name, index) => {
    const points = shown.filter((row) => row.name === name).map(({ recall, perSecond }) => [x(recall), y(perSecond)]);
    return curve(name, points, FRAME.top + 12 + index * 20);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${title}: recall and queries a second</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(FRAME.left, 22, title, `font-size="14"`),
    ...RECALLS.map((recall) => gridLine(x(recall), FRAME.top, x(recall), HEIGHT - FRAME.bottom)),
    ...RECALLS.map((recall) => text(x(recall), HEIGHT - FRAME.bottom + 18, String(recall), `text-anchor="middle"`)),
    ...marks(least, most).map((rate) => gridLine(FRAME.left, y(rate), WIDTH - FRAME.right, y(rate))),
    ...marks(least, most).map((rate) => {
      return text(FRAME.left - 8, y(rate) + 4, rate.toLocaleString("en"), `text-anchor="end"`);
    }),
    text((FRAME.left + WIDTH - FRAME.right) / 2, HEIGHT - 12, "recall@10", `text-anchor="middle"`),
    text(FRAME.left, FRAME.top - 4, "queries a second"),
    ...curves,
    "</svg>\n",
  ].join("\n");
}

function missed(recall) {
  return Math.log(1 - Math.min(recall, MOST_RECALL));
}

function scale(value, from, to, start, end) {
  return start + ((value - from) / (to - from)) * (end - start);
}

/** 1, 2 and 5 times powers of ten. */
function marks(least, most) {
  const all = [1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));
  return all.filter((rate) => rate >= least && rate <= most);
}

function curve(name, points, row) {
  const { colour, width = 2, dash } = looks[name] ?? otherLook;
  const stroke = `fill="none" stroke="${colour}" stroke-width="${width}"${dash ? ` stroke-dasharray="${dash}"` : ""}`;
  const places = points.map((point) => point.map((value) => value.toFixed(DECIMALS)).join(","));
  const start = WIDTH - FRAME.right + 12;
  return [
    `<polyline points="${places.join(" ")}" ${stroke}/>`,
    ...places.map((place) => {
      const [cx, cy] = place.split(",");
      return `<circle cx="${cx}" cy="${cy}" r="2.5" fill="${colour}"/>`;
    }),
    `<line x1="${start}" y1="${row}" x2="${start + 26}" y2="${row}" ${stroke}/>`,
    text(start + 32, row + 4, name),
  ].join("\n");
}

function gridLine(x1, y1, x2, y2) {
  const [a, b, c, d] = [x1, y1, x2, y2].map((value) => value.toFixed(DECIMALS));
  return `<line x1="${a}" y1="${b}" x2="${c}" y2="${d}" stroke="#ddd"/>`;
}

function text(x, y, words, attributes = "") {
  const escaped = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(DECIMALS)}" y="${y.toFixed(DECIMALS)}" ${attributes}>${escaped}</text>`;
}
