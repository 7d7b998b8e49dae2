// A small Mediatel on npm's socket.io: node mediatel.js PACKAGE. It prints its port, and ends with its standard input. Agents are told by
// their login; every customer answers at once.
const http = require("node:http").createServer();
const socketio = require(process.argv[2]);
const options = { path: "/mediatel/socket.io" }; // as the documentation of each version writes it
const io = socketio.Server ? new socketio.Server(http, options) : socketio(http, options);
let trace = 1000000000;

io.on("connection", (socket) => {
  const none = { ani: "", callTraceID: "-1", callCustomerID: "-1", availableCallCodes: [], callErrorID: "0", callErrorText: "" };
  let state = { ...none, state: "STATE_LOGOUT", status: "offline", agentId: "-1", agentName: "", agentExt: "", predictiveStatus: "0", pauseId: "0",
    pauseList: [["1", "Technical Break"]], queues: ["AUTO_1"], availableCommand: [], isAvaliable: true };
  const show = (change) => {
    state = { ...state, ...change, time: Date.now(), serverTime: Date.now() };
    socket.emit("data", state);
  };
  const codes = [{ ID: "7", Name: "20. No answer", ActionFlag: "2" }];
  const commands = {
    login: ({ user, extension }) => show({ state: "STATE_IDLE", status: "available", agentId: "2001", agentName: user, agentExt: extension }),
    logout: () => show({ ...none, state: "STATE_LOGOUT", status: "offline", agentId: "-1", agentName: "", agentExt: "" }),
    predictive: () => show({ predictiveStatus: state.predictiveStatus === "1" ? "0" : "1" }),
    makeCall: ({ phoneNumber, queueName }) => {
      show({ state: "STATE_MAKECALL_REQUEST", status: "start_dialing", ani: phoneNumber, queueName });
      show({ state: "STATE_CALL_DELIVERED", availableCallCodes: codes }); // the extension rings
      show({ callTraceID: String(++trace) }); // and has answered
      show({ state: "STATE_CALL_ACTIVE", status: "in_a_call" });
    },
    closeCall: () => show({ state: "STATE_CLERICAL", status: "clerical" }),
    resolutionSet: () => show({ ...none, state: "STATE_IDLE", status: "available" }),
  };
  socket.on("data", (command) => (commands[command.type] ?? (() => show({})))(command));
  show({});
});

http.listen(0, "127.0.0.1", () => console.log(http.address().port));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
