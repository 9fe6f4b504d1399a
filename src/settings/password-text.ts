// A password as the settings hold it: readable text, or a line that only recognizes it. The line is modelled on the PHC
// string format, with colons in place of dollar signs, which shells and compose files would expand:
//
//   scrypt:ln=14,r=8,p=1:<salt>:<hash>        base64 without padding; RFC 7914 names N = 2^ln, r and p

/** What every hashed password begins with. */
export const HASH_PREFIX = "scrypt:";

/** Longer ones are refused: checking costs time that grows with the length, and strangers choose what is checked. */
export const PASSWORD_BYTES_MAX = 1024;

/** Memory that one check may take, in bytes: what a line asks for is spent each time that somebody logs in. */
const MEMORY_BYTES_MAX = 256 * 1024 * 1024;

/** A hash with all that it takes to check a password against it. */
export interface ScryptHash {
  /** log2 of N: how often the memory is mixed. */
  readonly costLog2: number;
  readonly blockSize: number;
  readonly parallel: number;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** Memory of one check, in bytes. */
export function scryptBytes({ costLog2, blockSize }: ScryptHash): number {
  return 128 * 2 ** costLog2 * blockSize;
}

/** Reads a `scrypt:` line; undefined for one that is malformed, weak beyond sense, or dearer than a server should pay. */
export function parseScryptText(text: string): ScryptHash | undefined {
  const match = /^scrypt:ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2}):([A-Za-z0-9+/]+):([A-Za-z0-9+/]+)$/.exec(text);
  if (match === null) return undefined;
  const [costLog2, blockSize, parallel] = match.slice(1, 4).map(Number) as [number, number, number];
  const [salt, hash] = [bytesOfBase64(match[4] as string), bytesOfBase64(match[5] as string)];
  const parsed = { costLog2, blockSize, parallel, salt, hash };
  const sound = costLog2 >= 10 && blockSize >= 1 && parallel >= 1 && parallel <= 16;
  return sound && salt.length >= 8 && hash.length >= 16 && scryptBytes(parsed) <= MEMORY_BYTES_MAX ? parsed : undefined;
}

/** Writes a `scrypt:` line. */
export function scryptText({ costLog2, blockSize, parallel, salt, hash }: ScryptHash): string {
  return `${HASH_PREFIX}ln=${costLog2},r=${blockSize},p=${parallel}:${base64(salt)}:${base64(hash)}`;
}

/** True for what may stand as a password: not empty, not too long, and a whole line if it looks like a hash. */
export function isPassword(text: string): boolean {
  if (text.startsWith(HASH_PREFIX)) return parseScryptText(text) !== undefined;
  return text !== "" && new TextEncoder().encode(text).length <= PASSWORD_BYTES_MAX;
}

function bytesOfBase64(text: string): Uint8Array {
  // A last group of one character carries no byte; such a text was cut.
  if (text.length % 4 === 1) return new Uint8Array(0);
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/=+$/, "");
}
