// The house as it is now: what the shared worker tells, put together.
import { toSignIn } from "../lib/api";
import type { News } from "../lib/live";
import { isDemo, script } from "../lib/page";
import type { LiveAgent, OpenCall, Overview, Trunk } from "../lib/types";
import { choices } from "../lib/words.svelte";

export class Live {
  overview = $state.raw<Overview | null>(null);
  agents = $state.raw<LiveAgent[]>([]); // by login
  calls = $state.raw<OpenCall[]>([]);
  trunks = $state.raw<Trunk[]>([]);
  taken = $state.raw<string[]>([]);
  connected = $state<boolean | null>(null);
  at = $state(0); // when it was so
  now = $state(Date.now()); // of this second; it stands still when what is shown is not known to be true any more
  skew = $state(0); // the server's clock less ours
  #known = new Map<number, LiveAgent>();

  constructor() {
    const worker = new SharedWorker(script("live"), { type: "module", name: "ringmaster-live" });
    worker.port.onmessage = ({ data }: MessageEvent<News>) => this.#heard(data);
    worker.port.start();
    const ask = () => {
      const { language } = choices;
      if (!document.hidden) worker.port.postMessage({ demo: isDemo, language });
    };
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
    if (news.whole) this.#known.clear();
    for (const a of news.changed ?? []) this.#known.set(a.id, a);
    for (const id of news.gone ?? []) this.#known.delete(id);
    if (news.whole || news.changed?.length || news.gone?.length) {
      this.agents = [...this.#known.values()].sort((a, b) => (a.login < b.login ? -1 : 1));
    }
  }
}
