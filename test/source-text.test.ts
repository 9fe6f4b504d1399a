// The tidy test is only as good as its reader: examples of what it must and must not see.

import { expect, test } from "vitest";
import { blank, functionsOf, importsOf } from "./source-text.ts";

test("blanks comments, strings, templates and expressions, and keeps lines", () => {
  const source = ["a('{'); // }", `\`x $\{ f({ b: \`}\` }) } {\` + 1 /* {`, "} */ / 2", "x = /[/{]\\/}/.test(y);"].join(
    "\n",
  );
  const code = blank(source);
  expect(code).toHaveLength(source.length);
  expect(code.split("\n").map((line) => line.replace(/ +/g, " ").trim())).toEqual([
    "a( );",
    "+ 1",
    "/ 2",
    "x = .test(y);",
  ]);
});

test("finds imports of every form and none in comments and strings", () => {
  const source = `
    import type { A } from "./a.ts";
    import { B, type C } from './b.ts';
    import "./c.ts";
    export * from "./d.ts";
    export type { E } from "./e.ts";
    // import "./f.ts";
    const text = "from './g.ts'";
    export const other = "./h.ts";
    const late = await import("./i.ts");
  `;
  expect(importsOf(source).map(({ specifier, typeOnly }) => specifier + (typeOnly ? " type" : ""))).toEqual([
    "./a.ts type",
    "./b.ts",
    "./c.ts",
    "./d.ts",
    "./e.ts type",
    "./i.ts",
  ]);
});

test("measures functions, methods and arrows, not blocks, classes or objects", () => {
  const source = `
@unmanaged class Slot {
  get size(): u32 {
    return 1;
  }
  constructor(a: { b: number }) {
    if (a) {
      for (const x of [1]) {
      }
    }
  }
}
@inline
export function find<T>(address: usize): T {
  switch (a(1)) {
    case f(2): {
    }
  }
}
const g = async (x: number): Promise<void> => {
};
call(function () {
}, { a: 1 });
`;
  expect(functionsOf(source).map(({ name, line, lines }) => `${name} ${line} ${lines}`)).toEqual([
    "size 3 3",
    "constructor 6 6",
    "find 13 7",
    "g 20 2",
    "function 22 2",
  ]);
});
