// A timer that goes on as long as there is anything to do: under load nothing is set or called off for it, and without
// any it does not run.

import type { LogHost } from "./log-options.ts";

/** Calls a function every so often until it has had nothing to do. */
export class RepeatedTimer {
  private cancel: (() => void) | undefined;

  /** @param run answers whether there was anything to do */
  constructor(
    private readonly host: Pick<LogHost, "after">,
    private readonly everyMs: number,
    private readonly run: () => boolean,
  ) {}

  /** Starts it, unless it runs. */
  start(): void {
    this.cancel ??= this.host.after(this.everyMs, this.tick);
  }

  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }

  private readonly tick = (): void => {
    this.cancel = undefined;
    if (this.run()) this.start();
  };
}
