// The commands on streams.

import { setStreamBlocks } from "../../memory/settings";
import { startGroup } from "../../protocol/catalog";
import { registerClaims } from "./claims";
import { registerPending } from "./pending-commands";
import { registerStreamReads } from "./stream-reads";
import { registerStreamWrites } from "./stream-writes";
import { registerXGroup } from "./xgroup";
import { registerXInfo } from "./xinfo";
import { registerXRead } from "./xread";
import { registerXReadGroup } from "./xreadgroup";

/** Most bytes and entries of a block until the host says otherwise, as Redis has them. */
const BLOCK_BYTES: u32 = 4096;
const BLOCK_ENTRIES: u32 = 100;

export function registerStreams(): void {
  setStreamBlocks(BLOCK_BYTES, BLOCK_ENTRIES);
  startGroup("stream");
  registerStreamWrites();
  registerStreamReads();
  registerXRead();
  registerXReadGroup();
  registerXGroup();
  registerPending();
  registerClaims();
  registerXInfo();
}
