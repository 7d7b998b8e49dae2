// An agent's tab at the gateway: Mediatel's protocol over the official Socket.IO client, and nothing of the page.
import { io } from "./vendor/socket.io.esm.min.js";

// States of the protocol, and the names that our words have for them.
const states = {
  STATE_LOGOUT: "logged_off",
  STATE_IDLE: "available",
  STATE_MAKECALL_FAILED: "available",
  STATE_MAKECALL_REQUEST: "ordered",
  STATE_CALL_DELIVERED: "delivered",
  STATE_CALL_ACTIVE: "talking",
  STATE_HOLD: "holding",
  STATE_CLERICAL: "clerical",
  STATE_PAUSE: "paused",
};
const forcePause = "1000";
const answerLimit = 6000; // milliseconds for the server to say that it has a command
const beatEvery = 8000, beatLimit = 5000; // milliseconds: a network that is gone is noticed before the connection's own heartbeat does

// none is what the protocol writes for "nothing".
const some = (value) => (["-1", "0", "", "null", "undefined", "1999-01-01 01:01:01"].includes(String(value ?? "")) ? "" : String(value));

// read makes of a state object what the desk shows. Three keys have an older, misspelt form.
function read(data) {
  const state = states[data.state] ?? "logged_off";
  return {
    state: state === "paused" && String(data.pauseId) === forcePause ? "forcepause" : state,
    since: Number(data.time) || Date.now(),
    serverTime: Number(data.serverTime) || Date.now(),
    codeDueAt: Number(data.codeDueAt) || 0,
    agent: some(data.agentId) ? data.agentName : "",
    extension: some(data.agentExt),
    autoCall: String(data.predictiveStatus) === "1",
    muted: String(data.mute) === "1",
    pausePending: some(data.pausePending),
    pauses: (data.pauseList ?? []).map(([id, name]) => ({ id, name })),
    queues: data.queues ?? [],
    commands: new Set(data.availableCommand ?? data.avaliableCommand ?? []),
    codes: (data.availableCallCodes ?? data.awaliableCallCodes ?? []).map((c) => ({ id: c.ID, name: c.Name })),
    number: some(data.ani),
    customer: some(data.callCustomerID),
    queue: data.queueName ?? "",
    trace: some(data.callTraceID),
    card: some(data.crmConnectTarget),
    callError: data.callErrorText ?? "",
    loginError: some(data.loginErrorID) ? data.loginErrorText || data.loginErrorID : "",
  };
}

// openTab connects. onState gets each state; onConnection whether what was shown last is still true, with the reason if the server
// refuses; onBeat is called whenever the server is heard of, also in a page that is not looked at, whose clocks are slowed down.
//
// Each command answers "done" when the server has dealt with it (what it refused, the state says), "offline" when it was not sent,
// and "unknown" when nobody can tell. None is kept and sent later: by then it might end another call than was meant.
export function openTab({ onState, onConnection, onUnavailable, onBeat }) {
  const socket = io({ path: "/mediatel/socket.io/", transports: ["websocket"], withCredentials: true, multiplex: false, reconnectionDelayMax: 3000 });
  let reachable = true;
  let fresh = false; // a state has come by this connection
  const tell = (reason) => onConnection(socket.connected && reachable && fresh, reason);
  socket.on("connect", () => { reachable = true; });
  socket.on("disconnect", () => { fresh = false; tell(); });
  socket.on("connect_error", (error) => { fresh = false; tell(error.message); });
  socket.on("data", (data) => {
    if (!data || typeof data !== "object") return;
    fresh = true;
    onState(read(data));
    tell();
    onBeat();
  });
  socket.on("agentUnavailable", () => onUnavailable());
  socket.io.on("ping", onBeat);

  const gone = () => {
    if (!reachable) return;
    reachable = false;
    tell();
  };
  // back is a new connection: what the old one missed, nobody knows.
  const back = () => {
    if (reachable) return;
    reachable = true;
    fresh = false;
    socket.disconnect().connect();
  };
  const beat = async () => {
    try {
      await fetch("/assets/logo.svg", { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(beatLimit) });
      back();
    } catch {
      gone();
    }
  };
  const beating = setInterval(beat, beatEvery);
  const offline = () => gone(), online = () => beat();
  addEventListener("offline", offline);
  addEventListener("online", online);

  const send = (type, fields = {}) => new Promise((resolve) => {
    if (!socket.connected || !reachable) {
      resolve("offline");
      return;
    }
    socket.timeout(answerLimit).emit("data", { type, ...fields }, (error) => {
      if (error) beat();
      resolve(error ? "unknown" : "done");
    });
  });
  return {
    login: (user, password, extension) => send("login", { user, password, extension }),
    logout: () => send("logout"),
    call: (phoneNumber, queueName) => send("makeCall", { phoneNumber, queueName }),
    hangUp: () => send("closeCall"),
    pause: (id) => send("pause", { id }),
    toggleAutoCall: () => send("predictive"),
    hold: () => send("holdCall"),
    retrieve: () => send("retrieveCall"),
    toggleMute: () => send("muteCall"),
    code: ({ id, trace, callbackAt }) => send("resolutionSet", callbackAt ? { id, callTraceID: trace, callbackAt } : { id, callTraceID: trace }),
    close: () => {
      clearInterval(beating);
      removeEventListener("offline", offline);
      removeEventListener("online", online);
      socket.close();
    },
  };
}
