// The supervisors' console: what is wrong and why nobody is called, the campaigns, the trunks, and who is in which call.
import { ask, toSignIn } from "./api.js";
import { pager } from "./pager.js";
import { clock, el, elapsed, header, number, onLanguage, safeLink, setConnected, setText, spaced, svg, t, told, untilClock } from "./page.js";
import { fill } from "./troubles.js";

const $ = (id) => document.getElementById(id);
const api = "/api/v1";
const pace = 2000; // milliseconds between two looks
const outcomes = ["answered", "busy", "no_answer", "rejected", "invalid_number", "congestion", "agent_no_answer", "agent_gave_up", "abandoned", "unknown"];
const parts = ["finished", "coding", "calling", "waiting"];
const ringing = ["ordered", "delivered"], talking = ["talking", "holding"];

let seen = null; // the last answers, all of one moment
let chosen = 0; // the campaign that is looked at
let skew = 0; // the server's clock less ours, in milliseconds
let at = 0; // when seen was seen
let lost = false;
let taken = [];
let timer = 0;
let looking = 0;
const dialed = []; // [time, calls dialed] of the chosen campaign, since this page is open

const campaignPages = pager($("campaigns-pager"), `${api}/campaigns`, 20, look);
const agentPages = pager($("agents-pager"), `${api}/agents/live`, 60, look);

// look asks for everything, shows it, and comes again.
async function look() {
  clearTimeout(timer);
  const mine = ++looking;
  const [overview, campaigns, live, trunks, seats] = await Promise.all([
    ask(`${api}/overview${chosen ? `?campaign=${chosen}` : ""}`), ask(campaignPages.address()), ask(agentPages.address()), ask(`${api}/trunks`),
    "demo" in told ? ask("/demo/seats") : null,
  ]);
  if (mine !== looking) return; // somebody has turned a page meanwhile
  const replies = [overview, campaigns, live, trunks];
  if (overview.status === 401) return toSignIn();
  if (overview.status === 403) return location.reload(); // the role is another one now, and the page says so
  if (overview.status === 404 && chosen) chosen = 0;
  lost = !replies.every((r) => r.status === 200);
  if (!lost) {
    at = Date.now();
    skew = Date.parse(overview.body.at) - at;
    taken = seats?.body?.taken ?? [];
    seen = { ...overview.body, list: campaigns.body.items, live: live.body.items, trunks: trunks.body.items };
    campaignPages.show(campaigns.body);
    agentPages.show(live.body);
    sample();
    if (!chosen && seen.list.length) {
      chosen = (seen.list.find((c) => c.status === "running") ?? seen.list[0]).id;
      return look();
    }
  }
  setConnected(!lost);
  show();
  if (!document.hidden) timer = setTimeout(look, pace);
}

function sample() {
  const stats = seen.campaign?.stats;
  if (!stats) return;
  const last = dialed.at(-1);
  if (!last || at - last[0] >= 10_000) dialed.push([at, stats.dialed]);
  if (dialed.length > 61) dialed.shift();
}

function show() {
  $("stale").hidden = !lost;
  $("board").classList.toggle("old", lost);
  if (lost) setText($("stale"), seen ? t("staleSince", { time: clock(new Date(at)) }) : t("unreachable"));
  if (!seen) return;
  fill($("troubles"), seen.troubles, document.documentElement.lang);
  $("well").hidden = seen.troubles.length > 0;
  showTiles();
  showCampaigns();
  showCampaign();
  showTrunks();
  showAgents(seen.live);
}

function showCampaigns() {
  $("no-campaigns").hidden = seen.list.length > 0;
  const key = JSON.stringify([seen.list.map((c) => [c.id, c.name, c.status, c.mode]), chosen, document.documentElement.lang]);
  if ($("campaigns").dataset.key === key) return;
  $("campaigns").dataset.key = key;
  const focused = document.activeElement?.dataset?.campaign;
  $("campaigns").replaceChildren(...seen.list.map((c) => el("li", {},
    el("button", { type: "button", "data-campaign": c.id, "aria-pressed": String(c.id === chosen), onclick: () => choose(c.id) },
      el("span", { class: "name" }, c.name), el("span", { class: "tag", "data-status": c.status }, t(`status_${c.status}`)),
      el("span", { class: "note" }, t(`mode_${c.mode}`))))));
  if (focused) $("campaigns").querySelector(`[data-campaign="${focused}"]`)?.focus();
}

function choose(id) {
  chosen = id;
  dialed.length = 0;
  look();
}

