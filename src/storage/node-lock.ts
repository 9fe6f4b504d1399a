// One process a directory: a file `lock` that names who holds it. Node has no file locks, so the holder is looked up:
// the same boot of the machine, a process of that number, started at that moment. A number that another process got
// since, or a lock from before a restart, is stale and taken over. A holder in another container has a number that
// means nothing here; it shows that it lives by touching the file, and the one who opens watches for that. The price is
// one `utimes` in two seconds.

import { randomUUID } from "node:crypto";
import { link, readFile, readlink, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NearkeyError } from "../errors.ts";

const LOCK = "lock";
const TOUCH_MS = 2000;
/** So long an invisible holder is watched: five touches, were it busy for a while. */
const WATCH_MS = 10_000;
const GUARD_POLL_MS = 5;

/** Who holds a lock, as written in the file. Empty strings where the system does not tell. */
interface Holder {
  readonly pid: number;
  /** When the process started, in ticks since boot. */
  readonly started: string;
  readonly boot: string;
  /** Whose process numbers: containers have their own. */
  readonly namespace: string;
  readonly host: string;
  readonly token: string;
}

/** Whether a file in a directory belongs to its lock. */
export function isLockName(name: string): boolean {
  return name === LOCK || name.startsWith(`${LOCK}.`);
}

/**
 * Takes a directory for this process.
 *
 * @returns a function that gives it back
 * @throws NearkeyError `directory-in-use`
 */
export async function lockDirectory(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, LOCK);
  const own = await describeSelf();
  const aside = join(folder, `${LOCK}.${own.token}`);
  await writeFile(aside, `${JSON.stringify(own)}\n`, { mode: 0o600 });
  try {
    while (!(await linked(aside, path))) await takeOver(folder, path);
  } finally {
    await rm(aside, { force: true });
  }
  const timer = setInterval(() => touch(path), TOUCH_MS).unref();
  return async () => {
    clearInterval(timer);
    if ((await readHolder(path))?.token === own.token) await rm(path, { force: true });
  };
}

/** A link appears with its content or not at all, and never in the place of another. */
async function linked(aside: string, path: string): Promise<boolean> {
  try {
    await link(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes a stale lock, one process at a time: between looking and removing nobody else may do the same. */
async function takeOver(folder: string, path: string): Promise<void> {
  const holder = await readHolder(path);
  if (holder !== undefined && (await lives(holder, path))) throw inUse(folder, path, holder);
  const guard = join(folder, `${LOCK}.guard`);
  if (!(await isMade(guard))) return waitFor(guard);
  try {
    if ((await readHolder(path))?.token === holder?.token) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

async function isMade(path: string): Promise<boolean> {
  try {
    await writeFile(path, "", { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Lets another process finish; a guard is needed for a moment, so an old one was left by a crash. */
async function waitFor(guard: string): Promise<void> {
  const madeMs = await touchedAt(guard);
  if (madeMs !== undefined && Date.now() - madeMs > WATCH_MS) await rm(guard, { force: true });
  await sleep(GUARD_POLL_MS);
}

function inUse(folder: string, path: string, { pid, host }: Holder): NearkeyError {
  if (pid === process.pid && host === hostname()) {
    const text = `the directory ${folder} is open in this process already: close it first, or give another directory`;
    return new NearkeyError("directory-in-use", text);
  }
  return new NearkeyError(
    "directory-in-use",
    `the directory ${folder} is in use by process ${pid} on ${host}: stop that one first, or give another directory ` +
      `(should it be gone, remove ${path})`,
  );
}

async function describeSelf(): Promise<Holder> {
  return {
    pid: process.pid,
    started: await startOf(process.pid),
    boot: (await readOrNothing("/proc/sys/kernel/random/boot_id")).trim(),
    namespace: await readlink("/proc/self/ns/pid").catch(() => ""),
    host: hostname(),
    token: randomUUID(),
  };
}

async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readOrNothing(path);
  try {
    const holder = JSON.parse(text) as Partial<Holder> | null;
    return typeof holder?.pid === "number" && typeof holder.token === "string" ? (holder as Holder) : undefined;
  } catch {
    return undefined;
  }
}

async function lives(holder: Holder, path: string): Promise<boolean> {
  const self = await describeSelf();
  const isElsewhere = holder.host !== self.host && holder.boot !== self.boot;
  if (!isElsewhere && holder.boot !== self.boot) return false;
  if (isElsewhere || holder.namespace !== self.namespace) return isTouched(path);
  if (!processExists(holder.pid)) return false;
  const started = await startOf(holder.pid);
  return started === "" || holder.started === "" || started === holder.started;
}

/** Watches whether somebody touches a file. */
async function isTouched(path: string): Promise<boolean> {
  const before = await touchedAt(path);
  const endMs = Date.now() + WATCH_MS;
  while (Date.now() < endMs) {
    await sleep(TOUCH_MS / 4);
    const after = await touchedAt(path);
    if (after === undefined) return false;
    if (after !== before) return true;
  }
  return false;
}

async function touchedAt(path: string): Promise<number | undefined> {
  return stat(path).then(
    (found) => found.mtimeMs,
    () => undefined,
  );
}

function touch(path: string): void {
  const now = new Date();
  utimes(path, now, now).catch(() => undefined); // a file that somebody removed: the directory is still ours to close
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The 22nd field of /proc/pid/stat; the second, the name, may hold spaces and parentheses. */
async function startOf(pid: number): Promise<string> {
  const text = await readOrNothing(`/proc/${pid}/stat`);
  const START_BEHIND_NAME = 19;
  return text.slice(text.lastIndexOf(")") + 2).split(" ")[START_BEHIND_NAME] ?? "";
}

function readOrNothing(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
