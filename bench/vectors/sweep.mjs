// Recall against queries a second. First a sweep: each contender walks up its ef until nearly everything is found, once,
// in turns with the others; that gives recall, which no disturbance changes, and the curve. Then, for each recall that is
// barred, a duel: every contender with the two ef around that recall, in many short turns, median of rounds. Queries a
// second at the recall lie between the two on a line of log(queries) over log(1 - recall).

import { median } from "../statistics.mjs";
import { recallOf } from "./truth.mjs";

/** Steps of a square root of two, after 10, the answers asked for. */
const EFS = [10, 14, 20, 28, 40, 56, 80, 113, 160, 226, 320, 452, 640, 905];
/** Recall at which a contender leaves the sweep, or where ten times the effort of the first has brought nothing more. */
const ENOUGH = 0.995;
const LEAST_GAIN = 0.0005;
const LONG_EF = 113;
/**
 * Queries in a turn: turns are short, so that whatever slows the machine down meets all contenders. The caches are the
 * others' when a turn begins, and refilling them with a contender's upper levels, megabytes, is not what is measured:
 * another turn's queries go before, untimed. In a turn each has other queries than the one before it.
 */
const TURN = 250;

/** Rows { ef, name, recall, perSecond } of all contenders, a round at each ef. */
export async function sweep(set, contenders, efs = EFS) {
  const rows = [];
  let racing = contenders;
  for (const ef of efs) {
    const measured = await race(
      set,
      racing.map((contender) => ({ contender, ef })),
      1,
    );
    rows.push(...measured);
    racing = racing.filter(({ name }) => {
      const own = rows.filter((row) => row.name === name);
      const gain = own.at(-1).recall - (own.at(-2)?.recall ?? 0);
      return own.at(-1).recall < ENOUGH && (ef < LONG_EF || gain >= LEAST_GAIN);
    });
    if (racing.length === 0) break;
  }
  return rows;
}

/** Queries a second of each contender at a recall: rows { name, ef, perSecond }; those that never reach it have none. */
export async function duel(set, contenders, curve, recall, rounds) {
  const entrants = contenders.flatMap((contender) => {
    return bracket(curve, contender.name, recall).map(({ ef }) => ({ contender, ef }));
  });
  const measured = await race(set, entrants, rounds);
  return contenders.map(({ name }) => {
    const own = measured.filter((row) => row.name === name);
    return { name, ...between(own, recall) };
  });
}

/** The two rows of a curve around a recall; the first alone when it is above already, none when it is never reached. */
function bracket(curve, name, recall) {
  const own = curve.filter((row) => row.name === name);
  const above = own.findIndex((row) => row.recall >= recall);
  if (above < 0) return [];
  return above === 0 ? [own[0]] : [own[above - 1], own[above]];
}

function between(rows, recall) {
  if (rows.length === 0) return {};
  if (rows.length === 1) return { ef: rows[0].ef, recall: rows[0].recall, perSecond: rows[0].perSecond };
  const [low, high] = rows;
  const missed = (value) => Math.log(Math.max(1 - value, 1e-4));
  const share = (missed(recall) - missed(low.recall)) / (missed(high.recall) - missed(low.recall));
  const mix = (from, to) => Math.exp(Math.log(from) * (1 - share) + Math.log(to) * share);
  return { ef: Math.round(mix(low.ef, high.ef)), recall, perSecond: mix(low.perSecond, high.perSecond) };
}

/** All entrants { contender, ef }, in turns; a row each. */
async function race(set, entrants, rounds) {
  const count = set.queries.length / set.dim;
  const turns = Math.ceil(count / TURN);
  const runs = entrants.map((entrant, index) => ({ ...entrant, index, answers: [], rates: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const run of runs) run.seconds = 0;
    for (let turn = 0; turn < turns; turn++) {
      for (const run of rotate(runs, turn + round)) {
        const own = (turn + run.index) % turns;
        run.contender.prepare(run.ef);
        await takeTurn(run, (own + 1) % turns, count);
        run.seconds += await takeTurn(run, own, count);
      }
    }
    for (const run of runs) run.rates.push(count / run.seconds);
  }
  return runs.map(({ contender, ef, answers, rates }) => {
    return { name: contender.name, ef, recall: recallOf(answers, set.truth), perSecond: median(rates) };
  });
}

function takeTurn({ contender, answers }, turn, count) {
  return contender.turn(turn * TURN, Math.min(count, (turn + 1) * TURN), answers);
}

function rotate(list, by) {
  return list.map((_, index) => list[(index + by) % list.length]);
}
