// nearkey inside a process: keys with a time to live, counters, hashes, and vectors with filters. No server, no addon.
// Run: node examples/embedding.mjs

import { open } from "nearkey";

const db = await open({ maxMemory: "256mb", eviction: "allkeys-lru" });

// Keys. Point operations are synchronous.
db.set("user:1", "Ada", { ttlMs: 60_000 });
console.log("user:1 is", db.get("user:1"), "for", Math.round(db.ttlMs("user:1") / 1000), "more seconds");
db.setMany([
  ["a", "1"],
  ["b", "2"],
]);
console.log("many:", db.getMany(["a", "b", "missing"]));
console.log("visits:", db.increment("visits"), db.increment("visits", 10));

// Any other command, by its Redis name.
db.command("HSET", "page:home", "title", "Home", "views", 3);
console.log("page:home is", { ...db.command("HGETALL", "page:home") });

// Vectors: cities by latitude and longitude, good enough for neighbours in the middle of Europe.
const cities = db.vectors("cities", { dim: 2, metric: "l2" });
await cities.setMany(
  ["Paris", "Lyon", "Berlin", "Hamburg", "Vienna"],
  Float32Array.of(48.86, 2.35, 45.76, 4.84, 52.52, 13.4, 53.55, 9.99, 48.21, 16.37),
  ["fr", "fr", "de", "de", "at"].map((country) => ({ country })),
);
const bonn = Float32Array.of(50.73, 7.1);
for (const { id, distance } of cities.search(bonn, { k: 2 })) {
  console.log(`near Bonn: ${id}, ${distance.toFixed(1)} degrees away`);
}
const [german] = cities.search(bonn, { k: 1, filter: '.country == "de"' });
console.log("the nearest in Germany:", german.id);

await db.close();
