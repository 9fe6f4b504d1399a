// A command's way to its server: the client with the `ws` library (whose errors say why), the password from the
// environment or, when the server asks for one, from the terminal, and messages that say what to do next.

import { WebSocket } from "ws";
import { type Client, type ConnectOptions, connect, type WebSocketClass } from "../../client.ts";
import { NearkeyError } from "../../errors.ts";
import { askPassword } from "../password-prompt.ts";

/**
 * Connects, and asks for a password when one is missing and a person is there.
 *
 * @throws NearkeyError with a message that says what to do
 */
export async function connectToServer(url: string, options: ConnectOptions = {}): Promise<Client> {
  return serverConnector(url)(options);
}

/** As `connectToServer`, for several connections to one server: it asks for a password once. */
export function serverConnector(url: string): (options: ConnectOptions) => Promise<Client> {
  let known: { readonly password: string | undefined } | undefined;
  return (options) => {
    const attempt = async (password: string | undefined): Promise<Client> => {
      const socket = { WebSocket: WebSocket as unknown as WebSocketClass };
      const client = await connect(url, { ...options, password, ...socket });
      known = { password };
      return client;
    };
    return known === undefined ? withPassword(url, attempt) : attempt(known.password);
  };
}

/**
 * Runs an attempt with the password of the environment, and once more with one from the terminal when the server asks
 * for one that the environment does not have.
 *
 * @throws NearkeyError with a message that says what to do
 */
export async function withPassword<T>(url: string, attempt: (password: string | undefined) => Promise<T>): Promise<T> {
  const known = process.env.NEARKEY_PASSWORD || undefined;
  try {
    return await attempt(known);
  } catch (error) {
    if (!needsPassword(error) || known !== undefined || !process.stdin.isTTY) throw advised(error, url);
  }
  const typed = await askPassword(`password for ${url}: `);
  return attempt(typed).catch((error) => {
    throw advised(error, url);
  });
}

function needsPassword(error: unknown): boolean {
  return error instanceof NearkeyError && error.code === "authentication-required";
}

/** The same error in words that say what a person at a shell can do. */
export function advised(error: unknown, url: string): unknown {
  if (!(error instanceof NearkeyError)) return error;
  const text = adviceFor(error, url);
  return text === undefined ? error : new NearkeyError(error.code, text, { cause: error });
}

function adviceFor(error: NearkeyError, url: string): string | undefined {
  switch (error.code) {
    case "connection-failed":
      return connectionAdvice(error.message.replace(/^cannot connect to \S+: /, ""), url);
    case "authentication-required":
      return `the server at ${url} asks for a password: set NEARKEY_PASSWORD`;
    case "wrong-password":
      return `the server at ${url} refused the password: check NEARKEY_PASSWORD`;
    default:
      return undefined;
  }
}

function connectionAdvice(reason: string, url: string): string {
  if (/self[- ]signed certificate|unable to (get|verify)\b.*(issuer|certificate)/.test(reason)) {
    return (
      `the certificate of the server at ${url} is not trusted (${reason}): ` +
      "name the file of its authority (PEM) in NODE_EXTRA_CA_CERTS"
    );
  }
  if (url.startsWith("ws:") && reason.includes("socket hang up")) {
    return `the server at ${url} ended the connection (${reason}): if it speaks TLS, write wss:// in --url or NEARKEY_URL`;
  }
  return (
    `no server answers at ${url} (${reason}): ` +
    "start one with nearkey serve, or name another with --url or NEARKEY_URL"
  );
}
