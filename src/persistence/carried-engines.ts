// The engines that a directory carries. A snapshot is memory as it was, which only the engine that wrote it understands; so a
// directory keeps that engine beside its snapshots, a quarter of a mebibyte, and a release whose memory is laid out otherwise
// opens them in it: the old engine reads the snapshot and the log behind it, and what it holds is carried over by
// commands. A module can reach nothing but its own memory and a clock. Its name has the version that wrote it, its layout
// and its checksum.

import { carryOver } from "../content/carry-over.ts";
import { Engine, memoryBytesMax } from "../engine.ts";
import { NearkeyError } from "../errors.ts";
import { damaged } from "../snapshot/snapshot-format.ts";
import type { Storage } from "../storage/storage.ts";
import { VERSION } from "../version.ts";

/** The engine of this program as bytes, and how one of any bytes is made. */
export interface EngineCarrier {
  readonly version: string;
  bytes(): Promise<Uint8Array>;
  /** Makes an engine with room for all that memory can hold, which evicts nothing. */
  create(module: WebAssembly.Module): Engine;
}

/** Replies of one command: the longest value there can be, and its frame. */
const OUTPUT_LIMIT_BYTES = 1024 ** 3;

/** Carries the engine of this program. */
export function engineCarrier(bytes: () => Promise<Uint8Array>): EngineCarrier {
  const options = { eviction: "noeviction", outputLimitBytes: OUTPUT_LIMIT_BYTES, reserveMemory: true } as const;
  const create = (module: WebAssembly.Module): Engine =>
    Engine.create(module, { ...options, maxMemoryBytes: memoryBytesMax, timed: false });
  return { version: VERSION, bytes, create };
}

/** A database that came from another layout. */
export interface CarriedOver {
  readonly version: string;
  readonly keys: number;
}

interface CarriedFile {
  readonly name: string;
  readonly version: string;
  readonly layout: bigint;
  readonly checksum: bigint;
}

const NAME = /^engine-(.+)-([0-9a-f]{16})-([0-9a-f]{16})\.wasm$/;

/** The engines of one directory. */
export class CarriedEngines {
  readonly #own: () => Engine;
  readonly #storage: Storage;
  readonly #carrier: EngineCarrier | undefined;
  /** The one that was made for another layout last. */
  #other: { readonly engine: Engine; readonly version: string } | undefined;

  /**
   * @param own makes an engine of this program that nobody uses yet
   * @param carrier undefined where no engines are carried: then a directory of another layout is refused
   */
  constructor(own: () => Engine, storage: Storage, carrier: EngineCarrier | undefined) {
    this.#own = own;
    this.#storage = storage;
    this.#carrier = carrier;
  }

  /**
   * Makes an engine for a snapshot.
   *
   * @param layout of the snapshot; undefined where there is none
   * @throws NearkeyError `storage-damaged` when the one that the directory has is not as it was written, `unsupported` when
   *   this program cannot drive it
   */
  async for(layout: bigint | undefined): Promise<Engine> {
    const own = this.#own();
    if (layout === undefined || own.snapshot.layout === layout || this.#carrier === undefined) return own;
    const file = (await this.#files()).find((each) => each.layout === layout);
    if (file === undefined) return own;
    const engine = this.#carrier.create(await this.#compile(file, own));
    if (engine.snapshot.layout !== layout || engine.snapshot.boundary !== own.snapshot.boundary) {
      throw new NearkeyError(
        "unsupported",
        `${this.#storage.place} was written by nearkey ${file.version}, whose engine this version cannot drive: ` +
          "open it once with a version between the two",
      );
    }
    this.#other = { engine, version: file.version };
    return engine;
  }

  async #compile({ name, checksum }: CarriedFile, own: Engine): Promise<WebAssembly.Module> {
    const file = await this.#storage.open(name);
    const bytes = new Uint8Array(file.size);
    try {
      await file.read(0, bytes);
    } finally {
      await file.close();
    }
    const place = `${this.#storage.place}/${name}`;
    if (own.snapshot.checksum(bytes) === checksum) return WebAssembly.compile(bytes);
    throw damaged(place, 0, "its checksum is wrong", "put a copy of it back");
  }

  /**
   * Brings what was read into an engine of this program, if it is in another.
   *
   * @throws NearkeyError `out-of-memory` when it does not fit
   */
  carryOver(engine: Engine, nowMs: number): { readonly engine: Engine; readonly carried: CarriedOver | undefined } {
    if (engine !== this.#other?.engine) return { engine, carried: undefined };
    const own = this.#own();
    const keys = carryOver(engine, own, nowMs);
    own.effects.continueFrom(engine.effects.position);
    return { engine: own, carried: { version: this.#other.version, keys } };
  }

  /**
   * Keeps this program's engine in the directory, unless it is there, and no other than those of `layouts`.
   *
   * @param layouts of the snapshots that there are
   */
  async keep(engine: Engine, layouts: readonly bigint[]): Promise<void> {
    if (this.#carrier === undefined) return;
    const { layout } = engine.snapshot;
    const files = await this.#files();
    if (!files.some((file) => file.layout === layout)) {
      const bytes = await this.#carrier.bytes();
      const sum = engine.snapshot.checksum(bytes);
      const name = `engine-${this.#carrier.version}-${hexadecimal(layout)}-${hexadecimal(sum)}.wasm`;
      await this.#storage.replace(name, async (file) => file.append([bytes]));
    }
    for (const file of files) {
      if (file.layout !== layout && !layouts.includes(file.layout)) await this.#storage.remove(file.name);
    }
  }

  async #files(): Promise<CarriedFile[]> {
    return (await this.#storage.list()).flatMap((name) => {
      const [, version, layout, checksum] = NAME.exec(name) ?? [];
      if (version === undefined) return [];
      return [{ name, version, layout: BigInt(`0x${layout}`), checksum: BigInt(`0x${checksum}`) }];
    });
  }
}

function hexadecimal(value: bigint): string {
  return value.toString(16).padStart(16, "0");
}
