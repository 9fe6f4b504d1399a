// The password of an HTTP request, for the pages that ask for one: in the two ways that programs can send it, with the check
// of AUTH, slow for a wrong password and at once for the right one.

import type { IncomingMessage } from "node:http";
import type { PasswordCheck } from "../host/host-facts.ts";

/** An answer of the HTTP side. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Text for people. */
export const TEXT = "text/plain; charset=utf-8";

/**
 * Why a request is refused; undefined when it has the password, or none is asked for.
 *
 * @param hint said behind the reason
 */
export async function passwordRefusal(
  password: PasswordCheck,
  request: IncomingMessage,
  hint = "",
): Promise<Answer | undefined> {
  if (!password.required) return undefined;
  const candidate = passwordOf(request.headers.authorization);
  if (candidate === undefined) return unauthorized(`a password is asked for: Authorization: Basic or Bearer${hint}`);
  switch (await password.check(candidate, () => !request.socket.destroyed)) {
    case "right":
      return undefined;
    case "wrong":
      return unauthorized(`the password is wrong${hint}`);
    case "busy":
      return { status: 503, type: TEXT, body: "too many clients authenticate at the same time\n" };
  }
}

function unauthorized(reason: string): Answer {
  const headers = { "www-authenticate": 'Basic realm="nearkey", charset="UTF-8"' };
  return { status: 401, type: TEXT, body: `${reason}\n`, headers };
}

/** The password of `Basic <base64 of default:password>` or `Bearer <password>`; the user may be left empty. */
function passwordOf(authorization: string | undefined): Buffer | undefined {
  const [, scheme = "", credentials = ""] = /^(\w+) +(.*)$/.exec(authorization ?? "") ?? [];
  if (scheme.toLowerCase() === "bearer") return Buffer.from(credentials, "latin1");
  if (scheme.toLowerCase() !== "basic") return undefined;
  const pair = Buffer.from(credentials, "base64");
  const colon = pair.indexOf(":");
  const user = pair.toString("utf8", 0, Math.max(colon, 0));
  return colon >= 0 && (user === "default" || user === "") ? pair.subarray(colon + 1) : undefined;
}
