// The map of linear memory and the numbers both sides of the boundary share. Portable: asc, tsc and esbuild all
// compile this very file, so it holds only constants, const enums and sums of them. Every region is the one
// before it plus its size; nobody types an address. What lies below STATE_BASE means nothing once a call has
// returned and every reply is drained; what lies from STATE_BASE on is the database, and a snapshot of it.
//
//   0            constants (asc's data segments)
//   REGISTERS    results of the last call, command table, slab geometry
//   ARGUMENTS    (address, bytes) of every argument of the commands parsed ahead
//   INPUT        headroom for a partial command | received bytes | slack that may be over-read
//   SCRATCH      working space of one command
//   WORKSPACE    working space of the functions below commands: numbers, filters
//   STATISTICS   what each command did and how long it took, errors by their code, slow commands not fetched yet
//   DIRTY        one byte for each 4 KiB block of the whole memory
//   STATE_BASE   header, slab heads, 16 databases of 256 shards
//   PAGE_TABLE   16 bytes for each page of the whole memory
//   HEAP_BASE    pages
//
// Memory that threads share has 65,535 pages at once, and what threads need lies at its end, out of the heap's reach: so
// the rest is as in any other build. See memory/threads.ts.
//
//   workers      from the last down to the first: scratch, marks of visited nodes
//   POOL_BASE    who waits for whom, nodes that wait for their links, locks of nodes

export const PAGE_BITS: u32 = 16;
export const PAGE_BYTES: u32 = 1 << 16;
/** One page less than 4 GiB, so that an address one past the end still fits 32 bits. */
export const MEMORY_PAGES_MAX: u32 = 65535;

export const REGISTERS_BASE: u32 = 0x30000;
export const REGISTERS_BYTES: u32 = 0x20000;

/** Arguments of one command at most, and of all commands parsed ahead together. */
export const ARGUMENTS_MAX: u32 = 131072;
export const ARGUMENT_BYTES: u32 = 8;
export const ARGUMENTS_BASE: u32 = REGISTERS_BASE + REGISTERS_BYTES;

/** A partial command up to this size is kept whole and put before the next bytes; a longer one is collected argument by argument. */
export const INPUT_HEADROOM: u32 = 0x10000;
export const INPUT_BASE: u32 = ARGUMENTS_BASE + ARGUMENTS_MAX * ARGUMENT_BYTES + INPUT_HEADROOM;
export const INPUT_BYTES: u32 = 0x100000;
export const INPUT_SLACK: u32 = 0x10000;

export const SCRATCH_BASE: u32 = INPUT_BASE + INPUT_BYTES + INPUT_SLACK;
export const SCRATCH_BYTES: u32 = 0x100000;

/** Number conversion and filters have working space of their own: commands and searches call them amid theirs. */
export const WORKSPACE_BASE: u32 = SCRATCH_BASE + SCRATCH_BYTES;
export const WORKSPACE_BYTES: u32 = 0x10000;

export const COMMANDS_MAX: u32 = 512;
/** Statistics of each command, in the order of the command table. */
export const STATISTICS_BASE: u32 = WORKSPACE_BASE + WORKSPACE_BYTES;
export const STATISTICS_RECORD_BYTES: u32 = 256;
export const STATISTICS_BYTES: u32 = COMMANDS_MAX * STATISTICS_RECORD_BYTES;
/** Durations are counted by powers of two from DURATION_FIRST_NANOSECONDS up; what is longer than all of them comes last. */
export const DURATION_BUCKETS: u32 = 28;
export const DURATION_FIRST_NANOSECONDS: u32 = 250;
/** Error replies by their first word: 24 bytes of it, padded with zeros, and a 64-bit count. */
export const ERRORS_BASE: u32 = STATISTICS_BASE + STATISTICS_BYTES;
export const ERROR_RECORD_BYTES: u32 = 32;
export const ERROR_CODE_BYTES: u32 = 24;
export const ERROR_CODES_MAX: u32 = 64;
/** Addresses of the commands that ran since the clock was last read, each once. */
export const SPAN_BASE: u32 = ERRORS_BASE + ERROR_CODES_MAX * ERROR_RECORD_BYTES;
export const SPAN_BYTES: u32 = COMMANDS_MAX * 4;
/** Slow commands that the host has not fetched: bytes written behind this word, then the records. */
export const SLOW_BASE: u32 = SPAN_BASE + SPAN_BYTES;
export const SLOW_HEAD_BYTES: u32 = 8;
export const SLOW_BYTES: u32 = STATISTICS_BASE + 0x40000 - SLOW_BASE;
/** Of a slow command's arguments so many are kept, and so much of each, as Redis does. */
export const SLOW_ARGUMENTS_MAX: u32 = 32;
export const SLOW_ARGUMENT_BYTES: u32 = 128;

