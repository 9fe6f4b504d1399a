// A plain evaluator of filter expressions over syntax trees, written from Redis's documentation of FILTER, and the
// writing of such trees as text: the oracle of filter.test.ts.

import fc from "fast-check";

type Scalar = number | string | null;
type Value = Scalar | Scalar[];

export type Expression =
  | { type: "literal"; value: Value }
  | { type: "boolean"; value: boolean }
  | { type: "field"; name: string }
  | { type: "not"; of: Expression }
  | { type: "binary"; operator: Operator; left: Expression; right: Expression };

const RANKS = {
  ...{ "**": 5, "*": 4, "/": 4, "%": 4, "+": 3, "-": 3, ">": 2, ">=": 2, "<": 2, "<=": 2, "==": 2, "!=": 2, in: 2 },
  ...{ startswith: 2, any: 2, all: 2 },
  ...{ and: 1, "&&": 1, or: 0, "||": 0 },
};
const NOT_RANK = 6;
const VALUE_RANK = 7;

type Operator = keyof typeof RANKS;

const scalar = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom<Scalar>("x", "xy", "2", "", "-1.5", "it's", 'a"b', 0.5, 1e21, 1e-7),
);

export const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 5, depthSize: "small" },
    fc.record({
      type: fc.constant("literal" as const),
      value: fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.constant(null)),
    }),
    fc.record({ type: fc.constant("field" as const), name: fc.constantFrom(..."aabbbcdef", "o.z", "o") }),
    fc.record({ type: fc.constant("boolean" as const), value: fc.boolean() }),
    fc.record({ type: fc.constant("not" as const), of: tie("expression") }),
    fc.record({
      type: fc.constant("binary" as const),
      operator: fc.constantFrom(...(Object.keys(RANKS) as Operator[])),
      left: tie("expression"),
      right: tie("expression"),
    }),
    fc.record({
      type: fc.constant("binary" as const),
      operator: fc.constantFrom(...(Object.keys(RANKS) as Operator[])),
      left: tie("expression"),
      right: tie("expression"),
    }),
  ),
}));

/** Writes a tree as text; `style` chooses spaces, quotes, spellings and superfluous parentheses. */
export function render(tree: Expression, style: number): string {
  let state = style >>> 0;
  const choose = <T>(...options: T[]): T => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return options[(state >>> 16) % options.length] as T;
  };
  const space = (): string => choose("", " ", " ", "\t");
  const text = (value: string): string => {
    const quote = choose("'", '"');
    return quote + value.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`) + quote;
  };
  const literal = (value: Value): string => {
    if (Array.isArray(value)) return `[${space()}${value.map(literal).join(`${space()},${space()}`)}${space()}]`;
    return typeof value === "string" ? text(value) : String(value);
  };
  const wrap = (child: Expression, rank: number): string => {
    const inner = write(child);
    const parentheses = rankOf(child) < rank || choose(false, false, false, true);
    return parentheses ? `(${space()}${inner}${space()})` : inner;
  };
  const write = (node: Expression): string => {
    if (node.type === "literal") return literal(node.value);
    if (node.type === "boolean") return String(node.value);
    if (node.type === "field") return `.${node.name}`;
    if (node.type === "not") return `${choose("!", "not ")}${space()}${wrap(node.of, NOT_RANK)}`;
    const rank = RANKS[node.operator];
    const power = node.operator === "**" ? 1 : 0;
    return `${wrap(node.left, rank + power)} ${node.operator} ${wrap(node.right, rank + 1 - power)}`;
  };
  return space() + write(tree) + space();
}

function rankOf(node: Expression): number {
  if (node.type === "binary") return RANKS[node.operator];
  return node.type === "not" ? NOT_RANK : VALUE_RANK;
}

/** Whether the expression is true of an object; false when a field it names is missing. */
export function evaluate(tree: Expression, attributes: object): boolean {
  const fields = new Map<string, unknown>(flattened(attributes, ""));
  if (namesOf(tree).some((name) => !fields.has(name))) return false;
  return isTrue(compute(tree, fields));
}

/** Fields by their paths; objects themselves count as nothing. */
function flattened(object: object, prefix: string): [string, unknown][] {
  return Object.entries(object).flatMap(([name, value]): [string, unknown][] => {
    const nested = typeof value === "object" && value !== null && !Array.isArray(value);
    return nested ? flattened(value, `${prefix}${name}.`) : [[prefix + name, value]];
  });
}

function namesOf(node: Expression): string[] {
  if (node.type === "field") return [node.name];
  if (node.type === "not") return namesOf(node.of);
  return node.type === "binary" ? [...namesOf(node.left), ...namesOf(node.right)] : [];
}

function compute(node: Expression, fields: Map<string, unknown>): Value {
  if (node.type === "literal") return node.value;
  if (node.type === "boolean") return Number(node.value);
  if (node.type === "field") return fieldValue(fields.get(node.name)) as Value;
  if (node.type === "not") return Number(!isTrue(compute(node.of, fields)));
  return Number(binary(node.operator, compute(node.left, fields), compute(node.right, fields)));
}

/** Booleans are numbers, in arrays too. */
function fieldValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fieldValue);
  return typeof value === "boolean" ? Number(value) : value;
}

function binary(operator: Operator, left: Value, right: Value): number | boolean {
  const [a, b] = [toNumber(left), toNumber(right)];
  switch (operator) {
    case "**":
      return a ** b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      return a % b;
    case "+":
      return a + b;
    case "-":
      return a - b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case "==":
      return isEqual(left, right);
    case "!=":
      return !isEqual(left, right);
    case "in":
      return isIn(left, right);
    case "startswith":
      return typeof left === "string" && typeof right === "string" && left.startsWith(right);
    case "any":
      return Array.isArray(right) && right.some((element) => isHeld(element, left));
    case "all":
      return Array.isArray(right) && right.every((element) => isHeld(element, left));
    case "and":
    case "&&":
      return isTrue(left) && isTrue(right);
    case "or":
    case "||":
      return isTrue(left) || isTrue(right);
  }
}

function isTrue(value: Value): boolean {
  if (typeof value === "number") return value !== 0;
  return value !== null && value !== "";
}

function toNumber(value: Value): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(value) ? Number(value) : 0;
}

function isEqual(left: Value, right: Value): boolean {
  if (left === null || right === null) return left === right;
  if (typeof left === "string" && typeof right === "string") return left === right;
  return toNumber(left) === toNumber(right);
}

function isIn(left: Value, right: Value): boolean {
  if (Array.isArray(right)) return right.some((element) => isEqual(left, element));
  return typeof left === "string" && typeof right === "string" && right.includes(left);
}

/** Whether a value is an element of an array, or equals a value that is none. */
function isHeld(value: Value, held: Value): boolean {
  return Array.isArray(held) ? held.some((element) => isEqual(value, element)) : isEqual(value, held);
}
