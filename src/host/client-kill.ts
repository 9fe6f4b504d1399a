// CLIENT KILL: closes the connections that all conditions are true of. The caller's own ends after it was answered.

import { ReplyError, type ReplyValue, SimpleString } from "../resp.ts";
import { clientsInOrder, isListening, OTHER_TYPES } from "./client-list.ts";
import type { HostCall } from "./host-call.ts";
import type { HostClient } from "./host-facts.ts";

type Condition = (client: HostClient) => boolean;

const SYNTAX = new ReplyError("ERR syntax error");

/** Answers `CLIENT KILL ip:port` (OK) and `CLIENT KILL option value …` (how many). */
export function clientKill(call: HostCall): ReplyValue {
  const [, ...words] = call.words;
  if (words.length === 1) {
    const killed = kill(call, ({ address }) => address === words[0]);
    return killed === 0 ? new ReplyError("ERR No such client") : new SimpleString("OK");
  }
  if (words.length % 2 === 1) return SYNTAX;
  const conditions: Condition[] = [];
  let skipsMe = true;
  for (let index = 0; index < words.length; index += 2) {
    const [option = "", value = ""] = words.slice(index, index + 2);
    if (option.toUpperCase() === "SKIPME") {
      if (!/^(yes|no)$/i.test(value)) return SYNTAX;
      skipsMe = value.toLowerCase() === "yes";
      continue;
    }
    const condition = conditionOf(call, option.toUpperCase(), value);
    if (condition instanceof ReplyError) return condition;
    conditions.push(condition);
  }
  if (skipsMe) conditions.push((client) => client !== call.client);
  return kill(call, (client) => conditions.every((holds) => holds(client)));
}

function conditionOf(call: HostCall, option: string, value: string): Condition | ReplyError {
  switch (option) {
    case "ID":
      if (!isPositive(value)) return new ReplyError("ERR client-id should be greater than 0");
      return ({ id }) => id === Number(value);
    case "ADDR":
      return ({ address }) => address === value;
    case "LADDR":
      return ({ localAddress }) => localAddress === value;
    case "USER":
      return value === "default" ? () => true : new ReplyError(`ERR No such user '${value}'`);
    case "TYPE":
      if (value.toLowerCase() === "normal") return (client) => !isListening(call, client);
      if (value.toLowerCase() === "pubsub") return (client) => isListening(call, client);
      if (OTHER_TYPES.includes(value.toLowerCase())) return () => false;
      return new ReplyError(`ERR Unknown client type '${value}'`);
    case "MAXAGE":
      if (!isPositive(value)) return new ReplyError("ERR maxage should be greater than 0");
      return ({ connectedMs }) => Date.now() - connectedMs >= Number(value) * 1000;
    default:
      return SYNTAX;
  }
}

function isPositive(text: string): boolean {
  return /^[1-9]\d{0,14}$/.test(text);
}

/** Closes the clients that are meant and can be closed; answers how many. */
function kill(call: HostCall, isMeant: Condition): number {
  const { closeClient } = call.facts;
  if (closeClient === undefined) return 0;
  const meant = clientsInOrder(call).filter(isMeant);
  for (const client of meant) {
    if (client === call.client) call.closes = true;
    else closeClient(client);
  }
  return meant.length;
}
