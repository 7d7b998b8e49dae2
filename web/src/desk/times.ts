// When a customer may be called back, by the customer's own clock.
import { ask } from "../lib/api";
import type { Page } from "../lib/types";

const step = 30 * 60_000; // milliseconds between two moments on offer
const ahead = 14 * 24 * 3600_000;
const longest = 32_000; // milliseconds between two questions

export interface Lawful {
  zone: string;
  days: Day[];
}

export interface Day {
  key: string; // such as 2026-03-04
  slots: Slot[];
}

export interface Slot {
  at: string; // RFC 3339
  time: string; // by the customer's clock
  lawful: boolean;
}

interface Windows {
  time_zones: string[];
  windows: { from: string; to: string }[];
}

// found asks again, less and less often, until there is what was asked for, it is wanted no longer, or that takes too long: the record
// knows a call by its id a moment after it is up, and a server that is away for a moment must not cost the rest of the call its times.
async function found<T>(path: string, wanted: () => boolean, enough: (body: T) => boolean): Promise<T | null> {
  for (let wait = 1000; ; wait *= 2) {
    const { status, body } = await ask<T>(path);
    if (status === 200 && enough(body)) return body;
    if (status !== 200 && status !== 0 && status !== 429 && status < 500 || wait > longest) return null;
    await new Promise((done) => setTimeout(done, wait));
    if (!wanted()) return null;
  }
}

// lawful asks when the contact of a call may be called; null: nobody can tell, and then the server judges what is chosen.
export async function lawful(trace: string, wanted: () => boolean): Promise<Lawful | null> {
  const call = await found<Page<{ contact_id: number | null }>>(`/api/v1/attempts?calltraceid=${encodeURIComponent(trace)}&limit=1`, wanted,
    (page) => page.items.length > 0);
  const contact = call?.items[0]?.contact_id;
  if (!contact || !wanted()) return null;
  const to = new Date(Date.now() + ahead).toISOString();
  const windows = await found<Windows>(`/api/v1/contacts/${contact}/windows?callback=true&to=${encodeURIComponent(to)}`, wanted, () => true);
  return windows && daysOf(windows, Date.now());
}

// daysOf are the days to come with all half hours of them that people are awake at; what the law does not allow is said.
export function daysOf({ time_zones: [zone = "UTC"], windows }: Windows, now: number): Lawful {
  const format = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const spans = windows.map((w) => [Date.parse(w.from), Date.parse(w.to)] as const);
  const days: Day[] = [];
  for (let at = Math.ceil(now / step) * step; at < now + ahead; at += step) {
    const part = Object.fromEntries(format.formatToParts(at).map((p) => [p.type, p.value]));
    const hour = Number(part.hour);
    if (hour < 7 || hour > 21) continue;
    const key = `${part.year}-${part.month}-${part.day}`;
    let day = days.at(-1);
    if (day?.key !== key) days.push(day = { key, slots: [] });
    day.slots.push({ at: new Date(at).toISOString(), time: `${part.hour}:${part.minute}`, lawful: spans.some(([from, until]) => from <= at && at < until) });
  }
  return { zone, days };
}
