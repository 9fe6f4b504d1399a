// Settings of scripts, of what watches over slowness, and of the command that helps tests.

import { integerForm, shownForm } from "./redis-forms.ts";
import type { Setting } from "./server-settings.ts";
import { choice, duration } from "./setting-kinds.ts";

const HOUR_MS = 3_600_000;

/** Who may send DEBUG. */
export const debugSenders = ["no", "yes", "local"] as const;
export type DebugSenders = (typeof debugSenders)[number];

const scriptLimitMs: Setting<number> = {
  key: "script-time-limit",
  group: "Limits",
  description: "a script is ended after so long, or ten times so long once it has changed something",
  kind: duration({ unit: "ms", min: 1, max: HOUR_MS, off: 0 }),
  default: 5000,
  live: true,
  redis: integerForm("busy-reply-threshold", 0, HOUR_MS),
};

const latencyMs: Setting<number> = {
  key: "latency-threshold",
  group: "Limits",
  description: "commands that take so long are events of LATENCY",
  kind: duration({ unit: "ms", min: 1, max: HOUR_MS, off: 0 }),
  default: 0,
  live: true,
  redis: integerForm("latency-monitor-threshold", 0, HOUR_MS),
};

const debugCommand: Setting<DebugSenders> = {
  key: "debug-command",
  group: "Access",
  description: "who may send DEBUG: nobody, everybody, or clients of this machine",
  kind: choice(debugSenders),
  default: "no",
  redis: shownForm("enable-debug-command", (senders) => senders),
};

/** By the properties that hold them. */
export const scriptSettings = { scriptLimitMs, latencyMs, debugCommand } as const;
