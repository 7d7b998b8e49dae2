// The CRM's list of webhooks.
import { clock, dateTime, el, header, number, onLanguage, safeLink, setText, spaced, stream, t } from "./page.js";

const $ = (id) => document.getElementById(id);
const types = ["call.answered", "call.completed", "call.code_set", "recording.ready", "contact.finished", "campaign.finished", "agent.state_changed", "ping"];
const rowsKept = 300;

const rows = []; // the newest first
const codeNames = new Map(); // "code:4", as a contact's reason has it → the code's name
const waiting = []; // arrived while the list is held
let held = false;
let last = 0;
let listed = false; // what came before the page was opened is there; from now on rows are news
setTimeout(() => { listed = true; }, 1500);

function arrived(received) {
  if (received.number <= last) return; // sent once more after a reconnect
  last = received.number;
  setText($("count"), number(last));
  if (held) {
    waiting.push(received);
    showHold();
  } else {
    add(received);
  }
}

function add(received) {
  const { code } = received.event.data;
  if (code) codeNames.set(`code:${code.id}`, code.name);
  const row = { received, type: received.event.type, node: el("tr", { tabindex: 0, class: listed ? "new" : null, "data-type": received.event.type }) };
  row.node.addEventListener("click", ({ target }) => { if (!target.closest("a")) open(received); });
  row.node.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || e.target !== row.node) return;
    e.preventDefault(); // else the same key would press the dialog's button
    open(received);
  });
  fill(row);
  rows.unshift(row);
  $("events").prepend(row.node);
  if (rows.length > rowsKept) rows.pop().node.remove();
  $("empty").hidden = true;
}

function fill({ received, node, type }) {
  const { data } = received.event;
  const payload = data.contact?.payload ?? {};
  const cell = (label, ...content) => el("td", { "data-label": label }, ...content);
  const contact = data.contact
    ? el("a", { href: `/crm/card/${encodeURIComponent(data.contact.crm_id)}` }, data.contact.crm_id)
    : null;
  const recording = type !== "call.answered" && safeLink(data.call?.recording_link); // not yet while they talk
  node.hidden = Boolean($("type").value) && $("type").value !== type;
  node.replaceChildren(
    cell(t("time"), el("time", { datetime: received.at, title: dateTime(new Date(received.at)) }, clock(new Date(received.at)))),
    cell(t("type"), el("span", { class: "chip", "data-type": type }, type)),
    cell(t("contact"), contact, data.call ? el("span", { class: "note" }, ` ${spaced(data.call.number)}`) : null, payload.contract ? el("span", { class: "note extra" }, ` ${payload.contract}`) : null),
    cell(t("agent"), data.agent?.login ?? ""),
    cell(t("result"), result(received.event)),
    cell(t("trace"), el("span", { class: "mono" }, data.call?.calltraceid ?? "")),
    cell(t("recording"), recording ? el("a", { href: recording, target: "_blank", rel: "noopener" }, t("listen")) : null),
    cell("", el("button", { type: "button", class: "more", "aria-label": t("show", { type }), tabindex: -1 }, "{ }")),
  );
}

function result({ type, data }) {
  switch (type) {
    case "call.completed":
      return el("span", {}, t(data.call?.outcome === "answered" ? "answered_o" : data.call?.outcome ?? ""),
        data.call?.talk_seconds ? el("span", { class: "note" }, ` ${t("seconds", { seconds: Math.round(data.call.talk_seconds) })}`) : null);
    case "call.code_set":
      return data.code ? el("b", {}, data.code.name) : el("span", { class: "note" }, t("noCode"));
    case "contact.finished":
      return el("span", { class: "note" }, codeNames.get(data.reason) ?? data.reason ?? "");
    case "agent.state_changed":
      return t(data.agent?.state ?? "");
    case "campaign.finished":
      return data.campaign?.name ?? "";
    default:
      return "";
  }
}

function open(received) {
  setText($("json"), JSON.stringify(received.event, null, 2) + (received.times > 1 ? `\n\n${t("repeated", { count: received.times })}` : ""));
  $("dialog").showModal();
}

function showHold() {
  $("hold").setAttribute("aria-pressed", held);
  setText($("hold"), held ? (waiting.length ? `${t("resume")} (${t("held", { count: waiting.length })})` : t("resume")) : t("hold"));
}

header("crm");
$("type").append(el("option", { value: "", "data-t": "allTypes" }, t("allTypes")), ...types.map((type) => el("option", { value: type }, type)));
$("type").addEventListener("change", () => rows.forEach(({ node, type }) => { node.hidden = Boolean($("type").value) && $("type").value !== type; }));
$("hold").addEventListener("click", () => {
  held = !held;
  if (!held) waiting.splice(0).forEach(add);
  showHold();
});
$("close").addEventListener("click", () => $("dialog").close());
$("dialog").addEventListener("click", ({ target }) => { if (target === $("dialog")) $("dialog").close(); });
onLanguage(() => {
  showHold();
  rows.forEach(fill);
});
stream("/crm/feed", arrived);
