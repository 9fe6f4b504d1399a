// Any Redis client works over RESP; here ioredis. Start a server first: npx nearkey serve
// Run: node examples/redis-client.mjs [redis://127.0.0.1:6379]

import { Redis } from "ioredis";

const redis = new Redis(process.argv[2] ?? "redis://127.0.0.1:6379");

await redis.set("example:greeting", "hello", "EX", 60);
console.log("greeting:", await redis.get("example:greeting"), "for", await redis.ttl("example:greeting"), "seconds");

// A pipeline is one round trip.
const replies = await redis.pipeline().incr("example:visits").hset("example:page", "title", "Home").exec();
console.log("pipeline:", JSON.stringify(replies));

// Vector sets have Redis 8's commands, which the client need not know.
await redis.call("VADD", "example:colours", "VALUES", 3, 1, 0, 0, "red", "SETATTR", '{"warm":true}');
await redis.call("VADD", "example:colours", "VALUES", 3, 1, 0.6, 0, "orange", "SETATTR", '{"warm":true}');
await redis.call("VADD", "example:colours", "VALUES", 3, 0, 0, 1, "blue", "SETATTR", '{"warm":false}');
const query = ["VALUES", 3, 0.9, 0.5, 0.1];
console.log("nearest:", JSON.stringify(await redis.call("VSIM", "example:colours", ...query, "COUNT", 2)));
const cold = await redis.call("VSIM", "example:colours", ...query, "FILTER", ".warm == false");
console.log("nearest cold one:", JSON.stringify(cold));

await redis.del("example:greeting", "example:visits", "example:page", "example:colours");
await redis.quit();
