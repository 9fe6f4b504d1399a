// The engine's clock: expired keys and freed memory are worked off a bounded piece at a time, ten times a second, and
// without a pause while more waits. Between two pieces the event loop serves its sockets. No timer keeps a process
// alive: an immediate that does not is run only when the loop turns for another reason, so a timer of a millisecond
// stands beside it for a loop that has nothing else to do.

/** How often the engine is called when it has nothing left to do, milliseconds. */
const TICK_MS = 100;

/** How long an idle loop rests between two pieces, milliseconds. */
const REST_MS = 1;

/**
 * Calls `tick` regularly, and again at once while it answers true.
 *
 * @param failed called when `tick` throws; ticking stops then
 * @returns a function that stops it
 */
export function startTicking(tick: (nowMs: number) => boolean, failed: (error: unknown) => void): () => void {
  let next: NodeJS.Immediate | undefined;
  let soon: NodeJS.Timeout | undefined;
  const forget = (): void => {
    clearImmediate(next);
    clearTimeout(soon);
  };
  const stop = (): void => {
    clearInterval(timer);
    forget();
  };
  const run = (): void => {
    forget();
    try {
      if (!tick(Date.now())) return;
      next = setImmediate(run).unref();
      soon = setTimeout(run, REST_MS).unref();
    } catch (error) {
      stop();
      failed(error);
    }
  };
  const timer = setInterval(run, TICK_MS).unref();
  return stop;
}
