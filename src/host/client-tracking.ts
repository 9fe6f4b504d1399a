// CLIENT TRACKING, CACHING, TRACKINGINFO and GETREDIR: what a connection wants to hear of keys that it, or somebody, has read.
// The engine tracks; what clients called each other by is known here.

import { Tracking } from "../engine.ts";
import { ReplyError, type ReplyValue, SimpleString } from "../resp.ts";
import type { HostCall, HostReply } from "./host-call.ts";
import type { HostClient } from "./host-facts.ts";

const OK = new SimpleString("OK");
const SYNTAX = new ReplyError("ERR syntax error");
const OPTIONS: Readonly<Record<string, Tracking>> = {
  BCAST: Tracking.Broadcast,
  OPTIN: Tracking.OptIn,
  OPTOUT: Tracking.OptOut,
  NOLOOP: Tracking.NoLoop,
};

interface Wanted {
  flags: number;
  redirect: number;
  redirectConnection: number | undefined;
  prefixes: { readonly text: string; readonly bytes: Uint8Array }[];
}

/** Answers `CLIENT TRACKING (ON | OFF) [REDIRECT id] [PREFIX prefix …] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]`. */
export function clientTracking(call: HostCall): ReplyValue {
  const wanted = readOptions(call);
  if (wanted instanceof ReplyError) return wanted;
  const { client, connection, engine, words } = call;
  const toggle = words[1]?.toUpperCase();
  if (toggle === "OFF") {
    engine.events.setTracking(connection, { flags: 0 });
    client.tracking = undefined;
    return OK;
  }
  if (toggle !== "ON") return SYNTAX;
  const refusal = refuse(wanted, engine.events.tracking(connection), client);
  if (refusal !== undefined) return refusal;
  const isBroadcast = (wanted.flags & Tracking.Broadcast) !== 0;
  const before = client.tracking?.prefixes ?? [];
  const everything = isBroadcast && wanted.prefixes.length === 0 && before.length === 0;
  const prefixes = everything ? [{ text: "", bytes: new Uint8Array() }] : wanted.prefixes;
  const kept = engine.events.setTracking(connection, {
    flags: wanted.flags | Tracking.On,
    redirect: wanted.redirectConnection,
    redirectId: wanted.redirect,
    prefixes: prefixes.map(({ bytes }) => bytes),
  });
  client.tracking = { redirect: wanted.redirect, prefixes: [...before, ...prefixes.map(({ text }) => text)] };
  return kept ? OK : new ReplyError("OOM command not allowed when used memory > 'maxmemory'.");
}

function readOptions({ bytes, facts, words }: HostCall): Wanted | ReplyError {
  const wanted: Wanted = { flags: 0, redirect: 0, redirectConnection: undefined, prefixes: [] };
  for (let index = 2; index < words.length; index++) {
    const option = (words[index] ?? "").toUpperCase();
    const flag = OPTIONS[option];
    if (flag !== undefined) {
      wanted.flags |= flag;
    } else if (option === "REDIRECT" && index + 1 < words.length) {
      if (wanted.redirect !== 0) return new ReplyError("ERR A client can only redirect to a single other client");
      const text = words[++index] ?? "";
      if (!/^-?\d{1,18}$/.test(text)) return new ReplyError("ERR value is not an integer or out of range");
      const other = [...facts.clients()].find(({ id }) => id === Number(text));
      if (other === undefined) return new ReplyError("ERR The client ID you want redirect to does not exist");
      wanted.redirect = other.id;
      wanted.redirectConnection = other.connections[0];
    } else if (option === "PREFIX" && index + 1 < words.length) {
      index++;
      wanted.prefixes.push({ text: words[index] ?? "", bytes: bytes[index] ?? new Uint8Array() });
    } else {
      return SYNTAX;
    }
  }
  return wanted;
}

