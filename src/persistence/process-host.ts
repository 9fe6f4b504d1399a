// What a process gives a database that is kept: its timers, none of which keeps it alive, and its clock.

import type { PersistenceHost } from "./persistence.ts";

/** The surroundings of a process of Node; `log` says something to whoever runs it. */
export function processHost(log?: (line: string) => void): PersistenceHost {
  return {
    soon: (run) => void setImmediate(run),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      timer.unref();
      return () => clearTimeout(timer);
    },
    now: Date.now,
    ...(log === undefined ? {} : { log }),
  };
}
