// What the index of a field lists of a comparison with a constant: each function adds ranges (rank-range.ts), or answers
// false when the index does not tell, because of the kinds of values that the field holds.

import { hasValue } from "../vectors/field-changes";
import {
  ABSENT,
  FieldIndex,
  fieldAt,
  keyOfValue,
  numberKey,
  openingKey,
  readFieldOf,
  TEXT_KEYS,
} from "../vectors/field-index";
import { toNumber } from "../filters/filter-evaluate";
import { Opcode } from "../filters/filter-program";
import { rankOf, seek, soughtIds } from "../filters/postings";
import { addRange, entriesIn, made, RANGE_BYTES, rangeAt, setMade, tidy } from "../vectors/rank-range";
import { bodyBytes, Kind, readValue, Value } from "../text/attributes";
import { FIELD_VALUES_BASE } from "../vectors/vector-scratch";
import { VectorSet } from "../vectors/vectorset";

const CONSTANT = changetype<Value>(<usize>(FIELD_VALUES_BASE + 512));
const HELD = changetype<Value>(<usize>(FIELD_VALUES_BASE + 512) + <usize>offsetof<Value>());

let comparedSet: usize = 0;
/** Whether the last comparison lists more than what passes it. */
export let isSuperset: bool = false;

@inline
function theSet(): VectorSet {
  return changetype<VectorSet>(comparedSet);
}

/** Begins a comparison with the constant at an address. */
export function beginComparison(set: VectorSet, constant: usize): void {
  comparedSet = changetype<usize>(set);
  isSuperset = false;
  readValue(CONSTANT, load<u8>(constant), constant + 1);
}

/** `.field operator constant` */
export function compareField(opcode: u32, number: u32): bool {
  const field = fieldAt(theSet(), number);
  switch (opcode) {
    case Opcode.Equal:
    case Opcode.NotEqual:
      return addEqual(field, number, false);
    case Opcode.Less:
    case Opcode.LessOrEqual:
    case Opcode.Greater:
    case Opcode.GreaterOrEqual:
      return addOrder(field, number, opcode);
    case Opcode.In:
      return addEach(field, number, false);
    case Opcode.Any:
      return addEach(field, number, true);
    case Opcode.All:
      isSuperset = true;
      return addRarest(field, number);
    case Opcode.StartsWith:
      return addOpening(field, number);
    default:
      return false;
  }
}

/** `constant operator .field` */
export function compareConstant(opcode: u32, number: u32): bool {
  const field = fieldAt(theSet(), number);
  switch (opcode) {
    case Opcode.Equal:
    case Opcode.NotEqual:
      return addEqual(field, number, false);
    case Opcode.Less:
      return addOrder(field, number, Opcode.Greater);
    case Opcode.LessOrEqual:
      return addOrder(field, number, Opcode.GreaterOrEqual);
    case Opcode.Greater:
      return addOrder(field, number, Opcode.Less);
    case Opcode.GreaterOrEqual:
      return addOrder(field, number, Opcode.LessOrEqual);
    case Opcode.In:
      // In a text it is looked for within; a number holds nothing.
      return field.texts == 0 && field.numbers == 0 && addEqual(field, number, true);
    default:
      return false;
  }
}

/** Lists what equals CONSTANT: values, or elements of arrays. */
function addEqual(field: FieldIndex, number: u32, elements: bool): bool {
  const kind = CONSTANT.kind;
  if (kind != Kind.Number && kind != Kind.String) return false;
  if (elements ? field.oddElements != 0 : field.arrays != 0) return false;
  if (kind == Kind.Number) {
    // A text equals the number that it spells, and 0 when it spells none.
    if ((elements ? field.elementTexts : field.texts) != 0) return false;
    return addGroup(field, number, keyOfValue(CONSTANT));
  }
  if (!addGroup(field, number, keyOfValue(CONSTANT))) return false;
  const spelt = toNumber(CONSTANT);
  CONSTANT.kind = Kind.Number;
  CONSTANT.number = spelt;
  return addGroup(field, number, numberKey(spelt));
}

