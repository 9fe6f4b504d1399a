// Filter expressions to programs, in one pass: operands go out as they come, operators wait on a stack until one of
// lower rank arrives (Dijkstra's shunting yard). As in Redis nothing else is asked of the order of things than that
// every operator finds its operands, so "1 2 +" is 3 here too. Beyond Redis: "true" and "false", exponents with a
// sign, "not not", escapes in strings, "null" before a parenthesis, paths into objects, and the operators "startswith",
// "any", "all" and "distance".

import {
  headOf,
  Kind,
  LONG_BODY,
  LONG_LENGTH_BYTES,
  NAME_BYTES_MAX,
  NESTING_MAX,
  numberBytes,
  PATH_HEAD_BYTES,
  SHORT_BODY_MAX,
  writeNumber,
  writeStep,
} from "../text/attributes";
import {
  FilterFault,
  Opcode,
  OPERATORS_BASE,
  OPERATORS_MAX,
  PROGRAM_EXPANSION,
  PROGRAM_HEAD_BYTES,
  STACK_DEPTH_MAX,
} from "./filter-program";
import { findQuote, isDigit, skipSpaces, unescape } from "../text/json-text";
import { parsedDouble, parseDoubleSaturating } from "../text/number";

/** By opcode, from Not on. Power alone takes its right side first; Not, a prefix, never makes others go out. */
const RANKS = memory.data<u8>([0, 0, 6, 5, 4, 4, 4, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 4, 1, 0]);

const MINUS: u32 = 0x2d;
const POINT: u32 = 0x2e;
const ARRAY: u32 = 0x5b;
const ARRAY_END: u32 = 0x5d;
const COMMA: u32 = 0x2c;

let start: usize = 0;
let at: usize = 0;
let end: usize = 0;
let to: usize = 0;
let limit: usize = 0;
/** Values on the stack when the program has come this far. */
let depth: u32 = 0;
let operators: u32 = 0;
/** Whether the last token was a value or a closing parenthesis, so that a minus is an operator. */
let afterOperand: bool = false;

/** Why the last expression could not be compiled. */
export let filterFault: FilterFault = FilterFault.None;

function fail(fault: FilterFault): bool {
  filterFault = fault;
  return false;
}

/**
 * Compiles the expression at `text` into a program at `program` and returns its bytes, or -(position + 1) of where
 * reading stopped when it is no expression; position is 0 when its operators and operands do not fit together, as in
 * Redis. With a capacity of PROGRAM_HEAD_BYTES and PROGRAM_EXPANSION times `bytes` there is always room; a smaller
 * one that does not suffice, and an expression nested too deep for the stack, count as errors where they are met.
 */
export function compileFilter(text: usize, bytes: u32, program: usize, capacity: u32): i32 {
  start = text;
  at = text;
  end = text + bytes;
  to = program + PROGRAM_HEAD_BYTES;
  limit = program + capacity;
  depth = 0;
  operators = 0;
  afterOperand = false;
  filterFault = FilterFault.TooLong;
  if (capacity < PROGRAM_HEAD_BYTES) return -1;
  skip();
  while (at < end) {
    if (!compileToken()) return -(<i32>(at - text)) - 1;
    skip();
  }
  while (operators > 0) {
    if (!emitOperator()) return -1;
  }
  if (depth != 1) fail(depth == 0 ? FilterFault.Empty : FilterFault.Apart);
  if (depth != 1) return -1;
  const written = <u32>(to - program);
  store<u32>(program, written);
  return <i32>written;
}

/** Compiles one token; when it is none, leaves `at` where Redis would say the error is. */
function compileToken(): bool {
  const letter = peek(0);
  if (isDigit(letter) || (letter == MINUS && !afterOperand && isDigit(peek(1))))
    return emitConstantOpening() && compileNumber();
  if (isQuote(letter)) return emitConstantOpening() && compileString();
  if (letter == ARRAY) return emitConstantOpening() && compileArray();
  if (letter == POINT && isNameLetter(peek(1))) return compileField();
  return compileWord();
}

/** Counts a value that the next instruction puts on the stack. */
function pushOperand(): bool {
  afterOperand = true;
  return ++depth <= STACK_DEPTH_MAX || fail(FilterFault.TooDeep);
}

function emitConstantOpening(): bool {
  return pushOperand() && emit(Opcode.Constant);
}

function emit(byte: u32): bool {
  if (to == limit) return false;
  store<u8>(to++, <u8>byte);
  return true;
}

function hasRoom(bytes: u32): bool {
  return limit - to >= <usize>bytes;
}

function emitNumber(value: f64): bool {
  const size = numberBytes(value);
  if (!hasRoom(1 + size)) return false;
  store<u8>(to, <u8>headOf(Kind.Number, size));
  writeNumber(to + 1, size, value);
  to += 1 + size;
  return true;
}

function compileNumber(): bool {
  const start = at;
  if (peek(0) == MINUS) at++;
  while (isNumberLetter()) at++;
  if (!parseDoubleSaturating(start, <u32>(at - start))) return fail(FilterFault.Number);
  return emitNumber(parsedDouble);
}

