// The agent's desk: a page around a tab at the gateway. What may be done is what the state's commands allow, and what is shown says
// how old it is.
import { ask, toSignIn } from "./api.js";
import { codeField } from "./codes.js";
import { drafts as makeDrafts } from "./draft.js";
import { clock, el, elapsed, header, onLanguage, safeLink, setConnected, setText, spaced, t, told } from "./page.js";
import { talkBegan } from "./talk.js";
import { openTab } from "./tab.js";

const $ = (id) => document.getElementById(id);
const inCall = ["ordered", "delivered", "talking", "holding"];
const ofCall = [...inCall, "clerical"];
const frames = new Set([location.origin, ...(told.frames ?? "").split(" ").filter(Boolean)]);

let tab = null;
let state = null;
let skew = 0; // the server's clock less ours
let connected = null; // null: not yet
let lostAt = 0;
let shownCard = null;
let comeBack = false; // the agent was at work when the connection went
let leaving = false;

const serverNow = () => Date.now() + skew;
const drafts = makeDrafts({ tab: () => tab, changed: show });
const codes = codeField({ drafts, current: () => state });

// takeDesk logs the agent on: by a one-time token for the agent who the signed-in user is, or by an agent's own password.
async function takeDesk() {
  setText($("problem"), "");
  const extension = $("extension").value.trim();
  if (!$("own-password").hidden) {
    await pressed("startWork", tab.login($("user").value.trim(), $("password").value, extension));
    $("password").value = "";
    return;
  }
  const reply = await ask("/api/v1/session");
  switch (reply.status) {
    case 200:
      await pressed("startWork", tab.login(reply.body.mediatel.login, reply.body.mediatel.token, extension || reply.body.mediatel.extension));
      return;
    case 401:
      toSignIn();
      return;
    case 403: // not exactly one agent is this user
      $("own-password").hidden = false;
      $("user").focus();
      return;
    case 409:
      setText($("problem"), t("noExtension"));
      return;
    default:
      setText($("problem"), reply.status ? t("failedLogin", { reason: reply.status }) : t("unreachable"));
  }
}

function connectionChanged(is, reason) {
  if (connected !== is) {
    if (!is) {
      lostAt = Date.now();
      comeBack = Boolean(state) && state.state !== "logged_off" && !leaving;
    }
    connected = is;
    setConnected(is);
    if (!is && reason && /403|Forbidden/.test(reason)) toSignIn(); // the session is over
  }
  if (!is && !state) setText($("door-note"), t("connecting"));
  show();
}

function stateCame(now) {
  const before = state;
  state = now;
  skew = now.serverTime - Date.now();
  if (now.state === "logged_off") {
    if (comeBack) {
      comeBack = false;
      takeDesk();
    } else if (before && before.state !== "logged_off" && !leaving) {
      setText($("door-note"), t("wereLoggedOff"));
    }
    if (now.loginError) setText($("problem"), now.loginError);
  } else {
    comeBack = leaving = false;
    setText($("problem"), "");
    setText($("door-note"), "");
  }
  look();
  show();
}

// look has the drafts sent that are due.
function look() {
  if (state && connected !== false && state.state !== "logged_off") drafts.look(state, serverNow(), () => state.callError);
}

// pressed says what became of a command that the state alone does not tell.
async function pressed(what, answer) {
  setText($("pressed"), "");
  const slow = setTimeout(() => setText($("pressed"), t("sending", { what: t(what) })), 700);
  const result = await answer;
  clearTimeout(slow);
  setText($("pressed"), result === "done" ? "" : t(result === "offline" ? "notSent" : "notConfirmed", { what: t(what) }));
  if (result !== "done" && $("desk").hidden) setText($("problem"), t(result === "offline" ? "notSent" : "notConfirmed", { what: t(what) }));
}

function show() {
  const there = Boolean(state) && state.state !== "logged_off";
  $("door").hidden = there;
  $("desk").hidden = !there;
  $("work").disabled = !connected;
  if (!there) {
    if (connected && $("door-note").textContent === t("connecting")) setText($("door-note"), "");
    document.title = t("desk");
    return;
  }
  const old = connected === false;
  $("stale").hidden = !old;
  $("desk").classList.toggle("old", old);
  if (old) setText($("stale"), t("deskStale", { time: clock(new Date(lostAt)) }));
  showStatus(old);
  showPhone(old);
  codes.show(state, !old);
  codes.past(state);
  showCard();
}

function showStatus(old) {
  $("status").dataset.state = state.state;
  setText($("agent"), state.agent);
  setText($("ext"), state.extension ? `${t("extension")} ${state.extension}` : "");
  setText($("state"), old ? t("lastKnown", { state: t(state.state) }) : t(state.state));
  $("auto").setAttribute("aria-checked", state.autoCall);
  setText($("auto-state"), t(state.autoCall ? "on" : "off"));
  $("auto").disabled = old || !state.commands.has("CMD_PREDICTIVE");
  $("logout").disabled = old || !state.commands.has("CMD_LOGOUT");
  const paused = state.state === "paused" || state.state === "forcepause";
  $("end-pause").hidden = !paused;
  $("end-pause").disabled = old;
  setText($("end-pause"), t(state.state === "forcepause" ? "endForcePause" : "endPause"));
  $("pause").hidden = paused;
  $("pause").disabled = old || !state.commands.has("CMD_PAUSE");
  $("pending").hidden = !state.pausePending;
  setText($("pending-text"), t("pausePending", { pause: state.pauses.find((p) => p.id === state.pausePending)?.name ?? state.pausePending }));
  $("no-pause").disabled = old;
  const first = t(ofCall.includes(state.state) ? "pauseNext" : "pause");
  const key = JSON.stringify([first, state.pauses]);
  if ($("pause").dataset.key !== key) {
    $("pause").dataset.key = key;
    $("pause").replaceChildren(el("option", { value: "" }, `${first}…`), ...state.pauses.map((p) => el("option", { value: p.id }, p.name)));
  }
  const trouble = state.state === "forcepause" ? [t("forcePauseNote"), state.callError].filter(Boolean).join(" ") : state.callError;
  setText($("trouble"), trouble);
  tick();
}

