// `nearkey health`: asks a server how it is and ends with 0 when it answers, for containers and monitors that decide by
// an exit code. It goes over HTTP and needs no password.

import type { Command } from "commander";
import { NearkeyError } from "../errors.ts";
import { ending } from "./connection/ending.ts";
import { addServerFlags, httpUrl, type ServerFlags } from "./connection/server-flags.ts";
import { bytesText, countText, durationText } from "./figures.ts";
import { wholeNumber } from "./number-flags.ts";

const EXAMPLES = `
Examples:
  $ nearkey health
  $ nearkey health --url wss://cache.example.org --json | jq .memory_used_bytes
  HEALTHCHECK CMD ["nearkey", "health"]            in a Dockerfile

Exit code: 0 when the server answers that it is well, 1 when not. No password is needed.
NEARKEY_URL names the server when --url is not given.`;

/** How a server answers whose disk refuses what is written. */
const READ_ONLY = 503;

interface Health {
  readonly status: string;
  readonly uptime_seconds: number;
  readonly active_connections: number;
  readonly memory_used_bytes: number;
  readonly memory_limit_bytes: number;
}

/** Adds `nearkey health` to the program. */
export function registerHealth(program: Command): void {
  addServerFlags(program.command("health").description("ask a server how it is; the exit code tells"))
    .option("--timeout <ms>", "give up after so many milliseconds", wholeNumber(1, 600_000), 2000)
    .option("--json", "print what the server answered")
    .addHelpText("after", EXAMPLES)
    .action((flags: ServerFlags & { timeout: number; json?: boolean }) =>
      ending(async () => {
        const health = await askHealth(flags.url, flags.timeout);
        process.stdout.write(`${flags.json ? JSON.stringify(health) : healthLine(health)}\n`);
        return health.status === "ok" ? 0 : 1;
      }),
    );
}

async function askHealth(url: string, timeoutMs: number): Promise<Health> {
  const address = httpUrl(url, "/health");
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(timeoutMs) });
    const isHealth = response.headers.get("content-type") === "application/json";
    if (response.ok || (response.status === READ_ONLY && isHealth)) return (await response.json()) as Health;
    throw new Error(`it answered ${response.status}: ${(await response.text()).trim()}`);
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error && cause.message !== "" ? cause.message : message;
    throw new NearkeyError("connection-failed", `no healthy server at ${address}: ${reason}`);
  }
}

function healthLine(health: Health): string {
  const memory = `${bytesText(health.memory_used_bytes)} of ${bytesText(health.memory_limit_bytes)}`;
  const clients = `${countText(health.active_connections)} connections`;
  return `${health.status}: up ${durationText(health.uptime_seconds)}, ${memory}, ${clients}`;
}
