// The house as it is now: what the shared worker tells, put together.
import { toSignIn } from "../lib/api";
import type { News } from "../lib/live";
import { isDemo, script } from "../lib/page";
import type { LiveAgent, LiveCampaign, OpenCall, Outlook, Overview, Pacing, Trunk } from "../lib/types";
import { choices } from "../lib/words.svelte";

export class Live {
  overview = $state.raw<Overview | null>(null);
  agents = $state.raw<LiveAgent[]>([]); // by login
  calls = $state.raw<OpenCall[]>([]);
  trunks = $state.raw<Trunk[]>([]);
  campaigns = $state.raw<LiveCampaign[]>([]); // by id
  outlooks = $state.raw<ReadonlyMap<number, Outlook>>(new Map()); // of the campaigns that this page watches
  pacings = $state.raw<ReadonlyMap<number, Pacing>>(new Map()); // of the same
  taken = $state.raw<string[]>([]);
  connected = $state<boolean | null>(null);
  at = $state(0); // when it was so
  now = $state(Date.now()); // of this second; it stands still when what is shown is not known to be true any more
  skew = $state(0); // the server's clock less ours
  #known = new Map<number, LiveAgent>();
  #watched = new Map<number, number>(); // campaigns, and how often
  #ask: () => void;
  #waiting: News[] = []; // for the next frame: news of a moment are one change of the page

  constructor() {
    const worker = new SharedWorker(script("live"), { type: "module", name: "ringmaster-live" });
    worker.port.onmessage = ({ data }: MessageEvent<News>) => {
      this.#waiting.push(data);
      if (this.#waiting.length > 1) return;
      const take = () => {
        for (const news of this.#waiting.splice(0)) this.#heard(news);
      };
      if (document.hidden) take(); // such a page has no frames
      else requestAnimationFrame(take);
    };
    document.addEventListener("visibilitychange", () => { for (const news of this.#waiting.splice(0)) this.#heard(news); });
    worker.port.start();
    const ask = () => {
      const { language } = choices;
      if (!document.hidden) worker.port.postMessage({ demo: isDemo, language, campaigns: [...this.#watched.keys()] });
    };
    this.#ask = ask;
    $effect(ask); // and when another language is chosen
    setInterval(ask, 10_000);
    document.addEventListener("visibilitychange", ask);
    addEventListener("pagehide", () => worker.port.postMessage({ bye: true }));
    addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });
    setInterval(() => { if (this.connected !== false) this.now = Date.now(); }, 1000);
  }

  get serverNow(): number {
    return this.now + this.skew;
  }

  // watch has a campaign's figures come, until the function that it answers is called.
  watch(id: number): () => void {
    this.#watched.set(id, (this.#watched.get(id) ?? 0) + 1);
    this.#ask();
    return () => {
      const left = (this.#watched.get(id) ?? 1) - 1;
      if (left) this.#watched.set(id, left);
      else this.#watched.delete(id);
      this.#ask();
    };
  }

  #heard(news: News): void {
    if (news.status === 401) return toSignIn();
    if (news.status === 403) return location.reload(); // the role is another one now, and the page says so
    this.connected = news.status === 200;
    if (!this.connected) return;
    this.at = this.now = news.at;
    if (news.overview) this.overview = news.overview;
    if (news.skew !== undefined) this.skew = news.skew;
    if (news.calls) this.calls = news.calls;
    if (news.trunks) this.trunks = news.trunks;
    if (news.seats) this.taken = news.seats;
    if (news.campaigns) this.campaigns = news.campaigns.sort((a, b) => a.id - b.id);
    if (news.outlooks?.length) this.outlooks = changed(this.outlooks, news.outlooks);
    if (news.pacings?.length) this.pacings = changed(this.pacings, news.pacings);
    this.#agents(news);
  }

  // #agents keeps the order: of hundreds whose states have changed, none has to be sorted in anew.
  #agents({ whole, changed = [], gone = [] }: News): void {
    if (!whole && !changed.length && !gone.length) return;
    let sameOrder = !whole && !gone.length;
    if (whole) this.#known.clear();
    for (const id of gone) this.#known.delete(id);
    for (const a of changed) {
      sameOrder &&= this.#known.get(a.id)?.login === a.login;
      this.#known.set(a.id, a);
    }
    if (sameOrder) this.agents = this.agents.map((a) => this.#known.get(a.id) ?? a);
    else this.agents = [...this.#known.values()].sort((a, b) => (a.login < b.login ? -1 : 1));
  }
}

// changed is what is known with what is new; null takes away.
function changed<T>(known: ReadonlyMap<number, T>, news: [number, T | null][]): ReadonlyMap<number, T> {
  const all = new Map(known);
  for (const [id, one] of news) {
    if (one) all.set(id, one);
    else all.delete(id);
  }
  return all;
}