function showPhone(old) {
  const busy = ofCall.includes(state.state);
  $("idle").hidden = busy;
  $("in-call").hidden = !busy;
  $("ready").hidden = state.state !== "available";
  setText($("ready"), t(state.autoCall ? "readyAuto" : "readyManual"));
  $("call").disabled = old || !state.commands.has("CMD_MAKECALL");
  const queues = JSON.stringify(state.queues);
  if ($("queue").dataset.key !== queues) {
    $("queue").dataset.key = queues;
    $("queue").replaceChildren(...state.queues.map((q) => el("option", {}, q)));
  }
  setText($("call-queue"), state.queue);
  setText($("customer"), spaced(state.number));
  setText($("trace"), state.trace ? t("recordsCall", { trace: state.trace }) : "");
  $("keys").hidden = !inCall.includes(state.state);
  const held = state.state === "holding";
  setText($("hold"), t(held ? "retrieve" : "holdCall"));
  $("hold").disabled = old || !state.commands.has(held ? "CMD_RETRIEVECALL" : "CMD_HOLDCALL");
  setText($("mute"), t(state.muted ? "unmute" : "mute"));
  $("mute").setAttribute("aria-pressed", state.muted);
  $("mute").disabled = old || !state.commands.has("CMD_MUTE");
  $("hangup").disabled = old || !state.commands.has("CMD_CLOSECALL");
}

// showCard shows the customer's card as long as there is a call, or says in words why there is none.
function showCard() {
  const busy = ofCall.includes(state.state);
  const link = (busy && safeLink(state.card)) || "";
  const framed = link && frames.has(new URL(link).origin);
  setText($("no-card"), !busy ? t("noCard") : link ? t("cardElsewhere", { host: new URL(link).host }) : t(state.customer ? "noCardLink" : "unknownNumber", { number: spaced(state.number) }));
  $("no-card").hidden = Boolean(framed);
  $("card").hidden = !framed;
  $("card-link").hidden = !link;
  if (link) $("card-link").href = link;
  const address = framed ? link : "about:blank";
  if (shownCard !== address) {
    shownCard = address;
    $("card").src = address;
  }
}

// tick moves the clocks. A state that is not known to be true any more stands still.
function tick() {
  if (!state || state.state === "logged_off") return;
  const now = connected === false ? lostAt + skew : serverNow();
  const began = talkBegan(state);
  const text = elapsed(now - began);
  setText($("timer"), text);
  setText($("held"), state.state === "holding" ? t("heldFor", { time: elapsed(now - state.since) }) : "");
  document.title = `${connected === false ? "? " : ""}${t(state.state)} ${text} – Ringmaster`;
}

async function signOut() {
  if (state && state.state !== "logged_off") {
    if (!connected || !state.commands.has("CMD_LOGOUT")) {
      setText($("pressed"), t(connected ? "endCallFirst" : "notSent", { what: t("signOut") }));
      return;
    }
    leaving = true;
    await tab.logout();
  }
  tab?.close();
  await ask("/api/v1/logout", { method: "POST" });
  location.assign("/sign-in?to=%2Fagent");
}

// bePresent keeps a stream open for as long as somebody sits here: in the demo the simulated agent steps aside meanwhile.
function bePresent() {
  if (!told.presence) return Promise.resolve();
  const stream = new EventSource(told.presence);
  return new Promise((resolve) => {
    stream.onopen = resolve;
    stream.onerror = resolve;
  });
}

function press(id, what, command) {
  $(id).addEventListener("click", () => pressed(what(), command()));
}

header("desk", { desk: "/agent" }, signOut);
$("start").addEventListener("submit", (event) => {
  event.preventDefault();
  takeDesk();
});
press("logout", () => "endWork", () => { leaving = true; return tab.logout(); });
press("auto", () => "autoCall", () => tab.toggleAutoCall());
press("end-pause", () => "endPause", () => tab.pause("0"));
press("no-pause", () => "cancel", () => tab.pause("0"));
press("hold", () => (state.state === "holding" ? "retrieve" : "holdCall"), () => (state.state === "holding" ? tab.retrieve() : tab.hold()));
press("mute", () => (state.muted ? "unmute" : "mute"), () => tab.toggleMute());
press("hangup", () => "hangUp", () => tab.hangUp());
$("pause").addEventListener("change", ({ target }) => {
  if (target.value) pressed("pause", tab.pause(target.value));
  target.value = "";
});
$("dial").addEventListener("submit", (event) => {
  event.preventDefault();
  pressed("call", tab.call($("number").value.replace(/[^\d+]/g, ""), $("queue").value));
});
onLanguage(show);
setInterval(() => {
  tick();
  look();
}, 1000);

setText($("door-note"), t("connecting"));
await bePresent();
tab = openTab({ onState: stateCame, onConnection: connectionChanged, onUnavailable: () => setText($("trouble"), t("unavailable")), onBeat: look });
