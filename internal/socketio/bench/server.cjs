// The reference server under the same load: node server.cjs SOCKET.IO-MODULE PORT.
const [, , reference, port] = process.argv;
const io = new (require(reference).Server)({ connectTimeout: 1000, cors: { origin: "*" } });
const http = require("node:http").createServer();
http.on("request", (req, res) => {
  const url = new URL(req.url, "http://localhost");
  if (url.pathname === "/clients") return res.end(String(io.engine.clientsCount));
  if (req.method !== "POST" || url.pathname !== "/emit") return;
  const chunks = [];
  req.on("data", (chunk) => chunks.push(chunk));
  req.on("end", () => {
    const room = url.searchParams.get("room");
    (room ? io.to(room) : io).emit("card", JSON.parse(Buffer.concat(chunks)));
    res.writeHead(204).end();
  });
});
io.attach(http);
io.on("connection", (socket) => {
  if (socket.handshake.auth.room) socket.join(socket.handshake.auth.room);
  socket.on("echo", (t, ack) => ack(t));
});
http.listen(port, "127.0.0.1", () => console.log("listening"));
