// The snapshots of one directory. A file is named by its number; one that is incremental names its parent by id, so a chain
// leads from the newest to a file with everything. A chain ends, and the next snapshot is whole, when its files are many
// or together half as large as the first: so no more than that is read in vain when it is opened. Kept are the newest ones
// and, in case a chain's first file is damaged, the last of the chain before; what no kept one needs is removed, and
// only after the new one is safe.

import type { Engine } from "../engine.ts";
import type { EngineSnapshot } from "../engine-snapshot.ts";
import { NearkeyError } from "../errors.ts";
import { faultCode, type Storage, type StorageFile } from "../storage/storage.ts";
import { ChunkPool } from "./chunk-pool.ts";
import { readHeader, SnapshotFile } from "./snapshot-file.ts";
import { damaged, type SnapshotHeader } from "./snapshot-format.ts";
import { type Pace, takeSnapshot, UNHURRIED } from "./take-snapshot.ts";

const SUFFIX = ".snapshot";
const NUMBER_DIGITS = 8;
/** Files of a chain at most. */
const CHAIN_FILES_MAX = 8;
/** Attempts, when so much changes at once that there is no room for copies. */
const ATTEMPTS = 3;

/** One file of the directory. */
export interface Generation {
  readonly name: string;
  readonly number: number;
  readonly bytes: number;
  readonly header: SnapshotHeader;
}

/** A snapshot that was taken. */
export interface Taken {
  readonly name: string;
  /** Number of the last effect record in it. */
  readonly sequence: number;
  readonly timeMs: number;
  readonly bytes: number;
  readonly tookMs: number;
  readonly isIncremental: boolean;
}

/** A snapshot that was opened. */
export interface Loaded {
  readonly engine: Engine;
  readonly name: string;
  readonly sequence: number;
  /** Bytes read. */
  readonly bytes: number;
  /** Why newer ones were passed over. */
  readonly passedOver: readonly NearkeyError[];
}

/** How `SnapshotStore.take` goes about it. */
export interface TakeOptions {
  /** Awaited before the file gets its name: until the log has everything up to this record. */
  readonly logged?: (sequence: number) => Promise<void>;
  /** Everything is written, also what did not change. Default: when the chain is long enough. */
  readonly whole?: boolean;
  readonly pace?: Pace;
}

/** The snapshots of one storage, which belongs to this process. */
export class SnapshotStore {
  readonly #storage: Storage;
  /** Snapshots kept. */
  keep: number;
  /** Oldest first. */
  #generations: Generation[] = [];
  /** The one that the engine's marks of changed blocks refer to. */
  #current: Generation | undefined;
  #next = 1;
  #known = 0;
  #taking: Promise<Taken> | undefined;
  readonly #chunks = new ChunkPool();

  private constructor(storage: Storage, keep: number) {
    this.#storage = storage;
    this.keep = keep;
  }

  /**
   * Reads which snapshots there are. Files whose header cannot be read stay, and count only when they are opened.
   *
   * @param keep snapshots that are kept, 1 at least. Default 2
   * @throws NearkeyError `storage-failed`, `unsupported` when the newest is of a newer format
   */
  static async open(storage: Storage, keep = 2): Promise<SnapshotStore> {
    const store = new SnapshotStore(storage, Math.max(1, keep));
    const names = (await storage.list()).filter(isSnapshotName).sort();
    for (const name of names) await store.#note(name, name === names[names.length - 1]);
    const last = names[names.length - 1];
    if (last !== undefined) store.#next = numberOf(last) + 1;
    return store;
  }

  async #note(name: string, isNewest: boolean): Promise<void> {
    const file = await this.#storage.open(name);
    try {
      const header = await readHeader(file, this.#placeOf(name));
      this.#generations.push({ name, number: numberOf(name), bytes: file.size, header });
    } catch (error) {
      if (!(error instanceof NearkeyError) || (isNewest && error.code === "unsupported")) throw error;
      this.#unreadable.push(error);
      if (error.code === "storage-damaged") this.#damaged.push(name);
    } finally {
      await file.close();
    }
  }

  readonly #unreadable: NearkeyError[] = [];
  /** Files that are of no use. */
  readonly #damaged: string[] = [];

  /** Snapshots there are, oldest first. */
  get generations(): readonly Generation[] {
    return this.#generations;
  }

