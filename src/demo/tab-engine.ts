// The engine inside this tab: opened in a worker when it is first asked for, and filled with the digits that the server
// holds. Only pictures travel, 784 bytes each; vectors are made of them here as the server made its own, and the graph
// is built here while the page goes on.

import { open } from "../browser.ts";
import type { PromiseMethods } from "../database/promise-methods.ts";
import { DIGITS_KEY, labelOf, pictureKey } from "./digit-names.ts";
import { DigitStore } from "./digit-store.ts";
import { CELLS } from "./strokes.ts";

/** Digits between two updates of the progress. */
const SLICE = 100;
/** Ten thousand vectors of 784 numbers, their graph and their pictures take about 50 MiB. */
const MAX_MEMORY = "256mb";

/**
 * Copies the digits of a server into an engine of this tab.
 *
 * @param progress hears how many are there, of how many
 * @throws NearkeyError what opening and both databases say
 */
export async function fillTab(
  server: PromiseMethods,
  progress: (done: number, count: number) => void,
): Promise<DigitStore> {
  const tab = await open({ maxMemory: MAX_MEMORY });
  try {
    await copyDigits(server, tab, progress);
  } catch (error) {
    await tab.close();
    throw error;
  }
  return new DigitStore(() => Promise.resolve(tab));
}

async function copyDigits(
  server: PromiseMethods,
  tab: PromiseMethods,
  progress: (done: number, count: number) => void,
): Promise<void> {
  const count = Number(await server.command("VCARD", DIGITS_KEY));
  const ids = (await server.command("VRANDMEMBER", DIGITS_KEY, count)) as string[];
  const set = await tab.vectors(DIGITS_KEY, { dim: CELLS, metric: "cosine" });
  for (let start = 0; start < ids.length; start += SLICE) {
    progress(start, ids.length);
    const slice = ids.slice(start, start + SLICE);
    const pictures = (await server.commandBytes("MGET", ...slice.map(pictureKey))) as (Uint8Array | null)[];
    const found = slice.flatMap((id, row) => {
      const picture = pictures[row];
      return picture?.length === CELLS ? [{ id, picture }] : [];
    });
    await tab.setMany(found.map(({ id, picture }) => [pictureKey(id), picture]));
    const matrix = new Float32Array(found.length * CELLS);
    for (const [row, { picture }] of found.entries()) {
      matrix.set(
        Float32Array.from(picture, (byte) => byte / 255),
        row * CELLS,
      );
    }
    const attributes = found.map(({ id }) => ({ label: labelOf(id) }));
    await set.setMany(
      found.map(({ id }) => id),
      matrix,
      attributes,
    );
  }
  progress(ids.length, ids.length);
}
