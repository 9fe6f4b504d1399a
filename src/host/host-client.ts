// CLIENT: who is connected, and how one's own connection behaves. Subcommands that would need parts nearkey does not have (tracking, pausing) are unknown,
// as they are to a Redis that was built without them.

import { ConnectionMode } from "../engine.ts";
import { ReplyError, type ReplyValue, SimpleString } from "../resp.ts";
import { clientKill } from "./client-kill.ts";
import { clientLines, clientList } from "./client-list.ts";
import { type HostCall, isPlainName, NAME_ERROR, Verbatim, wrongArity, wrongSubcommand } from "./host-call.ts";

interface Subcommand {
  /** Fewest and most words after the subcommand's name. */
  readonly words: readonly [number, number];
  readonly run: (call: HostCall) => ReplyValue | Verbatim | undefined;
}

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  SETNAME: { words: [1, 1], run: setName },
  GETNAME: { words: [0, 0], run: ({ client }) => (client.name === "" ? null : client.name) },
  GETREDIR: { words: [0, 0], run: () => -1 },
  ID: { words: [0, 0], run: ({ client }) => client.id },
  INFO: { words: [0, 0], run: (call) => new Verbatim(clientLines(call, [call.client])) },
  KILL: { words: [1, Infinity], run: clientKill },
  LIST: { words: [0, Infinity], run: clientList },
  "NO-EVICT": { words: [1, 1], run: noEvict },
  "NO-TOUCH": { words: [1, 1], run: noTouch },
  REPLY: { words: [1, 1], run: reply },
  SETINFO: { words: [2, 2], run: setInfo },
  UNBLOCK: { words: [1, Infinity], run: unblock },
  HELP: { words: [0, 0], run: () => HELP.map((line) => new SimpleString(line)) },
};

const OK = new SimpleString("OK");
const SYNTAX = new ReplyError("ERR syntax error");

const HELP = [
  "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "GETNAME",
  "    Return the name of the current connection.",
  "GETREDIR",
  "    Return -1: there is no tracking to redirect.",
  "ID",
  "    Return the ID of the current connection.",
  "INFO",
  "    Return information about the current client connection.",
  "KILL <ip:port>",
  "    Close the connection of that client.",
  "KILL <option> <value> [<option> <value> ...]",
  "    Close the connections that all options are true of: ID <id>, TYPE NORMAL, ADDR <ip:port>,",
  "    LADDR <ip:port>, USER <name>, MAXAGE <seconds>; SKIPME NO for one's own too.",
  "LIST [ID <id> ... | TYPE NORMAL]",
  "    Return information about client connections.",
  "NO-EVICT (ON|OFF)",
  "    Answer OK: no client is ever evicted.",
  "NO-TOUCH (ON|OFF)",
  "    Let reads of this connection not count as uses of a key.",
  "REPLY (ON|OFF|SKIP)",
  "    Stop answering, or pass over the answer of the next command.",
  "SETINFO <option> <value>",
  "    Set client meta attr. Options are: LIB-NAME, LIB-VER.",
  "SETNAME <name>",
  "    Assign the name <name> to the current connection.",
  "UNBLOCK <id> [TIMEOUT|ERROR]",
  "    Answer 0: no command blocks.",
  "HELP",
  "    Print this help.",
];

/** Answers `CLIENT <subcommand> …`. */
export function clientCommand(call: HostCall): ReplyValue | Verbatim | undefined {
  const name = call.words[0];
  if (name === undefined) return wrongArity("client");
  const subcommand = SUBCOMMANDS[name.toUpperCase()];
  if (subcommand === undefined) return new ReplyError(`ERR unknown subcommand '${name}'. Try CLIENT HELP.`);
  const [fewest, most] = subcommand.words;
  const given = call.words.length - 1;
  if (given < fewest || given > most) return wrongArity(`client|${name.toLowerCase()}`);
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

function switchOf(word: string | undefined): boolean | undefined {
  const text = word?.toUpperCase();
  return text === "ON" ? true : text === "OFF" ? false : undefined;
}

function noEvict({ client, words }: HostCall): ReplyValue {
  const on = switchOf(words[1]);
  if (on === undefined) return SYNTAX;
  client.noEvict = on;
  return OK;
}

function noTouch({ connection, engine, words }: HostCall): ReplyValue {
  const on = switchOf(words[1]);
  if (on === undefined) return SYNTAX;
  engine.connections.setMode(connection, ConnectionMode.NoTouch, on);
  return OK;
}

/** Where answers are told apart by their order, or inside the answer of EXEC, none may be missing. */
function reply({ client, connection, engine, words }: HostCall): ReplyValue | undefined {
  const wanted = words[1]?.toUpperCase() ?? "";
  if (!["ON", "OFF", "SKIP"].includes(wanted)) return SYNTAX;
  if (wanted !== "ON" && client.answered.includes(connection)) {
    return new ReplyError("ERR CLIENT REPLY OFF and SKIP need a stream of RESP: here every command is answered");
  }
  if (wanted !== "ON" && engine.connections.hasMode(connection, ConnectionMode.Executing)) {
    return new ReplyError("ERR CLIENT REPLY OFF and SKIP are not allowed inside a transaction");
  }
  if (wanted === "SKIP") {
    if (!engine.connections.hasMode(connection, ConnectionMode.Silent))
      engine.connections.setMode(connection, ConnectionMode.SkipsNext, true);
    return undefined;
  }
  engine.connections.setMode(connection, ConnectionMode.Silent, wanted === "OFF");
  engine.connections.setMode(connection, ConnectionMode.SkipsNext | ConnectionMode.Muted, false);
  return wanted === "ON" ? OK : undefined;
}

/** No command blocks a client, so none is ever unblocked. */
function unblock({ words }: HostCall): ReplyValue {
  const [, id = "", reason] = words;
  if (words.length > 3) return wrongSubcommand("CLIENT", words[0] ?? "");
  if (reason !== undefined && !/^(TIMEOUT|ERROR)$/i.test(reason)) {
    return new ReplyError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  if (!/^-?\d{1,18}$/.test(id)) return new ReplyError("ERR value is not an integer or out of range");
  return 0;
}
