// The promises of a graph, checked from outside: what VLINKS tells of every element is put together again. Links are mutual,
// rows are within bounds, nobody is linked to itself or to an element that is not there, and each level is in one piece.

/** Runs a command whose reply holds text. */
export type Command = (name: string, ...args: (string | number)[]) => unknown;

/**
 * What is broken in the graph of a set, in words; none when all is well.
 *
 * @param ids all elements of the set
 */
export function graphFaults(command: Command, set: string, ids: readonly string[], m: number): string[] {
  const rows = new Map(ids.map((id) => [id, levelsOf(command, set, id)]));
  const faults: string[] = [];
  for (const [id, levels] of rows) {
    for (const [level, row] of levels.entries()) {
      if (row.length > (level === 0 ? 2 * m : m)) faults.push(`${id} has ${row.length} links on level ${level}`);
      if (new Set(row).size < row.length) faults.push(`${id} has a link twice on level ${level}`);
      if (row.includes(id)) faults.push(`${id} is linked to itself`);
      for (const other of row) {
        if (!rows.get(other)?.[level]?.includes(id)) faults.push(`${other} does not answer ${id} on level ${level}`);
      }
    }
  }
  const top = Math.max(0, ...[...rows.values()].map((levels) => levels.length));
  for (let level = 0; level < top; level++) {
    const nodes = ids.filter((id) => (rows.get(id)?.length ?? 0) > level);
    const reached = reachedFrom(nodes[0] as string, (id) => rows.get(id)?.[level] ?? []);
    if (reached !== nodes.length) faults.push(`of ${nodes.length} nodes on level ${level} ${reached} are in one piece`);
  }
  return faults;
}

/** The rows of an element, from level 0 up. */
function levelsOf(command: Command, set: string, id: string): string[][] {
  const reply = command("VLINKS", set, id) as unknown[][];
  return reply.map((row) => row.map(String)).reverse();
}

function reachedFrom(start: string, neighbours: (id: string) => readonly string[]): number {
  const seen = new Set([start]);
  for (const id of seen) for (const other of neighbours(id)) seen.add(other);
  return seen.size;
}
