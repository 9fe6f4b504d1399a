// Libraries of functions: loaded by FUNCTION LOAD, called by FCALL. A load that fails leaves everything as it was: the new library is
// made first, judged against the others, and only then takes its place. Libraries are code, which is kept here and compiled
// again when the interpreter is replaced.

import type { HostClient } from "../host/host-facts.ts";
import { isFunctionName, type LibraryFunction, NAME_RULE, readRegistration } from "./function-registration.ts";
import { readLibraryHeader } from "./script-header.ts";
import type { Scripting } from "./scripting.ts";

/** Half a second is enough to register functions. */
const LOAD_LIMIT_MS = 500;

/** A library, as it is kept. */
export interface Library {
  readonly name: string;
  /** As it came, header and all. */
  readonly code: Uint8Array;
  /** By their names in lower case: calls may spell them in any. */
  readonly functions: ReadonlyMap<string, LibraryFunction>;
}

/** For whom a library is loaded. */
export interface Loader {
  readonly client: HostClient;
  readonly connection: number;
}

/** The libraries of one server or database. */
export class FunctionLibraries {
  readonly #scripting: Scripting;
  #libraries = new Map<string, Library>();

  constructor(scripting: Scripting) {
    this.#scripting = scripting;
    scripting.onNewRuntime = () => this.#compileAll();
  }

  all(): Library[] {
    return [...this.#libraries.values()];
  }

  /** How many functions all libraries have. */
  get functionCount(): number {
    return this.all().reduce((sum, { functions }) => sum + functions.size, 0);
  }

  find(functionName: string): LibraryFunction | undefined {
    for (const { functions } of this.#libraries.values()) {
      const found = functions.get(functionName.toLowerCase());
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Deletes a library; false when there is none of this name. */
  delete(name: string): boolean {
    const library = this.#libraries.get(name);
    if (library === undefined) return false;
    this.#forget(library);
    return this.#libraries.delete(name);
  }

  flush(): void {
    for (const library of this.all()) this.#forget(library);
    this.#libraries = new Map();
  }

  /** Loads a library; its name, or why not as an error's text. */
  load(code: Uint8Array, replaces: boolean, loader: Loader): { name: string } | { error: string } {
    const made = this.#make(code, loader, (name) => this.#libraries.has(name) && !replaces);
    if ("error" in made) return made;
    const taken = this.#takenName(made.library, new Set([made.library.name]));
    if (taken !== undefined) {
      this.#forget(made.library);
      return { error: `Function ${taken} already exists` };
    }
    this.#put(made.library);
    return { name: made.library.name };
  }

  /** Loads several at once, all or none; why not, or undefined. */
  restore(codes: readonly Uint8Array[], policy: "append" | "replace" | "flush", loader: Loader): string | undefined {
    const made: Library[] = [];
    const undo = (error: string): string => {
      for (const library of made) this.#forget(library);
      return error;
    };
    for (const code of codes) {
      const each = this.#make(code, loader, (name) => made.some((library) => library.name === name));
      if ("error" in each) return undo(each.error);
      made.push(each.library);
    }
    if (policy === "append") {
      const there = made.find(({ name }) => this.#libraries.has(name));
      if (there !== undefined) return undo(`Library ${there.name} already exists`);
    }
    const replaced = policy === "flush" ? new Set(this.#libraries.keys()) : new Set(made.map(({ name }) => name));
    for (const library of made) {
      const taken = this.#takenName(library, replaced);
      if (taken !== undefined) return undo(`Function ${taken} already exists`);
    }
    if (policy === "flush") this.flush();
    for (const library of made) this.#put(library);
    return undefined;
  }

  #put(library: Library): void {
    const old = this.#libraries.get(library.name);
    if (old !== undefined) this.#forget(old);
    this.#libraries.set(library.name, library);
  }

  #forget({ functions }: Library): void {
    for (const { reference } of functions.values()) this.#scripting.runtime.forget(reference);
  }

  /** The name of a function that a library beside those named has already. */
  #takenName({ functions }: Library, beside: ReadonlySet<string>): string | undefined {
    for (const other of this.#libraries.values()) {
      if (beside.has(other.name)) continue;
      for (const name of functions.keys()) if (other.functions.has(name)) return name;
    }
    return undefined;
  }

  #make(
    code: Uint8Array,
    { client, connection }: Loader,
    exists: (name: string) => boolean,
  ): { library: Library } | { error: string } {
    const header = readLibraryHeader(code);
    if (typeof header === "string") return { error: header };
    const { engine, name } = header;
    if (!isFunctionName(name)) return { error: NAME_RULE };
    if (engine.toLowerCase() !== "lua") return { error: `Engine '${engine}' not found` };
    if (exists(name)) return { error: `Library '${name}' already exists` };
    const functions = new Map<string, LibraryFunction>();
    const run = this.#scripting.loadingRun(name, client, connection, LOAD_LIMIT_MS);
    const problem = this.#scripting.runtime.loadLibrary(header.code, run, (state, lua) => {
      const registered = readRegistration(lua, state, (known) => functions.has(known.toLowerCase()));
      functions.set(registered.name.toLowerCase(), registered);
    });
    const library = { name, code, functions };
    if (problem === undefined && functions.size > 0) return { library };
    this.#forget(library);
    return { error: problem ?? "No functions registered" };
  }

  /** In a new interpreter; what it does not take any more is gone. */
  #compileAll(): void {
    const nobody = { client: undefined, connection: 0 };
    const before = this.all();
    this.#libraries = new Map();
    for (const { code } of before) {
      const made = this.#make(code, nobody as unknown as Loader, () => false);
      if ("library" in made) this.#libraries.set(made.library.name, made.library);
    }
  }
}
