// A reader of TypeScript and AssemblyScript that knows just enough for the tidy test: where comments, strings and
// regular expressions lie, which file imports which, and where functions begin and end. A full parser would not
// take AssemblyScript's decorators; this one goes by braces and the text before them.

/** One import or re-export: what is named, and whether it vanishes when compiled. */
export interface Import {
  specifier: string;
  typeOnly: boolean;
}

/** A function with a body, with its first line (from 1) and how many lines it spans. */
export interface FunctionSpan {
  name: string;
  line: number;
  lines: number;
}

/** The same text, length and lines with comments, strings, templates and regular expressions blanked. */
export function blank(source: string): string {
  let out = "";
  let at = 0;
  while (at < source.length) {
    const end = literalEnd(source, at, out);
    if (end === at) {
      out += source[at++];
      continue;
    }
    out += source.slice(at, end).replace(/[^\n]/g, " ");
    at = end;
  }
  return out;
}

/** Where the comment, string, template or expression that begins at `at` ends; `at` when none begins there. */
function literalEnd(source: string, at: number, before: string): number {
  const rest = source.slice(at, at + 2);
  if (rest === "//") return indexOrEnd(source, "\n", at);
  if (rest === "/*") return indexOrEnd(source, "*/", at + 2) + 2;
  const first = rest[0];
  if (first === '"' || first === "'") return quotedEnd(source, at, first);
  if (first === "`") return templateEnd(source, at);
  if (first === "/" && /(^|[(,=:[!&|?{};+~>]|\breturn|\bof|\bcase)\s*$/.test(before.slice(-40))) {
    return expressionEnd(source, at);
  }
  return at;
}

function indexOrEnd(source: string, text: string, from: number): number {
  const index = source.indexOf(text, from);
  return index < 0 ? source.length : index;
}

function quotedEnd(source: string, at: number, quote: string): number {
  for (at++; at < source.length && source[at] !== quote && source[at] !== "\n"; at++) {
    if (source[at] === "\\") at++;
  }
  return at + 1;
}

function templateEnd(source: string, at: number): number {
  for (at++; at < source.length && source[at] !== "`"; at++) {
    if (source[at] === "\\") at++;
    else if (source.startsWith("${", at)) at = substitutionEnd(source, at + 2);
  }
  return at + 1;
}

/** Index of the brace that closes a template's substitution. */
function substitutionEnd(source: string, at: number): number {
  for (let depth = 0; at < source.length; at++) {
    if (source[at] === "`") at = templateEnd(source, at) - 1;
    else if (source[at] === '"' || source[at] === "'") at = quotedEnd(source, at, source[at] as string) - 1;
    else if (source[at] === "{") depth++;
    else if (source[at] === "}" && depth-- === 0) break;
  }
  return at;
}

function expressionEnd(source: string, at: number): number {
  for (let inClass = false; ++at < source.length && source[at] !== "\n"; ) {
    if (source[at] === "\\") at++;
    else if (source[at] === "[") inClass = true;
    else if (source[at] === "]") inClass = false;
    else if (source[at] === "/" && !inClass) break;
  }
  return at + 1;
}

/** All imports and re-exports, dynamic ones with a literal specifier too. */
export function importsOf(source: string): Import[] {
  const code = blank(source);
  const imports: Import[] = [];
  const statement = /\b(?:import|export)\s+(type\s+)?(?:[\w*{][^;"'`=()]*?\bfrom\s*)?(?=\s*$)/;
  for (const match of source.matchAll(/(["'])([^"'\n]+)\1/g)) {
    const before = code.slice(Math.max(0, match.index - 2000), match.index);
    const found = statement.exec(before.slice(before.lastIndexOf(";") + 1));
    if (found !== null) imports.push({ specifier: match[2] as string, typeOnly: found[1] !== undefined });
    else if (/\bimport\(\s*$/.test(before)) imports.push({ specifier: match[2] as string, typeOnly: false });
  }
  return imports;
}

const NOT_FUNCTIONS = /^(if|for|while|switch|catch|with|do|else|try|case|default|return|throw)\b|\b(class|interface)\b/;

/** Every function, method, constructor and arrow function with a body in braces. */
export function functionsOf(source: string): FunctionSpan[] {
  const code = blank(source);
  const open: ({ name: string; line: number } | undefined)[] = [];
  const found: FunctionSpan[] = [];
  for (const match of code.matchAll(/[{}]/g)) {
    if (match[0] === "{") {
      open.push(headerBefore(code, match.index));
      continue;
    }
    const header = open.pop();
    if (header === undefined) continue;
    found.push({ ...header, lines: lineAt(code, match.index) - header.line + 1 });
  }
  return found;
}

/** The function whose body opens at `brace`; undefined for a block, a class, an object or a type. */
function headerBefore(code: string, brace: number): { name: string; line: number } | undefined {
  const start = headerStart(code, brace);
  const text = code.slice(start, brace).trimEnd();
  const header = text.trimStart();
  const line = lineAt(code, start + text.length - header.length);
  if (/=>$/.test(header)) return { name: /(\w+)\s*[=:(][^=]*=>$/.exec(header)?.[1] ?? "=>", line };
  const declared = /\bfunction\b\s*\*?\s*(\w*)/.exec(header);
  if (declared !== null) return { name: declared[1] || "function", line };
  if (NOT_FUNCTIONS.test(header)) return undefined;
  const method = /(#?[\w$\]]+)\s*(<[^()]*>)?\([\s\S]*\)\s*(:[^=]*)?$/.exec(header);
  return method === null ? undefined : { name: method[1] as string, line };
}

/** Walks back over balanced parentheses to what ends the statement before. */
function headerStart(code: string, brace: number): number {
  let depth = 0;
  for (let at = brace - 1; at >= 0; at--) {
    const character = code[at] as string;
    if (character === ")") depth++;
    else if (character === "(") depth--;
    if (depth < 0 || (depth === 0 && /[;{},]/.test(character))) return at + 1;
  }
  return 0;
}

function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < index; at = text.indexOf("\n", at + 1)) line++;
  return line;
}
