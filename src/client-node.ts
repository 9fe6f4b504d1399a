// The client's entry for Node: the same client, with the `ws` library where Node has no WebSocket of its own (before
// Node 22). The package's exports choose it; browsers get client.ts, which imports nothing of Node.

import { type Client, type ConnectOptions, connect as connectWith, type WebSocketClass } from "./client.ts";

export * from "./client.ts";

/**
 * Connects to a server: `await connect("ws://127.0.0.1:7379", { password })`.
 *
 * @param url `ws:` or `wss:`
 * @throws NearkeyError `connection-failed`, `authentication-required`, `wrong-password`, `invalid-option`
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Client> {
  if (options.WebSocket !== undefined || globalThis.WebSocket !== undefined) return connectWith(url, options);
  const { WebSocket } = await import("ws");
  return connectWith(url, { ...options, WebSocket: WebSocket as unknown as WebSocketClass });
}