/** Lists the entries of one key, unless they are of another value than CONSTANT. */
function addGroup(field: FieldIndex, number: u32, key: u64): bool {
  const first = rankOf(field, key);
  const end = rankOf(field, key + 1);
  if (first == end) return true;
  seek(field, first);
  if (field.collided == 0 && !hasValue(theSet(), field, load<u32>(soughtIds), CONSTANT)) return true;
  return addRange(number, first, end);
}

/** Lists the numbers on one side of CONSTANT. */
function addOrder(field: FieldIndex, number: u32, opcode: u32): bool {
  if (CONSTANT.kind != Kind.Number || (field.texts | field.arrays | field.nulls) != 0) return false;
  const key = numberKey(CONSTANT.number);
  const first = rankOf(field, key);
  const end = rankOf(field, key + 1);
  const below = opcode == Opcode.Less || opcode == Opcode.LessOrEqual;
  const withGroup = first != end && (field.collided != 0 || isGroupOn(field, first, opcode));
  if (below) return addRange(number, 0, withGroup ? end : first);
  return addRange(number, withGroup ? first : end, rankOf(field, TEXT_KEYS));
}

/** Whether the number that entries of CONSTANT's key stand for is on the side of CONSTANT that is asked for. */
function isGroupOn(field: FieldIndex, rank: u32, opcode: u32): bool {
  seek(field, rank);
  readFieldOf(theSet(), load<u32>(soughtIds), field, HELD);
  if (opcode == Opcode.Less) return HELD.number < CONSTANT.number;
  if (opcode == Opcode.LessOrEqual) return HELD.number <= CONSTANT.number;
  return opcode == Opcode.Greater ? HELD.number > CONSTANT.number : HELD.number >= CONSTANT.number;
}

/** Lists what equals any element of the array CONSTANT. */
function addEach(field: FieldIndex, number: u32, elements: bool): bool {
  if (CONSTANT.kind != Kind.Array) return false;
  // A single value counts as an array of one.
  const asElements = elements && field.arrays != 0;
  if (asElements && (field.texts | field.numbers | field.nulls) != 0) return false;
  let at = CONSTANT.address;
  const end = at + CONSTANT.bytes;
  const from = made;
  while (at < end) {
    const head = <u32>load<u8>(at);
    readValue(CONSTANT, head, at + 1);
    at += 1 + bodyBytes(head, at + 1);
    if (!addEqual(field, number, asElements)) return false;
  }
  tidy(from);
  return true;
}

/** Lists what equals the element of the array CONSTANT that the fewest elements have. */
function addRarest(field: FieldIndex, number: u32): bool {
  if (CONSTANT.kind != Kind.Array || CONSTANT.bytes == 0) return false;
  const asElements = field.arrays != 0;
  if (asElements && (field.texts | field.numbers | field.nulls) != 0) return false;
  let at = CONSTANT.address;
  const end = at + CONSTANT.bytes;
  const from = made;
  let least: u32 = 0xffffffff;
  while (at < end) {
    const head = <u32>load<u8>(at);
    readValue(CONSTANT, head, at + 1);
    at += 1 + bodyBytes(head, at + 1);
    const begun = made;
    if (!addEqual(field, number, asElements)) return false;
    const count = entriesIn(begun, made);
    if (count < least) {
      least = count;
      const moved = made - begun;
      memory.copy(changetype<usize>(rangeAt(from)), changetype<usize>(rangeAt(begun)), moved * RANGE_BYTES);
      setMade(from + moved);
    } else {
      setMade(begun);
    }
    // What stands from `from` on is the least so far: the next element's ranges come behind it.
  }
  return true;
}

/** Lists the texts that begin with CONSTANT. Keys tell 31 bits: of longer openings more is listed. */
function addOpening(field: FieldIndex, number: u32): bool {
  if (CONSTANT.kind != Kind.String) return false;
  const low = openingKey(CONSTANT.address, CONSTANT.bytes);
  const bits: u64 = CONSTANT.bytes >= 4 ? 32 : 63 - ((<u64>CONSTANT.bytes) << 3);
  if (CONSTANT.bytes > 3 || field.arrays != 0) isSuperset = true;
  const high = low | (((<u64>1) << bits) - 1);
  return addRange(number, rankOf(field, low), high == ABSENT ? field.entries : rankOf(field, high + 1));
}
