// VADD, VREM and VSETATTR, and the registration of all commands of vector sets. Argument forms, defaults, replies and
// error texts are those of Redis 8, where it has them.

import { ConnectionMode } from "../../connection-layout";
import { CommandFlag } from "../../layout";
import { argumentAddress, argumentBytes, argumentCount, isArgumentPaged, readArgument } from "../../protocol/arguments";
import { answeredByHost, register, startGroup } from "../../protocol/catalog";
import { replyArity } from "../../protocol/command-error";
import { hasMode } from "../../protocol/connection";
import { addWork, connection, findArgument, hashOfArgument } from "../../protocol/dispatch";
import { isPipelined } from "../../protocol/left-work";
import { Metric } from "../../kernels/distance";
import {
  addDistances,
  createSet,
  DISTANCES_OF_DESCENT,
  expireElement,
  findElement,
  findNamed,
  isDead,
  isVectorSet,
  liveSlot,
  nameElement,
  removeElement,
  setOf,
  workOfUnlinking,
} from "./elements";
import { admit, admitReplacement } from "../../keyspace/eviction";
import { linkNode } from "../../vectors/hnsw-insert";
import { unlinkNode } from "../../vectors/hnsw-delete";
import { ATTRIBUTES_EXPANSION, encodeAttributes } from "../../text/json";
import { clock, database, findKey, noteChange, pin, removeKey, shardOf } from "../../keyspace/keyspace";
import { isOriginal, storeVector } from "../../vectors/original";
import { holdSearches } from "../../memory/thread-searches";
import { leaveToPool } from "../../memory/threads";
import { replyBoolean, replyError, replyNoMemory, replyWrongType } from "../../protocol/reply";
import { slotEntry } from "../../memory/table";
import { removeAttributes, setAttributes } from "../../vectors/attribute-changes";
import { pagesToIndex } from "../../vectors/field-changes";
import { ATTRIBUTES_BYTES_MAX, jsonBytes } from "../../vectors/vector-attributes";
import { deathOf, pagesForDeaths, setDeath } from "../../vectors/upkeep/deaths";
import {
  givenDimensions,
  givenNorm,
  isReduced,
  nextArgument,
  readDimensions,
  readVector,
  reduceVector,
  specifyVector,
} from "./vector-argument";
import { vDim, vCard, vEmb, vGetAttr, vInfo, vIsMember, vLinks, vRandMember } from "./vector-inspection";
import {
  growMarks,
  missingMarkPages,
  PROGRAM_BASE,
  PROGRAM_BYTES,
  QUERY_BASE,
  SECOND_VECTOR_BASE,
} from "../../vectors/vector-scratch";
import { recordArguments } from "../../protocol/recording";
import { recordElement } from "./vector-record";
import { registerVectorIndexes } from "./vector-indexes";
import { vSim } from "./vector-query";
import {
  agrees,
  askedDeath,
  askedEf,
  askedM,
  askedMetric,
  askedQuantization,
  attributesArgument,
  deathArgument,
  dropsVectors,
  askedReduction,
  keepsDeath,
  mayReduce,
  parseAddOptions,
  parseReduction,
} from "./add-options";
import { registerVectorExpiry } from "./vector-expiry";
import { registerVectorOptimize } from "./vector-optimize";
import { codeSome, isAboutToCode, lookAtRange, pagesToCode, startCoding } from "../../vectors/coding";
import {
  Coding,
  drawLevel,
  nodeAt,
  NONE,
  pagesForNode,
  setGivenDimensions,
  takeNode,
  VectorSet,
} from "../../vectors/vectorset";

const M_DEFAULT: u32 = 16;
const EF_CONSTRUCTION_DEFAULT: u32 = 200;
/** Pages of a set's own cell, its keyspace entry, and what `pagesForNode` and `pagesForDeaths` would say of an empty one. */
const NEW_SET_PAGES: u32 = 18;

function refuse(words: string): bool {
  replyError(words);
  return false;
}

// ---- attributes of the running command: JSON at SECOND_VECTOR_BASE, binary form at PROGRAM_BASE

let givenJsonBytes: u32 = 0;
let givenBinaryBytes: u32 = 0;

