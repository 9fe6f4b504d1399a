// Which keyspace events each command that writes causes: as in Redis, found from what changed while it ran, so that a command
// says nothing itself. A rule is three words: the command, the event, and the class with how keys are told:
//
//   class  g generic  $ string  l list  s set  h hash  z sorted set  t stream
//   then   each key that changed (a), the first key only (f), keys that are gone as "del" alone (d), the first key as one event and the
//          second as another, which stand in the event with a space between (p), keys behind a count (n)

import { Notice } from "../../connection-layout";
import { CommandFlag } from "../../layout";
import { Command, commandAt, commandCount, findCommand, hasFlag } from "../catalog";

// biome-ignore format: rules are read as rows
const RULES: StaticArray<string> = [
  "SET", "set", "$a", "SETNX", "set", "$a", "SETEX", "set", "$a", "PSETEX", "set", "$a", "GETSET", "set", "$a",
  "MSET", "set", "$a", "MSETNX", "set", "$a", "GETDEL", "del", "gd", "GETEX", "expire", "ga", "APPEND", "append", "$a",
  "SETRANGE", "setrange", "$a", "INCR", "incrby", "$a", "DECR", "incrby", "$a", "INCRBY", "incrby", "$a",
  "DECRBY", "incrby", "$a", "INCRBYFLOAT", "incrbyfloat", "$a", "SETBIT", "setbit", "$a", "BITFIELD", "setbit", "$a",
  "BITOP", "set", "$b", "PFADD", "pfadd", "$a", "PFMERGE", "pfadd", "$f", "PFCOUNT", "pfcount", "$x",
  "DEL", "del", "gd", "UNLINK", "del", "gd", "RENAME", "rename_from rename_to", "gp", "RENAMENX", "rename_from rename_to", "gp",
  "COPY", "- copy_to", "gp", "MOVE", "move_from move_to", "gm", "EXPIRE", "expire", "ga", "PEXPIRE", "expire", "ga",
  "EXPIREAT", "expire", "ga", "PEXPIREAT", "expire", "ga", "PERSIST", "persist", "ga", "RESTORE", "restore", "ga",
  "SORT", "sortstore", "ls", "HSET", "hset", "ha", "HMSET", "hset", "ha", "HSETNX", "hset", "ha", "HINCRBY", "hincrby", "ha",
  "HINCRBYFLOAT", "hincrbyfloat", "ha", "HDEL", "hdel", "ha", "HEXPIRE", "hexpire", "ha", "HPEXPIRE", "hexpire", "ha",
  "HEXPIREAT", "hexpire", "ha", "HPEXPIREAT", "hexpire", "ha", "HPERSIST", "hpersist", "ha", "HGETDEL", "hdel", "ha",
  "HSETEX", "hset", "ha", "HGETEX", "hexpire", "ha", "LPUSH", "lpush", "la", "RPUSH", "rpush", "la", "LPUSHX", "lpush", "la",
  "RPUSHX", "rpush", "la", "LPOP", "lpop", "la", "RPOP", "rpop", "la", "LINSERT", "linsert", "la", "LSET", "lset", "la",
  "LREM", "lrem", "la", "LTRIM", "ltrim", "la", "LMOVE", "lpop lpush", "le", "BLMOVE", "lpop lpush", "le",
  "RPOPLPUSH", "rpop lpush", "lp", "BRPOPLPUSH", "rpop lpush", "lp", "LMPOP", "lpop rpop", "ln", "BLMPOP", "lpop rpop", "ln",
  "BLPOP", "lpop", "la", "BRPOP", "rpop", "la", "SADD", "sadd", "sa", "SREM", "srem", "sa", "SPOP", "spop", "sa",
  "SMOVE", "srem sadd", "sp", "SINTERSTORE", "sinterstore", "sf", "SUNIONSTORE", "sunionstore", "sf",
  "SDIFFSTORE", "sdiffstore", "sf", "ZADD", "zadd", "za", "ZINCRBY", "zincr", "za", "ZREM", "zrem", "za",
  "ZREMRANGEBYSCORE", "zremrangebyscore", "za", "ZREMRANGEBYRANK", "zremrangebyrank", "za",
  "ZREMRANGEBYLEX", "zremrangebylex", "za", "ZPOPMIN", "zpopmin", "za", "ZPOPMAX", "zpopmax", "za", "BZPOPMIN", "zpopmin", "za",
  "BZPOPMAX", "zpopmax", "za", "ZMPOP", "zpopmin zpopmax", "zn", "BZMPOP", "zpopmin zpopmax", "zn",
  "ZUNIONSTORE", "zunionstore", "zf", "ZINTERSTORE", "zinterstore", "zf", "ZDIFFSTORE", "zdiffstore", "zf",
  "ZRANGESTORE", "zrangestore", "zf", "GEOADD", "zadd", "za", "GEOSEARCHSTORE", "geosearchstore", "zf",
  "GEORADIUS", "georadiusstore", "zs", "GEORADIUSBYMEMBER", "georadiusstore", "zs", "XADD", "xadd", "ta", "XDEL", "xdel", "ta",
  "XTRIM", "xtrim", "ta", "XSETID", "xsetid", "ta", "XGROUP", "xgroup-", "tg",
];

/** Words of a rule. */
const RULE_WORDS: u32 = 3;

/** Gives commands that write their rules, or takes them away; with `misses` commands that read are looked at too. */
export function markNoticed(on: bool, misses: bool): void {
  for (let index: u32 = 0; index < commandCount(); index++) {
    const command = commandAt(index);
    command.rule = 0;
    command.flags &= ~(<u16>CommandFlag.Noticed);
    if (on && misses && hasFlag(command, CommandFlag.ReadOnly) && command.firstKey > 0)
      command.flags |= <u16>CommandFlag.Noticed;
  }
  if (!on) return;
  for (let at = 0; at < RULES.length; at += RULE_WORDS) {
    const command = commandNamed(RULES[at]);
    if (command == 0) continue;
    const record = changetype<Command>(command);
    record.rule = <u8>(at / RULE_WORDS + 1);
    record.flags |= <u16>CommandFlag.Noticed;
  }
}

const NAME_BYTES_MAX: u32 = 24;

function commandNamed(name: string): usize {
  const at = memory.data(NAME_BYTES_MAX + 8);
  const bytes = <u32>name.length;
  for (let index: u32 = 0; index < bytes; index++) store<u8>(at + index, <u8>name.charCodeAt(index));
  return findCommand(at, bytes);
}

/** The event of a rule. */
export function eventOf(rule: u32): string {
  return RULES[(rule - 1) * RULE_WORDS + 1];
}

/** How keys are told, a letter. */
export function kindOf(rule: u32): u32 {
  return RULES[(rule - 1) * RULE_WORDS + 2].charCodeAt(1);
}

/** The class of a rule, one of Notice. */
export function classOf(rule: u32): u32 {
  switch (RULES[(rule - 1) * RULE_WORDS + 2].charCodeAt(0)) {
    case 0x24:
      return Notice.String;
    case 0x6c:
      return Notice.List;
    case 0x73:
      return Notice.Set;
    case 0x68:
      return Notice.Hash;
    case 0x7a:
      return Notice.SortedSet;
    case 0x74:
      return Notice.Stream;
    default:
      return Notice.Generic;
  }
}
