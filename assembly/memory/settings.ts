// Limits that the host sets for this instance; they are no part of the database.

import { Setting, SETTINGS_BASE } from "../layout";

@inline
function setting(index: u32): u32 {
  return load<u32>(SETTINGS_BASE + (index << 2));
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

/** Pages the database may hold, replies and input included. */
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
