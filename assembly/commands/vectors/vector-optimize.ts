// VOPTIMIZE, ours: trains the codes of a set anew where that changes them, gives it another coding or drops its originals,
// and puts its nodes in order. It replies at once; the work is done by ticks, a small step at a time, and VINFO tells
// `optimizing` until it is. Searches and writes go on meanwhile.

import { CommandFlag } from "../../layout";
import { argumentCount, argumentIs } from "../../protocol/arguments";
import { isOfBits } from "../../kernels/distance";
import { register } from "../../protocol/catalog";
import { findArgument, hashOfArgument } from "../../protocol/dispatch";
import { recordArguments } from "../../protocol/recording";
import { replyBoolean, replyError, replyNoMemory, replyWrongType } from "../../protocol/reply";
import { admit } from "../../keyspace/eviction";
import { noteChange, pin } from "../../keyspace/keyspace";
import { slotEntry } from "../../memory/table";
import { changeCoding, dropOriginals, pagesToChange, trainAnew } from "../../vectors/coding";
import { startOrdering } from "../../vectors/upkeep/reorder";
import { Coding, hasVectors, NONE, VectorSet } from "../../vectors/vectorset";
import { isVectorSet, liveSlot, setOf } from "./elements";
import { codingNamed } from "./add-options";

// What the running command asks for.
let wanted: u32 = NONE;
let drops: bool = false;

function parseOptions(): bool {
  wanted = NONE;
  drops = false;
  for (let index: u32 = 2; index < argumentCount; index++) {
    const coding = codingNamed(index);
    if (coding != NONE) wanted = coding;
    else if (argumentIs(index, "NOORIGINALS")) drops = true;
    else {
      replyError("ERR syntax error, use VOPTIMIZE key [NOQUANT|F16|Q8|Q4|BIN] [NOORIGINALS]");
      return false;
    }
  }
  return true;
}

/** False after replying why a set cannot become what is asked for. */
function mayBecome(set: VectorSet): bool {
  if (isOfBits(set.metric) && wanted != Coding.Binary && wanted != Coding.Float32) {
    replyError("ERR the set's METRIC takes BIN, which loses nothing of zeros and ones, or NOQUANT");
    return false;
  }
  if (wanted != set.quantization && !hasVectors(set)) {
    replyError("ERR the set keeps no originals to make other codes of: add its vectors to a new set");
    return false;
  }
  if (wanted != Coding.Float32 || (!drops && set.dropsVectors == 0)) return true;
  replyError("ERR NOORIGINALS needs codes, which NOQUANT does without: leave one of them out");
  return false;
}

function vOptimize(): void {
  if (!parseOptions()) return;
  const slot = liveSlot(findArgument(1), hashOfArgument(1));
  if (slot == 0) {
    replyBoolean(false);
    return;
  }
  if (!isVectorSet(slotEntry(slot))) {
    replyWrongType();
    return;
  }
  const set = setOf(slotEntry(slot));
  if (wanted == NONE) wanted = set.quantization;
  if (!mayBecome(set)) return;
  pin(slotEntry(slot));
  const changes = wanted != set.quantization;
  const dropsNow = drops && set.dropsVectors == 0;
  if (changes && !admit(pagesToChange(set, wanted))) {
    replyNoMemory();
    return;
  }
  if (changes || dropsNow) {
    noteChange(hashOfArgument(1));
    recordArguments("VOPTIMIZE");
  }
  if (changes) changeCoding(set, wanted);
  else if (!dropsNow) trainAnew(set);
  // Behind the change: other codes are made of them.
  if (dropsNow) dropOriginals(set);
  startOrdering(set);
  replyBoolean(true);
}

export function registerVectorOptimize(): void {
  const grow = CommandFlag.Write | CommandFlag.DenyOom;
  register("VOPTIMIZE", -2, grow, 1, 1, 1, vOptimize, "8.0.0", "Trains codes anew, or others, and orders the graph.");
}
