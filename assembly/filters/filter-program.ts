// A compiled filter: instructions for a stack of values, operands before operators.
//
//   program      0 bytes, these four included | 4 instructions
//   Constant     opcode | head | body                as in attributes.ts
//   Field        opcode | path                       as in attributes.ts
//   operators    opcode                              takes one or two values off the stack, puts a number on it
//
// The stack lies in the workspace. The compiler admits no program that needs more of it than there is, and none
// whose operators would find too few values: evaluation checks nothing.

import { Value } from "../text/attributes";
import { WORKSPACE_BASE, WORKSPACE_BYTES } from "../layout";
import { BIGNUMS_END } from "../text/number-bignum";

/** Why an expression is none. */
export const enum FilterFault {
  None = 0,
  /** There is no value in it. */
  Empty = 1,
  /** Two values with nothing between them. */
  Apart = 2,
  /** An operator has too few values. */
  Operand = 3,
  Unclosed = 4,
  Unopened = 5,
  Number = 6,
  Quote = 7,
  Array = 8,
  /** A field in too many objects. */
  Path = 9,
  /** Letters that are no operator, special characters that are none, something else. */
  Word = 10,
  Symbol = 11,
  Letter = 12,
  TooDeep = 13,
  TooLong = 14,
}

export const enum Opcode {
  Constant,
  Field,
  Not,
  Power,
  Multiply,
  Divide,
  Remainder,
  Add,
  Subtract,
  Greater,
  GreaterOrEqual,
  Less,
  LessOrEqual,
  Equal,
  NotEqual,
  In,
  StartsWith,
  Any,
  All,
  Distance,
  And,
  Or,
  /** Parentheses wait among the operators while compiling; no program has them. */
  Open,
  Close,
  /** Text that is no operator. */
  None,
}

export const PROGRAM_HEAD_BYTES: u32 = 4;
/** A program never takes more than this many bytes for a byte of text, and PROGRAM_HEAD_BYTES. */
export const PROGRAM_EXPANSION: u32 = 4;

/** Values that may wait at a time. */
export const STACK_DEPTH_MAX: u32 = 512;
/** Operators and parentheses that may wait at a time while compiling. */
export const OPERATORS_MAX: u32 = 4096;

export const VALUE_BYTES: usize = offsetof<Value>();
/** Numbers in texts are converted while the stack is in use, so it lies behind the bignums. */
export const STACK_BASE: usize = <usize>BIGNUMS_END;
/** Two more values: the elements of arrays that are being compared. */
export const ELEMENT_BASE: usize = STACK_BASE + <usize>STACK_DEPTH_MAX * VALUE_BYTES;
export const OPERATORS_BASE: usize = ELEMENT_BASE + 2 * VALUE_BYTES;

if (!ASC_FEATURE_THREADS && OPERATORS_BASE + OPERATORS_MAX > WORKSPACE_BASE + WORKSPACE_BYTES)
  ERROR("filters must fit the workspace");