export const BLOCK_BITS: u32 = 12;
export const DIRTY_BASE: u32 = SLOW_BASE + SLOW_BYTES;
export const DIRTY_BYTES: u32 = 0x100000;

/** Equal in every build; the build fails when a data segment reaches it. */
export const STATE_BASE: u32 = DIRTY_BASE + DIRTY_BYTES;
export const STATE_HEADER_BYTES: u32 = 0x1000;
/** Raised when durable bytes get another meaning in the same places: snapshots of others are not opened then. */
export const STATE_VERSION: u32 = 1;
/** Raised when an export, a register or a number that the host shares gets another meaning: no host drives engines of another boundary. */
export const BOUNDARY_VERSION: u32 = 1;
/** Eviction queues and their ghosts, in the second half of the header. */
export const QUEUES_BASE: u32 = STATE_BASE + STATE_HEADER_BYTES / 2;
export const GHOSTS_BASE: u32 = QUEUES_BASE + 128;

export const ZONES: u32 = 5;
/** Keyspace entries: exactly one table slot refers to each, so they may move. */
export const ZONE_ENTRY: u32 = 0;
/** What stays where it is: directories, tables of hashes, vector sets with their names. */
export const ZONE_OBJECT: u32 = 1;
/** Connections and what they collect: never part of a snapshot. */
export const ZONE_VOLATILE: u32 = 2;
/** Fields of hashes: entries whose access bits are the address of their table, so they may move. */
export const ZONE_FIELD: u32 = 3;
/** Segments of tables: each leads to its table, so they may move. */
export const ZONE_SEGMENT: u32 = 4;

export const SLAB_CLASSES: u32 = 103;
export const SLAB_HEAD_BYTES: u32 = 8;
export const SLAB_HEADS_BASE: u32 = STATE_BASE + STATE_HEADER_BYTES;
export const SLAB_HEADS_BYTES: u32 = 0x2000;

export const DATABASES: u32 = 16;
export const SHARDS: u32 = 256;
export const TABLE_BYTES: u32 = 24;
export const SHARDS_BASE: u32 = SLAB_HEADS_BASE + SLAB_HEADS_BYTES;
export const SHARDS_BYTES: u32 = DATABASES * SHARDS * TABLE_BYTES;

export const PAGE_RECORD_BYTES: u32 = 16;
export const PAGE_TABLE_BASE: u32 = SHARDS_BASE + SHARDS_BYTES;
export const PAGE_TABLE_BYTES: u32 = 0x100000;
export const HEAP_BASE: u32 = (PAGE_TABLE_BASE + PAGE_TABLE_BYTES + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);

export const enum PageKind {
  Free = 0,
  EntrySlab = 1,
  ObjectSlab = 2,
  VolatileSlab = 3,
  FieldSlab = 4,
  SegmentSlab = 5,
  Value = 6,
  Vector = 7,
  Output = 8,
  Input = 9,
  Scratch = 10,
  /** A slab page that is being emptied. */
  Draining = 11,
  /** A piece of an eviction queue. */
  Queue = 12,
  /** Effect records that the host has not written yet: not counted as held, and no part of a snapshot. */
  Log = 13,
  /** Copies of blocks that a running snapshot still wants. */
  Copies = 14,
}

