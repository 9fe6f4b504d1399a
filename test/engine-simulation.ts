// One simulated life after another of a database in a directory: the engine with commands of every type, its log and its
// snapshots over a disk with faults, crashes at any point. Whatever becomes of it, opening gives a state that the database had
// at the border of a command or a transaction, by its digest, and not one before what somebody was told; after a bit has
// turned over, that or an error. Time, order, faults and commands come from one seed.

import type { Engine } from "../src/engine.ts";
import { NearkeyError } from "../src/errors.ts";
import type { FsyncMode } from "../src/log/log-options.ts";
import { readDirectory } from "../src/persistence/directory-state.ts";
import { Persistence } from "../src/persistence/persistence.ts";
import { debugEngine } from "./debug-engine.ts";
import { EngineDriver } from "./engine-driver.ts";
import { FaultyStorage } from "./faulty-storage.ts";
import { Random } from "./random.ts";
import { SimulatedProcess, turnOfLoop } from "./simulated-process.ts";
import { WriteProgram } from "./write-program.ts";

const STEPS_MAX = 150;
const LIVES_MAX = 5;
/** One page at a time, so that as much as can be happens while a snapshot is taken. */
const PAGE_BY_PAGE = { share: 1, sliceMs: 0 };

/** What a run has seen, so that a test can tell that it saw anything. */
export interface Tally {
  lives: number;
  commands: number;
  /** Openings that began with a snapshot, whose state the model knows. */
  fromSnapshots: number;
  /** Snapshots by their kind. */
  whole: number;
  incremental: number;
  /** Times that the disk had refused. */
  refusals: number;
  /** Flipped bits that opening refused, and that it got over. */
  flipsRefused: number;
  flipsOvercome: number;
  /** Openings at a record inside of what one command did: its digest is not known. */
  unknown: number;
}

export const emptyTally = (): Tally => ({
  lives: 0,
  commands: 0,
  fromSnapshots: 0,
  whole: 0,
  incremental: 0,
  refusals: 0,
  flipsRefused: 0,
  flipsOvercome: 0,
  unknown: 0,
});

/** What went wrong, with what is needed to see it again. */
export class SimulationError extends Error {
  constructor(seed: number, text: string, cause?: unknown) {
    super(`${text} (seed ${seed})`, { cause });
  }
}

/** Plays one run; throws when a promise is broken. */
export async function simulateEngine(seed: number, tally: Tally): Promise<void> {
  const run = new SimulatedDatabase(seed, tally);
  const lives = 2 + run.random.below(LIVES_MAX - 1);
  for (let life = 0; life < lives; life++) await run.live(life === lives - 1);
}

class SimulatedDatabase {
  readonly random: Random;
  private readonly program: WriteProgram;
  private readonly mode: FsyncMode;
  private readonly segmentBytes: number;
  private readonly keep: number;
  private storage: FaultyStorage;
  private process = new SimulatedProcess();
  /** Digest of the database at each record that may be its last. */
  private digests = new Map<number, bigint>();
  /** Last record that somebody was told lasts whatever happens, that lasts while the system runs, and that is on disk. */
  private told = 0;
  private toldProcess = 0;
  private synced = 0;

  constructor(
    readonly seed: number,
    private readonly tally: Tally,
  ) {
    this.random = new Random(seed);
    this.program = new WriteProgram(this.random);
    this.storage = new FaultyStorage(this.random);
    this.mode = this.random.pick(["always", "always", "periodic", "never"]);
    this.segmentBytes = this.random.pick([2048, 8192, 65_536]);
    this.keep = this.random.pick([1, 2, 2, 3]);
  }

  private fail(text: string, cause?: unknown): never {
    throw new SimulationError(this.seed, text, cause);
  }

  private readonly create = (): Engine =>
    debugEngine({ seed: BigInt(this.random.below(2 ** 31)), reserveMemory: true });

  // ---- one life

