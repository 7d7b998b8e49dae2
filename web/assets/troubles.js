// What is wrong, in words, and what one does about it.
import { dateTime, el, t } from "./page.js";

const grave = ["no_network", "trunk_down", "endpoint_failing", "endpoint_disabled"];
const ways = [
  ["telephony.sip.listen", "way_sip"],
  ["telephony.mediatel.url", "way_mediatel"],
  ["telephony.simulated.profile=everyday", "way_simulated"],
];

// trouble is one entry of a list of troubles. A kind that we have no words for is shown in the server's.
export function trouble(entry) {
  const key = `trouble_${entry.kind}`;
  const words = t(key, { ...entry.args, cause: entry.args.cause || t("noCause"), status: entry.args.status ? t(`status_${entry.args.status}`) : "" });
  const times = [entry.since && t("since", { time: dateTime(new Date(entry.since)) }), entry.until && t("untilTime", { time: dateTime(new Date(entry.until)) })].filter(Boolean);
  return el("li", { "data-kind": entry.kind, class: grave.includes(entry.kind) ? "grave" : "" },
    el("span", {}, words === key ? entry.text : words),
    times.length ? el("small", { class: "note" }, times.join(" · ")) : null,
    entry.kind === "no_network" ? el("ul", { class: "ways" }, ...ways.map(([setting, way]) => el("li", {}, el("code", {}, setting), " ", t(way)))) : null);
}

// fill shows a list of troubles, and touches the page only when they have changed.
export function fill(root, list, language) {
  const key = JSON.stringify([list, language]);
  if (root.dataset.key === key) return;
  root.dataset.key = key;
  root.replaceChildren(...list.map(trouble));
}
