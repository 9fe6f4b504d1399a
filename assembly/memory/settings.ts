// Limits that the host sets for this instance; they are no part of the database.

import { Setting, SETTINGS_BASE } from "../layout";

@inline
function setting(index: u32): u32 {
  return load<u32>(SETTINGS_BASE + (index << 2));
}

function putSetting(index: u32, value: u32): void {
  store<u32>(SETTINGS_BASE + (index << 2), value);
}

/** Pages of replies a connection may hold before it is closed. */
export function outputPagesMax(): u32 {
  return setting(Setting.OutputPagesMax);
}

/** Bytes of one argument, and of a value that commands build. */
export function valueBytesMax(): u32 {
  return setting(Setting.ValueBytesMax);
}

/** Arguments of one command. */
export function argumentsMax(): u32 {
  return setting(Setting.ArgumentsMax);
}

/** Pages that the memory may have: the engine grows it no further. */
export function memoryPagesMax(): u32 {
  return setting(Setting.MemoryPages);
}

/** Pages that the heap may reach to now: of memory that threads share there is more, for other uses. */
export function heapPages(): u32 {
  return ASC_FEATURE_THREADS ? memoryPagesMax() : <u32>memory.size();
}

/** Pages the database may hold, replies and input included. Above the target while it is brought down to that. */
export function limitPages(): u32 {
  return setting(Setting.LimitPages);
}

/** One of Eviction. */
export function evictionPolicy(): u32 {
  return setting(Setting.Eviction);
}

/** Whether commands are timed. */
export function isTimed(): bool {
  return setting(Setting.Timed) != 0;
}

/** Microseconds from which a command is kept as slow, SLOW_NEVER for none. */
export function slowMicroseconds(): u32 {
  return setting(Setting.SlowMicroseconds);
}

/** One of Access. */
export function accessKind(): u32 {
  return setting(Setting.AccessKind);
}

/** Pages the database shall hold at most. */
export function targetPages(): u32 {
  return setting(Setting.TargetPages);
}

/** Free pages that only effect records may take. */
@inline
export function recordPages(): u32 {
  return setting(Setting.RecordPages);
}

/** Elements of a list that is named a listpack, or with -1 to -5 how large it may be: 4, 8, 16, 32, 64 KiB. */
export function listpackSize(): i32 {
  return <i32>setting(Setting.ListpackSize);
}

export function setListpackSize(size: i32): void {
  putSetting(Setting.ListpackSize, <u32>size);
}

/** Most members of a set that is packed integers. */
@inline
export function integerSetEntries(): u32 {
  return setting(Setting.IntegerSetEntries);
}

/** Most members of a set that is packed otherwise. */
@inline
export function packedSetEntries(): u32 {
  return setting(Setting.PackedSetEntries);
}

/** Most bytes of a member of a packed set. */
@inline
export function packedSetValue(): u32 {
  return setting(Setting.PackedSetValue);
}

/** Most bytes of a HyperLogLog that is sparse. */
export function hllSparseBytes(): u32 {
  return setting(Setting.HllSparseBytes);
}

/** Most members of a sorted set that is packed. */
export function sortedSetEntriesMax(): u32 {
  return setting(Setting.SortedSetEntries);
}

/** Most bytes of a member of one. */
export function sortedSetValueMax(): u32 {
  return setting(Setting.SortedSetValue);
}

/** Most fields of a packed hash. */
@inline
export function hashEntriesMax(): u32 {
  return setting(Setting.HashEntries);
}

/** Most bytes of a field, and of a value, of a packed hash. */
@inline
export function hashValueMax(): u32 {
  return setting(Setting.HashValue);
}

/** Limits of packed values as they are until the host says otherwise: Redis's. */
export function initializePacking(): void {
  putSetting(Setting.IntegerSetEntries, 512);
  putSetting(Setting.PackedSetEntries, 128);
  putSetting(Setting.PackedSetValue, 64);
  putSetting(Setting.HllSparseBytes, 3000);
  putSetting(Setting.SortedSetEntries, 128);
  putSetting(Setting.SortedSetValue, 64);
  putSetting(Setting.HashEntries, 128);
  putSetting(Setting.HashValue, 255);
}

export function setStreamBlocks(bytes: u32, entries: u32): void {
  putSetting(Setting.StreamBlockBytes, bytes);
  putSetting(Setting.StreamBlockEntries, entries);
}

/** Most bytes of a block of a stream; 0 for as many as fit. */
export function streamBlockBytes(): u32 {
  return setting(Setting.StreamBlockBytes);
}

/** Most entries of a block of a stream; 0 for any number. */
export function streamBlockEntries(): u32 {
  return setting(Setting.StreamBlockEntries);
}

export function setRecordPages(pages: u32): void {
  putSetting(Setting.RecordPages, pages);
}

export function setLimitPages(limit: u32, target: u32): void {
  putSetting(Setting.LimitPages, limit);
  putSetting(Setting.TargetPages, target);
}

export function setArgumentLimits(bytes: u32, count: u32): void {
  putSetting(Setting.ValueBytesMax, bytes);
  putSetting(Setting.ArgumentsMax, count);
}

export function setEvictionPolicy(policy: u32, kind: u32): void {
  putSetting(Setting.Eviction, policy);
  putSetting(Setting.AccessKind, kind);
}
