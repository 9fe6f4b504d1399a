// A directory as what an import goes into: a server in this process, on a port and with a password that nobody else knows,
// so that files take the way that they take into any server. The price is that way, half of an import's time; in return
// there is one way. What was imported is on disk when it has stopped.

import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { WebSocket } from "ws";
import { type Client, type ConnectOptions, connect, type WebSocketClass } from "../../client.ts";
import { memoryBytesMax } from "../../engine.ts";
import { startServer } from "../../server/server.ts";
import { serverConnector } from "../connection/server-connection.ts";
import { ENGINE_FILE, exitWith } from "../serve-command.ts";

/** What takes an import. */
export interface ImportTarget {
  connect(options?: ConnectOptions): Promise<Client>;
  /** Ends what was started for it, once all clients are closed. */
  stop(): Promise<void>;
}

const PASSWORD_BYTES = 24;
/** Whoever imports waits for the end of it, not for each row. */
const FSYNC = { fsync: "periodic", fsyncIntervalMs: 1000 } as const;

/** A server that runs somewhere. */
export function serverTarget(url: string): ImportTarget {
  return { connect: serverConnector(url), stop: async () => undefined };
}

/**
 * Opens a directory, and makes it where there is none.
 *
 * @throws NearkeyError as `open`
 */
export async function directoryTarget(dir: string): Promise<ImportTarget> {
  const engineBytes = (): Promise<Uint8Array<ArrayBuffer>> => readFile(ENGINE_FILE);
  const password = randomBytes(PASSWORD_BYTES).toString("hex");
  const log = (line: string): void => void process.stderr.write(`nearkey: ${line}\n`);
  const settings = { ...FSYNC, dir, password, port: 0, respPort: undefined, maxMemoryBytes: memoryBytesMax };
  const module = await WebAssembly.compile(await engineBytes());
  const failed = (error: unknown): void => exitWith(`the engine failed: ${String(error)}`);
  const server = await startServer(module, { ...settings, engineBytes, log }, failed);
  const url = `ws://${server.http.host}:${server.http.port}/`;
  const socket = { WebSocket: WebSocket as unknown as WebSocketClass };
  return { connect: (options) => connect(url, { ...options, ...socket, password }), stop: () => server.stop() };
}
