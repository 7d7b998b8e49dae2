// The agent's desk: a page around a tab at the gateway. What may be done is what the state's commands allow.
import { el, elapsed, header, onLanguage, safeLink, setConnected, setText, spaced, t } from "./page.js";
import { openTab } from "./tab.js";

const $ = (id) => document.getElementById(id);
const inCall = ["ordered", "delivered", "talking", "holding"];

let tab = null;
let presence = null;
let credentials = null; // kept in memory alone, for a login after a lost connection
let state = null;
let skew = 0;
let shownCard = "";
let greeted = false; // the login of this connection was sent

async function signIn(event) {
  event.preventDefault();
  const entered = { user: $("user").value.trim(), password: $("password").value, extension: $("extension").value.trim() };
  complain("");
  let answer;
  try {
    answer = await fetch("/agent/session", {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ user: entered.user, password: entered.password }),
    });
  } catch (error) {
    complain(t("failedLogin", { reason: error.message }));
    return;
  }
  if (!answer.ok) {
    complain(answer.status === 401 ? t("badLogin") : t("failedLogin", { reason: answer.status }));
    return;
  }
  credentials = entered;
  bePresent((await answer.json().catch(() => ({}))).presence);
  tab?.close();
  greeted = false;
  tab = openTab({ onState: stateCame, onConnection: connectionChanged, onUnavailable: () => setText($("trouble"), t("unavailable")) });
}

// hint fills in the form with what the address or, in the demo, the server suggests.
async function hint() {
  const asked = new URLSearchParams(location.search).get("login");
  if (asked) $("user").value = asked;
  const answer = await fetch("/agent/session").catch(() => null);
  if (!answer?.ok) return;
  const { user } = await answer.json();
  if (!$("user").value) $("user").value = user;
}

// bePresent keeps a stream open for as long as somebody sits here: in the demo the simulated agent steps aside meanwhile.
function bePresent(url) {
  presence?.close();
  presence = url ? new EventSource(url) : null;
}

function connectionChanged(is, reason) {
  setConnected(is);
  if (!is) {
    greeted = false;
    setText($("trouble"), $("desk").hidden ? "" : t("notConnected"));
    if ($("desk").hidden && reason) complain(t("failedLogin", { reason }));
  }
}

function stateCame(now) {
  state = now;
  skew = now.serverTime - Date.now();
  if (now.state === "logged_off" && credentials && !greeted) {
    greeted = true;
    tab.login(credentials.user, credentials.password, credentials.extension);
    return;
  }
  if (now.state === "logged_off" && now.loginError) {
    complain(now.loginError);
    leave();
    return;
  }
  show();
}

function complain(text) {
  setText($("problem"), text);
}

function leave() {
  credentials = null;
  tab?.close();
  tab = null;
  bePresent(null);
  state = null;
  showCard("");
  show();
}

function show() {
  const there = Boolean(state) && state.state !== "logged_off";
  $("door").hidden = there;
  $("desk").hidden = !there;
  if (!there) return;
  showStatus();
  showPhone();
  showCodes();
  if (state.card || !inCall.concat("clerical").includes(state.state)) showCard(state.card && state.state !== "available" ? state.card : "");
}

function showStatus() {
  $("status").dataset.state = state.state;
  setText($("agent"), state.agent);
  setText($("ext"), state.extension ? `${t("extension")} ${state.extension}` : "");
  setText($("state"), t(state.state));
  $("auto").setAttribute("aria-checked", state.autoCall);
  setText($("auto-state"), t(state.autoCall ? "on" : "off"));
  $("auto").disabled = !state.commands.has("CMD_PREDICTIVE");
  $("logout").disabled = !state.commands.has("CMD_LOGOUT");
  const paused = state.state === "paused" || state.state === "forcepause";
  $("end-pause").hidden = !paused;
  setText($("end-pause"), t(state.state === "forcepause" ? "endForcePause" : "endPause"));
  $("pause").hidden = paused;
  $("pause").disabled = !state.commands.has("CMD_PAUSE");
  const first = t(inCall.includes(state.state) || state.state === "clerical" ? "pauseNext" : "pause");
  const key = JSON.stringify([first, state.pauses]);
  if ($("pause").dataset.key !== key) {
    $("pause").dataset.key = key;
    $("pause").replaceChildren(el("option", { value: "" }, `${first}…`), ...state.pauses.map((p) => el("option", { value: p.id }, p.name)));
  }
  const trouble = state.state === "forcepause" ? [t("forcePauseNote"), state.callError].filter(Boolean).join(" ") : state.callError;
  setText($("trouble"), trouble);
  tick();
}

