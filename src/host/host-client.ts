// CLIENT: who is connected. Subcommands that would need parts nearkey does not have (tracking, pausing) are unknown,
// as they are to a Redis that was built without them.

import { ReplyError, type ReplyValue, SimpleString } from "../resp.ts";
import { type HostCall, isPlainName, NAME_ERROR, Verbatim, wrongArity } from "./host-call.ts";
import type { HostClient } from "./host-facts.ts";

interface Subcommand {
  /** Number of words after the subcommand's name, or undefined for any. */
  readonly count: number | undefined;
  readonly run: (call: HostCall) => ReplyValue | Verbatim;
}

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  SETNAME: { count: 1, run: setName },
  GETNAME: { count: 0, run: ({ client }) => (client.name === "" ? null : client.name) },
  ID: { count: 0, run: ({ client }) => client.id },
  INFO: { count: 0, run: (call) => new Verbatim(`${clientLine(call, call.client)}\n`) },
  LIST: { count: undefined, run: list },
  SETINFO: { count: 2, run: setInfo },
  HELP: { count: 0, run: () => HELP.map((line) => new SimpleString(line)) },
};

const HELP = [
  "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "GETNAME",
  "    Return the name of the current connection.",
  "ID",
  "    Return the ID of the current connection.",
  "INFO",
  "    Return information about the current client connection.",
  "LIST",
  "    Return information about client connections.",
  "SETINFO <option> <value>",
  "    Set client meta attr. Options are: LIB-NAME, LIB-VER.",
  "SETNAME <name>",
  "    Assign the name <name> to the current connection.",
  "HELP",
  "    Print this help.",
];

/** Answers `CLIENT <subcommand> …`. */
export function clientCommand(call: HostCall): ReplyValue | Verbatim {
  const name = call.words[0];
  if (name === undefined) return wrongArity("client");
  const subcommand = SUBCOMMANDS[name.toUpperCase()];
  if (subcommand === undefined) return new ReplyError(`ERR unknown subcommand '${name}'. Try CLIENT HELP.`);
  const { count } = subcommand;
  if (count !== undefined && call.words.length !== count + 1) return wrongArity(`client|${name.toLowerCase()}`);
  return subcommand.run(call);
}

function setName({ client, words }: HostCall): ReplyValue {
  const name = words[1] ?? "";
  if (!isPlainName(name)) return new ReplyError(NAME_ERROR);
  client.name = name;
  return new SimpleString("OK");
}

function setInfo({ client, words }: HostCall): ReplyValue {
  const [, option = "", value = ""] = words;
  const attribute = option.toLowerCase();
  if (attribute !== "lib-name" && attribute !== "lib-ver") {
    return new ReplyError(`ERR Unrecognized option '${option}'`);
  }
  if (!isPlainName(value)) {
    return new ReplyError(`ERR ${attribute} cannot contain spaces, newlines or special characters.`);
  }
  if (attribute === "lib-name") client.libraryName = value;
  else client.libraryVersion = value;
  return new SimpleString("OK");
}

/** Lists all clients, or those of `ID id …`; every client is of the type `normal`. */
function list(call: HostCall): ReplyValue | Verbatim {
  const [, option, ...rest] = call.words;
  const clients = [...call.facts.clients()].sort((a, b) => a.id - b.id);
  const lines = (chosen: HostClient[]): Verbatim =>
    new Verbatim(chosen.map((client) => `${clientLine(call, client)}\n`).join(""));
  if (option === undefined) return lines(clients);
  if (option.toUpperCase() === "ID" && rest.length > 0) {
    if (rest.some((id) => !/^\d{1,15}$/.test(id))) return new ReplyError("ERR Invalid client ID");
    return lines(clients.filter((client) => rest.includes(String(client.id))));
  }
  if (option.toUpperCase() === "TYPE" && rest.length === 1) {
    const type = rest[0]?.toLowerCase() ?? "";
    if (type === "normal") return lines(clients);
    if (["master", "replica", "slave", "pubsub"].includes(type)) return new Verbatim("");
    return new ReplyError(`ERR Unknown client type '${rest[0]}'`);
  }
  return new ReplyError("ERR syntax error");
}

function clientLine({ engine }: HostCall, client: HostClient): string {
  const now = Date.now();
  const seconds = (ms: number): number => Math.max(0, Math.floor((now - ms) / 1000));
  const connection = client.connections[0];
  const fields: readonly (readonly [string, string | number])[] = [
    ["id", client.id],
    ["addr", client.address],
    ["laddr", client.localAddress],
    ["name", client.name],
    ["age", seconds(client.connectedMs)],
    ["idle", seconds(client.lastActiveMs)],
    ["flags", "N"],
    ["db", connection === undefined ? 0 : engine.database(connection)],
    ["sub", 0],
    ["psub", 0],
    ["multi", -1],
    ["omem", client.connections.reduce((sum, each) => sum + engine.pinnedBytes(each), 0)],
    ["user", "default"],
    ["resp", connection === undefined ? 2 : engine.protocol(connection)],
    ["lib-name", client.libraryName],
    ["lib-ver", client.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(" ");
}