/** Reads attributes from an argument; false after replying that they are too long. What is no JSON object matches no filter. */
function readAttributes(index: u32): bool {
  givenJsonBytes = argumentBytes(index);
  givenBinaryBytes = 0;
  if (givenJsonBytes <= PROGRAM_BYTES / ATTRIBUTES_EXPANSION) {
    readArgument(index, 0, SECOND_VECTOR_BASE, givenJsonBytes);
    const encoded = encodeAttributes(SECOND_VECTOR_BASE, givenJsonBytes, PROGRAM_BASE, PROGRAM_BYTES);
    givenBinaryBytes = <u32>max(encoded, 0);
    if (givenJsonBytes + givenBinaryBytes <= ATTRIBUTES_BYTES_MAX) return true;
  }
  return refuse("ERR attributes are too long, they and their parsed form may have 65528 bytes");
}

function storeAttributes(set: VectorSet, id: u32): void {
  if (givenJsonBytes == 0) removeAttributes(set, id);
  else setAttributes(set, id, SECOND_VECTOR_BASE, givenJsonBytes, PROGRAM_BASE, givenBinaryBytes);
}

// ---- VADD

/** The running VADD gives the set the last vector that codes wait for, and there is room for them. */
let willCode: bool = false;

/**
 * Makes room for what a VADD may take; the set may not be there. Keyspace entries may move, sets do not. Another vector
 * for an element takes no memory, so that it goes at the limit too: what was overwritten can always be put back.
 */
function admitElement(slot: usize, element: u32): bool {
  willCode = false;
  let pages = NEW_SET_PAGES;
  let ids: u32 = 1;
  if (slot != 0) {
    const set = setOf(slotEntry(slot));
    pin(slotEntry(slot));
    const id = findElement(set, element);
    if (id != NONE) return admitChange(set, id) || refuseMemory();
    pages = pagesForNode(set) + pagesToIndex(set, attributesArgument == 0 ? 0 : argumentBytes(attributesArgument));
    if (askedDeath != 0) pages += pagesForDeaths(set, 1);
    ids = set.idsUsed + 1;
  }
  const marks = missingMarkPages(ids);
  // Where there is no room for codes the set goes on without.
  const codes = slot != 0 && isAboutToCode(setOf(slotEntry(slot))) ? pagesToCode(setOf(slotEntry(slot))) : 0;
  willCode = codes != 0 && admit(pages + marks + codes);
  if (!willCode && !admit(pages + marks)) return refuseMemory();
  growMarks(ids);
  return true;
}

/** Makes room for what a VADD changes of an element beside its vector. */
function admitChange(set: VectorSet, id: u32): bool {
  if (askedDeath != 0 && !admit(pagesForDeaths(set, 1))) return false;
  return attributesArgument == 0 || admitAttributes(set, id, attributesArgument);
}

/** Makes room for the attributes in an argument; an empty text takes those of the element away. */
function admitAttributes(set: VectorSet, id: u32, index: u32): bool {
  if (argumentBytes(index) == 0) return true;
  const cell = <usize>nodeAt(set, id).attributes;
  const indexes = pagesToIndex(set, argumentBytes(index));
  if (indexes == 0 && cell != 0 && argumentBytes(index) <= jsonBytes(cell)) return admitReplacement();
  return admit(1 + indexes);
}

function refuseMemory(): bool {
  replyNoMemory();
  return false;
}