export const enum Eviction {
  None = 0,
  AllKeysLru = 1,
  AllKeysLfu = 2,
  AllKeysRandom = 3,
  VolatileLru = 4,
  VolatileLfu = 5,
  VolatileRandom = 6,
  VolatileTtl = 7,
  AllKeysS3Fifo = 8,
}

/** What the access bits of an entry mean. */
export const enum Access {
  Time = 0,
  Frequency = 1,
  Queues = 2,
}

/** How a call of execute ended. */
export const enum Outcome {
  Done = 0,
  Yield = 1,
  Host = 2,
  Close = 3,
  Overflow = 4,
  /** A write waits until the host has taken effect records: the call begins with it again, even when no bytes are left. */
  LogFull = 5,
  /** Nodes of the call wait for workers, and so do its replies; goes on as behind LogFull. */
  Links = 6,
  /** The command waits for a key: nothing of the connection runs until an event says that it was answered. */
  Blocked = 7,
  /** As LogFull, until clients are no longer paused. */
  Paused = 8,
}

/** How a direct call of embedding ended. */
export const enum Direct {
  Absent = 0,
  Found = 1,
  /** The address is that of a list of pages. */
  Paged = 2,
  WrongType = 3,
  NoMemory = 4,
  /** The entry expires, and the time was not given. */
  Expiring = 5,
  /** The write waits until the host has taken effect records. */
  LogFull = 6,
  /** As Found, and the value is short and ASCII: its bytes are its characters. */
  FoundAscii = 7,
}

/** A key, and a hash field, at most: it lies in one piece inside its entry, whose cell the longest one shares with the longest inline value. */
export const KEY_BYTES_MAX: u32 = PAGE_BYTES / 2 - 64;
/** A longer argument is received into pages of its own. */
export const PAGED_ARGUMENT_BYTES: u32 = KEY_BYTES_MAX;
export const VALUE_BYTES_MAX: u32 = 512 << 20;

/** Pages kept back for splits, directories and replies when a write is admitted. */
export const SPARE_PAGES: u32 = 8;

/** Bytes of a record of what a direct search found (see commands/vectors/direct-search.ts), and where items of searches on threads are put. */
export const FOUND_BYTES: u32 = 32;
export const FOUND_ITEMS_BASE: u32 = INPUT_BASE + INPUT_BYTES / 2;

/** Words of the result register block, in u32 from REGISTERS_BASE. */
export const enum Result {
  Consumed = 0,
  Address = 1,
  Bytes = 2,
  Count = 3,
  /** Eight words: the place of blocks, as their checksum covers it. */
  Place = 4,
  /** Bits of EventFlag, of the connection taken last. */
  Event = 12,
}
export const RESULT_BYTES: u32 = 64;

export const COMMAND_RECORD_BYTES: u32 = 64;
export const GEOMETRY_BASE: u32 = REGISTERS_BASE + RESULT_BYTES;
export const GEOMETRY_BYTES: u32 = 1024;
export const COMMANDS_BASE: u32 = GEOMETRY_BASE + GEOMETRY_BYTES;
export const COMMAND_BUCKETS: u32 = 1024;
export const COMMAND_INDEX_BASE: u32 = COMMANDS_BASE + COMMANDS_MAX * COMMAND_RECORD_BYTES;
/** Commands parsed, hashed and touched before the first of them executes. With 16 a GET in a batch took 6 % more, with 64 no less. */
export const GROUP_COMMANDS: u32 = 32;
export const GROUP_RECORD_BYTES: u32 = 32;
export const GROUP_BASE: u32 = COMMAND_INDEX_BASE + COMMAND_BUCKETS * 2;

