// One simulated life after another of a process that writes a log: commands, a disk with faults, crashes at any point.
// Time, order and faults come from one seed, so a failure plays again. After each crash the log must hold a state that
// the process had, at the border of a group, and not before what somebody was told.

import type { FsyncMode } from "../src/log/log-options.ts";
import { type LogFound, readLog } from "../src/log/log-reader.ts";
import { LogWriter } from "../src/log/log-writer.ts";
import { SegmentFiles } from "../src/log/segment-files.ts";
import { FaultyStorage } from "./faulty-storage.ts";
import { Random } from "./random.ts";
import { ModelSource, ModelTarget } from "./record-model.ts";
import { QUIET_STEPS, SimulatedProcess, turnOfLoop } from "./simulated-process.ts";

const STEPS_MAX = 120;

/** What went wrong, with what is needed to see it again. */
export class SimulationError extends Error {
  constructor(seed: number, text: string) {
    super(`${text} (seed ${seed})`);
  }
}

/** Plays one run; throws when a promise is broken. */
export async function simulateLog(seed: number): Promise<void> {
  const run = new SimulatedRun(seed);
  const lives = 2 + run.random.below(3);
  for (let life = 0; life < lives; life++) await run.live(life === lives - 1);
}

class SimulatedRun {
  readonly random: Random;
  private storage: FaultyStorage;
  private readonly mode: FsyncMode;
  private readonly segmentBytes: number;
  private readonly process = new SimulatedProcess();
  /** Last record of each group that was written, in order. */
  private borders: number[] = [0];
  /** What a snapshot holds; snapshots never fail here. */
  private snapshot = 0;
  /** What somebody was told, and what was on disk. */
  private told = 0;
  private synced = 0;

  constructor(readonly seed: number) {
    this.random = new Random(seed);
    this.storage = new FaultyStorage(this.random);
    this.mode = this.random.pick(["always", "always", "periodic", "never"]);
    this.segmentBytes = this.random.pick([512, 2048, 8192]);
  }

  private fail(text: string): never {
    throw new SimulationError(this.seed, text);
  }

  async live(isLast: boolean): Promise<void> {
    const found = await this.recover();
    const source = new ModelSource(found.position);
    const writer = await this.begin(source, found);
    const steps = this.random.below(STEPS_MAX);
    for (let step = 0; step < steps; step++) {
      this.act(writer, source);
      await turnOfLoop();
    }
    const ending = isLast ? 0 : this.random.below(3);
    if (ending === 0) await this.close(writer, source);
    if (ending === 1) await this.calm(writer, source);
    this.crash(this.random.oneIn(2));
  }

  // ---- one life

  private async recover(): Promise<LogFound> {
    Object.assign(this.storage.mood, { capacityBytes: Number.POSITIVE_INFINITY, syncFails: 0, writeFails: 0 });
    const target = new ModelTarget(this.snapshot);
    const found = await this.drive(readLog(this.storage, target));
    if (found.damage !== undefined) this.fail(`damage where nothing was damaged: ${JSON.stringify(found.damage)}`);
    if (found.position < this.told)
      this.fail(`record ${this.told} was acknowledged, and only ${found.position} is there`);
    if (found.position < this.synced)
      this.fail(`record ${this.synced} was on disk, and only ${found.position} is there`);
    if (!this.borders.includes(found.position)) this.fail(`a group was cut at ${found.position}`);
    this.borders = this.borders.filter((border) => border <= found.position);
    return found;
  }

  private async begin(source: ModelSource, found: LogFound): Promise<LogWriter> {
    const segments = new SegmentFiles(this.storage, this.segmentBytes, found.segments);
    const options = {
      fsync: this.mode,
      fsyncIntervalMs: 10,
      segmentBytes: this.segmentBytes,
      flushBytes: this.segmentBytes,
      waitMsMax: this.random.pick([0, 1]),
      atOnceBytesMax: this.random.pick([100, 1000, Number.POSITIVE_INFINITY]),
    };
    const start = { position: found.position, identity: found.identity ?? BigInt(this.seed) };
    const writer = new LogWriter(segments, source, options, this.process.host, start);
    await this.drive(writer.begin());
    return writer;
  }

