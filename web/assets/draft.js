// The call code that an agent has chosen and not sent yet. A code closes the call and its wrap-up for good, so it is a draft first: on
// the screen, in this browser's storage (a reload keeps it), and sent once, with its call's id.
import { ask } from "./api.js";

const prefix = "ringmaster.code.";
const keep = 24 * 3600_000; // a draft that nobody has looked at for a day is forgotten
const ofCall = ["ordered", "delivered", "talking", "holding", "clerical"];
const early = 2500; // milliseconds before wrap-up ends
const earlyHidden = 32_000; // in a page that is not looked at: its clock may stand until the server's next heartbeat, 25 s later

const key = (agent, trace) => `${prefix}${agent}.${trace}`;

function storedDrafts(agent) {
  const list = [];
  for (let i = 0; i < localStorage.length; i++) {
    const name = localStorage.key(i);
    if (!name.startsWith(`${prefix}${agent}.`)) continue;
    try {
      list.push(JSON.parse(localStorage.getItem(name)));
    } catch {
      // not ours
    }
  }
  return list;
}

// drafts keeps the drafts of one page. changed is called when there is something new to show.
//
// A draft is {trace, id, name, callbackAt, confirmed, status, reason}; its status: "draft"; "queued", confirmed and not sent;
// "sending"; "saved", as the record says; "failed", with the reason.
export function drafts({ tab, changed }) {
  const known = new Map(); // trace → draft, of storage or, where that is forbidden, of this page alone
  let agent = "";

  const put = (draft) => {
    known.set(draft.trace, draft);
    try {
      localStorage.setItem(key(agent, draft.trace), JSON.stringify({ ...draft, at: Date.now() }));
    } catch {
      // storage may be forbidden; then the draft lasts as long as the page
    }
    changed();
  };
  const forget = (trace) => {
    known.delete(trace);
    try {
      localStorage.removeItem(key(agent, trace));
    } catch {
      // see put
    }
    changed();
  };
  const load = (login) => {
    agent = login;
    known.clear();
    try {
      for (const d of storedDrafts(agent)) {
        if (Date.now() - d.at > keep) localStorage.removeItem(key(agent, d.trace));
        else known.set(d.trace, d.status === "sending" ? { ...d, status: "queued" } : d);
      }
    } catch {
      // see put
    }
  };
  addEventListener("storage", ({ key: name }) => {
    if (agent && name?.startsWith(`${prefix}${agent}.`)) {
      load(agent);
      changed();
    }
  });

  // onRecord says what the record has for the call: a code's id, "" for none yet, null if it cannot be asked.
  const onRecord = async (trace) => {
    const { status, body } = await ask(`/api/v1/attempts?calltraceid=${encodeURIComponent(trace)}&limit=1`);
    return status === 200 && body.items.length ? body.items[0].code ?? "" : null;
  };

  // settle finds out what has become of a draft. result is that of sending it, or "over" when its call ended without it.
  const settle = async (draft, result, complaint) => {
    let code = await onRecord(draft.trace);
    for (let i = 0; i < 3 && code === "" && result === "done" && !complaint; i++) { // taken, and on its way to the record
      await new Promise((done) => setTimeout(done, 500));
      code = await onRecord(draft.trace);
    }
    const taken = result === "done" && !complaint;
    if (code === draft.id || code === null && taken) put({ ...draft, status: "saved", reason: "" });
    else if (result === "unknown" && !code) put({ ...draft, confirmed: true, status: "queued" });
    else put({ ...draft, status: "failed", reason: complaint, other: code ?? "" });
  };

  const send = async (draft, complaint) => {
    put({ ...draft, status: "sending" });
    const result = await tab().code(draft);
    if (result === "offline") put({ ...draft, confirmed: true, status: "queued" });
    else await settle(draft, result, result === "done" ? complaint() : "");
  };
  const once = (draft, complaint) => navigator.locks
    ? navigator.locks.request(key(agent, draft.trace), { ifAvailable: true }, (lock) => lock && send(draft, complaint))
    : send(draft, complaint);

  const isOpen = (d) => d && (d.status === "draft" || d.status === "queued");
  return {
    of: (trace) => known.get(trace),
    // past are those of other calls than this one, for the agent to know of.
    past: (trace) => [...known.values()].filter((d) => d.trace !== trace),
    choose(trace, code, callbackAt) {
      if (["sending", "saved"].includes(known.get(trace)?.status)) return;
      put({ trace, id: code.id, name: code.name, callbackAt, confirmed: false, status: "draft", reason: "" });
    },
    callback(trace, callbackAt) {
      const d = known.get(trace);
      if (isOpen(d)) put({ ...d, callbackAt });
    },
    confirm(trace) {
      const d = known.get(trace);
      if (isOpen(d)) put({ ...d, confirmed: true, status: "queued" });
    },
    dismiss: forget,

    // look sends what is to be sent now, and finds out what has become of drafts whose call is over. complaint is what the server
    // says of the last command; now is the server's time. It is called at each state, each second and each heartbeat, while connected.
    look(state, now, complaint) {
      if (state.agent && state.agent !== agent) load(state.agent);
      if (!agent) return;
      for (const d of [...known.values()]) {
        const present = d.trace === state.trace && ofCall.includes(state.state);
        if (!isOpen(d)) {
          if (d.status === "saved" && !present && state.trace) forget(d.trace); // it was on the screen until the next call
        } else if (present && state.state === "clerical") {
          const left = state.codeDueAt ? state.codeDueAt - now : Infinity;
          if (d.confirmed || left <= (document.hidden ? earlyHidden : early)) once(d, complaint);
        } else if (!present) {
          put({ ...d, status: "sending" });
          settle(d, "over", "");
        }
      }
    },
  };
}