  async live(isLast: boolean): Promise<void> {
    this.tally.lives++;
    const persistence = await this.open();
    const driver = new EngineDriver({}, persistence.engine);
    for (let steps = this.random.below(STEPS_MAX); steps > 0; steps--) {
      driver.now = this.process.nowMs;
      this.act(persistence, driver);
      await turnOfLoop();
    }
    const ending = isLast ? 0 : this.random.below(4);
    if (ending === 0) await this.close(persistence);
    this.crash(persistence, this.random.oneIn(2));
    if (this.random.oneIn(2)) await this.flip();
    if (isLast) await this.endWith(persistence);
  }

  private async open(): Promise<Persistence> {
    this.calm();
    const snapshot = { everyMs: 0, everyLogBytes: 0, keep: this.keep, pace: PAGE_BY_PAGE };
    const waitMsMax = this.random.pick([0, 1]);
    const options = { fsync: this.mode, fsyncIntervalMs: 10, segmentBytes: this.segmentBytes, waitMsMax, snapshot };
    const persistence = await this.drive(
      Persistence.open(this.create, this.storage, options, this.process.host),
      "open",
    );
    this.checkState(persistence.engine, Math.max(this.told, this.synced));
    if (persistence.recovery.snapshotSequence > 0) this.tally.fromSnapshots++;
    const { position } = persistence.engine.effects;
    // What was lost is gone: its numbers come again.
    this.digests = new Map([[position, persistence.engine.effects.digest()]]);
    return persistence;
  }

  /** What was found must have been there, and nothing before what lasts. */
  private checkState({ effects }: Engine, least: number): void {
    const { position } = effects;
    if (position < least) this.fail(`record ${least} lasts, and only ${position} is there`);
    if (position === 0 && this.digests.size === 0) return;
    const known = this.digests.get(position);
    const last = Math.max(...this.digests.keys(), 0);
    if (position > last) this.fail(`there is record ${position}, and none after ${last} was written`);
    if (known === undefined) this.tally.unknown++;
    else if (known !== effects.digest()) this.fail(`another state at record ${position}`);
  }

  private act(persistence: Persistence, driver: EngineDriver): void {
    const choice = this.random.below(24);
    if (choice < 10) this.execute(persistence, driver);
    else if (choice < 13) this.process.runSoon();
    else if (choice < 19) this.storage.turn();
    else if (choice < 20) this.process.fireTimer();
    else if (choice < 21) this.changeMood();
    else if (choice < 22) this.pass(driver);
    else if (choice < 23 && this.random.oneIn(2)) this.takeSnapshot(persistence);
    else if (this.random.oneIn(2)) this.commit(persistence);
    this.note(driver.engine);
    this.synced = Math.max(this.synced, persistence.syncedThrough);
  }

  /** Remembers the state, unless a transaction is being queued, which is no state of its own. */
  private note({ effects }: Engine): void {
    if (!this.digests.has(effects.position)) this.digests.set(effects.position, effects.digest());
  }

  private execute(persistence: Persistence, driver: EngineDriver): void {
    for (let count = 1 + this.random.below(4); count > 0; count--) {
      driver.settle();
      this.note(driver.engine);
      driver.run(...this.program.next());
      this.note(driver.engine);
      this.tally.commands++;
    }
    if (persistence.failure !== undefined) this.tally.refusals++;
    const { position } = driver.engine.effects;
    const goOn = (isCovered: boolean): void => {
      if (!isCovered) return;
      if (this.mode === "always") this.told = Math.max(this.told, position);
      this.toldProcess = Math.max(this.toldProcess, position);
    };
    persistence.whenCovered({ position, goOn });
  }

  /** Lets time go by, in which keys die. */
  private pass(driver: EngineDriver): void {
    this.process.nowMs += this.random.below(500);
    driver.now = this.process.nowMs;
    driver.engine.tick(driver.now);
  }

  private takeSnapshot({ snapshots }: Persistence): void {
    const told = (sequence: number): void => {
      this.told = Math.max(this.told, sequence);
    };
    snapshots.take(this.random.oneIn(4)).then(
      ({ sequence, isIncremental }) => {
        told(sequence);
        this.tally[isIncremental ? "incremental" : "whole"]++;
      },
      (error) => {
        if (!(error instanceof NearkeyError)) this.broken ??= error;
      },
    );
  }

