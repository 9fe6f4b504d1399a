// CLIENT REPLY: connections that want no replies, or none of their next command.

import { ConnectionMode } from "../connection-layout";
import { Connection, hasMode, setMode } from "./connection";
import { muteReplies } from "./reply";

/** Mutes the replies of a command where the connection wants none of it; true when it did. */
export function silence(connection: Connection): bool {
  const isSilent = hasMode(connection, ConnectionMode.Silent | ConnectionMode.SkipsNext);
  setMode(connection, ConnectionMode.SkipsNext, false);
  if (isSilent) muteReplies();
  return isSilent;
}
