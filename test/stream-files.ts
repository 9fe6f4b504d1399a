// Streams for the tests of Redis's files: filled through a client, with deletions, groups and what is pending of them, also of
// entries that are gone; and read back by what every server answers that has them.

import type { ChainableCommander, Redis } from "ioredis";
import type { Random } from "./random.ts";

/** Makes a stream, of one entry up to several packs. */
export function fillStream(pipeline: ChainableCommander, key: Buffer, random: Random, value: string | Buffer): void {
  const size = random.pick([1, 5, 120, 400]);
  const id = (): string => `${1 + random.below(size)}-1`;
  for (let entry = 1; entry <= size; entry++) {
    const fields = random.oneIn(5) ? ["other", entry, "field", ""] : ["field", entry === 2 ? value : entry];
    pipeline.xadd(key, `${entry}-1`, ...fields);
  }
  if (random.oneIn(2)) pipeline.xdel(key, id(), id(), `${size}-1`);
  for (const group of ["g", "empty"]) pipeline.xgroup("CREATE", key, group, random.pick(["0", "$", id()]));
  pipeline.xgroup("CREATECONSUMER", key, "g", "idle");
  pipeline.xreadgroup("GROUP", "g", "alice", "COUNT", 1 + random.below(300), "STREAMS", key, ">");
  pipeline.xreadgroup("GROUP", "g", "bob", "STREAMS", key, ">");
  pipeline.xack(key, "g", id(), id());
  pipeline.xclaim(key, "g", "bob", 0, id(), "RETRYCOUNT", 7);
  if (random.oneIn(2)) pipeline.xdel(key, id(), id());
  if (random.oneIn(4)) pipeline.xtrim(key, "MAXLEN", random.pick([0, 3]));
}

/** Everything that a stream holds, but for when. */
export async function streamContent(redis: Redis, key: Buffer): Promise<unknown> {
  const groups = (await redis.xinfo("GROUPS", key)) as unknown[][];
  const facts = (await redis.xinfo("STREAM", key)) as unknown[];
  const told = ["length", "last-generated-id", "max-deleted-entry-id", "entries-added", "recorded-first-entry-id"];
  const known = ["name", "consumers", "pending", "last-delivered-id", "entries-read"];
  const pending = groups.map(async (group) => {
    const entries = (await redis.xpending(key, String(group[1]), "-", "+", 10_000)) as unknown[][];
    return entries.map(([id, consumer, , deliveries]) => [id, consumer, deliveries]);
  });
  return [
    await redis.xrangeBuffer(key, "-", "+"),
    told.map((name) => facts[facts.indexOf(name) + 1]),
    groups.map((group) => known.map((name) => group[group.indexOf(name) + 1])),
    await Promise.all(pending),
  ];
}
