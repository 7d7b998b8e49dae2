// The call code that an agent has chosen and not sent yet. A code closes the call and its wrap-up for good, so it is a draft first: on
// the screen, in this browser's storage (a reload keeps it), and sent once, with its call's id.
import { ask } from "../lib/api";
import { forget, keys, read, remember } from "../lib/storage";
import { ofCall, type AgentState, type Code } from "./state";
import type { Result, Tab } from "./tab";

const prefix = "ringmaster.code.";
const keep = 24 * 3600_000; // a draft that nobody has looked at for a day is forgotten
const early = 2500; // milliseconds before wrap-up ends
const earlyHidden = 6000; // in a page that is not looked at, whose beats may come late

export type Status =
  | "draft"
  | "queued" // confirmed and not sent
  | "sending"
  | "saved" // as the record says
  | "failed"; // with the reason

export interface Draft {
  trace: string;
  id: string;
  name: string;
  callbackAt: string | null;
  confirmed: boolean;
  status: Status;
  reason: string;
  other?: string; // the code that the record has instead
  sent?: boolean; // it may have been: nobody can tell by the draft alone that it is not saved
  at?: number;
}

type Open = Draft & { status: "draft" | "queued" };
const isOpen = (d: Draft | undefined): d is Open => d?.status === "draft" || d?.status === "queued";

// Drafts are those of one page. changed is called when there is something new to show.
export class Drafts {
  #known = new Map<string, Draft>(); // by trace
  #agent = "";
  #busy = new Set<string>(); // those that this page deals with
  #tab: () => Tab | null;
  #changed: () => void;

  constructor(tab: () => Tab | null, changed: () => void) {
    this.#tab = tab;
    this.#changed = changed;
    addEventListener("storage", ({ key }) => {
      if (this.#agent && key?.startsWith(this.#key(""))) {
        this.#load(this.#agent);
        changed();
      }
    });
  }

  of(trace: string): Draft | undefined {
    return this.#known.get(trace);
  }

