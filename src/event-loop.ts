// Lets the event loop go on between two slices of long work: setImmediate where there is one, else a message to
// oneself, since browsers stretch a chain of timers to 4 ms each.

/** Resolves after the event loop has served what was waiting. */
export function pause(): Promise<void> {
  if (typeof setImmediate === "function") return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
