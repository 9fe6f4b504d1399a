// All commands of sorted sets, for the command table.

import { registerSortedSetBlocking } from "./sorted-set-blocking";
import { registerSortedSetAdd } from "./sorted-set-add";
import { registerSortedSetOperations } from "./sorted-set-operations";
import { registerSortedSetRanges } from "./sorted-set-ranges";
import { registerSortedSetRemoval } from "./sorted-set-removal";
import { registerSortedSetSampling } from "./sorted-set-sampling";
import { registerSortedSets } from "./sorted-sets";

export function registerSortedSetCommands(): void {
  registerSortedSets();
  registerSortedSetAdd();
  registerSortedSetRanges();
  registerSortedSetRemoval();
  registerSortedSetBlocking();
  registerSortedSetOperations();
  registerSortedSetSampling();
}
