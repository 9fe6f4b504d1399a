// What a running call leaves to others: nodes of vector sets, which workers link, and searches, which they do while the connection
// rests. In the build for plain memory there are no workers, and all of this says no.
//
// A VADD that comes with others leaves its node, and the replies of the call wait for the links; so does whatever follows on the
// connection and might see that they are missing. To its client everything is as if VADD had linked the node, only sooner.

import { CommandFlag, Outcome } from "../layout";
import { inlineNs } from "../memory/thread-searches";
import { beginLeaving, hasLeftNodes } from "../memory/threads";
import { Command } from "./catalog";
import { groupCount } from "./group";

/** Commands parsed together from which on a VADD among them comes in a pipeline: so few are linked sooner than workers wake. */
const PIPELINE_MIN: u32 = 4;

/** Whether commands run that a client has sent, not those of a transaction, a script or the log. */
let inCall: bool = false;
let leavable: bool = false;
let left: bool = false;

/** A call with commands of a client begins. */
@inline
export function beginCall(): void {
  if (!ASC_FEATURE_THREADS) return;
  inCall = true;
  left = false;
  leavable = false;
  beginLeaving();
}

/** How a call ends that came to its end with this. */
@inline
export function outcomeOfCall(outcome: Outcome): Outcome {
  if (!ASC_FEATURE_THREADS) return outcome;
  inCall = false;
  const goesOn = outcome == Outcome.Done || outcome == Outcome.Yield || isToBeRepeated(outcome);
  return goesOn && hasLeftNodes() ? Outcome.Links : outcome;
}

/** Whether the command that ended a call has not run, and the next call begins with it. */
@inline
export function isToBeRepeated(outcome: Outcome): bool {
  return outcome == Outcome.LogFull || outcome == Outcome.Paused || (ASC_FEATURE_THREADS && outcome == Outcome.Links);
}

/** What may see that links are missing, or what its host does with them. */
const SEES_LINKS: u32 = CommandFlag.Host | CommandFlag.ReadsGraph | CommandFlag.EndsGroup | CommandFlag.Blocking;

/** Whether a command must wait until the nodes that the call has left are linked. */
@inline
export function waitsForLinks(command: Command, isExecuting: bool): bool {
  return hasLeftNodes() && !isExecuting && (<u32>command.flags & SEES_LINKS) != 0;
}

/** Whether the VADD that runs came with others, so that its node may be left to workers. */
export function isPipelined(isExecuting: bool): bool {
  return ASC_FEATURE_THREADS && inCall && !isExecuting && (groupCount >= PIPELINE_MIN || hasLeftNodes());
}

/** Says whether the next command may leave itself to the host. */
@inline
export function allowLeaving(yes: bool): void {
  leavable = ASC_FEATURE_THREADS && inCall && yes;
}

/** True when the running command, which takes so many ns, may leave itself to the host, and then it has. */
export function leaveToHost(ns: f64): bool {
  if (!ASC_FEATURE_THREADS || !leavable) return false;
  const most = inlineNs();
  left = most != 0 && ns > <f64>most;
  return left;
}

/** Whether the command that ran has left itself to the host; asked once. */
@inline
export function hasLeft(): bool {
  const had = left;
  left = false;
  return had;
}
