// The house as it changes, for all pages of a browser: a shared worker holds one stream, and tells each page what has changed. Six pages
// ask no more than one. Where there is no stream to be had it asks again and again.
import type { Campaign, LiveAgent, LiveCampaign, OpenCall, Outlook, Overview, Pacing, Page, Trunk } from "./types";

const pace = 2000; // milliseconds between two words to the pages, and between two looks where there is no stream
const limit = 500;
const mostWatched = 20; // campaigns
const silence = 45_000; // milliseconds without a word after which a stream is dead: a comment comes every 15 s
const beatEvery = 8000, beatLimit = 5000; // milliseconds: a network that is gone is noticed before the stream tells
const seen = 60_000; // milliseconds for which a page that said so is looked at

export interface News {
  status: number; // 200, or what was answered instead; 0: nobody could be reached
  at: number; // when it was so, by this machine's clock
  whole?: boolean; // changed is all there are
  overview?: Overview;
  skew?: number; // the server's clock less ours
  trunks?: Trunk[];
  calls?: OpenCall[];
  campaigns?: LiveCampaign[];
  outlooks?: [number, Outlook | null][]; // that have changed, of the campaigns that somebody watches; null: there is no such campaign
  pacings?: [number, Pacing | null][]; // of the same
  changed?: LiveAgent[];
  gone?: number[];
  seats?: string[]; // taken, in the demo
}

interface Port {
  port: MessagePort;
  heard: number; // when the page last said that it is looked at
  fresh: boolean; // it has everything
  campaigns: number[]; // whose figures it shows
}

interface Item {
  kind: "agent" | "call" | "campaign" | "trunk" | "overview" | "outlook" | "pacing";
  id: string;
  value: unknown; // null: it is no more
}

const ports = new Set<Port>();
const agents = new Map<number, LiveAgent>(), calls = new Map<string, OpenCall>(), trunks = new Map<string, Trunk>();
const campaigns = new Map<number, LiveCampaign>(), outlooks = new Map<number, Outlook>(), pacings = new Map<number, Pacing>();
let overview: Overview | undefined;
let seats: string[] = [];
let skew = 0;
let language = "en";
let demo = false;
let open: AbortController | null = null; // the stream
let since = 0; // when it was last heard
let running = false;
let again = false; // the stream is opened anew at once, for something else
let followed = ""; // the campaigns whose figures the stream brings

const wanted = () => [...ports].some((p) => Date.now() - p.heard < seen); // a page that was closed does not say so
const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function get<T>(path: string): Promise<{ status: number; body: T }> {
  try {
    const reply = await fetch(path, { headers: { "Accept-Language": language }, signal: AbortSignal.timeout(10_000) });
    return { status: reply.status, body: (reply.ok ? await reply.json() : null) as T };
  } catch {
    return { status: 0, body: null as T };
  }
}

// tell passes news on; a page that is new to it gets everything.
function tell(news: News): void {
  for (const p of ports) {
    const all = news.status === 200 && !p.fresh;
    p.port.postMessage(all ? { ...news, whole: true, overview, skew, trunks: [...trunks.values()], calls: [...calls.values()], campaigns: [...campaigns.values()], outlooks: [...outlooks], pacings: [...pacings], changed: [...agents.values()], gone: [] } : news);
    if (news.status === 200) p.fresh = true;
  }
}

// take brings what is known up to date, and tells what is new.
function take(items: Item[], whole: boolean, at: string): void {
  const news: News = { status: 200, at: Date.now(), whole, changed: [], gone: [], skew: skew = Date.parse(at) - Date.now() };
  if (whole) for (const map of [agents, calls, trunks, campaigns, outlooks, pacings]) map.clear();
  for (const { kind, id, value } of items) {
    if (kind === "agent") {
      if (value) {
        agents.set(Number(id), value as LiveAgent);
        news.changed?.push(value as LiveAgent);
      } else {
        agents.delete(Number(id));
        news.gone?.push(Number(id));
      }
    } else if (kind === "call") {
      if (value) calls.set(id, value as OpenCall);
      else calls.delete(id);
      news.calls = [];
    } else if (kind === "trunk") {
      if (value) trunks.set(id, value as Trunk);
      else trunks.delete(id);
      news.trunks = [];
    } else if (kind === "campaign") {
      if (value) campaigns.set(Number(id), value as LiveCampaign);
      else campaigns.delete(Number(id));
      news.campaigns = [];
    } else if (kind === "outlook") {
      if (value) outlooks.set(Number(id), value as Outlook);
      else outlooks.delete(Number(id));
      (news.outlooks ??= []).push([Number(id), value as Outlook | null]);
    } else if (kind === "pacing") {
      if (value) pacings.set(Number(id), value as Pacing);
      else pacings.delete(Number(id));
      (news.pacings ??= []).push([Number(id), value as Pacing | null]);
    } else if (kind === "overview" && value) {
      news.overview = overview = value as Overview;
    }
  }
  if (whole || news.calls) news.calls = [...calls.values()];
  if (whole || news.trunks) news.trunks = [...trunks.values()];
  if (whole || news.campaigns) news.campaigns = [...campaigns.values()];
  tell(news);
}

