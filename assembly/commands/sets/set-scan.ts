// SSCAN. A packed set is answered whole, as Redis does; of a table, so many home chunks that enough members are there.

import { CommandFlag, SCRATCH_BASE } from "../../layout";
import { argumentAddress, argumentBytes } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork } from "../../protocol/dispatch";
import { replyArray, replyError, replyIntegerBulk } from "../../protocol/reply";
import { SCAN_END, scanNext, scanTable } from "../../memory/table-walk";
import { fieldTable } from "../../structures/field-table";
import { parseDecimalU64, parsedU64 } from "../../text/cursor";
import { matchGlob } from "../../text/glob";
import { parseScanOptions, ScanOf, scanCount, scanPattern } from "../keys/keys";
import { isTable, memberAddress, memberBytes, nextMember, showEntry, showText, startMembers } from "./set-value";
import { NOT_A_SET, readSet, replyMember } from "./sets";

function sScan(): void {
  if (!parseDecimalU64(argumentAddress(2), argumentBytes(2))) {
    replyError("ERR invalid cursor");
    return;
  }
  const from = <u32>parsedU64;
  const entry = readSet(1);
  if (entry == NOT_A_SET) return;
  if (entry == 0) beginScan(0, 0);
  else if (parseScanOptions(3, ScanOf.Set)) scan(entry, from);
}

function scan(entry: usize, from: u32): void {
  if (!isTable(entry)) {
    scanPacked(entry);
    return;
  }
  const found = scanTable(fieldTable(entry), from, scanCount, SCRATCH_BASE);
  addWork(found >> 2);
  let kept: u32 = 0;
  for (let index: u32 = 0; index < found; index++) {
    const member = load<u32>(SCRATCH_BASE + (index << 2));
    showEntry(member);
    if (memberMatches()) store<u32>(SCRATCH_BASE + (kept++ << 2), member);
  }
  beginScan(scanNext == SCAN_END ? 0 : scanNext, kept);
  for (let index: u32 = 0; index < kept; index++) {
    showEntry(load<u32>(SCRATCH_BASE + (index << 2)));
    replyMember();
  }
}

function memberMatches(): bool {
  if (scanPattern == 0) return true;
  showText();
  return matchGlob(argumentAddress(scanPattern), argumentBytes(scanPattern), memberAddress, memberBytes);
}

function beginScan(cursor: i64, members: u32): void {
  replyArray(2);
  replyIntegerBulk(cursor);
  replyArray(members);
}

function scanPacked(entry: usize): void {
  let matching: u32 = 0;
  startMembers(entry);
  while (nextMember()) if (memberMatches()) matching++;
  beginScan(0, matching);
  startMembers(entry);
  while (nextMember()) if (memberMatches()) replyMember();
}

export function registerSetScan(): void {
  register("SSCAN", -3, CommandFlag.ReadOnly, 1, 1, 1, sScan, "2.8.0", "Goes through the members of a set in steps.");
}
