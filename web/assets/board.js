// The board: who is in which call, how far the campaign is, and how fast it goes.
import { el, elapsed, header, number, onLanguage, safeLink, setText, spaced, stream, svg, t } from "./page.js";

const $ = (id) => document.getElementById(id);
const outcomes = ["answered", "busy", "no_answer", "rejected", "invalid_number", "congestion", "agent_no_answer", "agent_gave_up", "abandoned", "unknown"];
const parts = ["finished", "coding", "calling", "waiting"];
const inCall = ["ordered", "delivered", "talking", "holding"];

let board = null;
let skew = 0; // the server's clock less ours, in milliseconds

function show() {
  if (!board) return;
  showCampaign(board.campaign);
  showTiles();
  showAgents(board.agents ?? []);
  showBars($("outcomes"), outcomes.filter((o) => board.outcomes?.[o]).map((o) => [t(o === "answered" ? "answered_o" : o), board.outcomes[o], o]));
  showBars($("codes"), (board.codes ?? []).filter((c) => c.count).map((c) => [c.name, c.count, "code"]));
}

function showCampaign(c) {
  setText($("campaign-name"), c.name);
  setText($("status"), t(`status_${c.status}`));
  $("status").dataset.status = c.status;
  setText($("mode"), t(`mode_${c.mode}`));
  const total = parts.reduce((sum, part) => sum + c[part], 0);
  const bar = $("bar");
  if (!bar.childElementCount) bar.append(...parts.map((part) => el("span", { class: part })));
  parts.forEach((part, i) => { bar.children[i].style.flexGrow = c[part]; });
  bar.setAttribute("aria-label", t("progress", { finished: c.finished, total }));
  const legend = $("legend");
  if (!legend.childElementCount) {
    legend.append(...parts.map((part) => el("li", { class: part }, el("b"), " ", el("span", { "data-t": part }, t(part)))));
  }
  parts.forEach((part, i) => setText(legend.children[i].firstChild, number(c[part])));
}

const tiles = {};

function tile(key, label, value, note, drawing) {
  if (!tiles[key]) {
    tiles[key] = { label: el("p", { class: "eyebrow" }), value: el("p", { class: "figure" }), note: el("p", { class: "note" }), drawing: el("div", { class: "drawing" }) };
    $("tiles").append(el("div", { class: "tile panel" }, tiles[key].label, tiles[key].value, tiles[key].note, tiles[key].drawing));
  }
  setText(tiles[key].label, label);
  setText(tiles[key].value, value);
  setText(tiles[key].note, note);
  if (drawing) tiles[key].drawing.replaceChildren(drawing);
}

function showTiles() {
  const agents = board.agents ?? [];
  const rates = board.calls_per_minute ?? [];
  const closed = Object.values(board.outcomes ?? {}).reduce((a, b) => a + b, 0);
  const answered = board.outcomes?.answered ?? 0;
  const busy = agents.filter((a) => inCall.includes(a.state)).length;
  tile("rate", t("callsPerMinute"), number(rates.at(-1) ?? 0), t("lastTenMinutes"), sparkline(rates));
  tile("busy", t("inCallNow"), `${busy} / ${agents.length}`, t("free", { free: agents.filter((a) => a.state === "available").length }), dots(agents));
  tile("answered", t("answered"), closed ? `${Math.round((100 * answered) / closed)} %` : "–", t("ofCalls", { count: closed }));
  tile("webhooks", t("webhooks"), number(board.webhooks), t("atTheCRM"));
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

function dots(agents) {
  return el("span", { class: "dots", "aria-hidden": "true" }, ...agents.map((a) => el("i", { "data-state": a.state })));
}

const seats = new Map(); // login → its elements

function showAgents(list) {
  for (const a of list) {
    let seat = seats.get(a.login);
    if (!seat) {
      seat = makeSeat(a.login);
      seats.set(a.login, seat);
      $("agents").append(seat.root);
    }
    seat.since = Date.parse(a.since);
    seat.root.dataset.state = a.state;
    setText(seat.name, a.name);
    setText(seat.state, t(a.state));
    setText(seat.flag, a.state === "available" && !a.auto_call ? t("autoOff") : "");
    const busy = inCall.includes(a.state) || a.state === "clerical";
    setText(seat.contact, (busy && a.contact) || "");
    setText(seat.number, busy && a.number ? spaced(a.number) : "");
    const card = busy && safeLink(a.card_link);
    seat.card.hidden = !card;
    if (card) seat.card.href = card;
    seat.take.hidden = a.taken;
    seat.taken.hidden = !a.taken;
  }
  tick();
}

function makeSeat(login) {
  const seat = {
    name: el("span", { class: "name" }), state: el("span", { class: "state" }), timer: el("time", { class: "timer" }), flag: el("span", { class: "flag" }),
    contact: el("b"), number: el("span", { class: "phone" }),
    card: el("a", { target: "_blank", rel: "noopener", "data-t": "card", hidden: true }, t("card")),
    take: el("a", { href: `/agent?login=${encodeURIComponent(login)}`, "data-t": "takeOver" }, t("takeOver")),
    taken: el("span", { class: "tag", "data-t": "takenOver", hidden: true }, t("takenOver")),
  };
  seat.root = el("li", { class: "agent", id: `agent-${login}` },
    el("div", { class: "line" }, el("b", { class: "login" }, login), seat.name, seat.timer),
    el("div", { class: "line" }, seat.state, seat.flag, seat.number),
    el("div", { class: "line talk" }, seat.contact),
    el("div", { class: "line links" }, seat.card, seat.take, seat.taken));
  return seat;
}

function tick() {
  const now = Date.now() + skew;
  for (const seat of seats.values()) setText(seat.timer, seat.root.dataset.state === "logged_off" ? "" : elapsed(now - seat.since));
}

function showBars(root, rows) {
  if (!rows.length) {
    root.replaceChildren(el("p", { class: "note" }, t("noneYet")));
    return;
  }
  const most = Math.max(...rows.map(([, count]) => count));
  root.replaceChildren(...rows.map(([label, count, kind]) => {
    const fill = el("span", { class: "fill", "data-kind": kind });
    fill.style.width = `${(100 * count) / most}%`;
    return el("div", { class: "row" }, el("span", {}, label), el("b", {}, number(count)), el("span", { class: "track" }, fill));
  }));
}

header("board");
onLanguage(show);
setInterval(tick, 1000);
stream("/demo/board", (data) => {
  board = data;
  skew = Date.parse(data.at) - Date.now();
  show();
});
