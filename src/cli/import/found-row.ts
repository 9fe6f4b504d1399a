// What every reader of a file gives, whatever the format: rows with the place where a person finds them, or why a row
// could not be read. Readers give them in batches, because a batch is submitted in one tick and travels in one frame.

import { NearkeyError } from "../../errors.ts";

/** Named values of one row of a text format. */
export type Fields = Readonly<Record<string, unknown>>;

/** One row: its line (text formats) or its number (binary ones), both from 1, and what stood there. */
export type FoundRow = { readonly place: number } & (
  | { readonly fields: Fields }
  | { readonly vector: Float32Array }
  | { readonly problem: RowProblem }
);

/** Why one row is refused; rows with the same code are counted together. */
export class RowProblem {
  readonly code: string;
  readonly message: string;

  constructor(code: string, message: string) {
    this.code = code;
    this.message = message;
  }
}

/** The error that ends an import: the file cannot be read on. */
export function unreadable(name: string, reason: string): NearkeyError {
  return new NearkeyError("invalid-argument", `${name}: ${reason}`);
}