export const SETTINGS_BASE: u32 = GROUP_BASE + GROUP_COMMANDS * GROUP_RECORD_BYTES;
/** Words of the settings block, in u32 from SETTINGS_BASE: written by the host, limits and policy by the engine when the host asks. */
export const enum Setting {
  OutputPagesMax = 0,
  ValueBytesMax = 1,
  ArgumentsMax = 2,
  /** Pages the database may hold now: more than the target while it comes down to that. */
  LimitPages = 3,
  Eviction = 4,
  /** 1: commands are timed; 0: they are only counted, and the clock is never read. */
  Timed = 5,
  /** Microseconds from which a command is kept as slow; SLOW_NEVER for none. */
  SlowMicroseconds = 6,
  /** Pages that memory may have, as far as the engine may grow it. */
  MemoryPages = 7,
  /** Pages the database shall hold at most. */
  TargetPages = 8,
  /** What the access bits mean under the policy, one of Access. */
  AccessKind = 9,
  /** Free pages that only effect records may take. */
  RecordPages = 10,
  /** Limits of packed values from here on: see memory/settings.ts. */
  IntegerSetEntries = 11,
  PackedSetEntries = 12,
  PackedSetValue = 13,
  ListpackSize = 14,
  StreamBlockBytes = 20,
  StreamBlockEntries = 21,
  HllSparseBytes = 24,
  SortedSetEntries = 15,
  SortedSetValue = 16,
  HashEntries = 17,
  HashValue = 18,
}
export const SLOW_NEVER: u32 = 0xffffffff;
export const SETTINGS_BYTES: u32 = 128;
/** What this run has counted: 64-bit words in the order of Counter, from COUNTERS_BASE. */
export const COUNTERS_BASE: u32 = SETTINGS_BASE + SETTINGS_BYTES;
export const COUNTERS_BYTES: u32 = 192;

/** Visited marks of walks, kept between calls: addresses of their pages, the epoch, pages held, a sink of prefetches. */
export const MARK_PAGES_MAX: u32 = 1024;
export const MARKS_BYTES: u32 = MARK_PAGES_MAX * 4 + 16;
export const MARKS_BASE: u32 = COUNTERS_BASE + COUNTERS_BYTES;

/** Watched keys: how many there are (u32), who else wants to know of changes (u32), then the heads of their lists by hash. */
export const WATCH_BUCKETS: u32 = 2048;
export const WATCHES_BASE: u32 = MARKS_BASE + MARKS_BYTES;
export const WATCHES_BYTES: u32 = 8 + WATCH_BUCKETS * 4;

/** Keys that eviction has chosen and not evicted yet, and the chunks that it draws: see keyspace/victim.ts. */
export const VICTIMS_BASE: u32 = WATCHES_BASE + WATCHES_BYTES;
export const VICTIMS_BYTES: u32 = 2048;

/** The log of effects: where its records lie and how far the host has come; see effects/region.ts. */
export const EFFECTS_BASE: u32 = VICTIMS_BASE + VICTIMS_BYTES;
export const EFFECTS_BYTES: u32 = 256;

// One effect record, in memory and in the log's files, a multiple of 8 bytes:
//   0 bytes (u32) | 4 database (u8) | 5 flags (u8) | 6 bytes of padding (u16) | 8 sequence number (u64) | 16 time, ms since epoch (i64)
//   24 checksum of all the rest (u64) | 32 the command as a RESP array | zeros
export const RECORD_HEADER_BYTES: u32 = 32;
export const RECORD_FLAGS_OFFSET: u32 = 5;
export const RECORD_SEQUENCE_OFFSET: u32 = 8;
export const RECORD_TIME_OFFSET: u32 = 16;
export const RECORD_CHECKSUM_OFFSET: u32 = 24;
export const enum RecordFlag {
  /** The next record belongs to the same group: all of them are replayed or none. */
  Continues = 1,
}

/** Why a replay stopped. */
export const enum Replay {
  /** Everything given is replayed. */
  Done = 0,
  /** A record, or its group, goes on behind what was given. */
  Incomplete = 1,
  /** A length of zero: nothing was written from here on. */
  Zero = 2,
  /** A length, or padding, that no record has. */
  Malformed = 3,
  Checksum = 4,
  /** Not the sequence number that follows. */
  Sequence = 5,
  /** The command was answered with an error, which is at the place in the result registers. */
  Refused = 6,
}

/** Pages for copies of blocks that change while a snapshot is written, and the record of them: see memory/copies.ts. */
export const COPY_PAGES_MAX: u32 = 1024;
export const COPIES_BASE: u32 = EFFECTS_BASE + EFFECTS_BYTES;
export const COPIES_BYTES: u32 = 32 + COPY_PAGES_MAX * 4;

