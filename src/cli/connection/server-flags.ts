// Which server a command talks to: the flag, its environment variable, and what an address may look like. A password is
// never a flag: whoever lists the processes would read it.

import { type Command, InvalidArgumentError, Option } from "commander";

/** What commander reads. */
export interface ServerFlags {
  /** `ws:` or `wss:`, complete. */
  readonly url: string;
}

const DEFAULT_URL = "ws://127.0.0.1:7379/";
const SCHEMES: Readonly<Record<string, string>> = { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" };

/** What every command that talks to a server says below its own help. */
export const ENVIRONMENT_HELP = `
Environment:
  NEARKEY_URL          the server, when --url is not given
  NEARKEY_PASSWORD     its password; without it a terminal is asked when the server wants one
  NODE_EXTRA_CA_CERTS  a file of certificates to trust, for wss:// with an authority of one's own`;

/** Adds the flag that names a server. */
export function addServerFlags(command: Command): Command {
  return command.addOption(
    new Option("--url <address>", "the server's WebSocket address")
      .env("NEARKEY_URL")
      .argParser(serverUrl)
      .default(DEFAULT_URL, "ws://127.0.0.1:7379"),
  );
}

/**
 * Completes an address: `cache:7379` and `http://…` mean what a person means by them.
 *
 * @throws InvalidArgumentError
 */
export function serverUrl(text: string): string {
  if (text === "") return DEFAULT_URL;
  try {
    const url = new URL(text.includes("://") ? text : `ws://${text}`);
    const scheme = SCHEMES[url.protocol];
    if (scheme === undefined || url.username !== "" || url.password !== "") throw new TypeError("no such address");
    return `${scheme}//${url.host}${url.pathname}${url.search}`;
  } catch {
    throw new InvalidArgumentError(
      "It takes an address such as ws://127.0.0.1:7379, without user and password (NEARKEY_PASSWORD is for that).",
    );
  }
}

/** Host and port, as a prompt or a message names them. */
export function shownAddress(url: string): string {
  return new URL(url).host;
}

/** The address of a server's HTTP side. */
export function httpUrl(url: string, path: string): URL {
  return new URL(path, url.replace(/^ws/, "http"));
}