  private act(writer: LogWriter, source: ModelSource): void {
    const choice = this.random.below(20);
    if (choice < 8) this.write(writer, source);
    else if (choice < 12) this.process.runSoon();
    else if (choice < 16) this.storage.turn();
    else if (choice < 17) this.process.fireTimer();
    else if (choice < 18) this.changeMood();
    else if (choice < 19 && this.random.oneIn(2)) this.takeSnapshot(writer, source);
    else if (choice === 19 && this.random.oneIn(2)) writer.makeRoomNow();
    this.synced = Math.max(this.synced, writer.syncedThrough);
  }

  private write(writer: LogWriter, source: ModelSource): void {
    if (writer.failure !== undefined) return;
    source.write(this.random.list(1, 3, () => this.random.below(this.random.oneIn(20) ? 3000 : 200)));
    const { position } = source;
    this.borders.push(position);
    const goOn = (covered: boolean): void => {
      if (covered && this.mode === "always") this.told = Math.max(this.told, position);
      if (covered) this.toldProcess = Math.max(this.toldProcess, position);
    };
    writer.whenCovered({ position, goOn });
  }

  /** What somebody was told, and survives the process, whatever the mode. */
  private toldProcess = 0;

  private takeSnapshot(writer: LogWriter, source: ModelSource): void {
    this.snapshot = source.position;
    this.synced = Math.max(this.synced, this.snapshot);
    writer.snapshotTaken(this.snapshot);
  }

  private changeMood(): void {
    const { mood } = this.storage;
    mood.syncFails = this.random.pick([0, 0, 0, 1, 3]);
    mood.writeFails = this.random.pick([0, 0, 0, 1, 3]);
    mood.capacityBytes = this.random.pick([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, this.segmentBytes * 3]);
  }

  // ---- how it ends

  /** With a disk that is well again everything comes to be covered, and nothing stays refused. */
  private async calm(writer: LogWriter, source: ModelSource): Promise<void> {
    Object.assign(this.storage.mood, { capacityBytes: Number.POSITIVE_INFINITY, syncFails: 0, writeFails: 0 });
    writer.schedule();
    for (let step = 0; step < QUIET_STEPS; step++) {
      if (writer.coveredPosition === source.position && writer.failure === undefined) break;
      this.process.runSoon();
      if (this.storage.waiting > 0) this.storage.turn();
      else this.process.fireTimer();
      await turnOfLoop();
    }
    if (writer.failure !== undefined) this.fail(`still read-only: ${writer.failure.text}`);
    if (writer.coveredPosition < source.position) {
      this.fail(`waits for ever: ${writer.coveredPosition} of ${source.position}`);
    }
    this.synced = Math.max(this.synced, writer.syncedThrough);
  }

  private async close(writer: LogWriter, source: ModelSource): Promise<void> {
    await this.calm(writer, source);
    await this.drive(writer.close());
    this.told = this.mode === "never" ? writer.syncedThrough : source.position;
    if (source.heldBytes > 0) this.fail(`${source.heldBytes} bytes were never released`);
  }

  private crash(powerFails: boolean): void {
    if (!powerFails) this.told = Math.max(this.told, this.toldProcess);
    this.storage = this.storage.afterCrash(powerFails);
    this.process.die();
    // What was lost is gone: its numbers come again.
    this.toldProcess = 0;
  }

  /** Lets the storage work until a promise is kept. */
  private async drive<Result>(promise: Promise<Result>): Promise<Result> {
    if (!(await this.process.drive(promise, this.storage))) this.fail("an operation never ends");
    return promise;
  }
}