function vAdd(): void {
  const vector = parseReduction();
  if (vector == 0 || !specifyVector(vector)) return;
  const element = nextArgument;
  if (element >= argumentCount) {
    replyArity();
    return;
  }
  if (!parseAddOptions(element + 1)) return;
  if (isArgumentPaged(element)) {
    replyError("ERR element name is too long");
    return;
  }
  const hash = hashOfArgument(1);
  const slot = liveSlot(findKey(argumentAddress(1), argumentBytes(1), hash), hash);
  if (slot != 0 && !isVectorSet(slotEntry(slot))) {
    replyWrongType();
    return;
  }
  if (slot != 0 && !agrees(setOf(slotEntry(slot)))) return;
  if (slot == 0 && !mayReduce(givenDimensions)) return;
  if (slot == 0) reduceVector(askedReduction);
  if (slot != 0) expireNamed(setOf(slotEntry(slot)), element);
  if (!admitElement(slot, element)) return;
  const metric = slot != 0 ? setOf(slotEntry(slot)).metric : askedMetric == NONE ? Metric.Cosine : askedMetric;
  if (!readVector(QUERY_BASE, metric)) return;
  if (attributesArgument != 0 && !readAttributes(attributesArgument)) return;
  if (deathArgument != 0 && askedDeath <= clock) {
    replyBoolean(!removeNamed(hash, element));
    return;
  }
  const ef = askedEf != 0 ? askedEf : EF_CONSTRUCTION_DEFAULT;
  const coding = askedQuantization == NONE ? Coding.Int8 : askedQuantization;
  const found = findKey(argumentAddress(1), argumentBytes(1), hash);
  const set =
    found != 0
      ? setOf(slotEntry(found))
      : createSet(hash, readDimensions(), metric, askedM == 0 ? M_DEFAULT : askedM, ef, coding, dropsVectors);
  if (found == 0 && isReduced()) setGivenDimensions(set, givenDimensions);
  noteChange(hash);
  theHash = hash;
  replyBoolean(putElement(set, element, askedEf != 0 ? askedEf : set.efConstruction, found == 0));
}

/** Hash of the key of the running VADD. */
let theHash: u64 = 0;

/** Removes the element that an argument names if it is dead: what comes is a new one. Others live. */
function expireNamed(set: VectorSet, element: u32): void {
  const id = findNamed(set, element);
  if (id != NONE && isDead(set, id)) expireElement(set, id, database, argumentAddress(1), argumentBytes(1));
}

/** Removes the element that an argument names, which would be dead at once; false when there is none. */
function removeNamed(hash: u64, element: u32): bool {
  const slot = findKey(argumentAddress(1), argumentBytes(1), hash);
  if (slot == 0) return false;
  const set = setOf(slotEntry(slot));
  const id = findElement(set, element);
  if (id == NONE) return false;
  addWork(workOfUnlinking(set));
  noteChange(hash);
  expireElement(set, id, database, argumentAddress(1), argumentBytes(1));
  if (set.count == 0) removeKey(shardOf(hash), slot, hash);
  return true;
}

/** Adds the element, or gives it another vector; true when it is new. `creates`: the set is new, too. */
function putElement(set: VectorSet, element: u32, ef: u32, creates: bool): bool {
  let id = findElement(set, element);
  const added = id == NONE;
  if (added) {
    holdSearches();
    recordElement(set, element, creates);
    id = takeNode(set, drawLevel(set));
    nameElement(set, id, element);
    storeVector(set, id, QUERY_BASE, givenNorm);
    codeSome(set);
    if (attributesArgument != 0) storeAttributes(set, id);
    setDeath(set, id, askedDeath, theHash);
    linkOrLeave(set, id, ef);
    if (willCode) startCoding(set);
    else lookAtRange(set);
    return true;
  }
  if (attributesArgument != 0) storeAttributes(set, id);
  const stays = isOriginal(set, id, QUERY_BASE, givenNorm, SECOND_VECTOR_BASE);
  const death = keepsDeath ? deathOf(set, id) : askedDeath;
  if (!stays || attributesArgument != 0 || death != deathOf(set, id)) recordElement(set, element, false);
  setDeath(set, id, death, theHash);
  if (stays) return false;
  addDistances(set, DISTANCES_OF_DESCENT + ef * 16);
  addWork(workOfUnlinking(set));
  unlinkNode(set, id);
  storeVector(set, id, QUERY_BASE, givenNorm);
  codeSome(set);
  linkNode(set, id, ef);
  lookAtRange(set);
  return false;
}

/** Links a new node, or leaves that to a worker. */
function linkOrLeave(set: VectorSet, id: u32, ef: u32): void {
  const pipelined = isPipelined(hasMode(connection, ConnectionMode.Executing));
  if (set.entry != NONE && leaveToPool(changetype<usize>(set), id, ef, pipelined)) {
    addWork(set.vectorBytes >> 7);
    return;
  }
  addDistances(set, DISTANCES_OF_DESCENT + ef * 16);
  linkNode(set, id, ef);
}

