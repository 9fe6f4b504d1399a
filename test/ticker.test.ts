// The clock of an engine: work that waits goes on without a pause, also when nothing else happens in the process.

import { expect, test } from "vitest";
import { startTicking } from "../src/database/ticker.ts";

test("a hundred pieces do not take the time of a hundred ticks, though the process is idle", async () => {
  let pieces = 0;
  const started = performance.now();
  const elapsed = await new Promise<number>((resolve, reject) => {
    const stop = startTicking(() => {
      if (++pieces < 100) return true;
      stop();
      resolve(performance.now() - started);
      return false;
    }, reject);
  });
  // A tick comes each 100 ms.
  expect(elapsed).toBeLessThan(5_000);
});

test("an error ends it and is told", async () => {
  const error = await new Promise((resolve) => {
    startTicking(() => {
      throw new Error("broken");
    }, resolve);
  });
  expect(error).toMatchObject({ message: "broken" });
});
