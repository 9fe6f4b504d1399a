// A disk that does what disks do: what was not synced is lost in any order of blocks and torn inside of them, a failed
// sync forgets what it could not write and says so once, space ends, writes stop in the middle. Every operation takes
// its turn when the simulation says so. A crash makes a new storage of what lasted.

import { NearkeyError } from "../src/errors.ts";
import type { ImmediateFile, Storage, StorageFile } from "../src/storage/storage.ts";
import type { Random } from "./random.ts";

const SECTOR_BYTES = 512;

/** How a disk behaves at present. */
export interface DiskMood {
  /** Bytes that all files may hold together. */
  capacityBytes: number;
  /** One sync in so many fails; 0 for none. */
  syncFails: number;
  /** One write in so many fails; 0 for none. */
  writeFails: number;
}

/** Content of a file, as programs read it and as it lasts. */
class Content {
  current = new Uint8Array(0);
  lasting = new Uint8Array(0);
  /** Sectors that a sync is writing. */
  readonly flying = new Set<number>();
  /** Sectors that the next sync writes. */
  readonly changed = new Set<number>();

  resize(bytes: number): void {
    const grown = new Uint8Array(bytes);
    grown.set(this.current.subarray(0, bytes));
    for (
      let sector = Math.floor(Math.min(bytes, this.current.length) / SECTOR_BYTES);
      sector * SECTOR_BYTES < bytes;
      sector++
    ) {
      this.changed.add(sector);
    }
    this.current = grown;
  }

  write(at: number, bytes: Uint8Array): void {
    if (at + bytes.length > this.current.length) this.resize(at + bytes.length);
    this.current.set(bytes, at);
    const last = Math.floor((at + bytes.length - 1) / SECTOR_BYTES);
    for (let sector = Math.floor(at / SECTOR_BYTES); sector <= last; sector++) this.changed.add(sector);
  }

  /** Brings a sector of a moment ago to disk, or its first bytes. */
  persist(from: Uint8Array, sector: number, bytes = SECTOR_BYTES): void {
    const start = sector * SECTOR_BYTES;
    const end = Math.min(start + bytes, from.length);
    if (end <= start) return; // It was cut off since.
    if (end > this.lasting.length) {
      const grown = new Uint8Array(end);
      grown.set(this.lasting);
      this.lasting = grown;
    }
    this.lasting.set(from.subarray(start, end), start);
  }
}

/** A storage with faults; one process uses it until it crashes. */
export class FaultyStorage implements Storage {
  readonly place = "simulated";
  /** Whether programs can wait for it. */
  readonly waits: boolean;
  readonly mood: DiskMood = { capacityBytes: Number.POSITIVE_INFINITY, syncFails: 0, writeFails: 0 };
  private readonly files: Map<string, Content>;
  private readonly turns: (() => void)[] = [];
  private dead = false;

  constructor(
    readonly random: Random,
    files = new Map<string, Content>(),
  ) {
    this.files = files;
    this.waits = random.oneIn(2);
  }

  /** Operations that wait for their turn. */
  get waiting(): number {
    return this.turns.length;
  }

  /** Lets the operation that waits longest go on. */
  turn(): void {
    this.turns.shift()?.();
  }

  /** What is there after the process was killed (all that was written) or the power failed (what lasted). */
  afterCrash(powerFails: boolean): FaultyStorage {
    this.dead = true;
    const files = new Map<string, Content>();
    for (const [name, content] of this.files) {
      const survivor = new Content();
      if (powerFails) {
        for (const sector of [...content.changed, ...content.flying].toReversed()) {
          if (this.random.oneIn(2)) continue;
          content.persist(
            content.current,
            sector,
            this.random.oneIn(4) ? this.random.below(SECTOR_BYTES) : SECTOR_BYTES,
          );
        }
        survivor.current = content.lasting.slice();
        survivor.lasting = content.lasting.slice();
      } else {
        survivor.current = content.current.slice();
        survivor.lasting = content.lasting.slice();
        for (const sector of [...content.changed, ...content.flying]) survivor.changed.add(sector);
      }
      files.set(name, survivor);
    }
    return new FaultyStorage(this.random, files);
  }

  /** The same files in another storage, of which this one knows nothing. */
  copy(): FaultyStorage {
    const files = new Map<string, Content>();
    for (const [name, { current, lasting }] of this.files) {
      const content = new Content();
      content.current = current.slice();
      content.lasting = lasting.slice();
      files.set(name, content);
    }
    return new FaultyStorage(this.random, files);
  }

  /** Bytes of all files together. */
  get usedBytes(): number {
    let bytes = 0;
    for (const { current } of this.files.values()) bytes += current.length;
    return bytes;
  }

