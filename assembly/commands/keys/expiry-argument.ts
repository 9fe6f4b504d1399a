// Times of death as commands give them: relative or absolute, seconds or milliseconds, as ms since epoch.

import { argumentInteger, lastInteger } from "../../protocol/arguments";
import { errorCommandName } from "../../protocol/command-error";
import { clock } from "../../keyspace/keyspace";
import { beginError, endError, errorText, replyNotInteger } from "../../protocol/reply";

export const EXPIRY_INVALID: i64 = -1;
export const EXPIRY_NOT_INTEGER: i64 = -2;

/** The time an argument stands for; negative when it is none (not a number, not positive, or out of range). */
export function expiryFrom(index: u32, seconds: bool, relative: bool): i64 {
  if (!argumentInteger(index)) return EXPIRY_NOT_INTEGER;
  const given = lastInteger();
  if (given <= 0) return EXPIRY_INVALID;
  if (seconds && given > i64.MAX_VALUE / 1000) return EXPIRY_INVALID;
  const ms = seconds ? given * 1000 : given;
  if (!relative) return ms;
  return ms > i64.MAX_VALUE - clock ? EXPIRY_INVALID : ms + clock;
}

export function replyInvalidExpiry(status: i64): void {
  if (status == EXPIRY_NOT_INTEGER) {
    replyNotInteger();
    return;
  }
  beginError();
  errorText("ERR invalid expire time in '");
  errorCommandName();
  errorText("' command");
  endError();
}
