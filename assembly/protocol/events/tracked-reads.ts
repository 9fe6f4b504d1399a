// What a connection that tracks has read: the keys of its commands that only read, by their positions in the command table.

import { Tracking } from "../../connection-layout";
import { trackKey, tracksReads } from "../../events/tracking";
import { CommandFlag } from "../../layout";
import { argumentAddress, argumentBytes, argumentCount, isArgumentPaged } from "../arguments";
import { Command, hasFlag } from "../catalog";
import { Connection, mailboxOf } from "../connection";
import { addWork } from "../work";

/** Notes the keys that the command which ran has read. */
export function trackReads(connection: Connection, command: Command): void {
  const box = mailboxOf(connection);
  if (!hasFlag(command, CommandFlag.ReadOnly) || command.firstKey <= 0 || !tracksReads(box)) return;
  const count = <i32>argumentCount;
  const last = command.lastKey < 0 ? count + command.lastKey : min<i32>(command.lastKey, count - 1);
  for (let index: i32 = command.firstKey; index <= last; index += command.keyStep) {
    if (!isArgumentPaged(index)) trackKey(box, argumentAddress(index), argumentBytes(index));
    addWork(1);
  }
}

/** CLIENT CACHING holds for the command behind it. */
export function endCaching(connection: Connection, command: Command): void {
  if (!hasFlag(command, CommandFlag.Host)) mailboxOf(connection).tracking &= ~(<u8>Tracking.Caching);
}
