// The engine's command table, read from its memory. A record is drawn in assembly/protocol/catalog.ts.

import { COMMAND_RECORD_BYTES, COMMANDS_BASE, CommandFlag } from "../assembly/layout.ts";
import type { CommandDescription } from "./engine-types.ts";

/** Reads the first `count` commands. */
export function readCommands(memory: ArrayBuffer, count: number): CommandDescription[] {
  return Array.from({ length: count }, (_, index) => readCommand(memory, COMMANDS_BASE + index * COMMAND_RECORD_BYTES));
}

function readCommand(memory: ArrayBuffer, at: number): CommandDescription {
  const record = new DataView(memory, at, COMMAND_RECORD_BYTES);
  return {
    name: String.fromCharCode(...new Uint8Array(memory, at, record.getUint8(30))),
    arity: record.getInt8(31),
    flags: flagNames(record.getUint16(28, true)),
    firstKey: record.getInt8(32),
    lastKey: record.getInt8(33),
    keyStep: record.getInt8(34),
    summary: readLiteral(memory, record.getUint32(36, true)),
    group: readLiteral(memory, record.getUint32(40, true)),
    since: readLiteral(memory, record.getUint32(44, true)),
  };
}

function flagNames(flags: number): string[] {
  const names: [CommandFlag, string][] = [
    [CommandFlag.Write, "write"],
    [CommandFlag.ReadOnly, "readonly"],
    [CommandFlag.DenyOom, "denyoom"],
    [CommandFlag.Fast, "fast"],
    [CommandFlag.NoAuth, "no_auth"],
    [CommandFlag.NoScript, "noscript"],
    [CommandFlag.Blocking, "blocking"],
    [CommandFlag.PubSub, "pubsub"],
    [CommandFlag.MayReplicate, "may_replicate"],
  ];
  return names.filter(([flag]) => flags & flag).map(([, name]) => name);
}

/** A string literal of the engine: UTF-16, its length in bytes right before it. */
function readLiteral(memory: ArrayBuffer, address: number): string {
  const bytes = new DataView(memory).getUint32(address - 4, true);
  return String.fromCharCode(...new Uint16Array(memory, address, bytes / 2));
}
