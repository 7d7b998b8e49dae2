// A Mediatel on npm's socket.io server of some major version: node mediatel.js PACKAGE. It prints its port, and ends with its standard input. Agents
// are told by their login. It rings the extension and then the customer; the extension "silent" never answers, a number that ends in 9 is none, and
// the other customers answer at once and talk until the agent hangs up.
const http = require("node:http").createServer();
const socketio = require(process.argv[2]);
const options = { path: "/mediatel/socket.io" }; // as the documentation of each version writes it
const io = socketio.Server ? new socketio.Server(http, options) : socketio(http, options);

const codes = [{ ID: "7", Name: "20. No answer", ActionFlag: "2" }];
const offered = {
  STATE_LOGOUT: ["CMD_LOGIN"], STATE_IDLE: ["CMD_PAUSE", "CMD_LOGOUT", "CMD_MAKECALL", "CMD_PREDICTIVE"], STATE_PAUSE: ["CMD_PAUSE", "CMD_LOGOUT", "CMD_PREDICTIVE"],
  STATE_MAKECALL_FAILED: [], STATE_MAKECALL_REQUEST: ["CMD_PREDICTIVE"], STATE_CALL_DELIVERED: ["CMD_PREDICTIVE"],
  STATE_CALL_ACTIVE: ["CMD_HOLDCALL", "CMD_MUTE", "CMD_PREDICTIVE"], STATE_HOLD: ["CMD_MUTE", "CMD_PREDICTIVE"], STATE_CLERICAL: ["CMD_LOGOUT", "CMD_PREDICTIVE"],
};
const status = {
  STATE_LOGOUT: "offline", STATE_IDLE: "available", STATE_MAKECALL_FAILED: "available", STATE_MAKECALL_REQUEST: "start_dialing",
  STATE_CALL_DELIVERED: "start_dialing", STATE_CALL_ACTIVE: "in_a_call", STATE_HOLD: "on_hold", STATE_CLERICAL: "clerical", STATE_PAUSE: "pause",
};
const noCall = { ani: "", dnis: "", queueName: "", queueId: "-1", callTraceID: "-1", callCustomerID: "-1", callType: "-1", availableCallCodes: [], mute: 0 };
const agents = new Map(); // their processes, by login: they outlive a connection
let trace = 1000000000;

class Agent {
  constructor(login) {
    this.sockets = new Set();
    this.turn = 0; // counts what ends a wait
    this.state = { ...noCall, state: "STATE_LOGOUT", agentId: "-1", agentName: login, agentExt: "", predictiveStatus: "0", pauseId: "0", callErrorID: "0",
      callErrorText: "", queues: ["AUTO_1"] };
  }
  show(change = {}) {
    if (change.state && change.state !== this.state.state) { this.turn++; change = { time: Date.now(), ...change }; }
    this.state = { ...this.state, ...change };
    for (const socket of this.sockets) socket.emit("data", shown(this.state));
  }
  soon(ms, what) {
    const turn = this.turn;
    setTimeout(() => turn === this.turn && what(), ms);
  }
  obey(c) {
    const s = this.state, in_ = (...states) => states.includes(s.state);
    const up = in_("STATE_CALL_ACTIVE", "STATE_HOLD");
    switch (true) {
      case c.type === "login" && in_("STATE_LOGOUT"):
        return this.show({ state: "STATE_IDLE", agentId: "2001", agentExt: c.extension });
      case (c.type === "logout" && in_("STATE_IDLE", "STATE_PAUSE", "STATE_CLERICAL")) || c.type === "exit":
        return this.show({ ...noCall, state: "STATE_LOGOUT", agentId: "-1", agentExt: "", pauseId: "0", callErrorID: "0", callErrorText: "" });
      case c.type === "predictive" && !in_("STATE_LOGOUT"):
        return this.show({ predictiveStatus: s.predictiveStatus === "1" ? "0" : "1" });
      case c.type === "pause" && in_("STATE_IDLE", "STATE_PAUSE"):
        if (String(c.id) === "0") return this.show({ state: "STATE_IDLE", pauseId: "0", callErrorID: "0", callErrorText: "" });
        return this.show({ state: "STATE_PAUSE", pauseId: String(c.id) });
      case c.type === "makeCall" && in_("STATE_IDLE"):
        return this.call(c);
      case c.type === "holdCall" && in_("STATE_CALL_ACTIVE"):
        return this.show({ state: "STATE_HOLD" });
      case c.type === "retrieveCall" && in_("STATE_HOLD"):
        return this.show({ state: "STATE_CALL_ACTIVE" });
      case c.type === "muteCall" && up:
        return this.show({ mute: s.mute === 1 ? 0 : 1 });
      case c.type === "closeCall" && (up || in_("STATE_CALL_DELIVERED")):
        return this.show({ state: "STATE_CLERICAL", mute: 0 });
      case c.type === "resolutionSet" && in_("STATE_CLERICAL"):
        return this.show({ ...noCall, state: "STATE_IDLE" });
    }
    this.show(); // not allowed now: the present state is the answer
  }
  call({ phoneNumber, queueName }) {
    this.show({ state: "STATE_MAKECALL_REQUEST", ani: phoneNumber, dnis: this.state.agentExt, queueName, queueId: "9", callType: "1", callErrorID: "0", callErrorText: "" });
    this.show({ state: "STATE_CALL_DELIVERED", availableCallCodes: codes }); // the extension rings
    if (this.state.agentExt === "silent") {
      this.soon(300, () => this.show({ ...noCall, state: "STATE_PAUSE", pauseId: "1000", callErrorID: "-223", callErrorText: "No Answer from agent" }));
      return;
    }
    this.show({ callTraceID: String(++trace) }); // and has answered
    if (phoneNumber.endsWith("9")) this.show({ state: "STATE_CLERICAL", callErrorID: "-101", callErrorText: "Invalid number" });
    else this.show({ state: "STATE_CALL_ACTIVE" });
  }
}

function shown(state) {
  return { time: Date.now(), ...state, status: status[state.state], availableCommand: offered[state.state], pauseList: [["1", "Technical Break"]], isAvaliable: true,
    serverTime: Date.now() };
}

io.on("connection", (socket) => {
  let agent;
  socket.on("data", (command) => {
    if (command.type === "login") {
      agent?.sockets.delete(socket);
      agent = agents.get(command.user) ?? new Agent(command.user);
      agents.set(command.user, agent);
      agent.sockets.add(socket);
      if (agent.state.state !== "STATE_LOGOUT") return agent.show(); // its process was there all the time
    }
    agent?.obey(command);
  });
  socket.on("disconnect", () => agent?.sockets.delete(socket));
  socket.emit("data", shown({ ...new Agent("").state }));
});

http.listen(0, "127.0.0.1", () => console.log(http.address().port));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
