// What host and engine say to each other about connections: modes, events, notifications, tracking. Portable, as layout.ts
// is, of which this is a part.

/** What makes the commands of a connection take the slow way, a bit each. */
export const enum ConnectionMode {
  /** Not authenticated, and it must be. */
  Stranger = 1,
  /** Between MULTI and EXEC. */
  Queueing = 2,
  /** EXEC will discard: a command could not be queued. */
  Aborted = 4,
  /** No reply is written. */
  Silent = 8,
  /** The next command's reply is not written. */
  SkipsNext = 16,
  /** The reply that the host is about to give is not written. */
  Muted = 32,
  /** Reads do not note an access. */
  NoTouch = 64,
  /** EXEC runs what was queued, across calls where the host answers a command of it. */
  Executing = 128,
  /** It is subscribed to something. */
  Subscribed = 256,
  /** Its command waits for a key. */
  Blocked = 512,
  /** Its command never waits for a key. */
  NeverBlocks = 1024,
  /** What it reads is tracked. */
  Tracking = 2048,
  /** Clients are paused: commands that write, or all, wait. */
  PausedWrites = 4096,
  PausedAll = 8192,
}

/** What an event says of its connection, bits of `Result.Event`. */
export const enum EventFlag {
  /** Something waits to be sent. */
  Output = 1,
  /** It does not wait for a key any more. */
  Awake = 2,
  /** It took more memory than it may: it ends. */
  Overflow = 4,
}

/** Classes of keyspace notifications, and where they are told. */
export const enum Notice {
  Keyspace = 1,
  Keyevent = 2,
  Generic = 4,
  String = 8,
  List = 16,
  Set = 32,
  Hash = 64,
  SortedSet = 128,
  Expired = 256,
  Evicted = 512,
  Stream = 1024,
  Miss = 2048,
  Module = 8192,
  New = 16384,
}

/** How a connection tracks what it reads. */
export const enum Tracking {
  On = 1,
  /** It is told of all keys with its prefixes. */
  Broadcast = 2,
  /** Only what is read after CLIENT CACHING YES is tracked. */
  OptIn = 4,
  /** All but what is read after CLIENT CACHING NO. */
  OptOut = 8,
  /** Its own changes are not told. */
  NoLoop = 16,
  /** CLIENT CACHING was given for the next command. */
  Caching = 32,
  /** The connection that it told is gone. */
  Broken = 64,
}

/** How a command that a script calls ended: answered, left to the host, or refused. */
export const enum ScriptCall {
  Replied = 0,
  Host = 1,
  Unknown = 2,
  Arity = 3,
  Forbidden = 4,
  ReadOnly = 5,
  NoMemory = 6,
}

/** Set in the length of an argument whose address is that of a list of pages. */
export const ARGUMENT_PAGED_BIT: u32 = 0x80000000;
