// PUBLISH and SPUBLISH hand a message to whoever listens; PUBSUB tells who does. None of it is kept or recorded.

import { CHANNEL, PATTERN, publish, setPayload, SHARD_CHANNEL } from "../../events/subscriptions";
import { countOf, findName, hashName, nameAt, oldestOf, textOf } from "../../events/names";
import { CommandFlag } from "../../layout";
import { argumentAddress, argumentBytes, argumentCount, argumentIs, isArgumentPaged } from "../../protocol/arguments";
import { register, startGroup } from "../../protocol/catalog";
import { errorArgument, QUOTED_BYTES_MAX, replyOverlong } from "../../protocol/command-error";
import { addWork } from "../../protocol/dispatch";
import {
  beginError,
  endError,
  errorText,
  replyArray,
  replyBulk,
  replyInteger,
  replySimple,
} from "../../protocol/reply";
import { matchGlob } from "../../text/glob";

function publishAs(kind: u32): void {
  if (isArgumentPaged(1)) {
    replyOverlong("channel");
    return;
  }
  setPayload(argumentAddress(2), argumentBytes(2), isArgumentPaged(2));
  const receivers = publish(kind, argumentAddress(1), argumentBytes(1));
  addWork(receivers + (kind == CHANNEL ? countOf(PATTERN) : 0));
  replyInteger(receivers);
}

function publishToChannel(): void {
  publishAs(CHANNEL);
}

function publishToShard(): void {
  publishAs(SHARD_CHANNEL);
}

function pubSub(): void {
  const count = argumentCount;
  if (argumentIs(1, "CHANNELS") && count <= 3) replyNames(CHANNEL);
  else if (argumentIs(1, "SHARDCHANNELS") && count <= 3) replyNames(SHARD_CHANNEL);
  else if (argumentIs(1, "NUMSUB")) replyCounts(CHANNEL);
  else if (argumentIs(1, "SHARDNUMSUB")) replyCounts(SHARD_CHANNEL);
  else if (argumentIs(1, "NUMPAT") && count == 2) replyInteger(countOf(PATTERN));
  else if (argumentIs(1, "HELP") && count == 2) replyHelp();
  else replyWrongUse();
}

const SUBCOMMANDS: StaticArray<string> = ["CHANNELS", "SHARDCHANNELS", "NUMSUB", "SHARDNUMSUB", "NUMPAT", "HELP"];

/** As Redis: known subcommands have an arity of their own. */
function replyWrongUse(): void {
  beginError();
  for (let index = 0; index < SUBCOMMANDS.length; index++) {
    if (!argumentIs(1, SUBCOMMANDS[index])) continue;
    errorText("ERR wrong number of arguments for 'pubsub|");
    errorLower(SUBCOMMANDS[index]);
    errorText("' command");
    endError();
    return;
  }
  errorText("ERR unknown subcommand '");
  errorArgument(1, QUOTED_BYTES_MAX);
  errorText("'. Try PUBSUB HELP.");
  endError();
}

function errorLower(word: string): void {
  if (word == "CHANNELS") errorText("channels");
  else if (word == "SHARDCHANNELS") errorText("shardchannels");
  else if (word == "NUMPAT") errorText("numpat");
  else errorText("help");
}

function isShown(name: usize): bool {
  if (argumentCount == 2) return true;
  if (isArgumentPaged(2)) return false;
  return matchGlob(argumentAddress(2), argumentBytes(2), textOf(name), nameAt(name).bytes);
}

function replyNames(kind: u32): void {
  let count: u32 = 0;
  for (let at = oldestOf(kind); at != 0; at = nameAt(at).newer) if (isShown(at)) count++;
  replyArray(count);
  for (let at = oldestOf(kind); at != 0; at = nameAt(at).newer) {
    if (isShown(at)) replyBulk(textOf(at), nameAt(at).bytes);
  }
  addWork(countOf(kind));
}

function replyCounts(kind: u32): void {
  replyArray((argumentCount - 2) << 1);
  for (let index: u32 = 2; index < argumentCount; index++) {
    const address = argumentAddress(index);
    const bytes = isArgumentPaged(index) ? 0 : argumentBytes(index);
    const name = findName(kind, 0, address, bytes, hashName(address, bytes));
    replyBulk(address, bytes);
    replyInteger(name == 0 ? 0 : nameAt(name).links);
  }
}

function replyHelp(): void {
  replyArray(8);
  replySimple("PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  replySimple("CHANNELS [<pattern>], SHARDCHANNELS [<pattern>]");
  replySimple("    Answer the channels that anybody listens to.");
  replySimple("NUMPAT");
  replySimple("    Answer how many patterns anybody listens to.");
  replySimple("NUMSUB [<channel> ...], SHARDNUMSUB [<channel> ...]");
  replySimple("    Answer how many listen to each channel.");
  replySimple("HELP");
}

export function registerPublishing(): void {
  const flags = CommandFlag.Fast | CommandFlag.MayReplicate;
  startGroup("pubsub");
  register("PUBLISH", 3, flags, 0, 0, 0, publishToChannel, "2.0.0", "Hands a message to whoever listens to a channel.");
  register(
    "SPUBLISH",
    3,
    flags,
    1,
    1,
    1,
    publishToShard,
    "7.0.0",
    "Hands a message to whoever listens to a shard channel.",
  );
  register("PUBSUB", -2, 0, 0, 0, 0, pubSub, "2.8.0", "Tells which channels are listened to, and by how many.");
}
