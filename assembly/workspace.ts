// The last 64 KiB of the scratch belong to leaf functions (numbers, filters), so that a command may call them while
// its own working space lies before it.

import { SCRATCH_BASE, SCRATCH_BYTES } from "./layout";

export const WORKSPACE_BYTES: u32 = 0x10000;
export const WORKSPACE_BASE: u32 = SCRATCH_BASE + SCRATCH_BYTES - WORKSPACE_BYTES;
