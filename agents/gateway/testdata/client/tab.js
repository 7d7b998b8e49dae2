// An agent's tab as CRM pages for Mediatel are written: one object around the official client, a method a command, the
// newest whole state kept, listeners for the server's events. It lives through a working day and exits 0 if all was well.
//
//   node tab.js URL COOKIE TRANSPORTS
//
// A line "> something" on its output asks the test, which plays the dialer and the customers, to act.
"use strict";
const assert = require("node:assert/strict");
const { io } = require("socket.io-client");

const [url, cookie, transports] = process.argv.slice(2);

class Tab {
  constructor() {
    this.data = null;
    this.seen = [];
    this.hosts = [];
    this.waiting = null;
    this.socket = io(url, {
      path: "/mediatel/socket.io",
      transports: transports.split(","),
      withCredentials: true,
      multiplex: false,
      extraHeaders: { cookie }, // in lower case, or the jar of withCredentials hides it from WebSockets
    });
    this.socket.on("data", (data) => {
      this.data = data;
      this.seen.push(data.state);
      if (this.waiting) this.waiting();
    });
    this.socket.on("agentUnavailable", () => fail("agentUnavailable"));
    this.socket.on("remoteConnect", (host) => this.hosts.push(host));
    this.socket.on("connect_error", (err) => fail(`connect_error: ${err.message} ${err.description && err.description.message}`));
  }

  send(command) {
    this.socket.emit("data", command);
  }
  login(user, password, extension) {
    this.send({ type: "login", user, password, extension });
  }
  logout() {
    this.send({ type: "logout" });
  }
  call(phoneNumber, queueName = this.data.queues[0]) {
    this.send({ type: "makeCall", phoneNumber, queueName });
  }
  endCall() {
    this.send({ type: "closeCall" });
  }
  pause(id) {
    this.send({ type: "pause", id });
  }
  togglePredictive() {
    this.send({ type: "predictive" });
  }
  holdCall() {
    this.send({ type: "holdCall" });
  }
  endHoldCall() {
    this.send({ type: "retrieveCall" });
  }
  muteCall() {
    this.send({ type: "muteCall" });
  }
  setResult(id) {
    this.send({ type: "resolutionSet", id });
  }
  exit() {
    this.send({ type: "exit" });
  }

  // until waits for a snapshot that is as wanted.
  until(what, is) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => fail(`waited in vain for ${what}: ${JSON.stringify(this.data)}`), 60000);
      this.waiting = () => {
        if (this.data === null || !is(this.data)) return;
        clearTimeout(timer);
        this.waiting = null;
        resolve(this.data);
      };
      this.waiting();
    });
  }
  state(name) {
    return this.until(name, (d) => d.state === name);
  }
}

function fail(why) {
  console.error(why);
  process.exit(1);
}

function ask(what) {
  console.log(`> ${what}`);
}

