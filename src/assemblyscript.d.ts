// The number types of assembly/layout.ts, which asc, tsc and esbuild all compile.

type u32 = number;
