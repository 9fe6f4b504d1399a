// What brings slow commands from the engine, which measures them, to the slow log.

import type { Engine } from "../engine.ts";
import type { HostClient } from "./host-facts.ts";
import { SlowLog } from "./slow-log.ts";

/**
 * Makes the slow log of an engine.
 *
 * @param clients whoever may have sent a command, read when one was slow
 */
export function slowLogOf(engine: Engine, clients: () => Iterable<HostClient>): SlowLog {
  const log = new SlowLog((microseconds) => {
    engine.statistics.slowMicroseconds = microseconds;
  });
  engine.onSlow = (commands) => {
    for (const command of commands) {
      const client = [...clients()].find(({ connections }) => connections.includes(command.connection));
      if (client !== undefined) log.record(command, client);
    }
  };
  return log;
}
