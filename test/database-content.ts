// Everything that a database holds, as text that two databases of equal content agree on: keys of all databases with their
// values and expiry, vector sets by element with vector, attributes and links.

import type { EngineDriver } from "./engine-driver.ts";

const DATABASES = 16;

/**
 * Reads all keys.
 *
 * @param links whether the graph counts too: it is the same in a snapshot and need not be after a replay
 */
export function contentOf(driver: EngineDriver, links = true): Map<string, string> {
  const content = new Map<string, string>();
  for (let database = 0; database < DATABASES; database++) {
    driver.must("SELECT", database);
    for (const key of (driver.must("KEYS", "*") as string[]).sort()) {
      content.set(
        `${database} ${key}`,
        JSON.stringify([driver.must("PEXPIRETIME", key), storedValue(driver, key, links)]),
      );
    }
  }
  driver.must("SELECT", 0);
  return content;
}

function storedValue(driver: EngineDriver, key: string, links: boolean): unknown {
  const type = driver.must("TYPE", key) as unknown;
  const name = typeof type === "string" ? type : String((type as { text?: string }).text ?? type);
  if (name === "string") return driver.must("GET", key);
  if (name === "hash") return fieldsOf(driver.must("HGETALL", key) as string[]);
  if (name === "list") return driver.must("LRANGE", key, 0, -1);
  if (name === "zset") return driver.must("ZRANGE", key, 0, -1, "WITHSCORES");
  if (name === "set") return (driver.must("SMEMBERS", key) as string[]).sort();
  if (name === "stream") return streamOf(driver, key, links);
  const elements = (driver.must("VRANDMEMBER", key, 1_000_000) as string[]).sort();
  return elements.map((element) => [
    element,
    driver.must("VEMB", key, element),
    driver.must("VGETATTR", key, element),
    driver.must("VPEXPIRETIME", key, "ELEMENTS", 1, element),
    links ? driver.must("VLINKS", key, element) : 0,
  ]);
}

/** Entries, and groups with what is pending; when it was delivered is not the same after a replay. */
function streamOf(driver: EngineDriver, key: string, isSame: boolean): unknown {
  const entries = driver.must("XRANGE", key, "-", "+");
  if (isSame) return [entries, driver.must("XINFO", "STREAM", key, "FULL", "COUNT", 0)];
  const groups = driver.must("XINFO", "GROUPS", key) as string[][];
  const pending = groups.map((group) =>
    (driver.must("XPENDING", key, group[1] as string, "-", "+", 1_000_000) as unknown[][]).map((one) =>
      one.slice(0, 2),
    ),
  );
  return [entries, groups, pending];
}

function fieldsOf(flat: readonly string[]): [string, string][] {
  const fields: [string, string][] = [];
  for (let index = 0; index < flat.length; index += 2) fields.push([flat[index] as string, flat[index + 1] as string]);
  return fields.sort(([a], [b]) => (a < b ? -1 : 1));
}