/** Digits, points and exponents, and a sign between an exponent and its digits. */
function isNumberLetter(): bool {
  const letter = peek(0);
  if (isDigit(letter) || letter == POINT || (letter | 0x20) == 0x65) return true;
  return (letter == MINUS || letter == 0x2b) && (<u32>load<u8>(at - 1) | 0x20) == 0x65 && isDigit(peek(1));
}

function compileString(): bool {
  const text = at + 1;
  const textEnd = findQuote(text, end, peek(0));
  at = textEnd == 0 ? end : textEnd + 1;
  if (textEnd == 0) return fail(FilterFault.Quote);
  const room = <u32>(textEnd - text);
  const lengthBytes = room > SHORT_BODY_MAX ? LONG_LENGTH_BYTES : 0;
  if (!hasRoom(1 + lengthBytes + room)) return false;
  const bytes = unescape(text, textEnd, to + 1 + lengthBytes);
  store<u8>(to, <u8>headOf(Kind.String, lengthBytes != 0 ? LONG_BODY : bytes));
  if (lengthBytes != 0) store<u32>(to, bytes, 1);
  to += 1 + lengthBytes + bytes;
  return true;
}

/** Numbers and strings between brackets; a comma may follow the last. */
function compileArray(): bool {
  const head = to;
  if (!hasRoom(1 + LONG_LENGTH_BYTES)) return false;
  store<u8>(head, <u8>headOf(Kind.Array, LONG_BODY));
  to += 1 + LONG_LENGTH_BYTES;
  at++;
  skip();
  while (peek(0) != ARRAY_END) {
    if (!compileElement()) return false;
    skip();
    if (peek(0) == COMMA) at++;
    else if (peek(0) != ARRAY_END) return fail(FilterFault.Array);
    skip();
  }
  at++;
  store<u32>(head, <u32>(to - head) - 1 - LONG_LENGTH_BYTES, 1);
  return true;
}

function compileElement(): bool {
  const letter = peek(0);
  if (isDigit(letter) || letter == MINUS) return compileNumber();
  return isQuote(letter) ? compileString() : fail(FilterFault.Array);
}

function compileField(): bool {
  if (!pushOperand() || !emit(Opcode.Field)) return false;
  const path = to;
  if (!hasRoom(PATH_HEAD_BYTES)) return false;
  to += PATH_HEAD_BYTES;
  for (let steps: u32 = 0; steps == 0 || (peek(0) == POINT && isNameLetter(peek(1))); steps++) {
    if (steps == NESTING_MAX) return fail(FilterFault.Path);
    const name = ++at;
    while (isNameLetter(peek(0))) at++;
    // A name that is too long to be a field's is cut, and still too long.
    const bytes = min(<u32>(at - name), NAME_BYTES_MAX + 1);
    if (!hasRoom(4 + bytes)) return false;
    to = writeStep(to, name, bytes);
  }
  store<u16>(path, <u16>(to - path));
  return true;
}

/**
 * Compiles a path alone, as `.a.b` stands in an expression, to its form in programs at `path`, which has room for
 * PROGRAM_EXPANSION times `bytes`. Answers the bytes of that, 0 when it is no path.
 */
export function compilePath(text: usize, bytes: u32, path: usize): u32 {
  start = text;
  at = text;
  end = text + bytes;
  // An opcode comes first: it is overwritten by what follows it.
  to = path;
  limit = path + bytes * PROGRAM_EXPANSION;
  depth = 0;
  if (peek(0) != POINT || !isNameLetter(peek(1)) || !compileField() || at != end) return 0;
  const written = <u32>(to - path) - 1;
  memory.copy(path, path + 1, written);
  return written;
}

/** Compiles a literal or an operator. */
function compileWord(): bool {
  const start = at;
  while (isLetter(peek(0))) at++;
  const bytes = <u32>(at - start);
  // "true", "null" and "fals", little-endian.
  const first = bytes >= 4 ? load<u32>(start) : 0;
  if (bytes == 4 && first == 0x65757274) return emitConstantOpening() && emitNumber(1);
  if (bytes == 4 && first == 0x6c6c756e) return emitConstantOpening() && emit(headOf(Kind.Null, 0));
  if (bytes == 5 && first == 0x736c6166 && load<u8>(start, 4) == 0x65) return emitConstantOpening() && emitNumber(0);
  at = start;
  const operator = bytes != 0 ? takeNamedOperator() : takeSymbol();
  if (operator != Opcode.None) return compileOperator(operator);
  const fault = bytes != 0 ? FilterFault.Word : isSymbol(peek(0)) ? FilterFault.Symbol : FilterFault.Letter;
  while (isLetter(peek(0)) || isSymbol(peek(0))) at++;
  return fail(fault);
}

