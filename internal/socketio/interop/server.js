// The official server for clients of ours: node server.js 2|3|4 [PATH]. It prints its port, and ends with its standard input.
const [version, path] = process.argv.slice(2);
const http = require("node:http").createServer();
const options = { pingInterval: 300, pingTimeout: 8000, connectionStateRecovery: version === "4" ? {} : undefined };
if (path) options.path = path;
const packages = { 2: "socket.io-v2", 3: "socket.io-v3", 4: "socket.io" };
const { Server } = require(packages[version]);
const io = Server ? new Server(http, options) : require(packages[version])(http, options);

function serve(socket) {
  connects++;
  socket.emit("auth", socket.handshake.auth ?? {}, socket.handshake.headers["x-agent"] ?? "");
  socket.on("message", (...args) => socket.emit("message-back", ...args));
  socket.on("message-with-ack", (...args) => args.pop()(...args));
  socket.on("connects", (answer) => answer(connects));
  socket.on("ask-me", (n, answer) => socket.emit("question", n, Buffer.from([1, 2]), answer));
  socket.on("cut-me", () => socket.conn.close());
  socket.on("kick", () => socket.disconnect());
}
let connects = 0;
io.on("connection", serve);
io.of("/custom").on("connection", serve);
io.of("/guarded").use((socket, next) => {
  const err = new Error("not you");
  err.data = { code: 7 };
  next(err);
});

http.listen(0, "127.0.0.1", () => console.log(http.address().port));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
