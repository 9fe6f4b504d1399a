// What field indexes know of a filter's matches, found out by running the compiled program over what is known of each
// operand instead of over values. The outcome is a list of ranges of index entries that together list every match. It is
// exact when the elements listed are just the matches; else each is tested by the filter itself. Of `and` the shorter
// list is taken, or what two over the same field have in common; of `or` both. A filter without any such list is not
// answered by indexes: `not` of what is no comparison, arithmetic, fields that are not indexed or hold mixed kinds.
//
//   operand  see Operand: nothing known, a constant, a field, or ranges `from` to `to`
//   range    see rank-range.ts

import { bodyBytes } from "../text/attributes";
import { Opcode, PROGRAM_HEAD_BYTES } from "../filters/filter-program";
import { fieldAt, fieldCount, findFieldIndex } from "../vectors/field-index";
import { addConnective, addTest, beginTests, refuseTests } from "../vectors/filter-columns";
import { beginComparison, compareConstant, compareField, isSuperset } from "./filter-comparisons";
import { addRange, entriesIn, made, RANGE_BYTES, rangeAt, RANGES_MAX, setMade, tidy } from "../vectors/rank-range";
import { PLAN_STACK_BASE, PLAN_STACK_BYTES } from "../vectors/vector-scratch";
import { VectorSet } from "../vectors/vectorset";

const enum Known {
  Nothing = 0,
  Constant = 1,
  Field = 2,
  Ranges = 3,
}

@unmanaged
class Operand {
  known: u32;
  /** Address of a constant; number of a field's index. */
  what: u32;
  from: u32;
  to: u32;
  /** Entries in the ranges; an element may be listed twice. */
  entries: u32;
  /** 1 when no other element is listed than the matches. */
  exact: u32;
}

const OPERAND_BYTES: usize = offsetof<Operand>();
const STACK_END: usize = <usize>(PLAN_STACK_BASE + PLAN_STACK_BYTES) - OPERAND_BYTES;

let theSet: usize = 0;
/** Whether every field of the program is the one with this number: -1 before the first, -2 when there are several. */
let onlyField: i32 = -1;

// The outcome: ranges from number `rangesFrom` to `rangesEnd`.
export let rangesFrom: u32 = 0;
export let rangesEnd: u32 = 0;
/** Entries in them. */
export let listed: u32 = 0;
/** Whether just the matches are listed. */
export let isExact: bool = false;
/** Whether an element may be listed more than once. */
export let mayRepeat: bool = false;

/** Finds ranges that list all matches of a program; false when the indexes tell nothing. */
export function findRanges(set: VectorSet, program: usize): bool {
  if (fieldCount(set) == 0) return false;
  theSet = changetype<usize>(set);
  setMade(0);
  onlyField = -1;
  beginTests();
  const end = program + load<u32>(program);
  let at = program + PROGRAM_HEAD_BYTES;
  let top = <usize>PLAN_STACK_BASE;
  while (at < end) {
    if (top >= STACK_END) {
      refuseTests();
      return false;
    }
    const opcode = <u32>load<u8>(at++);
    const operand = changetype<Operand>(top);
    if (opcode == Opcode.Constant) {
      operand.known = Known.Constant;
      operand.what = <u32>at;
      at += 1 + bodyBytes(load<u8>(at), at + 1);
      top += OPERAND_BYTES;
    } else if (opcode == Opcode.Field) {
      readFieldOperand(set, operand, at);
      at += load<u16>(at);
      top += OPERAND_BYTES;
    } else {
      if (opcode != Opcode.Not) top -= OPERAND_BYTES;
      combine(opcode, changetype<Operand>(top - OPERAND_BYTES), changetype<Operand>(top));
    }
  }
  const outcome = changetype<Operand>(<usize>PLAN_STACK_BASE);
  if (!isTruth(outcome)) refuseTests();
  if (outcome.known != Known.Ranges) return false;
  rangesFrom = outcome.from;
  rangesEnd = outcome.to;
  listed = outcome.entries;
  isExact = outcome.exact != 0 && onlyField >= 0;
  mayRepeat = onlyField < 0 || fieldAt(set, onlyField).arrays != 0;
  return true;
}

function readFieldOperand(set: VectorSet, operand: Operand, path: usize): void {
  const index = findFieldIndex(set, path);
  onlyField = index >= 0 && (onlyField == -1 || onlyField == index) ? index : -2;
  if (index < 0) refuseTests();
  operand.known = index < 0 ? Known.Nothing : Known.Field;
  operand.what = <u32>index;
}

function isTruth(operand: Operand): bool {
  return operand.known == Known.Ranges || operand.known == Known.Nothing;
}

function combine(opcode: u32, left: Operand, right: Operand): void {
  if (opcode == Opcode.And || opcode == Opcode.Or || opcode == Opcode.Not) {
    if (isTruth(left) && (opcode == Opcode.Not || isTruth(right))) addConnective(opcode);
    else refuseTests();
    connect(opcode, left, right);
    return;
  }
  compare(opcode, left, right);
  if (left.known != Known.Ranges || left.exact == 0 || fieldAt(changetype<VectorSet>(theSet), left.what).arrays != 0)
    refuseTests();
  else addTest(changetype<VectorSet>(theSet), left.what, left.from, left.to);
}

