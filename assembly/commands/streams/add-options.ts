// Options of XADD and XTRIM: how far the stream is trimmed, whether it is made, the id. They come in any order and the id ends them.

import { streamBlockEntries } from "../../memory/settings";
import { argumentCount, argumentInteger, argumentIs, lastInteger } from "../../protocol/arguments";
import { replyError, replyNotInteger, replySyntaxError } from "../../protocol/reply";
import { trim } from "../../structures/streams/remove";
import { hasSequence, idMs, idSeq, isCharacter, parseId, parseNewId } from "./stream-id";

const STAR: u32 = 0x2a;
const TILDE: u32 = 0x7e;
const EQUALS: u32 = 0x3d;
/** Entries that rough trimming removes at most, in blocks and at all. */
const LIMIT_BLOCKS: u64 = 100;
const LIMIT_DEFAULT: u64 = 10000;
const LIMIT_MAX: u64 = 1000000;

/** Whether there is an id other than `*`; whether it lacks its sequence number; which argument it is. */
export let isIdGiven: bool = false;
export let isSequenceGiven: bool = false;
export let idArgument: u32 = 0;
/** Whether the stream is trimmed. */
export let isTrimming: bool = false;
/** NOMKSTREAM. */
export let onlyExisting: bool = false;

let isLimitGiven: bool = false;

/** Parses what stands before the fields of XADD, or behind the key of XTRIM; false after replying an error. */
export function parseAddOptions(adds: bool): bool {
  isIdGiven = false;
  isSequenceGiven = true;
  isTrimming = false;
  onlyExisting = false;
  isLimitGiven = false;
  trim.roughly = false;
  trim.limit = 0;
  let index: u32 = 2;
  for (; index < argumentCount; index++) {
    if (adds && isCharacter(index, STAR)) break;
    const hasMore = index + 1 < argumentCount;
    if (hasMore && (argumentIs(index, "MAXLEN") || argumentIs(index, "MINID"))) {
      index = parseTrim(index);
      if (index == 0) return false;
    } else if (hasMore && argumentIs(index, "LIMIT")) {
      if (!parseLimit(++index)) return false;
    } else if (adds && argumentIs(index, "NOMKSTREAM")) {
      onlyExisting = true;
    } else if (adds) {
      if (!parseNewId(index)) return false;
      isIdGiven = true;
      isSequenceGiven = hasSequence;
      break;
    } else {
      replySyntaxError();
      return false;
    }
  }
  idArgument = index;
  return isConsistent(adds);
}

/** Parses MAXLEN or MINID; answers its last argument, 0 after replying an error. */
function parseTrim(index: u32): u32 {
  if (isTrimming) {
    replyError("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
    return 0;
  }
  isTrimming = true;
  trim.byId = argumentIs(index, "MINID");
  let at = index + 1;
  trim.roughly = at + 1 < argumentCount && isCharacter(at, TILDE);
  if (trim.roughly || (at + 1 < argumentCount && isCharacter(at, EQUALS))) at++;
  if (trim.byId) {
    if (!parseId(at)) return 0;
    trim.ms = idMs;
    trim.seq = idSeq;
  } else {
    if (!parseNatural(at, "ERR The MAXLEN argument must be >= 0.")) return 0;
    trim.length = <u64>lastInteger();
  }
  return at;
}

function parseLimit(index: u32): bool {
  if (!parseNatural(index, "ERR The LIMIT argument must be >= 0.")) return false;
  trim.limit = <u64>lastInteger();
  isLimitGiven = true;
  return true;
}

function parseNatural(index: u32, error: string): bool {
  if (!argumentInteger(index)) {
    replyNotInteger();
    return false;
  }
  if (lastInteger() >= 0) return true;
  replyError(error);
  return false;
}

function isConsistent(adds: bool): bool {
  if (trim.limit != 0 && !isTrimming) {
    replyError("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
    return false;
  }
  if (!adds && !isTrimming) {
    replyError("ERR syntax error, XTRIM must be called with a trimming strategy");
    return false;
  }
  if (isLimitGiven && !trim.roughly) {
    replyError("ERR syntax error, LIMIT cannot be used without the special ~ option");
    return false;
  }
  if (!isLimitGiven && trim.roughly) {
    const entries = LIMIT_BLOCKS * streamBlockEntries();
    trim.limit = entries == 0 ? LIMIT_DEFAULT : min(entries, LIMIT_MAX);
  }
  return true;
}
