// What scripts take from the runtime they are on: Lua itself, and a digest.

/** Given by an entry; without one there are no scripts. */
export interface ScriptSource {
  /** Lua, compiled. Called with the first script, and answered at once. */
  lua(): WebAssembly.Module;
  /** The SHA-1 of bytes, 40 digits. */
  sha1(bytes: Uint8Array): string;
}
