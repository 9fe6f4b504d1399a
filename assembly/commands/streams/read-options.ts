// Options of XREAD and XREADGROUP: how many entries, how long to wait, for whom, and which streams from which ids on.

import { argumentCount, argumentInteger, argumentIs, isArgumentPaged, lastInteger } from "../../protocol/arguments";
import { replyOverlong } from "../../protocol/command-error";
import { replyError, replyNotInteger, replySyntaxError } from "../../protocol/reply";

/** Entries of each stream at most; 0 for any number. */
export let readCount: u64 = 0;
/** Milliseconds to wait: 0 for ever, negative for not at all. */
export let readTimeout: i64 = -1;
export let isNoAck: bool = false;
/** Arguments that name the group and the consumer. */
export let groupArgument: u32 = 0;
/** The first key; its id stands `readStreams` arguments behind it. */
export let firstStream: u32 = 0;
export let readStreams: u32 = 0;

/** Parses the options; false after replying an error. */
export function parseReadOptions(ofGroup: bool): bool {
  readCount = 0;
  readTimeout = -1;
  isNoAck = false;
  groupArgument = 0;
  readStreams = 0;
  for (let index: u32 = 1; index < argumentCount && readStreams == 0; ) {
    const used = parseOption(index, ofGroup);
    if (used == 0) return false;
    index += used;
  }
  if (readStreams == 0) {
    replySyntaxError();
    return false;
  }
  if (ofGroup && groupArgument == 0) {
    replyError("ERR Missing GROUP option for XREADGROUP");
    return false;
  }
  return areKeysShort();
}

/** Parses the option at an index; answers how many arguments it takes, 0 after replying an error. */
function parseOption(index: u32, ofGroup: bool): u32 {
  const more = argumentCount - index - 1;
  if (more > 0 && argumentIs(index, "BLOCK")) return parseTimeout(index + 1) ? 2 : 0;
  if (more > 0 && argumentIs(index, "COUNT")) {
    if (!argumentInteger(index + 1)) {
      replyNotInteger();
      return 0;
    }
    readCount = max<i64>(lastInteger(), 0);
    return 2;
  }
  if (more > 0 && argumentIs(index, "STREAMS")) return parseStreams(index + 1, ofGroup) ? more + 1 : 0;
  if (more > 1 && argumentIs(index, "GROUP")) {
    if (!ofGroup) {
      replyError("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
      return 0;
    }
    groupArgument = index + 1;
    return 3;
  }
  if (argumentIs(index, "NOACK")) {
    if (!ofGroup) {
      replyError("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.");
      return 0;
    }
    isNoAck = true;
    return 1;
  }
  replySyntaxError();
  return 0;
}

function parseTimeout(index: u32): bool {
  if (!argumentInteger(index)) {
    replyError("ERR timeout is not an integer or out of range");
    return false;
  }
  readTimeout = lastInteger();
  if (readTimeout >= 0) return true;
  replyError("ERR timeout is negative");
  return false;
}

function parseStreams(first: u32, ofGroup: bool): bool {
  const words = argumentCount - first;
  if ((words & 1) != 0) {
    if (ofGroup) {
      replyError("ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.");
    } else {
      replyError("ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified.");
    }
    return false;
  }
  firstStream = first;
  readStreams = words >> 1;
  return true;
}

/** The dispatcher does not know where the keys are. */
function areKeysShort(): bool {
  for (let index: u32 = 0; index < readStreams; index++) {
    if (isArgumentPaged(firstStream + index)) {
      replyOverlong("key");
      return false;
    }
  }
  return true;
}
