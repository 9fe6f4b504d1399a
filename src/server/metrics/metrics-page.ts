// GET /metrics: who may read it, and what they get. With a password it is asked for, in the two ways that Prometheus can
// send one (`basic_auth` with the user default, `authorization` with a bearer token), unless `--open-metrics` says not
// to. The check is the one of AUTH, slow for a wrong password and at once for the right one.

import type { IncomingMessage } from "node:http";
import type { PasswordCheck } from "../../host/host-facts.ts";
import type { ServerMetrics } from "./server-metrics.ts";

/** An answer of the HTTP side. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

const TEXT = "text/plain; charset=utf-8";

/** Answers scrapes. */
export class MetricsPage {
  constructor(
    private readonly metrics: ServerMetrics,
    private readonly password: PasswordCheck,
    private readonly isOpen: boolean,
  ) {}

  async answer(request: IncomingMessage): Promise<Answer> {
    const refusal = await this.refusal(request);
    return refusal ?? { status: 200, type: this.metrics.contentType, body: await this.metrics.text() };
  }

  private async refusal(request: IncomingMessage): Promise<Answer | undefined> {
    if (this.isOpen || !this.password.required) return undefined;
    const candidate = passwordOf(request.headers.authorization);
    if (candidate === undefined) return unauthorized("a password is asked for: Authorization: Basic or Bearer");
    switch (await this.password.check(candidate, () => !request.socket.destroyed)) {
      case "right":
        return undefined;
      case "wrong":
        return unauthorized("the password is wrong");
      case "busy":
        return { status: 503, type: TEXT, body: "too many clients authenticate at the same time\n" };
    }
  }
}

function unauthorized(reason: string): Answer {
  const headers = { "www-authenticate": 'Basic realm="nearkey", charset="UTF-8"' };
  return { status: 401, type: TEXT, body: `${reason} (--open-metrics opens /metrics to everybody)\n`, headers };
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