/** Why tracking cannot be as wanted; the order of checks is Redis's. */
function refuse({ flags, prefixes }: Wanted, current: number, client: HostClient): ReplyError | undefined {
  const has = (flag: Tracking): boolean => (flags & flag) !== 0;
  const had = (flag: Tracking): boolean => (current & flag) !== 0;
  if (!has(Tracking.Broadcast) && prefixes.length > 0) {
    return new ReplyError("ERR PREFIX option requires BCAST mode to be enabled");
  }
  if (current !== 0 && has(Tracking.Broadcast) !== had(Tracking.Broadcast)) {
    return new ReplyError(
      "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.",
    );
  }
  if (has(Tracking.Broadcast) && (has(Tracking.OptIn) || has(Tracking.OptOut))) {
    return new ReplyError("ERR OPTIN and OPTOUT are not compatible with BCAST");
  }
  if (has(Tracking.OptIn) && has(Tracking.OptOut)) {
    return new ReplyError("ERR You can't specify both OPTIN mode and OPTOUT mode");
  }
  if ((has(Tracking.OptIn) && had(Tracking.OptOut)) || (has(Tracking.OptOut) && had(Tracking.OptIn))) {
    return new ReplyError(
      "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.",
    );
  }
  return overlap(
    prefixes.map(({ text }) => text),
    client.tracking?.prefixes ?? [],
  );
}

function overlap(prefixes: readonly string[], existing: readonly string[]): ReplyError | undefined {
  const overlaps = (one: string, other: string): boolean => one.startsWith(other) || other.startsWith(one);
  const text = (one: string, what: string, other: string): ReplyError =>
    new ReplyError(
      `ERR Prefix '${one}' overlaps with ${what} '${other}'. Prefixes for a single client must not overlap.`,
    );
  for (const [index, prefix] of prefixes.entries()) {
    const old = existing.find((other) => overlaps(prefix, other));
    if (old !== undefined) return text(prefix, "an existing prefix", old);
    const other = prefixes.slice(index + 1).find((each) => overlaps(prefix, each));
    if (other !== undefined) return text(prefix, "another provided prefix", other);
  }
  return undefined;
}

/** Answers `CLIENT CACHING (YES | NO)`. */
export function clientCaching({ connection, engine, words }: HostCall): ReplyValue {
  const current = engine.events.tracking(connection);
  if ((current & (Tracking.OptIn | Tracking.OptOut)) === 0) {
    return new ReplyError(
      "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
    );
  }
  const word = words[1]?.toUpperCase();
  if (word !== "YES" && word !== "NO") return SYNTAX;
  const needed = word === "YES" ? Tracking.OptIn : Tracking.OptOut;
  if ((current & needed) === 0) {
    const mode = word === "YES" ? "OPTIN" : "OPTOUT";
    return new ReplyError(`ERR CLIENT CACHING ${word} is only valid when tracking is enabled in ${mode} mode.`);
  }
  engine.events.setCaching(connection);
  return OK;
}

/** Answers `CLIENT GETREDIR`: -1 without tracking, 0 without redirection. */
export function clientGetRedirection({ client, connection, engine }: HostCall): ReplyValue {
  return engine.events.tracking(connection) === 0 ? -1 : (client.tracking?.redirect ?? 0);
}

/** Answers `CLIENT TRACKINGINFO`. */
export function clientTrackingFacts(call: HostCall): HostReply {
  const { client, connection, engine } = call;
  const current = engine.events.tracking(connection);
  const has = (flag: Tracking): boolean => (current & flag) !== 0;
  const flags = [current === 0 ? "off" : "on"];
  if (has(Tracking.Broadcast)) flags.push("bcast");
  if (has(Tracking.OptIn)) flags.push("optin", ...(has(Tracking.Caching) ? ["caching-yes"] : []));
  if (has(Tracking.OptOut)) flags.push("optout", ...(has(Tracking.Caching) ? ["caching-no"] : []));
  if (has(Tracking.NoLoop)) flags.push("noloop");
  if (has(Tracking.Broken)) flags.push("broken_redirect");
  return {
    flags: flags,
    redirect: clientGetRedirection(call),
    prefixes: [...(client.tracking?.prefixes ?? [])],
  };
}
