// What the engine's command table does not hold, because the engine has no use for it: the syntax of each command's
// arguments, how its time grows, what it does to its keys, and where it differs from Redis. COMMAND DOCS, GETKEYSANDFLAGS
// and docs/commands.md are made of both; a test holds them together.

import { BIT_MANUAL } from "./manual/bits.ts";
import { LIST_MANUAL } from "./manual/lists.ts";
import { entry, KEY, type ManualEntry } from "./manual/manual-entry.ts";
import { PUBSUB_MANUAL } from "./manual/pubsub.ts";
import { SCRIPT_MANUAL } from "./manual/scripts.ts";
import { SET_MANUAL } from "./manual/sets.ts";
import { SORTED_SET_MANUAL } from "./manual/sorted-sets.ts";
import { STREAM_MANUAL } from "./manual/streams.ts";

export type { ManualEntry };

const { READ, LOOK, REMOVE, CHANGE, READ_AND_CHANGE, OVERWRITE, COPY_TO } = KEY;

const OPTIONAL_TIME = "[EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]";
const CONDITION = "[NX | XX | GT | LT]";
const HEX = "The number must be decimal: hexadecimal ones are refused.";
const VECTOR = "(FP32 vector | VALUES count value [value ...])";
const ELEMENTS = "ELEMENTS count element [element ...]";
const EACH = "O(N) with N the elements named";
const FREED_LATER = "Large values are freed piece by piece afterwards, whichever option is given.";

