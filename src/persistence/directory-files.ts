// Which files of a folder are a database's, by their names. A folder of something else is told from one that is empty or
// holds a database before anything is written into it.

import { segmentNumber } from "../log/segment-files.ts";
import { isSnapshotName } from "../snapshot/snapshot-store.ts";

/** Whether any of these files is part of a log or a snapshot. */
export function holdDatabase(names: readonly string[]): boolean {
  return names.some((name) => segmentNumber(name) !== undefined || isSnapshotName(name));
}

/** What is in a folder for other reasons: file systems and desktops put their own there. */
function isIgnored(name: string): boolean {
  return name.startsWith(".") || name === "lost+found" || name === "lock";
}

/** Files and folders of others in a folder that holds no database; empty for one that does. */
export function foreignFiles(names: readonly string[]): readonly string[] {
  return holdDatabase(names) ? [] : names.filter((name) => !isIgnored(name)).sort();
}