/** Takes the operator a run of letters begins with. */
function takeNamedOperator(): Opcode {
  const two = peek(0) | (peek(1) << 8);
  const three = two | (peek(2) << 16);
  if (three == 0x646e61) return taken(Opcode.And, 3);
  if (three == 0x746f6e) return taken(Opcode.Not, 3);
  if (three == 0x796e61) return taken(Opcode.Any, 3);
  if (three == 0x6c6c61) return taken(Opcode.All, 3);
  // "startswi" and "distance", little-endian.
  const eight = end - at >= 8 ? load<u64>(at) : 0;
  if (eight == 0x6977737472617473 && peek(8) == 0x74 && peek(9) == 0x68) return taken(Opcode.StartsWith, 10);
  if (eight == 0x65636e6174736964) return taken(Opcode.Distance, 8);
  if (two == 0x726f) return taken(Opcode.Or, 2);
  return two == 0x6e69 ? taken(Opcode.In, 2) : Opcode.None;
}

/** Takes the longest operator of special characters. */
function takeSymbol(): Opcode {
  const second = peek(1);
  const equal = second == 0x3d;
  switch (peek(0)) {
    case 0x28:
      return taken(Opcode.Open, 1);
    case 0x29:
      return taken(Opcode.Close, 1);
    case 0x21:
      return equal ? taken(Opcode.NotEqual, 2) : taken(Opcode.Not, 1);
    case 0x2a:
      return second == 0x2a ? taken(Opcode.Power, 2) : taken(Opcode.Multiply, 1);
    case 0x2f:
      return taken(Opcode.Divide, 1);
    case 0x25:
      return taken(Opcode.Remainder, 1);
    case 0x2b:
      return taken(Opcode.Add, 1);
    case 0x2d:
      return taken(Opcode.Subtract, 1);
    case 0x3e:
      return equal ? taken(Opcode.GreaterOrEqual, 2) : taken(Opcode.Greater, 1);
    case 0x3c:
      return equal ? taken(Opcode.LessOrEqual, 2) : taken(Opcode.Less, 1);
    case 0x3d:
      return equal ? taken(Opcode.Equal, 2) : Opcode.None;
    case 0x26:
      return second == 0x26 ? taken(Opcode.And, 2) : Opcode.None;
    case 0x7c:
      return second == 0x7c ? taken(Opcode.Or, 2) : Opcode.None;
    default:
      return Opcode.None;
  }
}

function taken(operator: Opcode, bytes: u32): Opcode {
  at += bytes;
  return operator;
}

function compileOperator(operator: Opcode): bool {
  if (operator == Opcode.Close) return closeParenthesis();
  afterOperand = false;
  if (operator != Opcode.Open && operator != Opcode.Not) {
    const rank = rankOf(operator) + u32(operator == Opcode.Power);
    while (operators > 0 && waiting() != Opcode.Open && rankOf(waiting()) >= rank) {
      if (!emitOperator()) return misfit();
    }
  }
  if (operators == OPERATORS_MAX) {
    fail(FilterFault.TooDeep);
    return misfit();
  }
  store<u8>(OPERATORS_BASE + operators++, <u8>operator);
  return true;
}

function closeParenthesis(): bool {
  while (operators > 0 && waiting() != Opcode.Open) {
    if (!emitOperator()) return misfit();
  }
  if (operators == 0) {
    fail(FilterFault.Unopened);
    return misfit();
  }
  operators--;
  afterOperand = true;
  return true;
}

/** Says that operators and operands do not fit together, at position 0 as in Redis. */
function misfit(): bool {
  at = start;
  return false;
}

function waiting(): Opcode {
  return load<u8>(OPERATORS_BASE + operators - 1);
}

function rankOf(operator: Opcode): u32 {
  return load<u8>(RANKS + <usize>operator);
}

/** Moves the last waiting operator to the program; false for a parenthesis, too few values or no room. */
function emitOperator(): bool {
  const operator = waiting();
  const arity: u32 = operator == Opcode.Not ? 1 : 2;
  if (operator == Opcode.Open) return fail(FilterFault.Unclosed);
  if (depth < arity) return fail(FilterFault.Operand);
  operators--;
  depth -= arity - 1;
  return emit(operator);
}

/** The letter `offset` bytes on, 0 behind the end. */
function peek(offset: u32): u32 {
  return <usize>offset < end - at ? <u32>load<u8>(at + offset) : 0;
}

function skip(): void {
  at = skipSpaces(at, end);
}

function isLetter(letter: u32): bool {
  return (letter | 0x20) - 0x61 <= 25;
}

function isNameLetter(letter: u32): bool {
  return isLetter(letter) || isDigit(letter) || letter == 0x5f || letter == MINUS;
}

function isQuote(letter: u32): bool {
  return letter == 0x22 || letter == 0x27;
}

/** One of + - * % / ! ( ) < > = | & */
function isSymbol(letter: u32): bool {
  return (
    (letter - 0x25 <= 10 && letter != 0x27 && letter != 0x2c && letter != 0x2e) ||
    letter == 0x21 ||
    letter - 0x3c <= 2 ||
    letter == 0x7c
  );
}
