// What stands in the log beside records: the head of a segment, and a mark behind each sync. The drawing is in
// record-format.ts.

import { encodeMark, encodeSegmentHeader, LOG_VERSION } from "./record-format.ts";

/** Makes heads and marks of one log. */
export class LogMarks {
  /** Something was synced since the last mark or head. */
  due = false;

  constructor(
    private readonly identity: bigint,
    private readonly now: () => number,
  ) {}

  /** What goes before records that are written at an offset; `first` is the number of the first of them. */
  before(segment: number, offset: number, first: number, synced: number): Uint8Array[] {
    const { identity, due } = this;
    this.due = false;
    if (offset === 0) {
      return [encodeSegmentHeader({ version: LOG_VERSION, number: segment, first, identity, synced })];
    }
    return due ? [this.mark(segment, offset, synced, false)] : [];
  }

  mark(segment: number, offset: number, synced: number, sealed: boolean): Uint8Array {
    return encodeMark({ synced, sealed }, { identity: this.identity, segment, offset }, this.now());
  }
}
