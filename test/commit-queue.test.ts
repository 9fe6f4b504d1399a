// Who waits for the log: in order, each once, and without a trace of those who have gone.

import { expect, test } from "vitest";
import { CommitQueue } from "../src/log/commit-queue.ts";

test("those who wait go on in order, and who may not is told", () => {
  const queue = new CommitQueue();
  const gone: [number, boolean][] = [];
  for (const position of [1, 1, 2, 5]) queue.add({ position, goOn: (covered) => void gone.push([position, covered]) });
  queue.reached(1);
  expect(gone).toEqual([
    [1, true],
    [1, true],
  ]);
  queue.reached(2, Number.POSITIVE_INFINITY);
  expect(gone.slice(2)).toEqual([
    [2, true],
    [5, false],
  ]);
  expect(queue.length).toBe(0);
});

test("a queue in which somebody always waits does not grow", () => {
  const queue = new CommitQueue();
  let next = 0;
  let went = 0;
  let isInOrder = true;
  const add = (): void => {
    const position = ++next;
    const goOn = (): void => {
      isInOrder &&= ++went === position;
      add();
    };
    queue.add({ position, goOn });
  };
  for (let waiter = 0; waiter < 50; waiter++) add();
  for (let commit = 1; commit <= 4000; commit++) queue.reached(commit * 25);
  expect(went).toBe(100_000);
  expect(isInOrder).toBe(true);
  expect(queue.length).toBe(50);
  const { waiting } = queue as unknown as { waiting: unknown[] };
  expect(waiting.length).toBeLessThan(4096);
});