function showPhone() {
  const busy = inCall.includes(state.state) || state.state === "clerical";
  $("idle").hidden = busy;
  $("in-call").hidden = !busy;
  $("ready").hidden = state.state !== "available";
  setText($("ready"), t(state.autoCall ? "readyAuto" : "readyManual"));
  $("call").disabled = !state.commands.has("CMD_MAKECALL");
  const queues = JSON.stringify(state.queues);
  if ($("queue").dataset.key !== queues) {
    $("queue").dataset.key = queues;
    $("queue").replaceChildren(...state.queues.map((q) => el("option", {}, q)));
  }
  setText($("call-queue"), state.queue);
  setText($("customer"), spaced(state.number));
  setText($("trace"), state.trace ? t("recordsCall", { trace: state.trace }) : "");
  $("keys").hidden = !inCall.includes(state.state);
  setText($("hold"), t(state.state === "holding" ? "retrieve" : "holdCall"));
  $("hold").disabled = !state.commands.has(state.state === "holding" ? "CMD_RETRIEVECALL" : "CMD_HOLDCALL");
  setText($("mute"), t(state.muted ? "unmute" : "mute"));
  $("mute").setAttribute("aria-pressed", state.muted);
  $("mute").disabled = !state.commands.has("CMD_MUTE");
  $("hangup").disabled = !state.commands.has("CMD_CLOSECALL");
}

function showCodes() {
  const may = state.commands.has("CMD_RESOLUTION") && state.codes.length > 0;
  $("coding").hidden = !may;
  if (!may) $("callback").value = "";
  setText($("code-keys"), t("codeKeys", { last: Math.min(9, state.codes.length) }));
  const key = JSON.stringify(state.codes);
  if ($("codes").dataset.key === key) return;
  $("codes").dataset.key = key;
  $("codes").replaceChildren(...state.codes.map((code, i) => el("button", { type: "button", onclick: () => chooseCode(code.id) },
    i < 9 ? el("kbd", { "aria-hidden": "true" }, String(i + 1)) : null, code.name)));
}

function chooseCode(id) {
  const at = $("callback").value;
  tab.code(id, at ? new Date(at).toISOString() : null);
}

function showCard(target) {
  const link = safeLink(target) ?? "";
  if (link === shownCard) return;
  shownCard = link;
  $("card").hidden = !link;
  $("no-card").hidden = Boolean(link);
  $("card-link").hidden = !link;
  if (link) {
    $("card-link").href = link;
    $("card").src = link;
  } else {
    $("card").src = "about:blank";
  }
}

function tick() {
  if (state) setText($("timer"), elapsed(Date.now() + skew - state.since));
}

header("desk");
hint();
$("login").addEventListener("submit", signIn);
$("logout").addEventListener("click", () => {
  tab.logout();
  leave();
});
$("auto").addEventListener("click", () => tab.toggleAutoCall());
$("pause").addEventListener("change", ({ target }) => {
  if (target.value) tab.pause(target.value);
  target.value = "";
});
$("end-pause").addEventListener("click", () => tab.pause("0"));
$("dial").addEventListener("submit", (event) => {
  event.preventDefault();
  tab.call($("number").value.replace(/[^\d+]/g, ""), $("queue").value);
});
$("hold").addEventListener("click", () => (state.state === "holding" ? tab.retrieve() : tab.hold()));
$("mute").addEventListener("click", () => tab.toggleMute());
$("hangup").addEventListener("click", () => tab.hangUp());
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input, select, textarea") || $("coding").hidden) return;
  const code = state?.codes[Number(event.key) - 1];
  if (code) chooseCode(code.id);
});
onLanguage(show);
setInterval(tick, 1000);
