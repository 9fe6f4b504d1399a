// Commands about the connection: the few that need nothing but it run here, the others are the host's.

import { ConnectionMode } from "../connection-layout";
import { CommandFlag } from "../layout";
import { argumentAddress, argumentBytes, argumentCount, isArgumentPaged } from "../protocol/arguments";
import { register, startGroup } from "../protocol/catalog";
import { replyArity } from "../protocol/command-error";
import { hasMode } from "../protocol/connection";
import { connection } from "../protocol/dispatch";
import { replyArray, replyBulk, replyBulkText, replyPages, replySimple } from "../protocol/reply";

function replyArgument(index: u32): void {
  if (isArgumentPaged(index)) replyPages(argumentAddress(index), argumentBytes(index));
  else replyBulk(argumentAddress(index), argumentBytes(index));
}

function ping(): void {
  if (argumentCount > 2) replyArity();
  else if (hasMode(connection, ConnectionMode.Subscribed) && connection.protocol == 2) pingSubscribed();
  else if (argumentCount == 2) replyArgument(1);
  else replySimple("PONG");
}

/** In RESP2, where there are no pushes, one who listens is answered as by a message. */
function pingSubscribed(): void {
  replyArray(2);
  replyBulkText("pong");
  if (argumentCount == 2) replyArgument(1);
  else replyBulkText("");
}

function echo(): void {
  replyArgument(1);
}

/** Never called: the host answers. */
function host(): void {
  unreachable();
}

export function registerConnectionCommands(): void {
  const fast = CommandFlag.Fast;
  const atHost = CommandFlag.Host | CommandFlag.NoScript;
  const open = CommandFlag.Host | CommandFlag.NoAuth | CommandFlag.Fast | CommandFlag.NoScript;
  startGroup("connection");
  register("PING", -1, fast | CommandFlag.PubSub, 0, 0, 0, ping, "1.0.0", "Answers PONG, or its argument.");
  register("ECHO", 2, fast, 0, 0, 0, echo, "1.0.0", "Answers its argument.");
  register("AUTH", -2, open, 0, 0, 0, host, "1.0.0", "Authenticates the connection.");
  register("HELLO", -1, open, 0, 0, 0, host, "6.0.0", "Chooses the protocol version; may authenticate and name.");
  register(
    "QUIT",
    -1,
    open | CommandFlag.Immediate | CommandFlag.PubSub,
    0,
    0,
    0,
    host,
    "1.0.0",
    "Closes the connection.",
  );
  register(
    "RESET",
    1,
    open | CommandFlag.Immediate | CommandFlag.PubSub,
    0,
    0,
    0,
    host,
    "6.2.0",
    "Brings the connection back to how it began.",
  );
  register("CLIENT", -2, atHost, 0, 0, 0, host, "2.4.0", "Names and describes connections.");
  startGroup("server");
  register("SAVE", 1, atHost, 0, 0, 0, host, "1.0.0", "Takes a snapshot and waits for it.");
  register("BGSAVE", -1, atHost, 0, 0, 0, host, "1.0.0", "Takes a snapshot.");
  register(
    "BGREWRITEAOF",
    1,
    atHost,
    0,
    0,
    0,
    host,
    "1.0.0",
    "Takes a snapshot that makes the log before it needless.",
  );
  register(
    "LASTSAVE",
    1,
    CommandFlag.Host | CommandFlag.Fast,
    0,
    0,
    0,
    host,
    "1.0.0",
    "Answers when the last snapshot was taken.",
  );
  register("SLOWLOG", -2, CommandFlag.Host, 0, 0, 0, host, "2.2.12", "Answers the commands that took long.");
  register("MEMORY", -2, CommandFlag.Host, 2, 2, 1, host, "4.0.0", "Tells what memory a key, and the whole, takes.");
  register("COMMAND", -1, CommandFlag.Host, 0, 0, 0, host, "2.8.13", "Describes commands.");
  register("CONFIG", -2, atHost, 0, 0, 0, host, "2.0.0", "Answers settings.");
  register("INFO", -1, CommandFlag.Host, 0, 0, 0, host, "1.0.0", "Describes the server in text.");
}
