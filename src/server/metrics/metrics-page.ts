// GET /metrics: who may read it, and what they get. With a password it is asked for, in the two ways that Prometheus can
// send one (`basic_auth` with the user default, `authorization` with a bearer token), unless `--open-metrics` says not
// to.

import type { IncomingMessage } from "node:http";
import type { PasswordCheck } from "../../host/host-facts.ts";
import { type Answer, passwordRefusal } from "../http-password.ts";
import type { ServerMetrics } from "./server-metrics.ts";

/** Answers scrapes. */
export class MetricsPage {
  constructor(
    private readonly metrics: ServerMetrics,
    private readonly password: PasswordCheck,
    private readonly isOpen: boolean,
  ) {}

  async answer(request: IncomingMessage): Promise<Answer> {
    const hint = " (--open-metrics opens /metrics to everybody)";
    const refusal = this.isOpen ? undefined : await passwordRefusal(this.password, request, hint);
    return refusal ?? { status: 200, type: this.metrics.contentType, body: await this.metrics.text() };
  }
}
