// Comparing passwords without telling, by the time it takes, how much of a guess was right: both sides are hashed,
// so that length does not show either, and the digests are compared in constant time.

import { createHash, timingSafeEqual } from "node:crypto";

/** Makes the check for one password; the returned function takes a candidate's bytes. */
export function passwordCheck(password: string): (candidate: Uint8Array) => boolean {
  const wanted = createHash("sha256").update(password, "utf8").digest();
  return (candidate) => timingSafeEqual(createHash("sha256").update(candidate).digest(), wanted);
}
