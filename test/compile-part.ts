// Compiles single files of the engine to a WebAssembly module of their own, so that pure parts (numbers, patterns,
// filters) are tested directly. The input of a call is put at the very end of memory, where reading one byte too
// many traps, and memory ends just below 4 GiB, so that an address compared as a signed number shows.

import { main } from "assemblyscript/asc";
import { MEMORY_PAGES_MAX, PAGE_BYTES, STATE_BASE } from "../assembly/layout.ts";

/** Where a part may write: everything from STATE_BASE on belongs to the test. */
const OUTPUT_ADDRESS = STATE_BASE;
const MEMORY_END = MEMORY_PAGES_MAX * PAGE_BYTES;

/** The address and length of an input. */
export type Place = [address: number, bytes: number];

/** A compiled part: its exports, and its memory as bytes. */
export class Part<Exports> {
  private constructor(
    readonly exports: Exports,
    readonly bytes: Uint8Array,
  ) {}

  /** Compiles `assembly/<name>.ts` for each name, with assertions on. */
  static async compile<Exports>(...names: string[]): Promise<Part<Exports>> {
    let binary: Uint8Array | undefined;
    const { error, stderr } = await main(
      [
        ...names.map((name) => `assembly/${name}.ts`),
        ...["--outFile", "part.wasm", "--runtime", "stub", "--enable", "simd", "--use", "abort=", "--importMemory"],
        // The configuration of the engine names its own entry.
        ...["--config", "none", "--memoryBase", "1024", "-O2"],
      ],
      {
        writeFile: (_name, contents) => {
          if (contents instanceof Uint8Array) binary = contents;
        },
      },
    );
    if (error || !binary) throw new Error(`${names.join()} does not compile: ${stderr.toString()}`);
    const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES_MAX, maximum: MEMORY_PAGES_MAX });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(binary)), { env: { memory } });
    return new Part(instance.exports as Exports, new Uint8Array(memory.buffer));
  }

  readonly output: number = OUTPUT_ADDRESS;

  /** Puts inputs one after another so that the last ends where memory ends; returns the place of each. */
  place<Inputs extends (string | Uint8Array)[]>(...inputs: Inputs): { [Index in keyof Inputs]: Place } {
    const encoded = inputs.map((input) => (typeof input === "string" ? Buffer.from(input) : input));
    let address = MEMORY_END - encoded.reduce((sum, input) => sum + input.length, 0);
    return encoded.map((input) => {
      this.bytes.set(input, address);
      address += input.length;
      return [address - input.length, input.length];
    }) as { [Index in keyof Inputs]: Place };
  }

  /** Text of `bytes` bytes at an address, the output area unless said otherwise. */
  text(bytes: number, address: number = this.output): string {
    return Buffer.from(this.bytes.subarray(address, address + bytes)).toString();
  }
}
