// The server's password. Candidates are compared with its scrypt hash (RFC 7914), whether it was given as one or as text;
// that takes some 50 ms and 16 MiB, on Node's thread pool and two at a time, so that a flood of guesses slows down
// guessing and nothing else. The right password is recognized at once after the first time, by an HMAC under a key
// that never leaves the process: clients that reconnect pay nothing. A wrong one always takes the slow way.

import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { PasswordCheck, Verdict } from "../host/host-facts.ts";
import {
  HASH_PREFIX,
  PASSWORD_BYTES_MAX,
  parseScryptText,
  type ScryptHash,
  scryptBytes,
  scryptText,
} from "../settings/password-text.ts";

/** Costs of new hashes: 16 MiB each, as much as a login should take of a machine that serves others meanwhile. */
const COST_LOG2 = 14;
const BLOCK_SIZE = 8;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** Node's pool has four threads; files and names are looked up on the others. */
const PARALLEL = 2;
/** Candidates that wait: those at the end have waited about as long as a client may take to authenticate. */
const WAITING_MAX = 256;

interface Candidate {
  readonly bytes: Uint8Array;
  /** False once its client is gone. */
  readonly wanted: () => boolean;
  readonly decide: (verdict: Verdict) => void;
}

/** The password of a server, which may change while it runs. */
export class ServerPassword implements PasswordCheck {
  private hash: Promise<ScryptHash> | undefined;
  private readonly key = randomBytes(32);
  /** HMAC of the right password, once it is known. */
  private known: Buffer | undefined;
  private readonly waiting: Candidate[] = [];
  private running = 0;

  /** @param password text, a `scrypt:` line, or undefined for none */
  constructor(password: string | undefined) {
    this.change(password);
  }

  get required(): boolean {
    return this.hash !== undefined;
  }

  /** Asks for another password from now on; candidates that wait are compared with the new one. */
  change(password: string | undefined): void {
    this.known = undefined;
    this.hash = undefined;
    if (password === undefined) return;
    const given = parseScryptText(password);
    if (given === undefined) this.known = this.digest(Buffer.from(password, "utf8"));
    this.hash = given === undefined ? hashOf(Buffer.from(password, "utf8")) : Promise.resolve(given);
    this.hash.catch(() => undefined); // who waits for it hears of it
  }

  check(candidate: Uint8Array, wanted: () => boolean): Verdict | Promise<Verdict> {
    if (this.hash === undefined) return "right";
    if (candidate.length > PASSWORD_BYTES_MAX) return "wrong";
    if (this.known !== undefined && timingSafeEqual(this.digest(candidate), this.known)) return "right";
    if (this.waiting.length >= WAITING_MAX) return "busy";
    return new Promise((decide) => {
      this.waiting.push({ bytes: candidate, wanted, decide });
      this.next();
    });
  }

  private next(): void {
    while (this.running < PARALLEL) {
      const candidate = this.waiting.shift();
      if (candidate === undefined) return;
      if (!candidate.wanted()) {
        candidate.decide("wrong");
        continue;
      }
      this.running++;
      this.compare(candidate.bytes)
        .then(candidate.decide, () => candidate.decide("busy"))
        .finally(() => {
          this.running--;
          this.next();
        });
    }
  }

  /** @throws Error when the machine has no memory for it */
  private async compare(candidate: Uint8Array): Promise<Verdict> {
    const asked = this.hash;
    const wanted = await asked;
    if (wanted === undefined) return "right";
    const right = timingSafeEqual(await derive(candidate, wanted), wanted.hash);
    // While it was computed the password may have changed: then this says nothing about the new one.
    if (asked !== this.hash) return this.compare(candidate);
    if (right) this.known = this.digest(candidate);
    return right ? "right" : "wrong";
  }

  private digest(candidate: Uint8Array): Buffer {
    return createHmac("sha256", this.key).update(candidate).digest();
  }
}

/** Hashes a password with a salt of its own, as the line that stands in a settings file. */
export async function hashPassword(password: string): Promise<string> {
  return scryptText(await hashOf(Buffer.from(password, "utf8")));
}

/** The password as a settings file should hold it: hashed, if it is not yet. */
export function hashedPassword(password: string): Promise<string> {
  return password.startsWith(HASH_PREFIX) ? Promise.resolve(password) : hashPassword(password);
}

async function hashOf(password: Uint8Array): Promise<ScryptHash> {
  const salt = randomBytes(SALT_BYTES);
  const parameters = {
    costLog2: COST_LOG2,
    blockSize: BLOCK_SIZE,
    parallel: 1,
    salt,
    hash: new Uint8Array(HASH_BYTES),
  };
  return { ...parameters, hash: await derive(password, parameters) };
}

function derive(password: Uint8Array, parameters: ScryptHash): Promise<Buffer> {
  const { costLog2, blockSize, parallel, salt, hash } = parameters;
  // The bound is on what the call may allocate; its own count of it is a little above the memory that it mixes.
  const maxmem = scryptBytes(parameters) + 1024 * 1024;
  const options = { N: 2 ** costLog2, r: blockSize, p: parallel, maxmem };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, hash.length, options, (error, derived) => (error ? reject(error) : resolve(derived)));
  });
}
