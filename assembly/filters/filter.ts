// Filter expressions of VSIM, as Redis 8 has them: `.year > 1990 and .genre in ["comedy", "drama"]`. An expression is
// compiled once a query and evaluated for each element the walk meets.
//
// Values are numbers, texts in either quotes, `true`, `false`, `null`, arrays of numbers and texts, and `.name` for
// a top-level field of the element's JSON attributes, `.a.b` for one inside an object. Operators from the strongest:
//   ! not    **    * / % distance    + -    > >= < <= == != in startswith any all    and &&    or ||
// Of equals the left one goes first, except for **. `in` looks for an element of an array, or for a text in a text;
// `any` and `all` for elements of an array of constants in an array of the attributes. `distance` answers meters.

export { compileFilter, compilePath, filterFault } from "./filter-compile";
export { evaluateFilter } from "./filter-evaluate";
export { PROGRAM_EXPANSION, PROGRAM_HEAD_BYTES } from "./filter-program";
