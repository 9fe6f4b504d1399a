// What is wrong with a filter expression, in words: Redis's text, which says where, and then why.

import { filterFault } from "../../filters/filter";
import { FilterFault } from "../../filters/filter-program";
import { beginError, endError, errorBytes, errorText } from "../../protocol/reply";

/** Replies that the expression at `text` was not understood from `position` on. */
export function replyFilterError(text: usize, bytes: u32, position: u32): void {
  const from = position >= bytes ? 0 : position;
  beginError();
  errorText("ERR syntax error in FILTER expression near: ");
  errorBytes(text + from, bytes - from);
  errorText(" (");
  errorText(reason());
  errorText(")");
  endError();
}

function reason(): string {
  switch (filterFault) {
    case FilterFault.Empty:
      return "there is nothing to test";
    case FilterFault.Apart:
      return "two values stand side by side without an operator";
    case FilterFault.Operand:
      return "an operator lacks a value";
    case FilterFault.Unclosed:
      return "a parenthesis is not closed";
    case FilterFault.Unopened:
      return "a parenthesis is closed that was not opened";
    case FilterFault.Number:
      return "that is no number";
    case FilterFault.Quote:
      return "a text lacks its closing quote";
    case FilterFault.Array:
      return "an array holds numbers and quoted texts, with commas between them, and ends with ]";
    case FilterFault.Path:
      return "a field is at most eight names deep";
    case FilterFault.Word:
      return "there is no such operator: fields begin with a point, texts stand in quotes";
    case FilterFault.Symbol:
      return "there is no such operator: equality is ==, and is &&, or is ||";
    case FilterFault.Letter:
      return "nothing begins so: fields begin with a point, texts stand in quotes";
    case FilterFault.TooDeep:
      return "it is nested too deeply";
    default:
      return "it is too long";
  }
}
