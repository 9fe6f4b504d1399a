// Replies to commands that the host answers: bytes that it made, or what the engine writes once the host has found it.

import { ConnectionMode } from "../connection-layout";
import { INPUT_BASE } from "../layout";
import { countErrorBytes, running, setRunning } from "./command-statistics";
import { takeHostCommand } from "./command-timing";
import { connectionAt, hasMode } from "./connection";
import { beginReplies, endReplies, replyBytes } from "./reply";

/** Begins to write to a connection; false when nothing is to be written. `endHostReply` follows. */
export function beginHostReply(address: usize): bool {
  setRunning(takeHostCommand(address));
  const connection = connectionAt(address);
  if (hasMode(connection, ConnectionMode.Silent | ConnectionMode.Muted)) return false;
  beginReplies(connection);
  return true;
}

export function endHostReply(): void {
  endReplies();
}

/** Appends a piece of a reply that the host made and put at INPUT_BASE. */
export function writeReply(address: usize, bytes: u32): void {
  const writes = beginHostReply(address);
  if (running != 0 && bytes != 0 && load<u8>(INPUT_BASE) == 0x2d) countErrorBytes(INPUT_BASE + 1, bytes - 1);
  if (!writes) return;
  replyBytes(INPUT_BASE, bytes);
  endHostReply();
}
