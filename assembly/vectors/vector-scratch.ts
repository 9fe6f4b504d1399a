// Where a walk through a graph keeps its working set: all of it lies in the scratch region of one command, except
// the marks of visited nodes, one byte a node, which outlive the call: a walk marks with its own epoch, so that
// nothing is cleared but once in 255 walks. Marks lie in pages found by a table (id >> 16), grown to the largest set
// and shared by all sets. Each thread has a region like this one, and marks of its own.
//
//   QUERY       the query's vector; a second one for what a command receives while the first is in use
//   ROW         ids, addresses and keys of one hop's neighbours
//   SELECTED    ids and addresses of chosen neighbours
//   BEAM        the nearest nodes seen, sorted (see beam.ts)
//   MATCHES     the nearest that pass a filter, sorted; while linking: one node's neighbours, sorted
//   PROGRAM     the compiled filter
//   CODED_QUERY the query as codes; room for codes being packed, and for a vector read from its codes
//   RANGES      what field indexes list of its matches, and the stack on which that is found out
//   FIELD_VALUES  values that an index is changed by
//   COLUMN_TESTS  a filter as tests of columns

import { MARK_PAGES_MAX, MARKS_BASE, PAGE_BITS, PAGE_BYTES, PageKind, SCRATCH_BYTES } from "../layout";
import { takePage } from "../memory/memory";
import { isWorker, OWN_SCRATCH } from "../memory/threads";

/** A hop gathers two rows (2 M_MAX ids each), and distances are computed in fours. */
export const ROW_MAX: u32 = 2 * 8192 + 4;
/** One row of ids, twice over the two lists: a deleted node's neighbours and their groups. */
const SELECTED_MAX: u32 = 8192 + 4;
/** Nodes in the beam at most, so also the largest ef and the most results of a search. */
export const BEAM_MAX: u32 = 16384;
const BEAM_BYTES: u32 = (BEAM_MAX + 2) * 8;

export const QUERY_BASE: u32 = OWN_SCRATCH;
export const SECOND_VECTOR_BASE: u32 = QUERY_BASE + PAGE_BYTES;
export const ROW_IDS: u32 = SECOND_VECTOR_BASE + PAGE_BYTES;
export const ROW_ADDRESSES: u32 = ROW_IDS + ROW_MAX * 4;
export const ROW_KEYS: u32 = ROW_ADDRESSES + ROW_MAX * 4;
export const SELECTED_IDS: u32 = ROW_KEYS + ROW_MAX * 4;
export const SELECTED_ADDRESSES: u32 = SELECTED_IDS + SELECTED_MAX * 4;
export const BEAM_BASE: u32 = SELECTED_ADDRESSES + SELECTED_MAX * 4;
export const MATCHES_BASE: u32 = BEAM_BASE + BEAM_BYTES;
export const PROGRAM_BASE: u32 = MATCHES_BASE + BEAM_BYTES;
export const PROGRAM_BYTES: u32 = 0x20000;
/** Codes of a query and what may follow them, codes a byte each while they are packed, and a vector read from its codes. */
export const CODED_QUERY: u32 = PROGRAM_BASE + PROGRAM_BYTES;
export const CODE_BYTES: u32 = CODED_QUERY + PAGE_BYTES / 2 + 64;
export const DECODED: u32 = CODE_BYTES + PAGE_BYTES / 4 + 128;
export const RANGES_BASE: u32 = DECODED + PAGE_BYTES;
export const RANGES_BYTES: u32 = 0x8000;
export const PLAN_STACK_BASE: u32 = RANGES_BASE + RANGES_BYTES;
export const PLAN_STACK_BYTES: u32 = 0x4000;
export const FIELD_VALUES_BASE: u32 = PLAN_STACK_BASE + PLAN_STACK_BYTES;
export const FIELD_VALUES_BYTES: u32 = 0x400;
export const COLUMN_TESTS_BASE: u32 = FIELD_VALUES_BASE + FIELD_VALUES_BYTES;
export const COLUMN_TESTS_BYTES: u32 = 0x2000;
// Where threads share the memory none of these addresses is a constant; they are equally far apart in all builds.
if (!ASC_FEATURE_THREADS && COLUMN_TESTS_BASE + COLUMN_TESTS_BYTES > QUERY_BASE + SCRATCH_BYTES)
  ERROR("a walk must fit the scratch region");

// Kept between calls: page addresses of the marks, the epoch, pages held.
const OWN_MARKS: u32 = isWorker() ? OWN_SCRATCH + SCRATCH_BYTES : MARKS_BASE;
const EPOCH: u32 = OWN_MARKS + MARK_PAGES_MAX * 4;
const MARK_PAGES: u32 = EPOCH + 4;
/** Where sums of prefetching loads go: unless they are stored, the compiler drops the loads. */
export const SINK: u32 = EPOCH + 8;

/** Pages that marks for `ids` nodes are short of. */
export function missingMarkPages(ids: u32): u32 {
  const needed = (ids + PAGE_BYTES - 1) >> PAGE_BITS;
  const held = load<u32>(MARK_PAGES);
  return needed > held ? needed - held : 0;
}

/** Makes marks for ids below `ids`; the pages have been reserved. */
export function growMarks(ids: u32): void {
  for (let missing = missingMarkPages(ids); missing > 0; missing--) {
    const held = load<u32>(MARK_PAGES);
    assert(held < MARK_PAGES_MAX);
    const page = takePage(PageKind.Scratch);
    memory.fill(page, 0, PAGE_BYTES);
    store<u32>(OWN_MARKS + (held << 2), <u32>page);
    store<u32>(MARK_PAGES, held + 1);
  }
}

/** Puts a worker's marks into `pages` pages from `base` on, which are zero. */
export function placeMarks(base: u32, pages: u32): void {
  for (let page: u32 = 0; page < pages; page++) store<u32>(OWN_MARKS + (page << 2), base + (page << PAGE_BITS));
}

/** Sees to it that marks of ids below `ids`, and of some thousand that come meanwhile, are cleared when epochs begin anew. */
export function coverMarks(ids: u32): void {
  store<u32>(MARK_PAGES, max(load<u32>(MARK_PAGES), min((ids >> PAGE_BITS) + 2, MARK_PAGES_MAX)));
}

/** A mark that no node bears. */
export function nextEpoch(): u32 {
  let epoch = load<u32>(EPOCH) + 1;
  if (epoch == 256) {
    const held = load<u32>(MARK_PAGES);
    for (let page: u32 = 0; page < held; page++) memory.fill(load<u32>(OWN_MARKS + (page << 2)), 0, PAGE_BYTES);
    epoch = 1;
  }
  store<u32>(EPOCH, epoch);
  return epoch;
}

/** Where the mark of a node lies. */
@inline
export function markOf(id: u32): usize {
  return <usize>load<u32>(OWN_MARKS + ((id >> PAGE_BITS) << 2)) + (id & (PAGE_BYTES - 1));
}