// watched are the campaigns whose figures somebody looks at, as /live is asked for them.
function watched(): string {
  const ids = new Set([...ports].filter((p) => Date.now() - p.heard < seen).flatMap((p) => p.campaigns));
  return [...ids].sort((a, b) => a - b).slice(0, mostWatched).map((id, i) => `${i ? "&" : "?"}campaign=${id}`).join("");
}

// anew has the stream opened again.
function anew(): void {
  if (!open) return;
  again = true;
  open.abort();
}

// stream follows /live until it ends; it answers what came of it.
async function stream(): Promise<number> {
  const mine = open = new AbortController();
  try {
    followed = watched();
    const reply = await fetch(`/api/v1/live${followed}`, { headers: { "Accept-Language": language }, cache: "no-store", signal: mine.signal });
    if (!reply.ok || !reply.body) return reply.status;
    since = Date.now();
    let text = "";
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 200;
      since = Date.now();
      text += value;
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        const name = /^event: (\w+)$/m.exec(event)?.[1], data = /^data: (.*)$/m.exec(event)?.[1];
        if (!data || (name !== "snapshot" && name !== "delta")) continue;
        const { items, at } = JSON.parse(data) as { items: Item[]; at: string };
        take(items, name === "snapshot", at);
      }
    }
  } catch {
    return 0;
  } finally {
    mine.abort();
    if (open === mine) open = null;
  }
}

// look is one look at the house, where there is no stream.
async function look(): Promise<number> {
  const items: Item[] = [];
  for (let cursor = ""; ;) {
    const { status, body } = await get<Page<LiveAgent>>(`/api/v1/agents/live?limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    if (status !== 200) return status;
    for (const a of body.items) items.push({ kind: "agent", id: String(a.id), value: a });
    cursor = body.next_cursor;
    if (!cursor) break;
  }
  const [now, lines, up, all] = await Promise.all([get<Overview>("/api/v1/overview"), get<{ items: Trunk[] }>("/api/v1/trunks"), get<Page<OpenCall>>(`/api/v1/calls/live?limit=${limit}`),
    get<Page<Campaign>>(`/api/v1/campaigns?limit=${limit}`)]);
  const bad = [now, lines, up, all].find((r) => r.status !== 200);
  if (bad) return bad.status;
  items.push({ kind: "overview", id: "", value: now.body });
  for (const k of lines.body.items) items.push({ kind: "trunk", id: `${k.node}/${k.name}`, value: k });
  for (const c of up.body.items) items.push({ kind: "call", id: c.attempt_id, value: c });
  for (const c of all.body.items) items.push({ kind: "campaign", id: String(c.id), value: c });
  for (const [, id = ""] of watched().matchAll(/=(\d+)/g)) {
    const one = await get<Overview>(`/api/v1/overview?campaign=${id}`);
    if (one.status === 200 && one.body.campaign) items.push({ kind: "outlook", id, value: one.body.campaign });
    const ahead = await get<Pacing>(`/api/v1/campaigns/${id}/pacing`);
    if (ahead.status === 200) items.push({ kind: "pacing", id, value: ahead.body });
  }
  take(items, true, now.body.at);
  return 200;
}

async function run(): Promise<void> {
  if (running) return;
  running = true;
  for (let tries = 0; wanted();) {
    const began = Date.now(), status = await stream();
    if (!wanted()) break;
    if (again) {
      again = false;
      continue;
    }
    if (Date.now() - began > 10_000) tries = 0;
    if (status === 401 || status === 403) {
      tell({ status, at: Date.now() });
      break;
    }
    if (status === 200) tries = 0; // it ended in order, as when the node stops
    const looked = await look();
    if (looked !== 200) tell({ status: looked, at: Date.now() });
    tries++;
    await sleep(Math.min(pace * tries, 10_000) * (0.75 + Math.random() / 2));
  }
  running = false;
}

// beat notices a network that is gone, and a stream that is dead.
async function beat(): Promise<void> {
  if (!wanted()) {
    open?.abort();
    return;
  }
  if (!open) return;
  if (Date.now() - since > silence) {
    open.abort();
    return;
  }
  try {
    await fetch("/assets/logo.svg", { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(beatLimit) });
  } catch {
    open?.abort();
  }
}
setInterval(() => void beat(), beatEvery);
addEventListener("offline", () => open?.abort());
setInterval(() => {
  if (!open || !agents.size && !overview) return;
  if (demo) void get<{ taken: string[] }>("/demo/seats").then(({ status, body }) => { if (status === 200) seats = body.taken; });
  tell({ status: 200, at: Date.now(), seats });
}, pace);

addEventListener("connect", (event) => {
  const [port] = (event as MessageEvent).ports;
  if (!port) return;
  const mine: Port = { port, heard: Date.now(), fresh: false, campaigns: [] };
  ports.add(mine);
  port.onmessage = ({ data }: MessageEvent<{ demo?: boolean; bye?: boolean; language?: string; campaigns?: number[] }>) => {
    if (data.bye) {
      ports.delete(mine);
      return;
    }
    if (data.demo) demo = true;
    if (data.language && data.language !== language) {
      language = data.language;
      anew(); // in these words
    }
    mine.heard = Date.now();
    if (data.campaigns) mine.campaigns = data.campaigns;
    if (open && watched() !== followed) anew();
    if (!mine.fresh && overview && open) tell({ status: 200, at: Date.now() });
    void run();
  };
  port.start();
});
export {};