  // past are those of other calls than this one, for the agent to know of.
  past(trace: string): Draft[] {
    return [...this.#known.values()].filter((d) => d.trace !== trace);
  }

  choose(trace: string, code: Code, callbackAt: string | null): void {
    if (["sending", "saved"].includes(this.#known.get(trace)?.status ?? "")) return;
    this.#put({ trace, id: code.id, name: code.name, callbackAt, confirmed: false, status: "draft", reason: "" });
  }

  callback(trace: string, callbackAt: string | null): void {
    const d = this.#known.get(trace);
    if (isOpen(d)) this.#put({ ...d, callbackAt });
  }

  confirm(trace: string): void {
    const d = this.#known.get(trace);
    if (isOpen(d)) this.#put({ ...d, confirmed: true, status: "queued" });
  }

  dismiss(trace: string): void {
    this.#known.delete(trace);
    forget(this.#key(trace));
    this.#changed();
  }

  // look sends what is to be sent now, and finds out what has become of drafts whose call is over. complaint is what the server
  // says of the last command; now is the server's time; last says that the page is about to be frozen, and nobody knows for how long.
  // It is called at each state, each second and each heartbeat, while connected.
  look(state: AgentState, now: number, complaint: () => string, last = false): void {
    if (state.agent && state.agent !== this.#agent) this.#load(state.agent);
    if (!this.#agent) return;
    for (const d of [...this.#known.values()]) {
      const present = d.trace === state.trace && ofCall.includes(state.state);
      if (!isOpen(d)) {
        if (d.status === "saved" && !present && state.trace) this.dismiss(d.trace); // it was on the screen until the next call
      } else if (present && state.state === "clerical") {
        const left = state.codeDueAt ? state.codeDueAt - now : Infinity;
        if (d.confirmed || last || left <= (document.hidden ? earlyHidden : early)) void this.#once(d, (mine) => this.#send(mine, complaint));
      } else if (!present) {
        void this.#once(d, (mine) => {
          this.#put({ ...mine, status: "sending" });
          return this.#settle(mine, "over", "");
        });
      }
    }
  }

  #key(trace: string): string {
    return `${prefix}${this.#agent}.${trace}`;
  }

  #put(draft: Draft): void {
    this.#known.set(draft.trace, draft);
    remember(this.#key(draft.trace), JSON.stringify({ ...draft, at: Date.now() }));
    this.#changed();
  }

  #load(login: string): void {
    this.#agent = login;
    this.#known.clear();
    for (const key of keys(this.#key(""))) {
      const d = read<Draft>(key);
      if (!d?.trace) continue; // not ours
      if (Date.now() - (d.at ?? 0) > keep) forget(key);
      else this.#known.set(d.trace, d.status === "sending" ? { ...d, status: "queued", sent: true } : d);
    }
  }

  // #settle finds out what has become of a draft. result is that of sending it, or "over" when its call ended without it. What may
  // have been saved is never called lost: it is asked for again.
  async #settle(draft: Draft, result: Result | "over", complaint: string): Promise<void> {
    const taken = result === "done" && !complaint;
    const hope = taken || result === "unknown" || (result === "over" && draft.sent);
    let code = await onRecord(draft.trace);
    for (let wait = 500; wait <= 64_000 && result !== "unknown" && (code === away || (code === "" && hope)); wait *= 2) { // the record may be slow
      await new Promise((done) => setTimeout(done, wait));
      code = await onRecord(draft.trace);
    }
    if (code === draft.id || (code === none && taken)) this.#put({ ...draft, status: "saved", reason: "" });
    else if (code === away || ((code === "" || code === none) && (taken || result === "unknown"))) this.#put({ ...draft, confirmed: true, status: "queued" });
    else this.#put({ ...draft, status: "failed", reason: complaint, other: typeof code === "string" ? code : "" });
  }

  async #send(draft: Draft, complaint: () => string): Promise<void> {
    const sent = { ...draft, sent: true };
    this.#put({ ...sent, status: "sending" });
    const result = (await this.#tab()?.code(draft)) ?? "offline";
    if (result === "offline") this.#put({ ...draft, confirmed: true, status: "queued" });
    else await this.#settle(sent, result, result === "done" ? complaint() : "");
  }

  // #once has one of the pages that are open deal with a draft. What another page has dealt with, or chosen since, is only taken over:
  // a page that stood still knows an older one, and the next look decides by what is kept.
  async #once(draft: Draft, deal: (mine: Draft) => Promise<void>): Promise<void> {
    if (this.#busy.has(draft.trace)) return;
    const run = async () => {
      const kept = read<Draft>(this.#key(draft.trace)) ?? draft;
      const same = kept.id === draft.id && kept.callbackAt === draft.callbackAt && kept.confirmed === draft.confirmed;
      if (same && kept.status !== "saved" && kept.status !== "failed") return deal({ ...kept, sent: kept.sent || kept.status === "sending" });
      this.#known.set(draft.trace, kept);
      this.#changed();
    };
    this.#busy.add(draft.trace);
    try {
      if (navigator.locks) await navigator.locks.request(this.#key(draft.trace), { ifAvailable: true }, async (lock) => { if (lock) await run(); });
      else await run();
    } finally {
      this.#busy.delete(draft.trace);
    }
  }
}

const away = Symbol("the record cannot be asked"), over = Symbol("wrap-up ended without a code"), none = null; // the record has no such call of this agent's

// onRecord says what the record has for the call: a code's id, or "" for none yet.
async function onRecord(trace: string): Promise<string | typeof away | typeof over | typeof none> {
  const { status, body } = await ask<{ items: { code?: string | null; code_set_at?: string | null }[] }>(`/api/v1/attempts?calltraceid=${encodeURIComponent(trace)}&limit=1`);
  if (status === 401 || status === 403) return none;
  if (status !== 200) return away;
  const [call] = body.items;
  if (!call) return none;
  return call.code || (call.code_set_at ? over : "");
}