  /** Whether one is being taken. */
  get isTaking(): boolean {
    return this.#taking !== undefined;
  }

  /**
   * Records of the log up to here are in every snapshot that is kept: their segments may go. 0 until there are as many as
   * are to be kept, since until then the whole log is what the first one falls back to.
   */
  get coveredSequence(): number {
    const kept = this.#kept();
    return kept.length < this.keep ? 0 : Math.min(...kept.map(({ header }) => header.sequence));
  }

  /** The last record that any file with a sound header says it holds, of those that `load` looked at. */
  get knownSequence(): number {
    return this.#known;
  }

  // ---- opening

  /**
   * Opens the newest snapshot that can be, each attempt in an engine of its own.
   *
   * @param create makes an engine that nobody uses yet, for snapshots of a layout if it can
   * @returns undefined when there is no snapshot at all
   * @throws NearkeyError `storage-damaged` of the newest when none can be opened, `out-of-memory`, `unsupported`
   */
  async load(create: (layout: bigint) => Engine | Promise<Engine>): Promise<Loaded | undefined> {
    const passedOver: NearkeyError[] = [...this.#unreadable];
    for (const generation of [...this.#generations].reverse()) {
      try {
        const engine = await create(generation.header.layout);
        const bytes = await this.#loadInto(engine.snapshot, generation);
        this.#current = generation;
        this.#setAside((other) => other.number > generation.number);
        return { engine, name: generation.name, sequence: generation.header.sequence, bytes, passedOver };
      } catch (error) {
        if (!(error instanceof NearkeyError) || error.code !== "storage-damaged") throw error;
        passedOver.push(error);
      }
    }
    if (passedOver[0] === undefined) return undefined;
    this.#setAside(() => true);
    throw passedOver[0];
  }

  /** What could not be opened is not counted among those kept, and goes once the next one is safe. */
  #setAside(isDamaged: (generation: Generation) => boolean): void {
    this.#damaged.push(...this.#generations.filter(isDamaged).map(({ name }) => name));
    this.#generations = this.#generations.filter((generation) => !isDamaged(generation));
  }

  async #loadInto(engine: EngineSnapshot, newest: Generation): Promise<number> {
    const opened: StorageFile[] = [];
    try {
      const files: SnapshotFile[] = [];
      const chain = this.#chainOf(newest);
      if (chain === undefined) {
        const what = "it builds upon a snapshot that is not there";
        throw damaged(this.#placeOf(newest.name), 48, what, "put the missing file back, or remove this one");
      }
      for (const { name } of chain.reverse()) {
        const file = await this.#storage.open(name);
        opened.push(file);
        files.unshift(await SnapshotFile.open(file, this.#placeOf(name), engine));
        this.#known = Math.max(this.#known, files[0]?.header.sequence ?? 0);
      }
      await loadChain(engine, files, this.#placeOf(newest.name));
      return opened.reduce((bytes, { size }) => bytes + size, 0);
    } finally {
      for (const file of opened) await file.close();
    }
  }

  /** The files that a snapshot consists of, the whole one first; undefined when one of them is missing. */
  #chainOf(newest: Generation): Generation[] | undefined {
    const chain = [newest];
    for (let first = newest; first.header.parent !== 0n; ) {
      const { parent } = first.header;
      const found = this.#generations.find(({ header }) => header.id === parent);
      if (found === undefined || chain.includes(found)) return undefined;
      chain.unshift(found);
      first = found;
    }
    return chain;
  }

  // ---- taking

  /**
   * Takes a snapshot while commands run; one at a time: who asks meanwhile gets the one that is being taken.
   *
   * @throws NearkeyError `storage-failed`; `aborted` when even the third attempt saw too much change at once
   */
  take(engine: Engine, options: TakeOptions = {}): Promise<Taken> {
    this.#taking ??= this.#take(engine, options).finally(() => {
      this.#taking = undefined;
    });
    return this.#taking;
  }

  async #take(engine: Engine, options: TakeOptions): Promise<Taken> {
    const startedMs = performance.now();
    const name = `${String(this.#next++).padStart(NUMBER_DIGITS, "0")}${SUFFIX}`;
    const generation = await this.#attempt(engine, name, options);
    this.#generations.push(generation);
    this.#current = generation;
    await this.#removeOld();
    const { header, bytes } = generation;
    const { sequence, timeMs, parent } = header;
    return { name, sequence, timeMs, bytes, isIncremental: parent !== 0n, tookMs: performance.now() - startedMs };
  }

