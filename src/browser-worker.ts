// The script of the worker that `open` starts in a browser.

import { WorkerHost, type WorkerScope } from "./browser/worker-host.ts";

new WorkerHost(globalThis as unknown as WorkerScope);
