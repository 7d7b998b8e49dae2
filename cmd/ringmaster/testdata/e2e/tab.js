// An agent's tab by the official client: prints every whole state as a line of JSON, and sends each line of JSON that it
// reads as a command.
//
//   node tab.js URL COOKIE
"use strict";
const { createInterface } = require("node:readline");
const { io } = require("socket.io-client");

const [url, cookie] = process.argv.slice(2);
const socket = io(url, {
  path: "/mediatel/socket.io",
  transports: ["websocket"],
  withCredentials: true,
  multiplex: false,
  reconnectionDelay: 100,
  extraHeaders: { cookie },
});
socket.on("data", (state) => process.stdout.write(JSON.stringify(state) + "\n"));
socket.on("connect_error", (err) => process.stderr.write(`connect_error: ${err.message}\n`));
createInterface({ input: process.stdin })
  .on("line", (line) => socket.emit("data", JSON.parse(line)))
  .on("close", () => socket.close());
