// An inline command that may have to wait for the log. Its words are decoded where they lie, which cannot be done twice, so
// while writes wait its line is kept as it came, and put back when it is a write. It is the first command of its group,
// and nothing runs between parsing and putting it back, so the scratch of commands holds it.

import { SCRATCH_BASE } from "../layout";
import { effectLog, isLogFull } from "../effects/region";

const ARRAY_TYPE: u32 = 0x2a;
/** Where the line was that was kept last. */
let keptAt: usize = 0;
let keptBytes: u32 = 0;

/** Keeps a line, at most 64 KiB, if it may have to wait. */
export function keepLine(at: usize, bytes: u32): void {
  if (effectLog.recording == 0 || !isLogFull()) return;
  keptAt = at;
  keptBytes = bytes;
  memory.copy(SCRATCH_BASE, at, bytes);
}

/** Puts the line back, if the command that waits at this place came as one: no name begins as an array does. Answers the place. */
export function restoreLine(at: usize): usize {
  if (keptAt == at && <u32>load<u8>(at) != ARRAY_TYPE) memory.copy(at, SCRATCH_BASE, keptBytes);
  return at;
}