  /** The bytes of a file, to be changed by a test. */
  bytesOf(name: string): Uint8Array {
    return this.contentOf(name).current;
  }

  get names(): string[] {
    return [...this.files.keys()].sort();
  }

  async lock(): Promise<() => Promise<void>> {
    return async () => undefined;
  }

  async list(): Promise<string[]> {
    await this.yield();
    return [...this.files.keys()];
  }

  async open(name: string, { create = false }: { readonly create?: boolean } = {}): Promise<StorageFile> {
    await this.yield();
    if (create && !this.files.has(name)) this.files.set(name, new Content());
    return new FaultyFile(this, name, this.contentOf(name));
  }

  async replace(name: string, write: (file: StorageFile) => Promise<void>): Promise<void> {
    const content = new Content();
    const file = new FaultyFile(this, name, content);
    await write(file);
    await file.sync();
    await this.yield();
    this.files.set(name, content);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.yield();
    const content = this.contentOf(from);
    this.files.delete(from);
    this.files.set(to, content);
  }

  async remove(name: string): Promise<void> {
    await this.yield();
    this.files.delete(name);
  }

  private contentOf(name: string): Content {
    const content = this.files.get(name);
    if (content === undefined) throw Object.assign(new Error(`no file ${name}`), { code: "ENOENT" });
    return content;
  }

  /** Waits for a turn; the operation of a dead process never goes on. */
  async yield(): Promise<void> {
    await new Promise<void>((resolve) => this.turns.push(resolve));
    if (this.dead) await new Promise(() => undefined);
  }

  check(): void {
    if (this.dead) throw new NearkeyError("closed", "a dead process writes");
  }

  roomFor(content: Content, bytes: number): boolean {
    let used = 0;
    for (const file of this.files.values()) used += file === content ? 0 : file.current.length;
    return used + Math.max(content.current.length, bytes) <= this.mood.capacityBytes;
  }
}

class FaultyFile implements StorageFile {
  readonly now: ImmediateFile | undefined;

  constructor(
    private readonly storage: FaultyStorage,
    readonly name: string,
    private readonly content: Content,
  ) {
    if (storage.waits) this.now = { write: (at, pieces) => this.put(at, pieces), sync: () => this.syncHere() };
  }

  get size(): number {
    return this.content.current.length;
  }

  write(at: number, pieces: readonly Uint8Array[]): Promise<void> | undefined {
    this.storage.check();
    if (this.storage.random.oneIn(3)) return this.storage.yield().then(() => this.put(at, pieces));
    this.put(at, pieces);
    return undefined;
  }

  append(pieces: readonly Uint8Array[]): Promise<void> | undefined {
    return this.write(this.size, pieces);
  }

  private put(at: number, pieces: readonly Uint8Array[]): void {
    this.storage.check();
    const { random, mood } = this.storage;
    const fails = mood.writeFails > 0 && random.oneIn(mood.writeFails);
    let position = at;
    for (const piece of pieces) {
      const isFull = !this.storage.roomFor(this.content, position + piece.length);
      if (fails || isFull) {
        const done = piece.subarray(0, isFull ? 0 : random.below(piece.length + 1));
        if (done.length > 0) this.content.write(position, done);
        throw Object.assign(new Error("no"), { code: isFull ? "ENOSPC" : "EIO" });
      }
      if (piece.length > 0) this.content.write(position, piece);
      position += piece.length;
    }
  }

  async sync(): Promise<void> {
    const sectors = [...this.content.changed];
    this.content.changed.clear();
    for (const sector of sectors) this.content.flying.add(sector);
    await this.storage.yield();
    for (const sector of sectors) this.content.flying.delete(sector);
    this.persist(sectors);
  }

  private syncHere(): void {
    const sectors = [...this.content.changed, ...this.content.flying];
    this.content.changed.clear();
    this.persist(sectors);
  }

  private persist(sectors: readonly number[]): void {
    const from = this.content.current;
    const { random, mood } = this.storage;
    const fails = mood.syncFails > 0 && random.oneIn(mood.syncFails);
    // From the end: the file grows once, not once a sector.
    for (const sector of sectors.toReversed()) if (!fails || random.oneIn(2)) this.content.persist(from, sector);
    if (fails) throw Object.assign(new Error("no"), { code: "EIO" });
    this.content.lasting = this.content.lasting.slice(0, from.length);
  }

  async read(at: number, into: Uint8Array): Promise<number> {
    await this.storage.yield();
    const found = this.content.current.subarray(at, Math.min(at + into.length, this.content.current.length));
    into.set(found);
    return found.length;
  }

  async truncate(bytes: number): Promise<void> {
    await this.storage.yield();
    this.content.resize(bytes);
  }

  async close(): Promise<void> {
    await this.storage.yield();
  }
}
