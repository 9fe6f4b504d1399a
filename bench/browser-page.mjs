// The page of the browser's benchmark: lends the workload to the one who drives it.

import { open } from "nearkey";
import { inPage, inWorker, prepare } from "./browser-workload.mjs";

const sides = {};

globalThis.bench = {
  /** Opens the engine in the page and in a worker; the seconds that building both graphs took. */
  async prepare(settings, lengths) {
    const [vectors, queries] = await Promise.all(
      lengths.map(async (name) => new Float32Array(await (await fetch(name)).arrayBuffer())),
    );
    const workload = { ...settings, vectors, queries };
    sides.page = { prepared: await prepare((options) => open({ ...options, worker: false }), workload), ...inPage };
    sides.worker = { prepared: await prepare(open, workload), ...inWorker };
    return { page: sides.page.prepared.buildSeconds, worker: sides.worker.prepared.buildSeconds };
  },
  run(side, test, operations, seed) {
    return sides[side][test](sides[side].prepared, operations, seed);
  },
};
