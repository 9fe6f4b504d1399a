// Errors that name the running command: unknown, wrong number of arguments. Texts are Redis's.

import { KEY_BYTES_MAX, REGISTERS_BASE } from "../layout";
import { argumentAddress, argumentBytes, argumentCount, isArgumentPaged } from "./arguments";
import { Command, isExec } from "./catalog";
import { running } from "./command-statistics";
import { beginError, endError, errorBytes, errorInteger, errorText } from "./reply";

/** The running command's name in lower case, into an error that has begun. */
export function errorCommandName(): void {
  const bytes: u32 = changetype<Command>(running).nameBytes;
  for (let index: u32 = 0; index < bytes; index++) {
    const byte = load<u8>(running + index);
    store<u8>(REGISTERS_BASE + index, byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);
  }
  errorBytes(REGISTERS_BASE, bytes);
}

export function replyArity(): void {
  beginError();
  errorText(isExec(running) ? "EXECABORT Transaction discarded because of: " : "ERR ");
  errorText("wrong number of arguments for '");
  errorCommandName();
  errorText("' command");
  endError();
}

/** Says that a key, a field or a pattern is too long. */
export function replyOverlong(what: string): void {
  beginError();
  errorText("ERR ");
  errorText(what);
  errorText(" exceeds ");
  errorInteger(KEY_BYTES_MAX);
  errorText(" bytes");
  endError();
}

/** Bytes of the client that an error repeats at most. */
export const QUOTED_BYTES_MAX: u32 = 128;

/** At most `most` bytes of an argument, paged or not, into an error that has begun; answers how many. */
export function errorArgument(index: u32, most: u32): u32 {
  const bytes = min(argumentBytes(index), most);
  const address = argumentAddress(index);
  errorBytes(isArgumentPaged(index) ? <usize>load<u32>(address) : address, bytes);
  return bytes;
}

export function replyUnknown(): void {
  beginError();
  errorText("ERR unknown command '");
  errorArgument(0, QUOTED_BYTES_MAX);
  errorText("', with args beginning with: ");
  let quoted: u32 = 0;
  for (let index: u32 = 1; index < argumentCount && quoted < QUOTED_BYTES_MAX; index++) {
    errorText("'");
    quoted += errorArgument(index, QUOTED_BYTES_MAX - quoted) + 3;
    errorText("' ");
  }
  endError();
}
