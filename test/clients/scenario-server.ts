// What the scenarios of all clients share: one server for a file, emptied after each of its tests, and the names of the
// command table, for the check that every command has a scenario.

import { afterAll, afterEach, beforeAll } from "vitest";
import type { Engine } from "../../src/engine.ts";
import { type Server, startServer } from "../../src/server/server.ts";
import { SERVER_DEFAULTS } from "../../src/server/server-options.ts";
import { nodeScripts } from "../../src/storage/node-lua.ts";
import { debugEngine, debugModule, feed } from "../debug-engine.ts";

/** What commands that save answer: the servers of scenarios keep nothing. */
export const NO_DIRECTORY = "ERR there is no directory to save to: start the server with --dir";

const LUA = nodeScripts(new URL("../../dist/lua.wasm", import.meta.url));

export function messageOf(error: unknown): string {
  return (error as Error).message;
}

/** Commands that need several connections: listening.test.ts has their scenarios. */
export const LISTENING = [
  ..."PSUBSCRIBE PUBLISH PUBSUB PUNSUBSCRIBE SPUBLISH SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE UNSUBSCRIBE".split(" "),
];

export function allCommands(): string[] {
  return debugEngine()
    .commands()
    .map(({ name }) => name);
}

/** All other commands, sorted. */
export function commandNames(): string[] {
  return allCommands()
    .filter((name) => !LISTENING.includes(name))
    .sort();
}

/** Serves the tests of the file; answers where. */
export function serveScenarios(): () => number {
  let server: Server | undefined;
  let failure: unknown;
  beforeAll(async () => {
    // On a busy machine any command may be slow, and SLOWLOG is asked what it holds.
    const never = { slowerThanUs: -1, debugCommand: "yes", scripts: LUA } as const;
    const options = { ...SERVER_DEFAULTS, port: 0, respPort: 0, maxMemoryBytes: 256 << 20, ...never };
    server = await startServer(debugModule(), options, (error) => {
      failure = error;
    });
  });
  afterEach(() => {
    if (server !== undefined && failure === undefined) empty(server.engine);
  });
  afterAll(async () => {
    await server?.stop();
    if (failure !== undefined) throw failure;
  });
  return () => server?.resp?.port ?? 0;
}

function empty(engine: Engine): void {
  const connection = engine.connect();
  engine.setAuthenticated(connection, true);
  feed(engine, connection, Buffer.from("FLUSHALL\r\n"));
  engine.disconnect(connection);
}
