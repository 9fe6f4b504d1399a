// CLIENT: who is connected, and how one's own connection behaves. Subcommands that would need parts nearkey does not have (tracking, pausing) are unknown,
// as they are to a Redis that was built without them.

import { ConnectionMode } from "../engine.ts";
import { ReplyError, type ReplyValue, SimpleString } from "../resp.ts";
import { clientKill } from "./client-kill.ts";
import { clientLines, clientList } from "./client-list.ts";
import { clientCaching, clientGetRedirection, clientTracking, clientTrackingFacts } from "./client-tracking.ts";
import {
  type HostCall,
  type HostReply,
  isPlainName,
  NAME_ERROR,
  Verbatim,
  wrongArity,
  wrongSubcommand,
} from "./host-call.ts";

interface Subcommand {
  /** Fewest and most words after the subcommand's name. */
  readonly words: readonly [number, number];
  readonly run: (call: HostCall) => HostReply;
}

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  SETNAME: { words: [1, 1], run: setName },
  GETNAME: { words: [0, 0], run: ({ client }) => (client.name === "" ? null : client.name) },
  CACHING: { words: [1, 1], run: clientCaching },
  GETREDIR: { words: [0, 0], run: clientGetRedirection },
  ID: { words: [0, 0], run: ({ client }) => client.id },
  INFO: { words: [0, 0], run: (call) => new Verbatim(clientLines(call, [call.client])) },
  KILL: { words: [1, Infinity], run: clientKill },
  LIST: { words: [0, Infinity], run: clientList },
  "NO-EVICT": { words: [1, 1], run: noEvict },
  "NO-TOUCH": { words: [1, 1], run: noTouch },
  PAUSE: { words: [1, 2], run: pause },
  REPLY: { words: [1, 1], run: reply },
  SETINFO: { words: [2, 2], run: setInfo },
  TRACKING: { words: [1, Infinity], run: clientTracking },
  TRACKINGINFO: { words: [0, 0], run: clientTrackingFacts },
  UNBLOCK: { words: [1, Infinity], run: unblock },
  UNPAUSE: { words: [0, 0], run: unpause },
  HELP: { words: [0, 0], run: () => HELP.map((line) => new SimpleString(line)) },
};

const OK = new SimpleString("OK");
const SYNTAX = new ReplyError("ERR syntax error");

const HELP = [
  "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "CACHING (YES|NO)",
  "    Track the keys of the next command, or not, in the modes OPTIN and OPTOUT.",
  "GETNAME",
  "    Return the name of the current connection.",
  "GETREDIR",
  "    Return the ID of the client that is told of tracked keys: 0 for one's own, -1 without tracking.",
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
  "PAUSE <timeout> [WRITE|ALL]",
  "    Let commands that write, or all, wait for so many milliseconds.",
  "REPLY (ON|OFF|SKIP)",
  "    Stop answering, or pass over the answer of the next command.",
  "SETINFO <option> <value>",
  "    Set client meta attr. Options are: LIB-NAME, LIB-VER.",
  "SETNAME <name>",
  "    Assign the name <name> to the current connection.",
  "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]] [OPTIN] [OPTOUT] [NOLOOP]",
  "    Tell of changes of keys that were read.",
  "TRACKINGINFO",
  "    Report how the current connection tracks.",
  "UNBLOCK <id> [TIMEOUT|ERROR]",
  "    Let the command of a client that waits be answered as if its time were over, or by an error.",
  "UNPAUSE",
  "    End a pause.",
  "HELP",
  "    Print this help.",
];

/** Answers `CLIENT <subcommand> …`. */
export function clientCommand(call: HostCall): HostReply {
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

/** Answers 1 when a command of the client waited. */
function unblock({ engine, facts, words }: HostCall): ReplyValue {
  const [, id = "", reason] = words;
  if (words.length > 3) return wrongSubcommand("CLIENT", words[0] ?? "");
  if (reason !== undefined && !/^(TIMEOUT|ERROR)$/i.test(reason)) {
    return new ReplyError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  if (!/^-?\d{1,18}$/.test(id)) return new ReplyError("ERR value is not an integer or out of range");
  const failing = reason?.toUpperCase() === "ERROR";
  const client = [...facts.clients()].find((each) => each.id === Number(id));
  const ended = client?.connections.filter((connection) => engine.events.endWait(connection, failing)) ?? [];
  return ended.length > 0 ? 1 : 0;
}

function pause({ facts, words }: HostCall): ReplyValue {
  const [, timeout = "", kind = "ALL"] = words;
  if (!/^-?\d{1,15}$/.test(timeout)) return new ReplyError("ERR timeout is not an integer or out of range");
  if (Number(timeout) < 0) return new ReplyError("ERR timeout is negative");
  if (!/^(WRITE|ALL)$/i.test(kind)) return new ReplyError("ERR CLIENT PAUSE mode must be WRITE or ALL");
  if (facts.pause === undefined) return new ReplyError("ERR an embedded database has no clients to pause");
  facts.pause.start(Number(timeout), kind.toLowerCase() as "write" | "all");
  return OK;
}

function unpause({ facts }: HostCall): ReplyValue {
  facts.pause?.end();
  return OK;
}
