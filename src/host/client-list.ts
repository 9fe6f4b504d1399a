// CLIENT LIST and CLIENT INFO: a line for each client, with the fields of Redis that have a meaning here.

import { ConnectionMode } from "../engine.ts";
import { ReplyError, type ReplyValue } from "../resp.ts";
import { type HostCall, Verbatim } from "./host-call.ts";
import type { HostClient } from "./host-facts.ts";

/** Types that clients of Redis may have beside `normal` and `pubsub`. */
export const OTHER_TYPES = ["master", "replica", "slave"];

/** All clients, in the order they came. */
export function clientsInOrder({ facts }: HostCall): HostClient[] {
  return [...facts.clients()].sort((a, b) => a.id - b.id);
}

/** Lists all clients, or those of `ID id …` or `TYPE type`. */
export function clientList(call: HostCall): ReplyValue | Verbatim {
  const [, option, ...rest] = call.words;
  const clients = clientsInOrder(call);
  const lines = (chosen: readonly HostClient[]): Verbatim => new Verbatim(clientLines(call, chosen));
  if (option === undefined) return lines(clients);
  if (option.toUpperCase() === "ID" && rest.length > 0) {
    if (rest.some((id) => !/^\d{1,15}$/.test(id))) return new ReplyError("ERR Invalid client ID");
    return lines(clients.filter((client) => rest.includes(String(client.id))));
  }
  if (option.toUpperCase() === "TYPE" && rest.length === 1) {
    const type = rest[0]?.toLowerCase() ?? "";
    if (type === "normal") return lines(clients.filter((client) => !isListening(call, client)));
    if (type === "pubsub") return lines(clients.filter((client) => isListening(call, client)));
    if (OTHER_TYPES.includes(type)) return lines([]);
    return new ReplyError(`ERR Unknown client type '${rest[0]}'`);
  }
  return new ReplyError("ERR syntax error");
}

/** A line for each of the clients. */
export function clientLines(call: HostCall, clients: readonly HostClient[]): string {
  const names = call.engine.commands().map(({ name }) => name.toLowerCase());
  return clients.map((client) => `${clientLine(call, client, names)}\n`).join("");
}

function clientLine(call: HostCall, client: HostClient, names: readonly string[]): string {
  const { engine } = call;
  const now = Date.now();
  const seconds = (ms: number): number => Math.max(0, Math.floor((now - ms) / 1000));
  const connection = client.connections[0];
  const transaction = connection === undefined ? undefined : engine.connections.transaction(connection);
  const queueing = connection !== undefined && engine.connections.hasMode(connection, ConnectionMode.Queueing);
  const subscribed = subscriptionsOf(call, client);
  const last = connection === undefined ? undefined : engine.connections.lastCommand(connection);
  const current = `client|${call.words[0]?.toLowerCase()}`;
  const fields: readonly (readonly [string, string | number])[] = [
    ["id", client.id],
    ["addr", client.address],
    ["laddr", client.localAddress],
    ["name", client.name],
    ["age", seconds(client.connectedMs)],
    ["idle", seconds(client.lastActiveMs)],
    ["flags", flagsOf(call, client)],
    ["db", connection === undefined ? 0 : engine.database(connection)],
    ["sub", subscribed.channels],
    ["psub", subscribed.patterns],
    ["ssub", subscribed.shardChannels],
    ["multi", queueing ? (transaction?.queuedCommands ?? 0) : -1],
    ["watch", transaction?.keys ?? 0],
    ["multi-mem", transaction?.queuedBytes ?? 0],
    ["omem", client.connections.reduce((sum, each) => sum + engine.pinnedBytes(each), 0)],
    ["cmd", client === call.client ? current : last === undefined ? "NULL" : (names[last] ?? "NULL")],
    ["user", "default"],
    ["redir", client.tracking?.redirect ?? -1],
    ["resp", connection === undefined ? 2 : engine.protocol(connection)],
    ["lib-name", client.libraryName],
    ["lib-ver", client.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(" ");
}

function subscriptionsOf({ engine }: HostCall, client: HostClient) {
  const all = client.connections.map((each) => engine.events.subscriptions(each));
  const sum = (key: "channels" | "patterns" | "shardChannels"): number =>
    all.reduce((total, each) => total + each[key], 0);
  return { channels: sum("channels"), patterns: sum("patterns"), shardChannels: sum("shardChannels") };
}

/** Whether a client is subscribed to anything: then its type is `pubsub`. */
export function isListening({ engine }: HostCall, client: HostClient): boolean {
  return client.connections.some((each) => engine.connections.hasMode(each, ConnectionMode.Subscribed));
}

/** `P` subscribed, `x` in a transaction, `b` waiting for a key, `t` tracking, `e` and `T` as CLIENT NO-EVICT and NO-TOUCH set them, `N` for none of these. */
function flagsOf({ engine }: HostCall, client: HostClient): string {
  const has = (mode: ConnectionMode): boolean =>
    client.connections.some((each) => engine.connections.hasMode(each, mode));
  const flags = [
    has(ConnectionMode.Subscribed) ? "P" : "",
    has(ConnectionMode.Queueing) ? "x" : "",
    has(ConnectionMode.Blocked) ? "b" : "",
    has(ConnectionMode.Tracking) ? "t" : "",
    client.noEvict ? "e" : "",
    has(ConnectionMode.NoTouch) ? "T" : "",
  ].join("");
  return flags === "" ? "N" : flags;
}
