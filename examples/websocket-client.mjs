// The client over WebSocket: the same methods as the embedded database, as promises, in Node and in browsers.
// Start a server first: npx nearkey serve
// Run: node examples/websocket-client.mjs [ws://127.0.0.1:7379]

import { connect } from "nearkey/client";

const client = await connect(process.argv[2] ?? "ws://127.0.0.1:7379");

await client.set("example:greeting", "hello", { ttlMs: 60_000 });
console.log("greeting:", await client.get("example:greeting"));

// Commands issued in the same tick travel in one frame.
const sums = await Promise.all([1, 2, 3].map((by) => client.increment("example:sum", by)));
console.log("sums:", sums);

// A pipeline is one promise for many commands, and knows the type of each result.
const [stored, visits] = await client.pipeline().set("example:a", "1").increment("example:visits").send();
console.log("pipeline:", stored, visits);

const colours = await client.vectors("example:colours", { dim: 3, metric: "cosine" });
await colours.set("red", [1, 0, 0], { warm: true });
await colours.set("orange", [1, 0.6, 0], { warm: true });
await colours.set("blue", [0, 0, 1], { warm: false });
for (const { id, distance } of await colours.search([0.9, 0.5, 0.1], { k: 2 })) {
  console.log(`near: ${id} at ${distance.toFixed(3)}`);
}
const [cold] = await colours.search([0.9, 0.5, 0.1], { k: 1, filter: ".warm == false" });
console.log("nearest cold one:", cold.id);

await client.delete("example:greeting", "example:sum", "example:a", "example:visits", "example:colours");
await client.close();
