// The card of one customer, which opens with the call. What it knows of calls came by webhook.
import { dateTime, el, header, number, onLanguage, safeLink, setText, spaced, stream, t } from "./page.js";

const $ = (id) => document.getElementById(id);
const id = decodeURIComponent(location.pathname.split("/").pop());
const present = new URLSearchParams(location.search); // the call that opened the card: number, call

let person = null;
let contact = null; // as the latest webhook has it
const calls = new Map(); // attempt → { call, agent, code, reason }

function show() {
  if (!person) return;
  document.title = `${person.name}: Ringmaster`;
  setText($("name"), person.name);
  setText($("crm-id"), person.crm_id);
  setText($("face"), person.name.split(" ").map((part) => part[0]).join("").slice(0, 2));
  const { debt, currency, ...rest } = person.payload ?? {};
  $("debt").hidden = !debt;
  if (debt) setText($("amount"), money(debt, currency));
  const fact = (key, ...value) => el("div", {}, el("dt", {}, t(key === "language" ? "speaks" : key)), el("dd", {}, ...value));
  const phones = person.phones.map((p) => el("span", { class: p.number === present.get("number") ? "phone now" : "phone" },
    spaced(p.number), p.label ? el("small", {}, ` ${p.label}`) : null));
  $("facts").replaceChildren(fact("phones", ...phones), ...Object.entries(rest).map(([key, value]) => fact(key, String(value))));
  showState();
  showHistory();
}

function money(amount, currency) {
  try {
    return new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency }).format(amount);
  } catch {
    return `${amount} ${currency ?? ""}`;
  }
}

function showState() {
  const tags = [];
  if (contact) tags.push(el("span", { class: "tag" }, t(`state_${contact.state}`)));
  if (contact?.next_call_at && contact.state === "waiting") tags.push(el("span", { class: "tag quiet" }, `${t("nextCall")}: ${dateTime(new Date(contact.next_call_at))}`));
  $("state").replaceChildren(...tags.flatMap((tag) => [tag, " "]));
}

function showHistory() {
  const list = [...calls.values()].sort((a, b) => Number(BigInt(b.call.attempt_id) - BigInt(a.call.attempt_id)));
  $("none").hidden = list.length > 0;
  $("history").replaceChildren(...list.map(({ call, agent, code, reason }) => {
    const at = call.dialed_at ?? call.answered_at ?? call.ended_at;
    const recording = call.ended_at && safeLink(call.recording_link);
    return el("li", { "data-outcome": call.outcome ?? "up", class: call.calltraceid && call.calltraceid === present.get("call") ? "now" : null },
      el("div", { class: "line" }, el("b", {}, outcome(call.outcome)), el("span", { class: "note" }, at ? dateTime(new Date(at)) : "")),
      el("div", { class: "line note" }, el("span", {}, spaced(call.number)),
        call.talk_seconds ? el("span", {}, t("seconds", { seconds: Math.round(call.talk_seconds) })) : null,
        agent ? el("span", {}, `${t("by")} ${agent.login}`) : null,
        recording ? el("a", { href: recording, target: "_blank", rel: "noopener" }, t("listen")) : null),
      code ? el("div", {}, el("span", { class: "code" }, code.name)) : reason === "timeout" ? el("div", { class: "note" }, t("noCode")) : null);
  }));
}

function outcome(name) {
  if (!name) return t("talking");
  return t(name === "answered" ? "answered_o" : name);
}

function arrived({ event: { type, data } }) {
  if (data.contact) contact = data.contact;
  if (data.call) {
    const known = calls.get(data.call.attempt_id) ?? {};
    calls.set(data.call.attempt_id, {
      call: { ...known.call, ...data.call },
      agent: data.agent ?? known.agent,
      code: data.code ?? known.code,
      reason: type === "call.code_set" ? data.reason : known.reason,
    });
  }
  show();
}

if (window.top !== window) document.body.classList.add("framed");
header("crm");
const answer = await fetch(`/crm/people/${encodeURIComponent(id)}`);
if (answer.ok) {
  person = await answer.json();
  onLanguage(show);
  stream(`/crm/feed?person=${encodeURIComponent(id)}`, arrived);
} else {
  onLanguage(() => setText($("name"), t("notFound")));
}
