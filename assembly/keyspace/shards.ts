// Where the tables of the keyspace lie: 16 databases of 256 shards, a table each, chosen by the upper bits of a hash.

import { DATABASES, SHARDS, SHARDS_BASE, TABLE_BYTES } from "../layout";
import { Table, tableAt } from "../memory/table";

@inline
export function shardAt(db: u32, shard: u32): Table {
  return tableAt(<usize>(SHARDS_BASE + ((db << 8) + shard) * TABLE_BYTES));
}

/** The database that a table of the keyspace belongs to. */
@inline
export function databaseOf(table: Table): u32 {
  return (<u32>changetype<usize>(table) - SHARDS_BASE) / (SHARDS * TABLE_BYTES);
}

/** Live and not yet noticed expired keys of a database. */
export function countKeys(db: u32): u32 {
  let count: u32 = 0;
  for (let shard: u32 = 0; shard < SHARDS; shard++) count += shardAt(db, shard).count;
  return count;
}

export function countAllKeys(): u32 {
  let count: u32 = 0;
  for (let db: u32 = 0; db < DATABASES; db++) count += countKeys(db);
  return count;
}
