// Effect records of vector sets. A vector is recorded as the float32 numbers that were given, whatever text they came as,
// and when its element dies as a time; what a set is made with is spelled out, so that other defaults of a later release do
// not change an old log.

import { beginRecord, addIntegerPart, addPart, addWordPart, PART_BYTES } from "../../effects/record";
import { argumentBytes, argumentCount } from "../../protocol/arguments";
import { addArgument, endEffect, isRecording, partBytes } from "../../protocol/recording";
import { Coding, VectorSet } from "../../vectors/vectorset";
import { QUERY_BASE } from "../../vectors/vector-scratch";
import { GIVEN_BASE, givenDimensions, isReduced } from "./vector-argument";
import { wordOfMetric } from "../../vectors/vector-score";
import { askedDeath, deathArgument } from "./add-options";

const OPTIONS_BYTES: u32 = 256;

/**
 * Records the running VADD: key, the vector as it was given, the element that argument `element` names, and the options behind
 * it. `creates`: it made the set, and then what the set is made with goes before the options.
 */
export function recordElement(set: VectorSet, element: u32, creates: bool): void {
  if (!isRecording()) return;
  const bytes = givenDimensions << 2;
  const reduces = creates && isReduced();
  const options = argumentCount - element - 1;
  let bound: u64 = partBytes(1) + bytes + PART_BYTES + OPTIONS_BYTES;
  for (let index = element; index < argumentCount; index++) bound += <u64>argumentBytes(index) + PART_BYTES;
  beginRecord(5 + options + (creates ? 7 + set.dropsVectors : 0) + (reduces ? 2 : 0), bound);
  addWordPart("VADD");
  addArgument(1);
  if (reduces) {
    addWordPart("REDUCE");
    addIntegerPart(set.dimensions);
  }
  addWordPart("FP32");
  addPart(isReduced() ? GIVEN_BASE : QUERY_BASE, bytes);
  addArgument(element);
  if (creates) addParameters(set);
  for (let index = element + 1; index < argumentCount; index++) {
    if (index == deathArgument) {
      addWordPart("PXAT");
      addIntegerPart(askedDeath);
      index++;
    } else {
      addArgument(index);
    }
  }
  endEffect();
}

function addParameters(set: VectorSet): void {
  addWordPart("METRIC");
  addWordPart(wordOfMetric(set.metric));
  addWordPart("M");
  addIntegerPart(set.m);
  addWordPart("EF");
  addIntegerPart(set.efConstruction);
  addWordPart(codingWord(set.quantization));
  if (set.dropsVectors != 0) addWordPart("NOORIGINALS");
}

/** The option of VADD that names a coding. */
function codingWord(coding: u32): string {
  if (coding == Coding.Int8) return "Q8";
  if (coding == Coding.Int4) return "Q4";
  if (coding == Coding.Binary) return "BIN";
  return coding == Coding.Float16 ? "F16" : "NOQUANT";
}