  async #attempt(engine: Engine, name: string, options: TakeOptions): Promise<Generation> {
    const { logged, whole = false, pace = UNHURRIED } = options;
    for (let attempt = 1; ; attempt++) {
      const head = () => ({
        parent: whole || !engine.snapshot.hasBase ? 0n : this.#parent(),
        exported: false,
      });
      const written: Generation[] = [];
      try {
        await this.#storage.replace(name, async (file) => {
          const { header, bytes } = await takeSnapshot(engine, file, head, pace, this.#chunks);
          await logged?.(header.sequence);
          written.push({ name, number: numberOf(name), header, bytes });
        });
      } catch (error) {
        engine.snapshot.forgetMarks();
        if (error instanceof NearkeyError && error.code === "aborted" && attempt < ATTEMPTS) continue;
        throw error instanceof NearkeyError ? error : this.#failure(name, error);
      }
      return written[0] as Generation;
    }
  }

  /** The file to build upon; 0 when the chain is long enough. */
  #parent(): bigint {
    if (this.#current === undefined) return 0n;
    const [first, ...others] = this.#chainOf(this.#current) ?? [];
    if (first === undefined) return 0n;
    const added = others.reduce((bytes, generation) => bytes + generation.bytes, 0);
    const isLong = others.length + 1 >= CHAIN_FILES_MAX || added * 2 >= first.bytes;
    return isLong ? 0n : this.#current.header.id;
  }

  #failure(name: string, cause: unknown): NearkeyError {
    const text = `the snapshot ${this.#placeOf(name)} could not be written (${faultCode(cause)}); those before it are untouched`;
    return new NearkeyError("storage-failed", text, { cause });
  }

  /** The newest `keep`, and the last one of the chain before the newest's. */
  #kept(): Generation[] {
    const kept = new Set(this.#generations.slice(-this.keep));
    const newest = this.#generations[this.#generations.length - 1];
    if (newest === undefined || this.keep === 1) return [...kept];
    const chain = new Set(this.#chainOf(newest));
    const before = [...this.#generations].reverse().find((generation) => !chain.has(generation));
    if (before !== undefined) kept.add(before);
    return [...kept];
  }

  async #removeOld(): Promise<void> {
    for (const name of this.#damaged.splice(0)) await this.#storage.remove(name);
    const needed = new Set(this.#kept().flatMap((generation) => this.#chainOf(generation) ?? []));
    for (const generation of this.#generations) {
      if (!needed.has(generation)) await this.#storage.remove(generation.name);
    }
    this.#generations = this.#generations.filter((generation) => needed.has(generation));
  }

  #placeOf(name: string): string {
    return `${this.#storage.place}/${name}`;
  }
}

/**
 * Puts a chain of files into an engine that nobody has used.
 *
 * @param files the whole one first
 * @param place how messages name the newest
 * @param buildUpon the next snapshot of the engine may hold what changes from here on
 * @param check looks at what was put in place before anything is done with it
 */
export async function loadChain(
  engine: EngineSnapshot,
  files: readonly SnapshotFile[],
  place: string,
  buildUpon = true,
  check: () => void = () => undefined,
): Promise<void> {
  const newest = files[files.length - 1] as SnapshotFile;
  const pages = engine.putState(await newest.readState(engine));
  if (pages === undefined) {
    throw new NearkeyError(
      "out-of-memory",
      `${place}: there is no memory for what it holds: raise maxMemory, or free some`,
    );
  }
  for (const file of files) await file.putBlocks(engine, (page) => page < pages && engine.isDurable(page));
  check();
  if (!engine.restore(newest.header.accessKind, buildUpon)) {
    throw new NearkeyError("out-of-memory", `${place}: there is no memory for searching what it holds; free some`);
  }
}

/** Whether a file is a snapshot, by its name. */
export function isSnapshotName(name: string): boolean {
  return /^\d{8,}\.snapshot$/.test(name);
}

function numberOf(name: string): number {
  return Number.parseInt(name, 10);
}
