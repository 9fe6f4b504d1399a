// Caches that keep exactly the order that nearkey's policies only approximate, written for being read, not for speed. Each
// takes a key, answers whether it was a hit, and has inserted it afterwards. Keys are whole numbers.

/** Least recently used: a Map keeps the order of insertion. */
export class ExactLru {
  #capacity;
  #keys = new Map();

  constructor(capacity) {
    this.#capacity = capacity;
  }

  access(key) {
    const hit = this.#keys.delete(key);
    this.#keys.set(key, true);
    if (this.#keys.size > this.#capacity) this.#keys.delete(this.#keys.keys().next().value);
    return hit;
  }
}

/** First in, first out: what dies soonest goes first when all live equally long. */
export class ExactFifo {
  #capacity;
  #keys = new Set();

  constructor(capacity) {
    this.#capacity = capacity;
  }

  access(key) {
    if (this.#keys.has(key)) return true;
    this.#keys.add(key);
    if (this.#keys.size > this.#capacity) this.#keys.delete(this.#keys.values().next().value);
    return false;
  }
}

/** Least frequently used of those in the cache, the least recently used among equals; counts do not decay. */
export class ExactLfu {
  #capacity;
  #counts = new Map();
  #byCount = new Map();

  constructor(capacity) {
    this.#capacity = capacity;
  }

  access(key) {
    const count = this.#counts.get(key);
    if (count === undefined && this.#counts.size === this.#capacity) this.#evict();
    if (count !== undefined) this.#leave(key, count);
    const next = (count ?? 0) + 1;
    this.#counts.set(key, next);
    const peers = this.#byCount.get(next) ?? new Set();
    this.#byCount.set(next, peers.add(key));
    return count !== undefined;
  }

  #leave(key, count) {
    const peers = this.#byCount.get(count);
    peers.delete(key);
    if (peers.size === 0) this.#byCount.delete(count);
  }

  #evict() {
    let least = 1;
    while (!this.#byCount.has(least)) least++;
    const key = this.#byCount.get(least).values().next().value;
    this.#leave(key, least);
    this.#counts.delete(key);
  }
}

/** Any key, each as likely. */
export class ExactRandom {
  #capacity;
  #random;
  #places = new Map();
  #keys = [];

  constructor(capacity, random) {
    this.#capacity = capacity;
    this.#random = random;
  }

  access(key) {
    if (this.#places.has(key)) return true;
    const full = this.#keys.length === this.#capacity;
    const place = full ? this.#random(this.#capacity) : this.#keys.length;
    if (full) this.#places.delete(this.#keys[place]);
    this.#keys[place] = key;
    this.#places.set(key, place);
    return false;
  }
}

/** S3-FIFO as its paper draws it: a small queue of a tenth, a main one, and as many ghosts as the main one has keys. */
export class ExactS3Fifo {
  #capacity;
  #uses = new Map();
  #small = new Set();
  #main = new Set();
  #ghosts = new Set();

  constructor(capacity) {
    this.#capacity = capacity;
  }

  access(key) {
    const uses = this.#uses.get(key);
    if (uses !== undefined) {
      this.#uses.set(key, Math.min(uses + 1, 3));
      return true;
    }
    while (this.#uses.size >= this.#capacity) this.#evict();
    (this.#ghosts.delete(key) ? this.#main : this.#small).add(key);
    this.#uses.set(key, 0);
    return false;
  }

  #evict() {
    if (this.#small.size * 10 >= this.#capacity || this.#main.size === 0) this.#evictSmall();
    else this.#evictMain();
  }

  #evictSmall() {
    const key = this.#small.values().next().value;
    this.#small.delete(key);
    if (this.#uses.get(key) > 1) {
      this.#main.add(key);
      this.#uses.set(key, 0);
      return;
    }
    this.#uses.delete(key);
    this.#ghosts.add(key);
    if (this.#ghosts.size > this.#capacity * 0.9) this.#ghosts.delete(this.#ghosts.values().next().value);
  }

  #evictMain() {
    const key = this.#main.values().next().value;
    this.#main.delete(key);
    const uses = this.#uses.get(key);
    if (uses > 0) {
      this.#main.add(key);
      this.#uses.set(key, uses - 1);
    } else {
      this.#uses.delete(key);
    }
  }
}

/** Hits of Belady's optimum, which knows the future: of the keys in the cache, the one asked for last goes. */
export function optimalHits(trace, capacity, countFrom) {
  const never = trace.length;
  const next = new Int32Array(trace.length);
  const seen = new Map();
  for (let at = trace.length - 1; at >= 0; at--) {
    next[at] = seen.get(trace[at]) ?? never;
    seen.set(trace[at], at);
  }
  // Keys by their next use: a bucket for each moment holds at most one key, but for those never used again.
  const keyAt = new Int32Array(trace.length).fill(-1);
  const unused = [];
  const inCache = new Set();
  const heap = new LatestFirst();
  let hits = 0;
  for (let at = 0; at < trace.length; at++) {
    const key = trace[at];
    if (inCache.has(key)) {
      if (at >= countFrom) hits++;
      keyAt[at] = -1;
    } else {
      if (inCache.size === capacity) inCache.delete(unused.length > 0 ? unused.pop() : takeLatest(heap, keyAt));
      inCache.add(key);
    }
    if (next[at] === never) {
      unused.push(key);
    } else {
      keyAt[next[at]] = key;
      heap.push(next[at]);
    }
  }
  return hits;
}

function takeLatest(heap, keyAt) {
  let moment = heap.pop();
  while (keyAt[moment] === -1) moment = heap.pop();
  const key = keyAt[moment];
  keyAt[moment] = -1;
  return key;
}

/** A binary heap of whole numbers, the largest first. */
class LatestFirst {
  #items = [];

  push(item) {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0 && items[(at - 1) >> 1] < item) {
      items[at] = items[(at - 1) >> 1];
      at = (at - 1) >> 1;
    }
    items[at] = item;
  }

  pop() {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0) return top;
    let at = 0;
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && items[child + 1] > items[child]) child++;
      if (items[child] <= last) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = last;
    return top;
  }
}
