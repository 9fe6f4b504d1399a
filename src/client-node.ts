// The client's entry for Node: the same client, with the `ws` library where Node has no WebSocket of its own (before
// Node 22), or for certificates, which Node's own cannot be given. The package's exports choose it; browsers get
// client.ts, which imports nothing of Node.

import {
  type Client,
  type ConnectOptions,
  connect as connectWith,
  type TlsOptions,
  type WebSocketClass,
} from "./client.ts";

export * from "./client.ts";

/**
 * Connects to a server: `await connect("ws://127.0.0.1:7379", { password })`.
 *
 * @param url `ws:` or `wss:`
 * @throws NearkeyError `connection-failed`, `authentication-required`, `wrong-password`, `invalid-option`
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Client> {
  if (typeof options !== "object" || options === null) return connectWith(url, options); // which refuses it
  if (options.WebSocket !== undefined) return connectWith(url, options);
  const { tls, ...others } = options;
  if (tls === undefined && globalThis.WebSocket !== undefined) return connectWith(url, others);
  return connectWith(url, { ...others, WebSocket: await webSocketWith(tls) });
}

/** The `ws` library's class, with certificates. */
async function webSocketWith(tls: TlsOptions | undefined): Promise<WebSocketClass> {
  const { WebSocket } = await import("ws");
  const given = Object.fromEntries(Object.entries(tls ?? {}).filter(([, value]) => value !== undefined));
  class WithTls extends WebSocket {
    constructor(url: string) {
      super(url, given);
    }
  }
  return WithTls as unknown as WebSocketClass;
}
