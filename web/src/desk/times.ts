// When a customer may be called back, by the customer's own clock.
import { ask } from "../lib/api";
import type { Page } from "../lib/types";

const step = 30 * 60_000; // milliseconds between two moments on offer
const ahead = 14 * 24 * 3600_000;
const longest = 32_000; // milliseconds between two questions for a call that the record does not know yet

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

// lawful asks when the contact of a call may be called; null: nobody can tell, and then the server judges what is chosen. The record
// knows a call by its id a moment after it is up, not while it rings, so it is asked again, less and less often.
export async function lawful(trace: string, wanted: () => boolean): Promise<Lawful | null> {
  const find = () => ask<Page<{ contact_id: number | null }>>(`/api/v1/attempts?calltraceid=${encodeURIComponent(trace)}&limit=1`);
  let call = await find();
  for (let wait = 1000; call.status === 200 && !call.body.items.length && wait <= longest; wait *= 2) {
    await new Promise((done) => setTimeout(done, wait));
    if (!wanted()) return null;
    call = await find();
  }
  const contact = call.status === 200 ? call.body.items[0]?.contact_id : null;
  if (!contact || !wanted()) return null;
  const to = new Date(Date.now() + ahead).toISOString();
  const { status, body } = await ask<Windows>(`/api/v1/contacts/${contact}/windows?callback=true&to=${encodeURIComponent(to)}`);
  return status === 200 ? daysOf(body, Date.now()) : null;
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
