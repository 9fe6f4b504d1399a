// A stream in a file of Redis, in the form of 7.0: packs of entries, counters, groups. When a consumer was last given anything is not in
// it; later forms have that, and earlier releases than 7.2 would not read them.

import type { CommandRunner } from "../content/command-runner.ts";
import {
  entriesOf,
  factsOf,
  groupsOf,
  type PendingEntry,
  pendingOf,
  type StreamGroup,
} from "../content/stream-content.ts";
import type { RdbWriter } from "./rdb-writer.ts";
import { idBytes, numbersOf, packEntries } from "./stream-writer.ts";

const UNKNOWN = 0xffff_ffff_ffff_ffffn;

/** Writes one stream. The number of packs stands before them, so entries are read twice. */
export async function writeStream(
  runner: CommandRunner,
  writer: RdbWriter,
  database: number,
  key: Uint8Array,
  expiresAtMs: number | undefined,
): Promise<void> {
  let packs = 0;
  for (const _ of entriesOf(runner, database, key)) packs++;
  writer.stream(key, packs, expiresAtMs);
  for (const entries of entriesOf(runner, database, key)) {
    writer.text(idBytes(new TextDecoder().decode(entries[0]?.[0])));
    writer.text(packEntries(entries));
    await writer.flush();
  }
  const { length, lastId, firstId, deletedId, added } = factsOf(runner, key);
  writer.number(length);
  for (const id of [lastId, firstId, deletedId]) writeId(writer, id);
  writer.number(BigInt(added));
  const groups = groupsOf(runner, key);
  writer.number(groups.length);
  for (const group of groups) await writeGroup(runner, writer, key, group);
}

function writeId(writer: RdbWriter, id: string): void {
  for (const number of numbersOf(id)) writer.number(number);
}

async function writeGroup(
  runner: CommandRunner,
  writer: RdbWriter,
  key: Uint8Array,
  { name, lastId, read, pending, consumers }: StreamGroup,
): Promise<void> {
  writer.text(name);
  writeId(writer, lastId);
  writer.number(read < 0 ? UNKNOWN : read);
  await writePending(writer, pending, pendingOf(runner, key, name), ({ deliveredMs, deliveries }) => {
    writer.time(deliveredMs);
    writer.number(deliveries);
  });
  writer.number(consumers.length);
  for (const consumer of consumers) {
    writer.text(consumer.name);
    writer.time(consumer.seenMs);
    const own = pendingOf(runner, key, name, consumer.name);
    await writePending(writer, consumer.pending, own, () => undefined);
  }
}

async function writePending(
  writer: RdbWriter,
  count: number,
  batches: Iterable<PendingEntry[]>,
  writeRest: (entry: PendingEntry) => void,
): Promise<void> {
  writer.number(count);
  for (const batch of batches) {
    for (const entry of batch) {
      writer.raw(idBytes(entry.id));
      writeRest(entry);
    }
    await writer.flush();
  }
}
