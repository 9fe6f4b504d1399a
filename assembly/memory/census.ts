// Counting pages by what they hold and cells by their size, for whoever asks where the memory went. It passes over the
// page table once (16 bytes a page), so it is for a report now and then and kept by nobody in between.
//
// Census, at WORKSPACE_BASE: pages of each PageKind (16 x u32) | for each zone and class: pages, used cells (2 x u32)

import { PageKind, SLAB_CLASSES, WORKSPACE_BASE, ZONES } from "../layout";
import { pageAt, state } from "./memory";

const KINDS_BYTES: u32 = 64;
const CELL_BYTES: u32 = 8;

/** Counts all pages; answers where the census lies until the next call. */
export function takeCensus(): usize {
  memory.fill(WORKSPACE_BASE, 0, KINDS_BYTES + ZONES * SLAB_CLASSES * CELL_BYTES);
  for (let number = state.heapStart; number < state.freshPage; number++) {
    const page = pageAt(number);
    const kind: u32 = page.kind;
    const pages = WORKSPACE_BASE + (kind << 2);
    store<u32>(pages, load<u32>(pages) + 1);
    if (kind < <u32>PageKind.EntrySlab || kind > <u32>PageKind.SegmentSlab) continue;
    const zone = kind - <u32>PageKind.EntrySlab;
    const cells = WORKSPACE_BASE + KINDS_BYTES + (zone * SLAB_CLASSES + page.sizeClass) * CELL_BYTES;
    store<u32>(cells, load<u32>(cells) + 1);
    store<u32>(cells, load<u32>(cells, 4) + page.used, 4);
  }
  return WORKSPACE_BASE;
}