function showCampaign() {
  const outlook = seen.campaign;
  $("campaign").hidden = !outlook;
  if (!outlook) return;
  const { campaign: c, stats } = outlook;
  setText($("campaign-name"), c.name);
  setText($("status"), t(`status_${c.status}`));
  $("status").dataset.status = c.status;
  setText($("mode"), t(`mode_${c.mode}`));
  const count = (part) => stats.contacts[part] ?? 0;
  const total = parts.reduce((sum, part) => sum + count(part), 0);
  const bar = $("bar");
  if (!bar.childElementCount) bar.append(...parts.map((part) => el("span", { class: part })));
  parts.forEach((part, i) => { bar.children[i].style.flexGrow = count(part); });
  bar.setAttribute("aria-label", t("progress", { finished: count("finished"), total }));
  const legend = $("legend");
  if (!legend.childElementCount) {
    legend.append(...parts.map((part) => el("li", { class: part }, el("b"), " ", el("span", { "data-t": part }, t(part)))));
  }
  parts.forEach((part, i) => setText(legend.children[i].firstChild, number(count(part))));
  $("why").hidden = !outlook.why.length;
  fill($("reasons"), outlook.why, document.documentElement.lang);
  const names = new Map(c.call_codes.map((code) => [code.id, code.name]));
  showBars($("outcomes"), outcomes.filter((o) => stats.outcomes[o]).map((o) => [t(o === "answered" ? "answered_o" : o), stats.outcomes[o], o]));
  showBars($("codes"), Object.entries(stats.codes).map(([id, n]) => [names.get(id) ?? id, n, "code"]));
}

function showTrunks() {
  $("trunks-panel").hidden = !seen.trunks.length;
  const key = JSON.stringify([seen.trunks.map((k) => [k.node, k.name, k.state, k.cause, k.until, k.calls]), document.documentElement.lang]);
  if ($("trunks").dataset.key === key) return;
  $("trunks").dataset.key = key;
  $("trunks").replaceChildren(...seen.trunks.map((k) => el("tr", { "data-trunk": k.state },
    el("th", { scope: "row" }, k.name), el("td", {}, k.node), el("td", {}, el("span", { class: "tag" }, t(`trunk_${k.state}`))), el("td", {}, k.cause ?? ""),
    el("td", {}, k.until ? untilClock(new Date(k.until)) : ""), el("td", {}, k.channels ? `${number(k.calls)} / ${number(k.channels)}` : number(k.calls)))));
}

const tiles = {};

function tile(key, label, value, note, drawing) {
  if (!tiles[key]) {
    tiles[key] = { label: el("p", { class: "eyebrow" }), value: el("p", { class: "figure" }), note: el("p", { class: "note" }), drawing: el("div", { class: "drawing" }) };
    $("tiles").append(el("div", { class: "tile panel", id: `tile-${key}` }, tiles[key].label, tiles[key].value, tiles[key].note, tiles[key].drawing));
  }
  setText(tiles[key].label, label);
  setText(tiles[key].value, value);
  setText(tiles[key].note, note);
  if (drawing) tiles[key].drawing.replaceChildren(drawing);
}

function showTiles() {
  const sum = (states) => states.reduce((n, s) => n + (seen.agents[s] ?? 0), 0);
  const on = Object.entries(seen.agents).reduce((n, [state, count]) => (state === "free" ? n : n + count), 0);
  const stats = seen.campaign?.stats;
  const closed = Object.values(stats?.outcomes ?? {}).reduce((a, b) => a + b, 0);
  const rates = perMinute(stats?.dialed ?? 0);
  tile("rate", t("callsPerMinute"), rates.length ? number(rates.at(-1)) : "–", t("sincePageOpen"), sparkline(rates));
  tile("busy", t("inCallNow"), `${number(sum(talking))} / ${number(on)}`, t("freeAndRinging", { free: seen.agents.free ?? 0, ringing: sum(ringing) }), dots(seen.live));
  tile("answered", t("answered"), closed ? `${Math.round((100 * (stats.outcomes.answered ?? 0)) / closed)} %` : "–", t("ofCalls", { count: closed }));
  tile("running", t("running"), number(seen.campaigns.running ?? 0), t("ofCampaigns", { total: Object.values(seen.campaigns).reduce((a, b) => a + b, 0) }));
}

// perMinute is how many calls were dialed in the minute before each sample.
function perMinute(now) {
  return [...dialed, [at, now]].map(([time, n], i, all) => {
    const before = all.slice(0, i).findLast(([then]) => time - then >= 60_000) ?? all[0];
    return time === before[0] ? null : Math.round(((n - before[1]) * 60_000) / (time - before[0]));
  }).filter((rate) => rate !== null);
}