/** What the engine has for connections that do not run, who listens to what, and who waits for which key: see events/names.ts. */
export const EVENTS_BASE: u32 = COPIES_BASE + COPIES_BYTES;
export const EVENTS_BYTES: u32 = 1024;

/** Verdicts of the latest filters, at the end of the registers: see vectors/verdicts.ts. */
export const VERDICTS_BYTES: u32 = 8192;
export const VERDICTS_BASE: u32 = REGISTERS_BASE + REGISTERS_BYTES - VERDICTS_BYTES;
/** Locks of nodes, a word each; nodes whose ids agree in the lower bits share one. */
export const LOCKS: u32 = 1 << 18;
export const LOCKS_BYTES: u32 = LOCKS * 4;
/** Nodes that wait for their links: a ring of records of 16 bytes. */
export const WAITING: u32 = 4096;
export const WAITING_RECORD_BYTES: u32 = 16;
/** Bulk builds, and searches on threads, that may go on at once. */
export const BUILDS_MAX: u32 = 16;
export const SHARED_SEARCHES_MAX: u32 = 16;
export const POOL_BYTES: u32 = PAGE_BYTES * 2 + LOCKS_BYTES;
export const POOL_BASE: u32 = MEMORY_PAGES_MAX * PAGE_BYTES - POOL_BYTES;
export const WAITING_BASE: u32 = POOL_BASE + PAGE_BYTES;
export const LOCKS_BASE: u32 = POOL_BASE + PAGE_BYTES * 2;
export const WORKERS_MAX: u32 = 16;
/** What each worker has: scratch as of a command, a page with the table of its marks, the marks, and a workspace. */
export const WORKER_BYTES: u32 = SCRATCH_BYTES + PAGE_BYTES + MARK_PAGES_MAX * PAGE_BYTES + WORKSPACE_BYTES;

/** Words of the pool's state, in u32 from POOL_BASE. */
export const enum Pool {
  /** 1 while nobody but the main thread may touch vector sets. */
  Gate = 0,
  /** Workers between two borders of their work. */
  Running = 16,
  /** 1 once a worker broke: nobody waits for anybody any more. */
  Failed = 32,
  /** Tasks that workers have; written by the main thread alone. */
  Active = 48,
  /** Bulk builds that will add more to the ring. */
  Builders = 49,
  /** Searches on threads. */
  Searching = 50,
  /** The next record of the ring to be taken, and the next to be put, modulo 2^32. */
  Head = 64,
  Tail = 80,
  /** Held by whoever links a node above the highest level. */
  Top = 96,
  /** Of each build: nodes that it has not to wait for any more. */
  Done = 112,
  /** Of each search: the set's address, 0 once it is gone. */
  Sets = 128,
  /** A search of a command that is estimated to take longer, in ns, is left to the host; 0: none is. What it asks for, f64s. */
  InlineNs = 144,
  Left = 160,
}

/** Flags of a command, as Redis names them. */
export const enum CommandFlag {
  Write = 1,
  ReadOnly = 2,
  DenyOom = 4,
  Fast = 8,
  NoAuth = 16,
  /** Answered by the host. */
  Host = 32,
  /** Executed, not queued, inside a transaction. */
  Immediate = 64,
  /** Nothing is parsed ahead past it: it needs the argument records. */
  EndsGroup = 128,
  /** While effects are recorded: it may record more than that a key has expired. */
  Recorded = 256,
  /** It reads graphs, whose nodes must have their links, and may leave a long search to the host. */
  ReadsGraph = 512,
  /** It may wait for a key. */
  Blocking = 1024,
  /** About subscriptions: a connection of RESP2 that has some may use no other. */
  PubSub = 2048,
  /** Others hear of it, though it changes nothing: it waits while writes are paused. */
  MayReplicate = 4096,
  NoScript = 8192,
  RunsScript = 16384,
  /** What it does to keys is told. */
  Noticed = 32768,
}
