// Attributes of a vector as filters read them: the fields of a JSON object, parsed when they are written, so that a
// filter costs nanoseconds for each element. Usually smaller than the JSON itself. Fields stand one after
// another without a directory: objects have few fields, and each one passed over costs one load and one compare.
//
//   field   0 hash of the name (16 bits) | 2 name bytes (8) | 3 head of the value (8) | 4 name | body of the value
//   head    kind (3 bits) | size of the body (5 bits); size 31: the body opens with its true length in 32 bits
//   body    Null: nothing. Number: an integer of 1, 2 or 4 bytes, or a double. String: UTF-8.
//           Array: head and body of each element; an array inside an array is kept as an empty one.
//           Object: its fields.
//   path    0 bytes, these two included (u16) | for each step: hash and length of the name (u32), name
//
// Booleans are the numbers 1 and 0. A field that a filter can never match is left out: arrays with an object inside,
// names of more than 255 bytes, objects more than NESTING_MAX deep.

/** Kinds of values. A head has three bits for them. */
export const enum Kind {
  Null,
  Number,
  String,
  Array,
  Object,
}

export const FIELD_HEAD_BYTES: u32 = 4;
export const NAME_BYTES_MAX: u32 = 255;
/** Bodies up to this size have it in their head. */
export const SHORT_BODY_MAX: u32 = 30;
export const LONG_BODY: u32 = 31;
export const LONG_LENGTH_BYTES: u32 = 4;
/** Objects inside one another, and so the steps of a path. */
export const NESTING_MAX: u32 = 8;
export const PATH_HEAD_BYTES: u32 = 2;
const STEP_KEY_BYTES: u32 = 4;

const KEY_MASK: u32 = 0xffffff;

/** Where the last `findField` found a value: its head byte, and the address of its body. */
export let foundHead: u32 = 0;
export let foundBody: usize = 0;

/** A value taken apart: `number` for numbers, `address` and `bytes` for strings and for the elements of an array. */
@unmanaged
export class Value {
  kind: u32;
  bytes: u32;
  address: usize;
  number: f64;
}

export function headOf(kind: Kind, size: u32): u32 {
  return ((<u32>kind) << 5) | size;
}

/** Hash and length of a name, as they open its field. */
export function keyOf(name: usize, bytes: u32): u32 {
  let hash: u32 = 0x811c9dc5;
  for (let at = name, end = name + bytes; at < end; at++) hash = (hash ^ load<u8>(at)) * 0x01000193;
  return ((hash ^ (hash >> 16)) & 0xffff) | (bytes << 16);
}

export function equalBytes(a: usize, b: usize, bytes: u32): bool {
  return memory.compare(a, b, bytes) == 0;
}

/** Bytes of the body at `body`, with its length if it opens with one. */
export function bodyBytes(head: u32, body: usize): u32 {
  const size = head & 31;
  return size == LONG_BODY ? load<u32>(body) + LONG_LENGTH_BYTES : size;
}

/** Finds the first field with a name whose key is known; sets foundHead and foundBody. */
export function findField(attributes: usize, bytes: u32, key: u32, name: usize): bool {
  const end = attributes + bytes;
  let at = attributes;
  while (at < end) {
    const opening = load<u32>(at);
    const nameBytes = (opening >> 16) & 0xff;
    const head = opening >> 24;
    const nameAt = at + FIELD_HEAD_BYTES;
    const body = nameAt + nameBytes;
    if ((opening & KEY_MASK) == key && equalBytes(nameAt, name, nameBytes)) {
      foundHead = head;
      foundBody = body;
      return true;
    }
    at = body + bodyBytes(head, body);
  }
  return false;
}

/** Finds what a path leads to; an object at its end counts as nothing. Sets foundHead and foundBody. */
export function findPath(attributes: usize, bytes: u32, path: usize): bool {
  const end = path + load<u16>(path);
  let step = path + PATH_HEAD_BYTES;
  while (true) {
    const key = load<u32>(step);
    const name = step + STEP_KEY_BYTES;
    if (!findField(attributes, bytes, key, name)) return false;
    const nested = foundHead >> 5 == Kind.Object;
    step = name + (key >> 16);
    if (step >= end) return !nested;
    if (!nested) return false;
    bytes = load<u32>(foundBody);
    attributes = foundBody + LONG_LENGTH_BYTES;
  }
}

/** Writes a step of a path at `to`, the name at most a byte longer than names may be, and answers where it ends. */
export function writeStep(to: usize, name: usize, bytes: u32): usize {
  store<u32>(to, keyOf(name, bytes));
  memory.copy(to + STEP_KEY_BYTES, name, bytes);
  return to + STEP_KEY_BYTES + bytes;
}

/** Takes the value with this head and body apart. */
export function readValue(value: Value, head: u32, body: usize): void {
  const kind = head >> 5;
  value.kind = kind;
  if (kind == Kind.Number) {
    value.number = readNumber(head & 31, body);
  } else if ((head & 31) == LONG_BODY) {
    value.bytes = load<u32>(body);
    value.address = body + LONG_LENGTH_BYTES;
  } else {
    value.bytes = head & 31;
    value.address = body;
  }
}

function readNumber(size: u32, body: usize): f64 {
  if (size == 1) return load<i8>(body);
  if (size == 2) return load<i16>(body);
  return size == 4 ? <f64>load<i32>(body) : load<f64>(body);
}

/** Bytes of a number's body: the smallest that holds it exactly. */
export function numberBytes(value: f64): u32 {
  if (abs(value) >= 2147483648) return 8;
  const whole = <i32>value;
  if (reinterpret<u64>(<f64>whole) != reinterpret<u64>(value)) return 8;
  if (<i32>(<i8>whole) == whole) return 1;
  return <i32>(<i16>whole) == whole ? 2 : 4;
}

/** Writes the body of a number whose size is `numberBytes`. */
export function writeNumber(body: usize, size: u32, value: f64): void {
  if (size == 8) store<f64>(body, value);
  else if (size == 4) store<i32>(body, <i32>value);
  else if (size == 2) store<i16>(body, <i16>value);
  else store<i8>(body, <i8>value);
}
