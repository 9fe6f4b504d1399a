// `optimize` of a vector set: one command that asks for the work, and questions until it is done, because ticks do it a
// small step at a time.

import type { Argument, Reply } from "../resp.ts";
import type { Mode } from "./database-methods.ts";
import { type Operation, single } from "./operations.ts";
import { quantizationWords } from "./vector-operations.ts";
import { checkChanges, type Quantization, type VectorSettings } from "./vector-options.ts";
import type { VectorPort } from "./vectors.ts";

/** What `optimize` changes beside the order. */
export interface OptimizeOptions {
  /** How searches read vectors from now on. Default as it is. Needs the originals. */
  quantization?: Quantization | undefined;
  /** `false` drops the float32 vectors for good, once there are codes. */
  keepOriginals?: boolean | undefined;
}

/** How long to wait between two questions, in milliseconds. */
const ASK_AGAIN_MS = 20;

/** Optimizes a set; answers what its settings are then. */
export async function optimizeSet(
  port: VectorPort<Mode>,
  set: VectorSettings,
  options: OptimizeOptions,
): Promise<VectorSettings> {
  checkChanges(set, options);
  const { quantization = set.quantization, keepOriginals = set.keepOriginals } = options;
  const command: Argument[] = ["VOPTIMIZE", set.name];
  if (quantization !== set.quantization) command.push(quantizationWords[quantization]);
  if (!keepOriginals) command.push("NOORIGINALS");
  await port.runAll([single(command, () => undefined)]);
  while ((await port.runAll([isOptimizing(set)])).includes(true)) {
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
  return { ...set, quantization, keepOriginals };
}

function isOptimizing(set: VectorSettings): Operation<boolean> {
  return single(["VINFO", set.name], (reply) => Boolean((reply as Record<string, Reply> | null)?.optimizing));
}
