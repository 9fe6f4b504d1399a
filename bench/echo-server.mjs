// The bare WebSocket server that the WebSocket benchmark compares with: the `ws` library sends each frame back.

import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(new URL("../dist/cli.js", import.meta.url))("ws");
const server = new WebSocketServer({ port: Number(process.argv[2]), host: "127.0.0.1", perMessageDeflate: false });
server.on("connection", (socket) => socket.on("message", (bytes) => socket.send(bytes)));
