// One look at the house for all pages of a browser: a shared worker asks, and tells each page what has changed. Six pages ask no more
// than one.
import type { LiveAgent, Overview, Page, Trunk } from "./types";

const pace = 2000; // milliseconds between two looks
const limit = 500;

export interface News {
  status: number; // 200, or what was answered instead; 0: nobody could be reached
  at: number; // when it was so, by this machine's clock
  whole?: boolean; // changed is all there are
  overview?: Overview;
  trunks?: Trunk[];
  changed?: LiveAgent[];
  gone?: number[];
  seats?: string[]; // taken, in the demo
}

interface Port {
  port: MessagePort;
  heard: number; // when the page last said that it is looked at
  fresh: boolean; // it has everything
}

const ports = new Set<Port>();
let known = new Map<number, string>();
let agents = new Map<number, LiveAgent>();
let timer: ReturnType<typeof setTimeout> | undefined;
let looking = false;
let demo = false;

async function get<T>(path: string): Promise<{ status: number; body: T }> {
  try {
    const reply = await fetch(path, { signal: AbortSignal.timeout(10_000) });
    return { status: reply.status, body: (reply.ok ? await reply.json() : null) as T };
  } catch {
    return { status: 0, body: null as T };
  }
}

async function everybody(): Promise<{ status: number; list: LiveAgent[] }> {
  const list: LiveAgent[] = [];
  for (let cursor = ""; ;) {
    const { status, body } = await get<Page<LiveAgent>>(`/api/v1/agents/live?limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    if (status !== 200) return { status, list };
    list.push(...body.items);
    cursor = body.next_cursor;
    if (!cursor) return { status, list };
  }
}

async function look(): Promise<void> {
  clearTimeout(timer);
  if (looking) return;
  const open = [...ports].filter((p) => Date.now() - p.heard < 60_000); // a page that was closed does not say so
  if (!open.length) return;
  looking = true;
  const [overview, live, trunks, seats] = await Promise.all([
    get<Overview>("/api/v1/overview"), everybody(), get<{ items: Trunk[] }>("/api/v1/trunks"), demo ? get<{ taken: string[] }>("/demo/seats") : null,
  ]);
  looking = false;
  const bad = [overview, live, trunks].find((r) => r.status !== 200);
  const at = Date.now();
  if (bad) {
    for (const p of ports) p.port.postMessage({ status: bad.status, at } satisfies News);
  } else {
    const changed: LiveAgent[] = [], now = new Map<number, string>();
    for (const a of live.list) {
      const text = JSON.stringify(a);
      now.set(a.id, text);
      if (known.get(a.id) !== text) changed.push(a);
    }
    const gone = [...known.keys()].filter((id) => !now.has(id));
    known = now;
    agents = new Map(live.list.map((a) => [a.id, a]));
    const common = { status: 200, at, overview: overview.body, trunks: trunks.body.items, seats: seats?.body?.taken ?? [] };
    for (const p of ports) {
      p.port.postMessage((p.fresh ? { ...common, changed, gone } : { ...common, whole: true, changed: live.list }) satisfies News);
      p.fresh = true;
    }
  }
  timer = setTimeout(() => void look(), pace);
}

addEventListener("connect", (event) => {
  const [port] = (event as MessageEvent).ports;
  if (!port) return;
  const mine: Port = { port, heard: Date.now(), fresh: false };
  ports.add(mine);
  port.onmessage = ({ data }: MessageEvent<{ demo?: boolean; bye?: boolean }>) => {
    if (data.bye) {
      ports.delete(mine);
      return;
    }
    if (data.demo) demo = true;
    mine.heard = Date.now();
    if (!mine.fresh && known.size) {
      port.postMessage({ status: 200, at: Date.now(), whole: true, changed: [...agents.values()] } satisfies News);
      mine.fresh = true;
    }
    void look();
  };
  port.start();
});
export {};
