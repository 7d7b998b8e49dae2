// Runs one scenario of the official client against a server of ours: node client.js SCENARIO URL.
// Exit status 0 means that all went as expected.
const assert = require("node:assert/strict");
const { io } = require("socket.io-client");

const [, , scenario, url] = process.argv;
const once = (emitter, event) => new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));
const connect = (options = {}, namespace = "") =>
  io(url + namespace, { reconnection: false, forceNew: true, timeout: 60000, ...options });

async function connected(options, namespace) {
  const socket = connect(options, namespace);
  await Promise.race([
    once(socket, "connect"),
    once(socket, "connect_error").then(([err]) => Promise.reject(err)),
  ]);
  return socket;
}

// talk exchanges events of all kinds.
async function talk(socket) {
  for (const args of [[], [1, "2", { 3: [true, null] }], ["<&>\u2028\u00e9\ud83d\ude00"], [{ b: 1, a: 2 }]]) {
    const back = once(socket, "message-back");
    socket.emit("message", ...args);
    assert.deepEqual(await back, args);
    assert.deepEqual(await socket.emitWithAck("message-with-ack", ...args), args[0]);
  }
  const binary = [Buffer.from([1, 2, 3]), "x", { deep: [Buffer.alloc(70000, 7), { n: 1 }] }];
  const back = once(socket, "message-back");
  socket.emit("message", ...binary);
  assert.deepEqual(await back, binary);
  assert.deepEqual(await socket.emitWithAck("message-with-ack", binary), binary);
  // Order survives a burst.
  const numbers = [];
  socket.on("message-back", (n) => numbers.push(n));
  for (let i = 0; i < 500; i++) socket.emit("message", i);
  await socket.emitWithAck("message-with-ack", "end");
  socket.off("message-back");
  assert.deepEqual(numbers, Array.from({ length: 500 }, (_, i) => i));
  // The server asks, the client answers.
  socket.on("question", (n, buffer, answer) => answer(n + 1, buffer));
  assert.deepEqual(await socket.emitWithAck("ask-me", 41), [42, true]);
}

// farewell connects, is told a hundred numbers, and must learn soon that it is over.
async function farewell(how, why) {
  const numbers = [];
  const socket = connect({ auth: { how } });
  socket.on("number", (n) => numbers.push(n));
  const reason = await new Promise((resolve, reject) => {
    socket.on("disconnect", resolve);
    socket.on("connect_error", reject);
  });
  assert.deepEqual(numbers, Array.from({ length: 100 }, (_, i) => i));
  if (why) assert.equal(reason, why);
}

const scenarios = {
  async polling() {
    const socket = await connected({ transports: ["polling"] });
    await talk(socket);
    assert.equal(socket.io.engine.transport.name, "polling");
    socket.disconnect();
  },
  async websocket() {
    const socket = await connected({ transports: ["websocket"] });
    await talk(socket);
    socket.disconnect();
  },
  async upgrade() {
    const socket = connect();
    const upgraded = once(socket.io.engine, "upgrade");
    const numbers = [];
    socket.on("message-back", (n) => numbers.push(n));
    await once(socket, "connect");
    for (let i = 0; i < 300; i++) {
      socket.emit("message", i);
      if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await upgraded;
    await socket.emitWithAck("message-with-ack", "end");
    assert.deepEqual(numbers, Array.from({ length: 300 }, (_, i) => i));
    socket.off("message-back");
    assert.equal(socket.io.engine.transport.name, "websocket");
    await talk(socket);
    socket.disconnect();
  },
  async namespaces() {
    const socket = await connected({ auth: { token: "good" } }, "/guarded");
    assert.deepEqual(await socket.emitWithAck("who"), { token: "good" });
    await assert.rejects(connected({ auth: { token: "bad" } }, "/guarded"), (err) => {
      assert.equal(err.message, "not you");
      assert.deepEqual(err.data, { code: 7 });
      return true;
    });
    await assert.rejects(connected({}, "/nowhere"), { message: "Invalid namespace" });
    const gone = once(socket, "disconnect");
    socket.emit("kick");
    assert.equal((await gone)[0], "io server disconnect");
    const away = await connected({ auth: { token: "good" }, transports: ["polling"] }, "/guarded");
    const closed = once(away, "disconnect");
    away.emit("kick", true);
    assert.equal((await closed)[0], "io server disconnect");
  },
  async reconnect() {
    const socket = io(url, { reconnectionDelay: 10, forceNew: true, transports: ["websocket"] });
    await once(socket, "connect");
    const first = socket.id;
    const gone = once(socket, "disconnect");
    const again = once(socket, "connect");
    socket.io.engine.close();
    await gone;
    await again;
    assert.notEqual(socket.id, first);
    await talk(socket);
    socket.disconnect();
  },
  // The server tells each client a hundred things and takes leave of it, while the upgrade is under way for some of them.
  async leave() {
    for (let round = 0; round < 6; round++) await Promise.all(Array.from({ length: 10 }, () => farewell("leave", "io server disconnect")));
  },
  // The same, by the end of the whole server.
  async shutdown() {
    await Promise.all(Array.from({ length: 10 }, () => farewell("shutdown")));
  },
  // More than any buffer holds arrives at a client that reads.
  async large() {
    for (const [transports, sizes] of [[["websocket"], [[1, 20e6], [20000, 1000]]], [["polling"], [[1, 8e6], [20000, 1000]]]]) {
      for (const [count, size] of sizes) {
        const socket = await connected({ transports });
        let events = 0;
        let bytes = 0;
        const all = new Promise((resolve, reject) => {
          socket.on("disconnect", (reason) => reject(new Error(`${transports}, ${count} of ${size}: ${reason} after ${events}`)));
          socket.on("bulk", (text) => {
            bytes += text.length;
            if (++events === count) resolve();
          });
        });
        socket.emit("send-me", count, size);
        await all;
        assert.equal(bytes, count * size);
        assert.equal(await socket.emitWithAck("message-with-ack", "alive"), "alive");
        socket.off("disconnect").disconnect();
      }
    }
  },
  async heartbeat() {
    const socket = await connected({ transports: ["polling"] });
    const upgraded = await connected();
    let pings = 0;
    socket.io.on("ping", () => pings++);
    for (const s of [socket, upgraded]) s.once("disconnect", () => assert.fail("cut off"));
    while (pings < 3) await once(socket.io, "ping");
    for (const s of [socket, upgraded]) s.off("disconnect"), s.disconnect();
  },
};

const timer = setTimeout(() => {
  console.error(`${scenario}: timed out`);
  process.exit(2);
}, 150000);

scenarios[scenario]().then(
  () => {
    clearTimeout(timer);
    process.exit(0);
  },
  (err) => {
    console.error(err);
    process.exit(1);
  }
);