function sparkline(values) {
  const width = 120, height = 36, most = Math.max(1, ...values), step = width / Math.max(1, values.length - 1);
  const points = values.map((v, i) => `${(i * step).toFixed(1)},${(height - 2 - (v / most) * (height - 4)).toFixed(1)}`);
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true", class: "spark" });
  if (points.length > 1) {
    drawing.append(svg("polygon", { points: `0,${height} ${points.join(" ")} ${width},${height}` }), svg("polyline", { points: points.join(" ") }));
  }
  return drawing;
}

function dots(list) {
  return el("span", { class: "dots", "aria-hidden": "true" }, ...list.slice(0, 20).map((a) => el("i", { "data-state": a.state })));
}

const seats = new Map(); // login → its elements

function showAgents(list) {
  $("no-agents").hidden = list.length > 0;
  const there = new Set(list.map((a) => a.login));
  for (const [login, seat] of seats) {
    if (there.has(login)) continue;
    seat.root.remove();
    seats.delete(login);
  }
  for (const a of list) {
    let seat = seats.get(a.login);
    if (!seat) {
      seat = makeSeat(a.login);
      seats.set(a.login, seat);
    }
    if (seat.root.parentNode === null) $("agents").append(seat.root);
    showSeat(seat, a);
  }
  tick();
}

function showSeat(seat, a) {
  const busy = ringing.includes(a.state) || talking.includes(a.state) || a.state === "clerical";
  seat.since = Date.parse(a.since);
  seat.root.dataset.state = a.state;
  setText(seat.state, t(a.state));
  setText(seat.flag, a.state === "available" && !a.auto_call ? t("autoOff") : "");
  setText(seat.contact, (busy && (a.call?.name || a.call?.crm_id)) || a.pause_cause || a.error || "");
  setText(seat.number, busy && a.call?.number ? spaced(a.call.number) : "");
  const card = busy && safeLink(a.call?.card_link);
  seat.card.hidden = !card;
  if (card) seat.card.href = card;
  seat.take.hidden = !("demo" in told) || taken.includes(a.login);
  seat.taken.hidden = !taken.includes(a.login);
}

function makeSeat(login) {
  const seat = {
    state: el("span", { class: "state" }), timer: el("time", { class: "timer" }), flag: el("span", { class: "flag" }),
    contact: el("b"), number: el("span", { class: "phone" }),
    card: el("a", { target: "_blank", rel: "noopener", "data-t": "card", hidden: true }, t("card")),
    take: el("a", { href: `/sign-in?login=${encodeURIComponent(login)}&to=%2Fagent`, "data-t": "takeOver", hidden: true }, t("takeOver")),
    taken: el("span", { class: "tag", "data-t": "takenOver", hidden: true }, t("takenOver")),
  };
  seat.root = el("li", { class: "agent", id: `agent-${login}` },
    el("div", { class: "line" }, el("b", { class: "login" }, login), seat.timer),
    el("div", { class: "line" }, seat.state, seat.flag, seat.number),
    el("div", { class: "line talk" }, seat.contact),
    el("div", { class: "line links" }, seat.card, seat.take, seat.taken));
  return seat;
}

// tick moves the clocks. What is not known any more does not go on.
function tick() {
  const now = (lost ? at : Date.now()) + skew;
  for (const seat of seats.values()) setText(seat.timer, elapsed(now - seat.since));
}

function showBars(root, rows) {
  const key = JSON.stringify([rows, document.documentElement.lang]);
  if (root.dataset.key === key) return;
  root.dataset.key = key;
  if (!rows.length) {
    root.replaceChildren(el("p", { class: "note" }, t("noneYet")));
    return;
  }
  const most = Math.max(...rows.map(([, count]) => count));
  root.replaceChildren(...rows.map(([label, count, kind]) => {
    const bar = el("span", { class: "fill", "data-kind": kind });
    bar.style.width = `${(100 * count) / most}%`;
    return el("div", { class: "row" }, el("span", {}, label), el("b", {}, number(count)), el("span", { class: "track" }, bar));
  }));
}

async function signOut() {
  await ask(`${api}/logout`, { method: "POST" });
  location.assign("/sign-in");
}

header("console", { console: "/", docs: "/docs" }, "demo" in told ? null : signOut);
onLanguage(show);
setInterval(tick, 1000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
look();
