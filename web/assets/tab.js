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

// none is what the protocol writes for "nothing".
const some = (value) => (["-1", "0", "", "null", "undefined", "1999-01-01 01:01:01"].includes(String(value ?? "")) ? "" : String(value));

// read makes of a state object what the desk shows. Three keys have an older, misspelt form.
function read(data) {
  const state = states[data.state] ?? "logged_off";
  return {
    state: state === "paused" && String(data.pauseId) === forcePause ? "forcepause" : state,
    since: Number(data.time) || Date.now(),
    serverTime: Number(data.serverTime) || Date.now(),
    agent: some(data.agentId) ? data.agentName : "",
    extension: some(data.agentExt),
    autoCall: String(data.predictiveStatus) === "1",
    muted: String(data.mute) === "1",
    pauses: (data.pauseList ?? []).map(([id, name]) => ({ id, name })),
    queues: data.queues ?? [],
    commands: new Set(data.availableCommand ?? data.avaliableCommand ?? []),
    codes: (data.availableCallCodes ?? data.awaliableCallCodes ?? []).map((c) => ({ id: c.ID, name: c.Name })),
    number: some(data.ani),
    queue: data.queueName ?? "",
    trace: some(data.callTraceID),
    card: some(data.crmConnectTarget),
    callError: data.callErrorText ?? "",
    loginError: some(data.loginErrorID) ? data.loginErrorText || data.loginErrorID : "",
  };
}

// openTab connects. onState gets each state; onConnection true, false, or the reason why the server refuses.
export function openTab({ onState, onConnection, onUnavailable }) {
  const socket = io({ path: "/mediatel/socket.io/", transports: ["websocket"], withCredentials: true, multiplex: false });
  socket.on("connect", () => onConnection(true));
  socket.on("disconnect", () => onConnection(false));
  socket.on("connect_error", (error) => onConnection(false, error.message));
  socket.on("data", (data) => { if (data && typeof data === "object") onState(read(data)); });
  socket.on("agentUnavailable", () => onUnavailable());
  const send = (type, fields = {}) => socket.emit("data", { type, ...fields });
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
    code: (id, callbackAt) => send("resolutionSet", callbackAt ? { id, callbackAt } : { id }),
    close: () => socket.close(),
  };
}
