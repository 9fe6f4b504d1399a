// The size classes of slab cells: steps of 8 bytes to 512, then 8 classes a doubling to 4,096, then as many equal cells as fit a
// page (15, 14, … 1). Waste: 4 bytes on average below 512, at most 1/8 to 4,096, and up to half above 32 KiB.

import { GEOMETRY_BASE, PAGE_BYTES, SLAB_CLASSES } from "../layout";

/** Bytes of a cell of a class. */
@inline
export function cellBytes(sizeClass: u32): u32 {
  return load<u32>(GEOMETRY_BASE + (sizeClass << 3));
}

/** Cells of a class that a page holds. */
@inline
export function cellsOf(sizeClass: u32): u32 {
  return load<u32>(GEOMETRY_BASE + (sizeClass << 3), 4);
}

const SMALL_CLASSES: u32 = 64;
const SMALL_BYTES_MAX: u32 = 512;
const MEDIUM_CLASSES: u32 = 24;
const MEDIUM_BYTES_MAX: u32 = 4096;
const LARGE_CELLS_MAX: u32 = 15;

/** The class whose cells hold `bytes` (1 to 65,536). */
export function classOf(bytes: u32): u32 {
  assert(bytes > 0 && bytes <= PAGE_BYTES);
  if (bytes <= SMALL_BYTES_MAX) return (bytes - 1) >> 3;
  if (bytes <= MEDIUM_BYTES_MAX) {
    const doubling = 31 - clz(bytes - 1); // 9, 10 or 11
    const step = doubling - 3;
    return SMALL_CLASSES + ((doubling - 9) << 3) + (((bytes - 1) >> step) & 7);
  }
  const cells = PAGE_BYTES / ((bytes + 63) & ~63);
  return SMALL_CLASSES + MEDIUM_CLASSES + (LARGE_CELLS_MAX - min(cells, LARGE_CELLS_MAX));
}

function bytesOfClass(sizeClass: u32): u32 {
  if (sizeClass < SMALL_CLASSES) return (sizeClass + 1) << 3;
  const medium = sizeClass - SMALL_CLASSES;
  if (medium < MEDIUM_CLASSES) {
    const doubling = 9 + (medium >> 3);
    return (1 << doubling) + (((medium & 7) + 1) << (doubling - 3));
  }
  return (PAGE_BYTES / (LARGE_CELLS_MAX - (medium - MEDIUM_CLASSES))) & ~63;
}

/** Derives size and capacity of each class, which are kept outside the durable state. */
export function initializeGeometry(): void {
  for (let sizeClass: u32 = 0; sizeClass < SLAB_CLASSES; sizeClass++) {
    const bytes = bytesOfClass(sizeClass);
    store<u32>(GEOMETRY_BASE + (sizeClass << 3), bytes);
    store<u32>(GEOMETRY_BASE + (sizeClass << 3), PAGE_BYTES / bytes, 4);
  }
}
