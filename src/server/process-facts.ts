// What Node knows about this process.

import { arch, platform, release, totalmem } from "node:os";
import type { ProcessFacts } from "../host/host-facts.ts";

/** Reads what INFO reports about this process. */
export function processFacts(): ProcessFacts {
  const { user, system } = process.cpuUsage();
  return {
    processId: process.pid,
    residentBytes: process.memoryUsage.rss(),
    systemMemoryBytes: totalmem(),
    userSeconds: user / 1e6,
    systemSeconds: system / 1e6,
    operatingSystem: `${platform()} ${release()} ${arch()}`,
  };
}
