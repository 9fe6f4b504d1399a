// What SCAN and its kin promise: whatever is there from the beginning of a scan to its end is answered, though tables grow,
// shrink and are packed meanwhile.

import { describe, expect, test } from "vitest";
import { drawSeed, EngineDriver } from "./engine-driver.ts";
import { Random } from "./random.ts";

const seed = drawSeed("scan-guarantee.test.ts");

/** Goes through a key while `meanwhile` changes it between two steps; answers what was seen. */
function scanned(driver: EngineDriver, name: string, meanwhile: (step: number) => void): Set<string> {
  const seen = new Set<string>();
  let cursor = "0";
  let step = 0;
  do {
    const [next, found] = driver.run(name, "k", cursor) as [string, string[]];
    for (const one of found) seen.add(String(one));
    cursor = String(next);
    meanwhile(++step);
    expect(step).toBeLessThan(100_000);
  } while (cursor !== "0");
  return seen;
}

describe("a scan answers what stays", () => {
  test.each([
    ["SSCAN", (member: string) => ["SADD", "k", member], "SREM"],
    ["HSCAN", (member: string) => ["HSET", "k", member, "v"], "HDEL"],
    ["ZSCAN", (member: string) => ["ZADD", "k", "1", member], "ZREM"],
  ] as const)("%s, while most is removed or as much is added", { timeout: 60_000 }, (name, add, remove) => {
    const random = new Random(seed);
    for (let round = 0; round < 40; round++) {
      const driver = new EngineDriver({ seed: BigInt(round + 1) });
      const count = 101 + random.below(3_000);
      for (let member = 0; member < count; member++) driver.must(...add(String(member)));
      const going = Array.from({ length: count - 100 }, (_, index) => String(index + 100));
      const at = random.below(12);
      const grows = random.oneIn(3);
      const seen = scanned(driver, name, (step) => {
        if (step !== at) return;
        if (grows) for (let member = 0; member < count; member++) driver.must(...add(`new${member}`));
        else driver.must(remove, "k", ...going);
      });
      for (let member = 0; member < 100; member++)
        expect(seen.has(String(member)), `round ${round}: ${member}`).toBe(true);
    }
  });
});