/** The manual, by upper-case name. */
export const MANUAL: Readonly<Record<string, ManualEntry>> = {
  // connection
  PING: entry("[message]", "O(1)"),
  ECHO: entry("message", "O(1)"),
  SELECT: entry("index", "O(1)"),
  AUTH: entry("[username] password", "O(1)", undefined, "There is one user, `default`. A transaction refuses it."),
  HELLO: entry(
    "[protover [AUTH username password] [SETNAME clientname]]",
    "O(1)",
    undefined,
    "A transaction refuses its AUTH.",
  ),
  QUIT: entry("", "O(1)"),
  RESET: entry("", "O(N) with N the queued commands and watched keys"),
  CLIENT: entry(
    "subcommand [argument ...]",
    "O(N) with N the clients, for LIST and KILL; else O(1)",
    undefined,
    "Knows CACHING GETNAME GETREDIR HELP ID INFO KILL LIST NO-EVICT NO-TOUCH PAUSE REPLY SETINFO SETNAME TRACKING TRACKINGINFO UNBLOCK UNPAUSE. REPLY OFF and SKIP " +
      "are refused inside a transaction, in text frames and by an embedded database, where every command has its answer.",
  ),
  // transactions
  MULTI: entry("", "O(1)"),
  EXEC: entry(
    "",
    "That of the queued commands",
    undefined,
    "A queued command that memory does not allow fails by itself, with OOM. A wrong subcommand is told when it is executed.",
  ),
  DISCARD: entry("", "O(N) with N the queued commands and watched keys"),
  WATCH: entry("key [key ...]", "O(N) with N the keys", LOOK),
  UNWATCH: entry("", "O(N) with N the watched keys"),
  // server
  COMMAND: entry(
    "[COUNT | DOCS [name ...] | GETKEYS command ... | GETKEYSANDFLAGS command ... | HELP | INFO [name ...] | LIST [FILTERBY filter]]",
    "O(N) with N the commands",
    undefined,
    "Categories, tips, key specifications and subcommands are empty lists.",
  ),
  CONFIG: entry("subcommand [argument ...]", "O(N) with N the settings"),
  INFO: entry("[section ...]", "O(1)"),
  SAVE: entry("", "O(N) with N the bytes held", undefined, "Blocks nobody but its client. A transaction refuses it."),
  BGSAVE: entry("[SCHEDULE]", "O(1)"),
  BGREWRITEAOF: entry("", "O(1)", undefined, "Takes a snapshot of everything; the log before it goes."),
  LASTSAVE: entry("", "O(1)"),
  SLOWLOG: entry("(GET [count] | LEN | RESET | HELP)", "O(N) with N the entries answered"),
  MEMORY: entry(
    "(USAGE key [SAMPLES count] | STATS | DOCTOR | PURGE | HELP)",
    "O(N) with N the fields that are read, for USAGE; else O(1)",
    LOOK,
    "USAGE counts cells and pages as they are held, and reads 1,024 fields of a large hash unless SAMPLES says otherwise.",
  ),
  DBSIZE: entry("", "O(1)", undefined, "Keys that have expired count until they are noticed, as in Redis."),
  FLUSHDB: entry("[ASYNC | SYNC]", "O(1)", undefined, FREED_LATER),
  FLUSHALL: entry("[ASYNC | SYNC]", "O(1)", undefined, FREED_LATER),
  SWAPDB: entry("index1 index2", "O(N) with N the watched keys of both databases"),
  // generic
  DEL: entry("key [key ...]", "O(N) with N the keys", REMOVE, "The same as UNLINK: large values are freed later."),
  UNLINK: entry("key [key ...]", "O(N) with N the keys", REMOVE),
  EXISTS: entry("key [key ...]", "O(N) with N the keys", LOOK),
  TOUCH: entry("key [key ...]", "O(N) with N the keys", LOOK),
  TYPE: entry("key", "O(1)", LOOK),
  RENAME: entry("key newkey", "O(1)", "RW access delete; OW update"),
  RENAMENX: entry("key newkey", "O(1)", "RW access delete; OW insert"),
  MOVE: entry("key db", "O(1)", READ_AND_CHANGE),
  COPY: entry(
    "source destination [DB destination-db] [REPLACE]",
    "O(N) with N the bytes or fields of the value",
    COPY_TO,
    "A vector set cannot be copied.",
  ),
  KEYS: entry("pattern", "O(N) with N the keys of the database"),
  SCAN: entry("cursor [MATCH pattern] [COUNT count] [TYPE type]", "O(1) a call, O(N) for all keys"),
  RANDOMKEY: entry("", "O(1)"),
  OBJECT: entry(
    "(ENCODING | FREQ | IDLETIME | REFCOUNT) key",
    "O(1)",
    LOOK,
    "Encodings are nearkey's in Redis's words; the reference count is always 1.",
  ),
  EXPIRE: entry(`key seconds ${CONDITION}`, "O(1)", CHANGE),
  PEXPIRE: entry(`key milliseconds ${CONDITION}`, "O(1)", CHANGE),
  EXPIREAT: entry(`key unix-time-seconds ${CONDITION}`, "O(1)", CHANGE),
  PEXPIREAT: entry(`key unix-time-milliseconds ${CONDITION}`, "O(1)", CHANGE),
  TTL: entry("key", "O(1)", READ),
  PTTL: entry("key", "O(1)", READ),
  EXPIRETIME: entry("key", "O(1)", READ),
  PEXPIRETIME: entry("key", "O(1)", READ),
  PERSIST: entry("key", "O(1)", CHANGE),
  // string
  GET: entry("key", "O(1)", READ),
  SET: entry(`key value [NX | XX] [GET] ${OPTIONAL_TIME}`, "O(1)", OVERWRITE),
  SETNX: entry("key value", "O(1)", "OW insert"),
  SETEX: entry("key seconds value", "O(1)", OVERWRITE),
  PSETEX: entry("key milliseconds value", "O(1)", OVERWRITE),
  GETSET: entry("key value", "O(1)", READ_AND_CHANGE),
  GETDEL: entry("key", "O(1)", "RW access delete"),
  GETEX: entry(`key ${OPTIONAL_TIME.replace("KEEPTTL", "PERSIST")}`, "O(1)", READ_AND_CHANGE),
  MGET: entry("key [key ...]", "O(N) with N the keys", READ),
  MSET: entry("key value [key value ...]", "O(N) with N the keys", OVERWRITE),
  MSETNX: entry("key value [key value ...]", "O(N) with N the keys", "OW insert"),
  STRLEN: entry("key", "O(1)", LOOK),
  APPEND: entry("key value", "O(1)", "RW insert"),
  SETRANGE: entry("key offset value", "O(N) with N the bytes written", CHANGE),
  GETRANGE: entry("key start end", "O(N) with N the bytes answered", READ),
  LCS: entry(
    "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
    "O(N * M) with N and M the lengths of the strings",
    READ,
    "Strings over 64 KiB are refused.",
  ),
  SUBSTR: entry("key start end", "O(N) with N the bytes answered", READ),
  INCR: entry("key", "O(1)", READ_AND_CHANGE),
  DECR: entry("key", "O(1)", READ_AND_CHANGE),
  INCRBY: entry("key increment", "O(1)", READ_AND_CHANGE),
  DECRBY: entry("key decrement", "O(1)", READ_AND_CHANGE),
  INCRBYFLOAT: entry("key increment", "O(1)", READ_AND_CHANGE, HEX),
  // hash
  HSET: entry("key field value [field value ...]", "O(N) with N the fields", CHANGE),
  HMSET: entry("key field value [field value ...]", "O(N) with N the fields", CHANGE),
  HSETNX: entry("key field value", "O(1)", "RW insert"),
  HGET: entry("key field", "O(1)", READ),
  HMGET: entry("key field [field ...]", "O(N) with N the fields", READ),
  HGETALL: entry("key", "O(N) with N the fields of the hash", READ),
  HDEL: entry("key field [field ...]", "O(N) with N the fields", "RW delete"),
  HEXISTS: entry("key field", "O(1)", LOOK),
  HLEN: entry("key", "O(1)", LOOK),
  HKEYS: entry("key", "O(N) with N the fields of the hash", READ),
  HVALS: entry("key", "O(N) with N the fields of the hash", READ),
  HSTRLEN: entry("key field", "O(1)", LOOK),
  HINCRBY: entry("key field increment", "O(1)", READ_AND_CHANGE),
  HINCRBYFLOAT: entry("key field increment", "O(1)", READ_AND_CHANGE, HEX),
  HSCAN: entry("key cursor [MATCH pattern] [COUNT count] [NOVALUES]", "O(1) a call, O(N) for all fields", READ),
  HRANDFIELD: entry("key [count [WITHVALUES]]", "O(N) with N the fields answered", READ),
  ...BIT_MANUAL,
  ...LIST_MANUAL,
  ...SET_MANUAL,
  ...SCRIPT_MANUAL,
  ...STREAM_MANUAL,
  ...SORTED_SET_MANUAL,
  // vector_set
  VADD: entry(
    `key [REDUCE dim] ${VECTOR} element [CAS] [NOQUANT | F16 | Q8 | Q4 | BIN] [EF count] [SETATTR attributes] [M links] ` +
      "[METRIC COSINE | L2 | IP | MANHATTAN | HAMMING | JACCARD] [NOORIGINALS] [PROJECTED] " +
      OPTIONAL_TIME,
    "O(log(N)) with N the elements",
    CHANGE,
    "Takes METRIC, F16, Q4 and NOORIGINALS when the set is made, and when the element dies as SET does. Vectors are kept beside their codes unless NOORIGINALS is given, CAS changes nothing. The projection of REDUCE is the same in every set; PROJECTED gives a vector that VEMB answered.",
  ),
  VADDMANY: entry(
    "key FP32 matrix ELEMENTS count element [element ...] [SETATTRS attributes [attributes ...]] [EF count] [M links] " +
      "[METRIC COSINE | L2 | IP | MANHATTAN | HAMMING | JACCARD] [NOQUANT | F16 | Q8 | Q4 | BIN] [NOORIGINALS]",
    "O(M*log(N)) with M the elements given and N those of the set",
    CHANGE,
    "Not in Redis. The matrix has a row of little-endian float32 for each element; SETATTRS gives the attributes of all. Replies with the count once all can be found; what cannot be is refused before anything is stored. Not in transactions.",
  ),
  VSIM: entry(
    `key (ELE element | FP32 vector | VALUES count value [value ...]) [WITHSCORES] [WITHATTRIBS] [WITHDISTANCES] ` +
      "[COUNT count] [EPSILON distance] [MAXDISTANCE distance] [EF count] [FILTER expression] [FILTER-EF count] " +
      "[PLAN AUTO | SCAN | WALK | POST] [EXPLAIN] [TRUTH] [NOTHREAD]",
    "O(log(N)) with N the elements; O(N) with TRUTH",
    READ,
    "Takes WITHDISTANCES, MAXDISTANCE, PLAN and EXPLAIN. With FILTER as many come back as match, up to COUNT, unless FILTER-EF is given.",
  ),
  VREM: entry("key element", "O(log(N)) with N the elements", "RW delete"),
  VCARD: entry("key", "O(1)", LOOK),
  VDIM: entry("key", "O(1)", LOOK),
  VEMB: entry("key element [RAW]", "O(1)", READ),
  VISMEMBER: entry("key element", "O(1)", LOOK),
  VSETATTR: entry("key element attributes", "O(1)", CHANGE),
  VGETATTR: entry("key element", "O(1)", READ),
  VINFO: entry("key", "O(1)", LOOK),
  VLINKS: entry("key element [WITHSCORES]", "O(1)", READ),
  VINDEX: entry("key (ADD | DEL) path", "O(N) with N the elements", CHANGE),
  VINDEXES: entry("key", "O(1)", LOOK),
  VRANDMEMBER: entry("key [count]", "O(N) with N the elements answered", READ),
  VOPTIMIZE: entry(
    "key [NOQUANT | F16 | Q8 | Q4 | BIN] [NOORIGINALS]",
    "O(N) with N the elements, spread over ticks",
    CHANGE,
  ),
  VEXPIRE: entry(`key seconds ${CONDITION} ${ELEMENTS}`, EACH, CHANGE),
  VPEXPIRE: entry(`key milliseconds ${CONDITION} ${ELEMENTS}`, EACH, CHANGE),
  VEXPIREAT: entry(`key unix-time-seconds ${CONDITION} ${ELEMENTS}`, EACH, CHANGE),
  VPEXPIREAT: entry(`key unix-time-milliseconds ${CONDITION} ${ELEMENTS}`, EACH, CHANGE),
  VPERSIST: entry(`key ${ELEMENTS}`, EACH, CHANGE),
  VTTL: entry(`key ${ELEMENTS}`, EACH, READ),
  VPTTL: entry(`key ${ELEMENTS}`, EACH, READ),
  VEXPIRETIME: entry(`key ${ELEMENTS}`, EACH, READ),
  VPEXPIRETIME: entry(`key ${ELEMENTS}`, EACH, READ),
  ...PUBSUB_MANUAL,
};