// ---- VREM, VSETATTR

/** The set of a writing command, 0 after replying that there is none (as false) or that the key holds something else. */
function writtenSet(): usize {
  const slot = liveSlot(findArgument(1), hashOfArgument(1));
  if (slot == 0) {
    replyBoolean(false);
    return 0;
  }
  if (isVectorSet(slotEntry(slot))) return changetype<usize>(setOf(slotEntry(slot)));
  replyWrongType();
  return 0;
}

function vRem(): void {
  const address = writtenSet();
  if (address == 0) return;
  const set = changetype<VectorSet>(address);
  const id = findNamed(set, 2);
  if (id == NONE) {
    replyBoolean(false);
    return;
  }
  const lives = !isDead(set, id);
  addWork(workOfUnlinking(set));
  removeElement(set, id);
  noteChange(hashOfArgument(1));
  recordArguments("VREM");
  if (set.count == 0) {
    const hash = hashOfArgument(1);
    removeKey(shardOf(hash), findKey(argumentAddress(1), argumentBytes(1), hash), hash);
  }
  replyBoolean(lives);
}

function vSetAttr(): void {
  const address = writtenSet();
  if (address == 0) return;
  const set = changetype<VectorSet>(address);
  const id = findElement(set, 2);
  if (id == NONE) {
    replyBoolean(false);
    return;
  }
  pin(slotEntry(findArgument(1)));
  if (!admitAttributes(set, id, 3)) {
    replyNoMemory();
    return;
  }
  if (!readAttributes(3)) return;
  storeAttributes(set, id);
  noteChange(hashOfArgument(1));
  recordArguments("VSETATTR");
  replyBoolean(true);
}

export function registerVectors(): void {
  const read = CommandFlag.ReadOnly;
  const quick = CommandFlag.ReadOnly | CommandFlag.Fast;
  const write = CommandFlag.Write;
  const grow = CommandFlag.Write | CommandFlag.DenyOom;
  startGroup("vector_set");
  register("VADD", -5, grow, 1, 1, 1, vAdd, "8.0.0", "Adds an element with its vector, or changes its vector.");
  const summary = "Adds many elements, all of them or none, while others are served.";
  register("VADDMANY", -7, grow | CommandFlag.Host, 1, 1, 1, answeredByHost, "8.0.0", summary);
  register(
    "VSIM",
    -4,
    read | CommandFlag.ReadsGraph,
    1,
    1,
    1,
    vSim,
    "8.0.0",
    "Answers the elements nearest to a vector or to an element.",
  );
  register("VREM", 3, write, 1, 1, 1, vRem, "8.0.0", "Removes an element, and the set with its last.");
  register("VCARD", 2, quick, 1, 1, 1, vCard, "8.0.0", "Counts the elements.");
  register("VDIM", 2, quick, 1, 1, 1, vDim, "8.0.0", "Answers the dimension of the vectors.");
  register("VEMB", -3, quick, 1, 1, 1, vEmb, "8.0.0", "Answers the vector of an element.");
  register("VISMEMBER", 3, quick, 1, 1, 1, vIsMember, "8.0.0", "Tells whether an element exists.");
  register(
    "VSETATTR",
    4,
    grow | CommandFlag.Fast,
    1,
    1,
    1,
    vSetAttr,
    "8.0.0",
    "Sets or removes the attributes of an element.",
  );
  register("VGETATTR", 3, quick, 1, 1, 1, vGetAttr, "8.0.0", "Answers the attributes of an element.");
  register("VINFO", 2, quick, 1, 1, 1, vInfo, "8.0.0", "Describes a vector set.");
  register("VLINKS", -3, quick, 1, 1, 1, vLinks, "8.0.0", "Answers the neighbours of an element on each level.");
  register("VRANDMEMBER", -2, read, 1, 1, 1, vRandMember, "8.0.0", "Answers random elements.");
  registerVectorIndexes();
  registerVectorExpiry();
  registerVectorOptimize();
}
