// An agent's page as the public integration samples for Mediatel shape it: one object, a method a command, listeners for data,
// agentUnavailable and remoteConnect. It knows nothing of who serves it, and lives through one agent's day.
//
//   node sample.js URL COOKIE USER PASSWORD EXTENSION NUMBER CODE REFUSALS
//
// REFUSALS is how many of its connections find no agent process free.
"use strict";
const assert = require("node:assert/strict");
const { io } = require("socket.io-client");

const [url, cookie, user, password, extension, number, code, refusals] = process.argv.slice(2);

class MT {
  constructor() {
    this.state = {};
    this.remote = null;
    this.refused = 0;
    this.waiting = null;
    this.socket = io(url, { path: "/mediatel/socket.io", transports: ["websocket"], withCredentials: true, multiplex: false, extraHeaders: { cookie } });
    this.socket.on("data", (data) => {
      this.state = data;
      if (this.waiting) this.waiting();
    });
    this.socket.on("agentUnavailable", () => {
      this.refused++;
      this.socket.disconnect().connect();
    });
    this.socket.on("remoteConnect", (remote) => (this.remote = remote));
    this.socket.on("connect_error", (err) => fail(`connect_error: ${err.message}`));
  }
  command(type, fields) {
    this.socket.emit("data", { type, ...fields });
  }
  login() {
    this.command("login", { user, password, extension });
  }
  logout() {
    this.command("logout");
  }
  call(phoneNumber, queueName) {
    this.command("makeCall", { phoneNumber, queueName });
  }
  endCall() {
    this.command("closeCall");
  }
  pause(id) {
    this.command("pause", { id });
  }
  togglePredictive() {
    this.command("predictive");
  }
  holdCall() {
    this.command("holdCall");
  }
  endHoldCall() {
    this.command("retrieveCall");
  }
  muteCall() {
    this.command("muteCall");
  }
  setResult(id) {
    this.command("resolutionSet", { id });
  }
  exit() {
    this.command("exit");
  }
  until(what, is) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => fail(`waited in vain for ${what}: ${JSON.stringify(this.state)}`), 120000);
      this.waiting = () => {
        if (!is(this.state)) return;
        clearTimeout(timer);
        this.waiting = null;
        resolve(this.state);
      };
      this.waiting();
    });
  }
  in(state) {
    return this.until(state, (s) => s.state === state);
  }
}

function fail(why) {
  console.error(why);
  process.exit(1);
}

async function day() {
  const mt = new MT();
  await mt.in("STATE_LOGOUT");
  assert.equal(mt.refused, Number(refusals), "connections refused by agentUnavailable");
  mt.login();
  let s = await mt.until("login", (s) => s.state === "STATE_IDLE" && s.agentExt === extension);
  assert.ok(mt.remote.host);
  assert.ok(s.queues.length > 0);
  const flag = s.predictiveStatus;
  mt.togglePredictive();
  await mt.until("the flag", (s) => s.predictiveStatus !== flag);
  mt.togglePredictive();
  await mt.until("the flag back", (s) => s.predictiveStatus === flag);
  // A fresh process may want a login first, or be one that the agent is logged in to already.
  mt.state = {};
  mt.exit();
  s = await mt.until("the state after exit", (s) => s.state);
  if (s.state === "STATE_LOGOUT") mt.login();
  await mt.in("STATE_IDLE");

  mt.pause(mt.state.pauseList[0][0]);
  await mt.in("STATE_PAUSE");
  mt.pause(0);
  await mt.in("STATE_IDLE");

  mt.call(number, mt.state.queues[0]);
  s = await mt.in("STATE_CALL_ACTIVE");
  assert.equal(s.ani, number);
  assert.match(s.callTraceID, /^[1-9][0-9]+$/);
  mt.holdCall();
  await mt.in("STATE_HOLD");
  mt.endHoldCall();
  await mt.in("STATE_CALL_ACTIVE");
  mt.muteCall();
  await mt.until("mute", (s) => String(s.mute) === "1");
  mt.muteCall();
  await mt.until("mute off", (s) => String(s.mute) === "0");
  mt.endCall();
  s = await mt.in("STATE_CLERICAL");
  assert.ok(s.availableCallCodes.some((c) => c.ID === code), "the code is on offer");
  console.log(s.callTraceID);
  mt.setResult(Number(code));
  await mt.in("STATE_IDLE");
  mt.logout();
  await mt.in("STATE_LOGOUT");
  mt.socket.disconnect();
}

day().then(() => process.exit(0), (err) => fail(err.stack));
