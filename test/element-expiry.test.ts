// Elements of vector sets that die: programs against a plain model while time moves, the forms and replies of the commands,
// what is counted, that many who die at once go in small steps, and the methods that wrap them.

import { describe, expect, test } from "vitest";
import { openTestDatabase } from "./database-fixture.ts";
import { recordingDriver, recordsIn, takeAll } from "./effect-records.ts";
import { drawSeed, EngineDriver, isError } from "./engine-driver.ts";
import { Random } from "./random.ts";

const seed = drawSeed("element-expiry.test.ts");

interface Element {
  vector: number[];
  /** Milliseconds since epoch; Infinity for never. */
  death: number;
}

/** An engine and what a vector set in it should hold. */
class Watched {
  readonly driver = new EngineDriver();
  readonly elements = new Map<string, Element>();
  key = "v";
  #database = 0;
  readonly random: Random;

  constructor(programSeed: number) {
    this.random = new Random(programSeed);
  }

  get live(): Map<string, Element> {
    return new Map([...this.elements].filter(([, { death }]) => death > this.driver.now));
  }

  #vector(): number[] {
    return Array.from({ length: 4 }, () => this.random.below(9) + 1);
  }

  add(name: string): void {
    const { random, driver } = this;
    const vector = this.#vector();
    const ms = 1 + random.below(2_000);
    const [option, death] = random.pick<[(string | number)[], number]>([
      [[], Infinity],
      [["PX", ms], driver.now + ms],
      [["EX", 1], driver.now + 1_000],
      [["PXAT", driver.now + ms], driver.now + ms],
      [["KEEPTTL"], this.live.get(name)?.death ?? Infinity],
    ]);
    const isNew = !this.live.has(name);
    const reply = driver.must("VADD", this.key, "VALUES", 4, ...vector, name, "M", 4, "METRIC", "L2", ...option);
    expect(reply).toBe(Number(isNew));
    this.elements.set(name, { vector, death });
  }

  expire(names: readonly string[]): void {
    const { random, driver } = this;
    const ms = random.oneIn(6) ? 0 : 1 + random.below(2_000);
    const condition = random.pick(["", "NX", "XX", "GT", "LT"]);
    const time = driver.now + ms;
    const expected = names.map((name) => {
      const element = this.live.get(name);
      if (element === undefined) return -2;
      const { death } = element;
      const isMet = { "": true, NX: death === Infinity, XX: death < Infinity, GT: time > death, LT: time < death };
      if (!isMet[condition as keyof typeof isMet]) return 0;
      if (ms === 0) this.elements.delete(name);
      else element.death = time;
      return ms === 0 ? 2 : 1;
    });
    const words = ["VPEXPIRE", this.key, ms, ...(condition === "" ? [] : [condition])];
    expect(driver.must(...words, "ELEMENTS", names.length, ...names)).toEqual(expected);
  }

  persist(names: readonly string[]): void {
    const expected = names.map((name) => {
      const element = this.live.get(name);
      if (element === undefined) return -2;
      const had = element.death < Infinity;
      element.death = Infinity;
      return had ? 1 : -1;
    });
    expect(this.driver.must("VPERSIST", this.key, "ELEMENTS", names.length, ...names)).toEqual(expected);
  }

  remove(name: string): void {
    expect(this.driver.must("VREM", this.key, name)).toBe(Number(this.live.has(name)));
    this.elements.delete(name);
  }

  /** Everything that tells of elements tells of the living, and of all of them. */
  check(names: readonly string[]): void {
    const { driver, key, live } = this;
    const sorted = [...live.keys()].sort();
    expect(driver.must("VCARD", key)).toBe(live.size);
    const query = ["VALUES", 4, ...this.#vector()];
    for (const way of [[], ["TRUTH"], ["COUNT", 3]]) {
      const found = driver.must("VSIM", key, ...query, "COUNT", 100, ...way) as string[];
      expect(new Set(found).size).toBe(found.length);
      if (way.length < 2) expect(found.sort()).toEqual(sorted);
      else expect(found.length).toBe(Math.min(3, live.size));
    }
    const drawn = driver.must("VRANDMEMBER", key, 100) as string[] | null;
    expect([...(drawn ?? [])].sort()).toEqual(sorted);
    const times = driver.must("VPEXPIRETIME", key, "ELEMENTS", names.length, ...names) as number[];
    for (const [at, name] of names.entries()) {
      const element = live.get(name);
      expect(driver.must("VISMEMBER", key, name)).toBe(Number(element !== undefined));
      expect((driver.must("VEMB", key, name) as string[] | null)?.map(Number)).toEqual(element?.vector);
      expect(times[at]).toBe(element === undefined ? -2 : element.death === Infinity ? -1 : element.death);
      const links = (driver.must("VLINKS", key, name) as string[][] | null)?.flat() ?? [];
      expect(links.filter((other) => !live.has(other))).toEqual([]);
    }
  }

  step(): void {
    const { random, driver } = this;
    const names = random.list(1, 5, () => `e${random.below(20)}`);
    const name = names[0] as string;
    random.pick([
      () => this.add(name),
      () => this.add(name),
      () => this.add(name),
      () => this.expire([...new Set(names)]),
      () => this.persist([...new Set(names)]),
      () => this.remove(name),
      () => this.#rename(),
    ])();
    if (random.oneIn(3)) driver.now += random.below(600);
    // Without ticks what is dead stays, and must not show.
    if (random.oneIn(4)) driver.engine.tick(driver.now);
    this.check([...new Set(names)]);
  }

  /** Active expiry finds the set under another name, in another database. */
  #rename(): void {
    if (this.live.size === 0 || !this.random.oneIn(3)) return;
    const other = `v${this.random.below(5)}`;
    this.driver.must("RENAME", this.key, other);
    this.key = other;
    this.#database = 1 - this.#database;
    if (this.random.oneIn(2)) this.driver.must("SWAPDB", 0, 1);
    else this.driver.must("MOVE", this.key, this.#database);
    this.driver.must("SELECT", this.#database);
  }
}

describe("elements that die", () => {
  test("are there and gone as in a plain model, whatever comes between", { timeout: 60_000 }, () => {
    for (let program = 0; program < 12; program++) {
      const watched = new Watched(seed + program);
      for (let step = 0; step < 120; step++) watched.step();
      watched.driver.now += 10_000;
      watched.driver.settle();
      watched.check(["e1"]);
      expect(watched.driver.must("EXISTS", watched.key)).toBe(Number(watched.live.size > 0));
    }
  });

  test("give all they took back, the ring and the names too", () => {
    const driver = new EngineDriver();
    driver.must("VADD", "other", "VALUES", 2, 1, 1, "a", "PX", 500);
    const before = driver.heldPages;
    for (let round = 0; round < 3; round++) {
      for (let element = 0; element < 400; element++) {
        driver.must("VADD", `v${element % 7}`, "VALUES", 2, element + 1, 3, `e${element}`, "PX", 100);
      }
      driver.now += 101;
      driver.settle();
      expect(driver.must("DBSIZE")).toBe(1);
    }
    expect(driver.heldPages).toBeLessThanOrEqual(before + 2);
    driver.now += 500;
    driver.settle();
    expect(driver.must("DBSIZE")).toBe(0);
    expect(driver.engine.stats()).toMatchObject({ expiredElements: 1201, expiredKeys: 0 });
  });

  test("go in small steps when they are many, and with their key at once when they are all", () => {
    const driver = new EngineDriver();
    for (let element = 0; element < 600; element++) {
      const option = element % 6 === 0 ? [] : ["PX", 100];
      driver.must("VADD", "some", "VALUES", 3, element + 1, 7, element % 5, `e${element}`, ...option);
      driver.must("VADD", "all", "VALUES", 3, element + 1, 7, element % 5, `e${element}`, "PX", 100);
    }
    driver.now += 200;
    expect(driver.must("VCARD", "some")).toBe(100);
    let ticks = 0;
    while (driver.engine.tick(driver.now)) ticks++;
    expect(ticks).toBeGreaterThan(5);
    expect(driver.must("EXISTS", "some", "all")).toBe(1);
    expect(driver.engine.stats().expiredElements).toBe(1100);
    expect((driver.must("VSIM", "some", "VALUES", 3, 1, 1, 1, "COUNT", 200) as string[]).length).toBe(100);
  });

  test("are recorded as VREM, a set of none but them as DEL, and times as they are", () => {
    const driver = recordingDriver();
    driver.must("VADD", "v", "VALUES", 2, 1, 2, "a", "EX", 1);
    driver.must("VADD", "v", "VALUES", 2, 1, 3, "b");
    driver.must("VADD", "w", "VALUES", 2, 1, 3, "c", "PX", 500, "SETATTR", "{}");
    driver.must("VEXPIRE", "v", 5, "NX", "ELEMENTS", 3, "b", "a", "none");
    driver.must("VPERSIST", "v", "ELEMENTS", 2, "b", "none");
    driver.now += 1_000;
    driver.settle();
    const commands = recordsIn(takeAll(driver.engine)).map(({ command }) => command);
    const start = driver.now - 1_000;
    expect(commands[0]?.slice(-2)).toEqual(["PXAT", String(start + 1_000)]);
    expect(commands[2]?.slice(-4)).toEqual(["PXAT", String(start + 500), "SETATTR", "{}"]);
    expect(commands.slice(3)).toEqual([
      ["VPEXPIREAT", "v", String(start + 5_000), "ELEMENTS", "1", "b"],
      ["VPERSIST", "v", "ELEMENTS", "1", "b"],
      ["VREM", "v", "a"],
      ["DEL", "w"],
    ]);
  });

  test("are found by walks through neighbours that died, with a filter and without", () => {
    const driver = new EngineDriver();
    const random = new Random(seed);
    for (let element = 0; element < 2_000; element++) {
      const near = element < 1_900;
      const place = Array.from({ length: 8 }, () => random.below(1_000) / 1_000 + (near ? 0 : 5));
      const option = near ? ["PX", 100] : [];
      const more = [`e${element}`, "METRIC", "L2", "SETATTR", `{"n":${element}}`];
      driver.must("VADD", "v", "VALUES", 8, ...place, ...more, ...option);
    }
    driver.must("VINDEX", "v", "ADD", ".n");
    driver.now += 100;
    const query = ["VSIM", "v", "VALUES", 8, ...Array(8).fill("0.5"), "COUNT", 10];
    const truth = driver.must(...query, "TRUTH");
    expect((truth as string[]).length).toBe(10);
    expect(driver.must(...query)).toEqual(truth);
    for (const plan of ["AUTO", "SCAN", "WALK", "POST"]) {
      expect((driver.must(...query, "FILTER", ".n > 100", "PLAN", plan) as string[]).length, plan).toBe(10);
    }
    expect(driver.must(...query, "FILTER", ".n < 1900")).toEqual([]);
  });
});

describe("the commands", () => {
  function pair(): EngineDriver {
    const driver = new EngineDriver();
    driver.must("VADD", "v", "VALUES", 2, 1, 2, "a", "EX", 100);
    driver.must("VADD", "v", "VALUES", 2, 2, 1, "b");
    driver.must("SET", "text", "value");
    return driver;
  }

  test("answer seconds and milliseconds, times and durations", () => {
    const driver = pair();
    driver.now += 1;
    const ask = (command: string) => driver.must(command, "v", "ELEMENTS", 3, "a", "b", "c");
    expect(ask("VTTL")).toEqual([100, -1, -2]);
    expect(ask("VPTTL")).toEqual([99_999, -1, -2]);
    expect(ask("VEXPIRETIME")).toEqual([1_700_000_100, -1, -2]);
    expect(ask("VPEXPIRETIME")).toEqual([1_700_000_100_000, -1, -2]);
    expect(driver.must("VEXPIREAT", "v", 1_700_000_050, "LT", "ELEMENTS", 2, "a", "b")).toEqual([1, 1]);
    expect(driver.must("VPEXPIREAT", "v", 1, "ELEMENTS", 2, "a", "c")).toEqual([2, -2]);
    expect(driver.must("VTTL", "nothing", "ELEMENTS", 2, "a", "b")).toEqual([-2, -2]);
    expect(driver.must("VPERSIST", "nothing", "ELEMENTS", 1, "a")).toEqual([-2]);
    expect(driver.must("VEXPIRE", "v", 0, "ELEMENTS", 1, "b")).toEqual([2]);
    expect(driver.must("EXISTS", "v")).toBe(0);
  });

  test("tell the last time there is in seconds", () => {
    const driver = pair();
    expect(driver.must("VPEXPIREAT", "v", "9223372036854775807", "ELEMENTS", 1, "b")).toEqual([1]);
    const [seconds] = driver.must("VEXPIRETIME", "v", "ELEMENTS", 1, "b") as unknown[];
    expect(Number(seconds)).toBe(9223372036854776);
  });

  test("let a time that has passed take the element away", () => {
    const driver = pair();
    expect(driver.must("VADD", "v", "VALUES", 2, 1, 1, "a", "PXAT", 5)).toBe(0);
    expect(driver.must("VADD", "v", "VALUES", 2, 1, 1, "c", "EXAT", 5)).toBe(1);
    expect(driver.must("VADD", "new", "VALUES", 2, 1, 1, "c", "EXAT", 5)).toBe(1);
    expect(driver.must("VRANDMEMBER", "v", 10)).toEqual(["b"]);
    expect(driver.must("EXISTS", "new")).toBe(0);
  });

  test.each([
    ["VADD v VALUES 2 1 1 a EX 0", "ERR invalid expire time in 'vadd' command"],
    ["VADD v VALUES 2 1 1 a EX x", "ERR value is not an integer or out of range"],
    ["VADD v VALUES 2 1 1 a EX 1 PX 1", "ERR only one of EX, PX, EXAT and PXAT can be given"],
    ["VADD v VALUES 2 1 1 a KEEPTTL PX 1", "ERR KEEPTTL and a time at once are not compatible"],
    ["VADD v VALUES 2 1 1 a PX", "ERR invalid option after element"],
    ["VEXPIRE v -1 ELEMENTS 1 a", "ERR invalid expire time in 'vexpire' command"],
    ["VEXPIRE v x ELEMENTS 1 a", "ERR value is not an integer or out of range"],
    ["VPEXPIRE v 9223372036854775807 ELEMENTS 1 a", "ERR invalid expire time in 'vpexpire' command"],
    ["VEXPIRE v 1 ELEMENTS 2 a", "ERR The `numElements` parameter must match the number of arguments"],
    ["VEXPIRE v 1 ELEMENTS 0 a", "ERR Parameter `numElements` should be greater than 0"],
    ["VEXPIRE v 1 FIELDS 1 a", "ERR Mandatory argument ELEMENTS is missing or not at the right position"],
    ["VTTL text ELEMENTS 1 a", "WRONGTYPE Operation against a key holding the wrong kind of value"],
    ["VPERSIST text ELEMENTS 1 a", "WRONGTYPE Operation against a key holding the wrong kind of value"],
  ])("refuse %s and change nothing", (command, message) => {
    const driver = pair();
    const before = driver.engine.effects.digest();
    const reply = driver.run(...command.split(" "));
    expect(isError(reply) && reply.message).toBe(message);
    expect(driver.engine.effects.digest()).toBe(before);
  });
});

describe("the methods", () => {
  test("take ttlMs, and tell and change it", () => {
    const { db, clock } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 2 });
    expect(docs.set("a", [1, 2], undefined, { ttlMs: 1_000 })).toBe(true);
    docs.set("b", [2, 1], { n: 1 });
    expect([docs.ttlMs("a"), docs.ttlMs("b"), docs.ttlMs("c")]).toEqual([1_000, Infinity, undefined]);
    expect([docs.expire("b", 500), docs.expire("c", 500)]).toEqual([true, false]);
    expect([docs.persist("a"), docs.persist("a"), docs.persist("c")]).toEqual([true, false, false]);
    clock.nowMs += 600;
    expect(docs.search([2, 1]).map(({ id }) => id)).toEqual(["a"]);
    expect([docs.size, docs.has("b"), docs.get("b"), docs.attributes("b")]).toEqual([1, false, undefined, undefined]);
    expect(docs.expire("a", 0)).toBe(true);
    expect(docs.size).toBe(0);
    const withCode = expect.objectContaining({ code: "invalid-argument" });
    expect(() => docs.set("a", [1, 2], undefined, { ttlMs: 0 })).toThrow(withCode);
    expect(() => docs.set("a", [1, 2], undefined, JSON.parse('{"ttl":5}'))).toThrow(withCode);
    expect(() => docs.expire("a", 0.5)).toThrow(withCode);
  });

  test("setMany keeps what dies while it is at work", async () => {
    const { db, clock } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 2 });
    docs.set("a", [1, 2], { n: 1 }, { ttlMs: 500 });
    docs.set("b", [2, 1]);
    const onProgress = (): void => {
      clock.nowMs += 600;
    };
    await docs.setMany(["a", "b"], Float32Array.of(3, 4, 4, 3), { onProgress });
    expect([docs.get("a"), docs.get("b")]).toEqual([Float32Array.of(3, 4), Float32Array.of(4, 3)]);
    expect([docs.ttlMs("a"), docs.attributes("a")]).toEqual([Infinity, { n: 1 }]);
  });
});
