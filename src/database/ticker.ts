// The engine's clock: expired keys and freed memory are worked off a bounded piece at a time, ten times a second, and
// without a pause while more waits. Between two pieces the event loop serves its sockets. Neither timer keeps a
// process alive.

/** How often the engine is called when it has nothing left to do, milliseconds. */
const TICK_MS = 100;

/**
 * Calls `tick` regularly, and again at once while it answers true.
 *
 * @param failed called when `tick` throws; ticking stops then
 * @returns a function that stops it
 */
export function startTicking(tick: (nowMs: number) => boolean, failed: (error: unknown) => void): () => void {
  let soon: NodeJS.Immediate | undefined;
  const stop = (): void => {
    clearInterval(timer);
    clearImmediate(soon);
  };
  const run = (): void => {
    clearImmediate(soon);
    soon = undefined;
    try {
      if (tick(Date.now())) soon = setImmediate(run).unref();
    } catch (error) {
      stop();
      failed(error);
    }
  };
  const timer = setInterval(run, TICK_MS).unref();
  return stop;
}
