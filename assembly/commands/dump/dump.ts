// DUMP: a value as RESTORE of any Redis since 5 reads it. Values are written in their plain forms, which Redis packs again as it
// loads them, under the version of the format that has all of them. What is written is measured first, since its length
// stands before it.
//
// Payload: type (u8) | value | version of the format (u16) | checksum of all before (u64)

import { CommandFlag, PAGE_BITS, PAGE_BYTES, SCRATCH_BASE } from "../../layout";
import { entryAt, isPaged, TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_STRING, typeOf, valueOf } from "../../memory/entry";
import { register, startGroup } from "../../protocol/catalog";
import { addWork, readKeyArgument } from "../../protocol/dispatch";
import { beginBulk, endBulk, replyBytes, replyError, replyNull } from "../../protocol/reply";
import { element, elementBytes, elementEntry } from "../../structures/list-chain";
import { walkOn } from "../../structures/list-walk";
import {
  countFields,
  fieldEntry,
  fieldName,
  fieldNameBytes,
  fieldValue,
  fieldValueBytes,
  nextField,
  startFields,
} from "../hashes/hash-value";
import { listLength, showListElement } from "../lists/list-value";
import { countMembers, memberAddress, memberBytes, nextMember, showText, startMembers } from "../sets/set-value";
import { addToCrc } from "./crc64";

/** How a value is written, by the numbers that Redis's files have for it. */
export const enum RdbType {
  String = 0,
  List = 1,
  Set = 2,
  SortedSetText = 3,
  Hash = 4,
  SortedSet = 5,
  HashZipmap = 9,
  ListZiplist = 10,
  SetIntset = 11,
  SortedSetZiplist = 12,
  HashZiplist = 13,
  ListZiplists = 14,
  HashListpack = 16,
  SortedSetListpack = 17,
  ListListpacks = 18,
  SetListpack = 20,
}

/** That of Redis 5. */
const VERSION: u32 = 9;
export const FOOTER_BYTES: u32 = 10;
/** Where lengths and the like are made. */
const PIECE: usize = SCRATCH_BASE;

let isMeasuring: bool = false;
let measured: u64 = 0;
let sum: u64 = 0;

function put(from: usize, bytes: u32): void {
  if (isMeasuring) {
    measured += bytes;
    return;
  }
  sum = addToCrc(sum, from, bytes);
  replyBytes(from, bytes);
}

function putByte(byte: u32): void {
  store<u8>(PIECE, <u8>byte);
  put(PIECE, 1);
}

/** One, two or five bytes: the two highest bits of the first say which. */
function putLength(length: u32): void {
  if (length < 1 << 6) {
    putByte(length);
  } else if (length < 1 << 14) {
    store<u16>(PIECE, bswap<u16>(<u16>(length | 0x4000)));
    put(PIECE, 2);
  } else {
    store<u8>(PIECE, 0x80);
    store<u32>(PIECE, bswap<u32>(length), 1);
    put(PIECE, 5);
  }
}

function putText(from: usize, bytes: u32): void {
  putLength(bytes);
  put(from, bytes);
}

/** The value of an entry that is a string, a field or a long element. */
function putValue(entry: usize): void {
  const bytes = entryAt(entry).valueBytes;
  if (!isPaged(entry)) {
    putText(valueOf(entry), bytes);
    return;
  }
  putLength(bytes);
  for (let offset: u32 = 0; offset < bytes; offset += PAGE_BYTES) {
    put(load<u32>(valueOf(entry) + ((offset >> PAGE_BITS) << 2)), min(bytes - offset, PAGE_BYTES));
  }
}

function putList(entry: usize): void {
  putByte(RdbType.List);
  putLength(listLength(entry));
  showListElement(entry, 0);
  do {
    if (elementEntry != 0) putValue(elementEntry);
    else putText(element, elementBytes);
  } while (walkOn(true));
}

function putSet(entry: usize): void {
  putByte(RdbType.Set);
  putLength(countMembers(entry));
  startMembers(entry);
  while (nextMember()) {
    showText();
    putText(memberAddress, memberBytes);
  }
}

function putHash(entry: usize): void {
  putByte(RdbType.Hash);
  putLength(countFields(entry));
  startFields(entry);
  while (nextField()) {
    putText(fieldName, fieldNameBytes);
    if (fieldEntry != 0) putValue(fieldEntry);
    else putText(fieldValue, fieldValueBytes);
  }
}

/** Writes a value behind its type; false for a type that Redis's files do not have here. */
function putAny(entry: usize): bool {
  const type = typeOf(entry);
  if (type == TYPE_STRING) {
    putByte(RdbType.String);
    putValue(entry);
  } else if (type == TYPE_LIST) {
    putList(entry);
  } else if (type == TYPE_SET) {
    putSet(entry);
  } else if (type == TYPE_HASH) {
    putHash(entry);
  } else {
    return false;
  }
  return true;
}

/** A byte takes 3 ns. */
const BYTES_A_UNIT_BITS: u32 = 5;

function dump(): void {
  const entry = readKeyArgument(1);
  if (entry == 0) {
    replyNull();
    return;
  }
  isMeasuring = true;
  measured = 0;
  if (!putAny(entry)) {
    replyError("ERR a value of this type cannot be dumped");
    return;
  }
  if (measured > 0xffffffff - FOOTER_BYTES) {
    replyError("ERR the value is too long to be dumped");
    return;
  }
  addWork(<u32>(measured >> BYTES_A_UNIT_BITS));
  isMeasuring = false;
  sum = 0;
  beginBulk(<u32>measured + FOOTER_BYTES);
  putAny(entry);
  store<u16>(PIECE, <u16>VERSION);
  put(PIECE, 2);
  store<u64>(PIECE, sum);
  replyBytes(PIECE, 8);
  endBulk();
}

export function registerDump(): void {
  startGroup("generic");
  register("DUMP", 2, CommandFlag.ReadOnly, 1, 1, 1, dump, "2.6.0", "Answers a value as RESTORE reads it.");
}
