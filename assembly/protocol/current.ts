// The command that runs: whose it is, and where its first key is. What commands are most about.

import { findKey, hashKey, readSlot } from "../keyspace/keyspace";
import { argumentAddress, argumentBytes } from "./arguments";
import { Command } from "./catalog";
import { Connection } from "./connection";

/** The connection whose command runs; call-scoped. */
export let connection: Connection = changetype<Connection>(<usize>0);
/** Hash of the first key of the running command, valid when it has one. */
let firstKeyHash: u64 = 0;
let firstKeyIndex: u32 = 0;

@inline
export function setConnection(to: Connection): void {
  connection = to;
}

@inline
export function setFirstKey(command: Command, hash: u64): void {
  firstKeyIndex = command.firstKey > 0 ? <u32>command.firstKey : ~0;
  firstKeyHash = hash;
}

/** Hash of the key in an argument; the first key's was computed when the command was parsed. */
export function hashOfArgument(index: u32): u64 {
  if (index == firstKeyIndex) return firstKeyHash;
  return hashKey(argumentAddress(index), argumentBytes(index));
}

/** The slot of the live key in an argument, 0 when there is none. */
export function findArgument(index: u32): usize {
  return findKey(argumentAddress(index), argumentBytes(index), hashOfArgument(index));
}

/** Finds the key in an argument for reading: counts the hit or miss, notes the access. The entry, 0 for none. */
export function readKeyArgument(index: u32): usize {
  return readSlot(findArgument(index));
}
