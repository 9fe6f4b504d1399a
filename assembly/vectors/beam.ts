// The nearest nodes seen by a walk: one sorted array of 64-bit items, the key of the distance in the upper half, so
// that items compare as integers. A heap would insert in fewer moves, but here an insertion is a branchless binary
// search and a shift in 16-byte steps, the next node to expand is found by a cursor, and the worst is the last: up to
// an ef of a few thousand that is faster, and the result needs no sorting.
//
//   item   key (32 bits) | id (31 bits) | expanded (1 bit)

export const EXPANDED: u64 = 1;
/** Longer shifts are left to memory.copy, whose call costs as much as a few hundred bytes. */
const SHIFT_BYTES_MAX: usize = 2048;

@inline
export function itemOf(key: u32, id: u32): u64 {
  return ((<u64>key) << 32) | ((<u64>id) << 1);
}

@inline
export function idOf(item: u64): u32 {
  return <u32>item >> 1;
}

@inline
export function keyOfItem(item: u64): u32 {
  return <u32>(item >> 32);
}

@inline
export function itemAt(beam: usize, index: u32): u64 {
  return load<u64>(beam + ((<usize>index) << 3));
}

/** Where `item` belongs among `count` sorted items. */
@inline
function positionOf(beam: usize, count: u32, item: u64): u32 {
  let base = beam;
  let span = count;
  while (span > 1) {
    const half = span >> 1;
    const middle = base + ((<usize>half) << 3);
    base = select<usize>(middle, base, load<u64>(middle) < item);
    span -= half;
  }
  return <u32>((base - beam) >> 3) + <u32>(count != 0 && load<u64>(base) < item);
}

/** Takes the item of an id out, if it is there. Answers how many are left. */
export function dropItem(beam: usize, count: u32, id: u32): u32 {
  let kept: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const item = itemAt(beam, index);
    store<u64>(beam + ((<usize>kept) << 3), item);
    kept += <u32>(idOf(item) != id);
  }
  return kept;
}

/** Inserts at its place; the array has room for one more. Returns the place. */
@inline
export function insertItem(beam: usize, count: u32, item: u64): u32 {
  const position = positionOf(beam, count, item);
  const place = beam + ((<usize>position) << 3);
  let at = beam + ((<usize>count) << 3);
  if (at - place > SHIFT_BYTES_MAX) {
    memory.copy(place + 8, place, at - place);
    at = place;
  }
  while (at >= place + 16) {
    at -= 16;
    v128.store(at + 8, v128.load(at));
  }
  if (at != place) store<u64>(at, load<u64>(at - 8));
  store<u64>(place, item);
  return position;
}