async function day() {
  const tab = new Tab();
  let d = await tab.state("STATE_LOGOUT");
  assert.equal(d.status, "offline");
  assert.equal(d.agentId, "-1");
  assert.deepEqual(tab.hosts, [{ host: "farm-01", port: 0 }]);

  tab.login("mt_agent1", "wrong", "3001");
  d = await tab.until("a refused login", (d) => d.loginErrorID !== "0");
  assert.equal(d.state, "STATE_LOGOUT");

  tab.login("mt_agent1", "right", "3001");
  d = await tab.state("STATE_IDLE");
  assert.equal(d.agentId, "2001");
  assert.equal(d.agentExt, "3001");
  assert.equal(d.loginErrorID, "0");
  assert.equal(d.predictiveStatus, "1");
  assert.deepEqual(d.pauseList, [["1", "Technical Break"], ["4", "Meeting"]]);
  assert.deepEqual(d.availableCommand, d.avaliableCommand);
  assert.equal(d.isAvailable && d.isAvaliable, true);
  assert.ok(Math.abs(d.serverTime - Date.now()) < 60000 && d.time <= d.serverTime);

  tab.togglePredictive();
  await tab.until("the flag off", (d) => d.predictiveStatus === "0");
  tab.togglePredictive();
  await tab.until("the flag on", (d) => d.predictiveStatus === "1");
  tab.pause(4); // as a number
  d = await tab.state("STATE_PAUSE");
  assert.equal(d.pauseId, "4");
  tab.pause("0"); // as a string
  await tab.state("STATE_IDLE");

  // A contact is shown, skipped, shown again and called.
  ask("preview");
  d = await tab.until("a preview", (d) => d.ani !== "");
  assert.equal(d.state, "STATE_IDLE");
  assert.equal(d.status, "available");
  assert.equal(d.callCustomerID, "10000007");
  assert.equal(d.crmConnectTarget, "https://crm.example.com/card/10000007");
  assert.equal(d.callTraceID, "-1");
  assert.ok(d.previewUntil > d.serverTime);
  assert.ok(d.availableCommand.includes("CMD_SKIP"));
  tab.send({ type: "skip", reason: "wrong person" });
  d = await tab.until("it is gone", (d) => d.ani === "");
  assert.equal(d.state, "STATE_IDLE");
  assert.equal(d.callCustomerID, "-1");
  assert.ok(!d.availableCommand.includes("CMD_SKIP") && !("previewUntil" in d));
  ask("preview");
  await tab.until("a preview", (d) => d.ani !== "");
  tab.pause(4);
  d = await tab.state("STATE_PAUSE");
  assert.equal(d.ani, "");
  tab.pause(0);
  await tab.state("STATE_IDLE");

  // By hand.
  tab.call("+447700900123");
  d = await tab.state("STATE_CALL_DELIVERED");
  assert.equal(d.callTraceID, "1000000001");
  assert.deepEqual(d.availableCallCodes, d.awaliableCallCodes);
  ask("connect");
  await tab.state("STATE_CALL_ACTIVE");
  tab.holdCall();
  await tab.state("STATE_HOLD");
  tab.endHoldCall();
  await tab.state("STATE_CALL_ACTIVE");
  tab.muteCall();
  await tab.until("mute", (d) => d.mute === 1);
  tab.muteCall();
  await tab.until("mute off", (d) => d.mute === 0);
  tab.endCall();
  d = await tab.state("STATE_CLERICAL");
  tab.setResult(Number(d.availableCallCodes[0].ID));
  await tab.state("STATE_IDLE");

  // Automatic, hung up by the customer.
  ask("automatic");
  d = await tab.state("STATE_CALL_DELIVERED");
  assert.equal(d.crmConnectType, "3");
  assert.equal(d.crmConnectTarget, "https://crm.example.com/card/10000001");
  assert.equal(d.callCustomerID, "10000001");
  assert.deepEqual(d.callHistory, [{ MCC_SAMPLEID: "10000001", MCC_CHANNEL: "-1", MCC_CALLTYPE: "3", MCC_CALLBACKID: "-1" }]);
  assert.equal(d.availableCallCodes[1].ActionFlag, "2");
  ask("connect");
  await tab.state("STATE_CALL_ACTIVE");
  ask("hangup");
  await tab.state("STATE_CLERICAL");
  tab.setResult("7");
  await tab.state("STATE_IDLE");

  // Refused by a rule: a passing state.
  let seen = tab.seen.length;
  tab.call("+447700900666");
  d = await tab.until("the refusal", (d) => d.state === "STATE_IDLE" && d.callErrorID === "-1001");
  assert.deepEqual(tab.seen.slice(seen), ["STATE_MAKECALL_FAILED", "STATE_IDLE"]);

  // The phone is not answered.
  ask("no answer");
  await tab.until("the phone to ring in vain", (d) => d.pauseId === "1000");
  assert.equal(tab.data.state, "STATE_PAUSE");
  assert.equal(tab.data.callErrorID, "-223");
  tab.pause(0);
  await tab.state("STATE_IDLE");

  // What is not allowed now is answered with the present state.
  seen = tab.seen.length;
  tab.endHoldCall();
  await tab.until("an answer", () => tab.seen.length > seen);
  assert.equal(tab.data.state, "STATE_IDLE");

  // A reload needs no login.
  tab.socket.disconnect();
  const again = new Tab();
  await again.state("STATE_IDLE");
  assert.equal(again.data.agentId, "2001");
  again.exit();
  seen = again.seen.length;
  await again.until("an answer", () => again.seen.length > seen);
  again.logout();
  await again.state("STATE_LOGOUT");
  again.socket.disconnect();
}

day().then(() => process.exit(0), (err) => fail(err.stack));