function connect(opcode: u32, left: Operand, right: Operand): void {
  if (opcode == Opcode.And) {
    join(left, right);
    return;
  }
  if (opcode == Opcode.Or) {
    unite(left, right);
    return;
  }
  if (left.known != Known.Ranges || !complement(left)) left.known = Known.Nothing;
}

function compare(opcode: u32, left: Operand, right: Operand): void {
  const flipped = left.known == Known.Constant && right.known == Known.Field;
  const plain = left.known == Known.Field && right.known == Known.Constant;
  const field = flipped ? right.what : left.what;
  const constant = flipped ? left.what : right.what;
  left.known = Known.Nothing;
  if (!plain && !flipped) return;
  beginComparison(changetype<VectorSet>(theSet), constant);
  const from = made;
  left.what = field;
  if (!(plain ? compareField(opcode, field) : compareConstant(opcode, field))) {
    setMade(from);
    return;
  }
  left.known = Known.Ranges;
  left.from = from;
  left.to = made;
  left.entries = entriesIn(from, made);
  left.exact = u32(!isSuperset && fieldAt(changetype<VectorSet>(theSet), field).collided == 0);
  if (opcode == Opcode.NotEqual && (left.exact == 0 || !complement(left))) left.known = Known.Nothing;
}

// ---- lists of ranges

/** Turns ranges into those of the same field's other values; false when they do not tell who those are. */
function complement(operand: Operand): bool {
  if (operand.exact == 0 || operand.what == NO_FIELD) return false;
  const field = fieldAt(changetype<VectorSet>(theSet), operand.what);
  if ((field.arrays | field.nulls) != 0) return false;
  const from = made;
  let at: u32 = 0;
  const begin = operand.from;
  const count = operand.to - operand.from;
  // The ranges of one comparison are copied to where they may be sorted.
  if (made + 2 * count + 1 > RANGES_MAX) return false;
  memory.copy(changetype<usize>(rangeAt(made)), changetype<usize>(rangeAt(begin)), count * RANGE_BYTES);
  setMade(made + count);
  tidy(from);
  const sorted = made;
  for (let index = from; index < sorted; index++) {
    addRange(operand.what, at, rangeAt(index).first);
    at = rangeAt(index).end;
  }
  addRange(operand.what, at, field.entries);
  operand.from = sorted;
  operand.to = made;
  operand.entries = entriesIn(sorted, made);
  return true;
}

/** The field of ranges over several. */
const NO_FIELD: u32 = 0xffffffff;

/** Of two operands of `and`, what they have in common or the shorter list. */
function join(left: Operand, right: Operand): void {
  const leftKnown = left.known == Known.Ranges;
  const rightKnown = right.known == Known.Ranges;
  if (!leftKnown && !rightKnown) {
    left.known = Known.Nothing;
    return;
  }
  if (leftKnown && rightKnown && left.what == right.what && left.what != NO_FIELD && intersect(left, right)) return;
  if (!leftKnown || (rightKnown && right.entries < left.entries))
    memory.copy(changetype<usize>(left), changetype<usize>(right), OPERAND_BYTES);
  left.exact = 0;
}

/** Ranges of one field that both operands list; with arrays an element may match both by different entries. */
function intersect(left: Operand, right: Operand): bool {
  if (fieldAt(changetype<VectorSet>(theSet), left.what).arrays != 0) return false;
  const from = made;
  for (let a = left.from; a < left.to; a++) {
    for (let b = right.from; b < right.to; b++) {
      const first = max(rangeAt(a).first, rangeAt(b).first);
      const end = min(rangeAt(a).end, rangeAt(b).end);
      if (first < end && !addRange(left.what, first, end)) return false;
    }
  }
  left.from = from;
  left.to = made;
  left.entries = entriesIn(from, made);
  left.exact &= right.exact;
  return true;
}

/** Of two operands of `or`, the ranges of both. */
function unite(left: Operand, right: Operand): void {
  const count = left.to - left.from + (right.to - right.from);
  if (left.known != Known.Ranges || right.known != Known.Ranges || made + count > RANGES_MAX) {
    left.known = Known.Nothing;
    return;
  }
  const from = made;
  setMade(made + count);
  const leftCount = left.to - left.from;
  memory.copy(changetype<usize>(rangeAt(from)), changetype<usize>(rangeAt(left.from)), leftCount * RANGE_BYTES);
  memory.copy(
    changetype<usize>(rangeAt(from + leftCount)),
    changetype<usize>(rangeAt(right.from)),
    (right.to - right.from) * RANGE_BYTES,
  );
  if (left.what == right.what && left.what != NO_FIELD) tidy(from);
  else left.what = NO_FIELD;
  left.from = from;
  left.to = made;
  left.entries = entriesIn(from, made);
  left.exact &= right.exact;
}
