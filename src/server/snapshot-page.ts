// GET /snapshot: the whole database as a snapshot, for `nearkey snapshot --url`. It goes to whoever has the password and to no
// path of the server's, so nobody makes it write where they like; and only to requests with a header that pages of others
// cannot send. One is written to disk first, into the directory or, without one, into a file that has no name: so a slow
// reader holds up nothing, and takes disk instead of memory.

import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Engine } from "../engine.ts";
import { NearkeyError } from "../errors.ts";
import type { PasswordCheck } from "../host/host-facts.ts";
import type { Persistence } from "../persistence/persistence.ts";
import { takeSnapshot, UNHURRIED } from "../snapshot/take-snapshot.ts";
import { faultAdvice } from "../storage/file-fault.ts";
import { NodeStorage } from "../storage/node-storage.ts";
import type { StorageFile } from "../storage/storage.ts";
import { type Answer, passwordRefusal, TEXT } from "./http-password.ts";

/** Whoever asks sends it, with any value. */
export const SNAPSHOT_HEADER = "nearkey-snapshot";
const PIECE_BYTES = 1024 * 1024;
const ATTEMPTS = 3;

/** Answers who wants the database. */
export class SnapshotPage {
  constructor(
    private readonly engine: Engine,
    private readonly persistence: Persistence | undefined,
    private readonly password: PasswordCheck,
  ) {}

  /** Why there is none for this request, or undefined: then `send` is next. */
  async refusal(request: IncomingMessage): Promise<Answer | undefined> {
    if (request.headers[SNAPSHOT_HEADER] === undefined) {
      return {
        status: 400,
        type: TEXT,
        body: "nearkey snapshot --url takes it; others send the header nearkey-snapshot: 1\n",
      };
    }
    return passwordRefusal(this.password, request);
  }

  /**
   * Sends a snapshot of this moment.
   *
   * @returns an answer instead when none can be taken
   */
  async send(request: IncomingMessage, response: ServerResponse): Promise<Answer | undefined> {
    let file: StorageFile;
    try {
      file = this.persistence === undefined ? await this.takeAside() : await this.takeKept(this.persistence);
    } catch (error) {
      const reason = error instanceof NearkeyError ? error.message : faultAdvice(error);
      return { status: 503, type: TEXT, body: `no snapshot could be taken: ${reason}\n` };
    }
    const headers = { "cache-control": "no-store", "content-type": "application/octet-stream" };
    try {
      response.writeHead(200, { ...headers, "content-length": file.size });
      if (request.method === "HEAD") response.end();
      else await pour(file, response);
    } catch {
      // The disk cannot be read: who asked notices that bytes are missing.
      response.destroy();
    } finally {
      await file.close();
    }
    return undefined;
  }

  private async takeKept({ snapshots, storage }: Persistence): Promise<StorageFile> {
    // One that is on its way is of a moment that has passed, and perhaps builds upon another.
    if (snapshots.isTaking) await snapshots.take(true).catch(() => undefined);
    const { name } = await snapshots.take(true);
    return storage.open(name);
  }

  private async takeAside(): Promise<StorageFile> {
    const file = await openNameless();
    try {
      await this.take(file);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** More may change at once than there is room to copy: then it is tried again. */
  private async take(file: StorageFile): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await takeSnapshot(this.engine, file, () => ({ parent: 0n, exported: false }), UNHURRIED);
        return;
      } catch (error) {
        if (!(error instanceof NearkeyError) || error.code !== "aborted" || attempt === ATTEMPTS) throw error;
        await file.truncate(0);
      }
    }
  }
}

/** A file that nobody finds, and that goes with the process however that ends. */
async function openNameless(): Promise<StorageFile> {
  const folder = await mkdtemp(join(tmpdir(), "nearkey-snapshot-"));
  try {
    return await new NodeStorage(folder).open("snapshot", { create: true });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Sends a file as fast as it is taken. */
async function pour(file: StorageFile, response: ServerResponse): Promise<void> {
  for (let at = 0; at < file.size && !response.destroyed; ) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, file.size - at));
    const read = await file.read(at, piece);
    if (read < piece.length) throw new RangeError("the file became shorter");
    at += read;
    if (!response.write(piece)) await drained(response);
  }
  response.end();
}

/** Waits until there is room again, or nobody is there any more. */
function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const goOn = (): void => {
      response.off("drain", goOn);
      response.off("close", goOn);
      resolve();
    };
    response.on("drain", goOn);
    response.on("close", goOn);
  });
}