  /** An error that nobody should meet. */
  private broken: unknown;

  private commit(persistence: Persistence): void {
    const { position } = persistence.engine.effects;
    persistence.commit().then(
      () => {
        this.toldProcess = Math.max(this.toldProcess, position);
        if (this.mode !== "never") this.told = Math.max(this.told, position);
      },
      (error) => {
        if (!(error instanceof NearkeyError)) this.broken ??= error;
      },
    );
  }

  private changeMood(): void {
    const { mood } = this.storage;
    this.calm();
    if (this.random.oneIn(2)) return;
    mood.syncFails = this.random.pick([0, 0, 0, 1, 3]);
    mood.writeFails = this.random.pick([0, 0, 0, 1, 3]);
    const more = this.random.pick([0, this.segmentBytes * 2, 1_000_000]);
    mood.capacityBytes = this.random.oneIn(2) ? Number.POSITIVE_INFINITY : this.storage.usedBytes + more;
  }

  private calm(): void {
    Object.assign(this.storage.mood, { capacityBytes: Number.POSITIVE_INFINITY, syncFails: 0, writeFails: 0 });
  }

  // ---- how it ends

  /** A clean stop on a disk that is well keeps everything. */
  private async close(persistence: Persistence): Promise<void> {
    this.calm();
    await this.drive(this.recovered(persistence), "waiting for a disk that is well");
    const { position } = persistence.engine.effects;
    await this.drive(persistence.close(), "close");
    this.told = position;
    this.toldProcess = position;
    const { heldBytes } = persistence.engine.effects;
    if (heldBytes > 0) this.fail(`${heldBytes} bytes were never released`);
  }

  /** Waits until writes are let in again. */
  private async recovered(persistence: Persistence): Promise<void> {
    while (persistence.failure !== undefined) await turnOfLoop();
  }

  private crash(persistence: Persistence, powerFails: boolean): void {
    if (this.broken !== undefined) this.fail("an error of no kind", this.broken);
    if (!powerFails) this.told = Math.max(this.told, this.toldProcess);
    this.toldProcess = 0;
    this.storage = this.storage.afterCrash(powerFails);
    persistence.snapshots.abandon();
    this.process.die();
    this.program.startAnew();
  }

  /** Turns a bit over in a copy of what is there: opening that is an error, or finds a state that there was. */
  private async flip(): Promise<void> {
    const copy = this.storage.copy();
    // Where nothing was ever written there is nothing.
    const files = copy.names.map((name) => copy.bytesOf(name)).filter(({ length }) => length > 0);
    if (files.length === 0) return;
    const bytes = this.random.pick(files);
    // Most bytes are zeros that nobody reads.
    let at = this.random.below(bytes.length);
    for (let tries = 30; tries > 0 && bytes[at] === 0; tries--) at = this.random.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << this.random.below(8));
    try {
      const { engine } = await this.drive(readDirectory(this.create, copy, this.keep), "read", copy);
      // What cannot be told from a torn tail may be gone; what is there must be right.
      this.checkState(engine, 0);
      this.tally.flipsOvercome++;
    } catch (error) {
      if (!(error instanceof NearkeyError) || !["storage-damaged", "unsupported"].includes(error.code)) throw error;
      this.tally.flipsRefused++;
    }
  }

  /** The last state has nothing in it that contradicts itself. */
  private async endWith({ engine }: Persistence): Promise<void> {
    while (engine.tick(this.process.nowMs));
    const fault = engine.snapshot.walk(false);
    if (fault !== "none") this.fail(`the engine's state contradicts itself: ${fault}`);
  }

  private async drive<Result>(promise: Promise<Result>, what: string, storage = this.storage): Promise<Result> {
    const isSettled = await this.process.drive(promise, storage);
    if (!isSettled) this.fail(`${what} never ends`);
    return promise;
  }
}
