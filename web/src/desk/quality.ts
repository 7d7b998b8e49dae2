// How a call sounds, from what the browser counts of its packets.

export interface Quality {
  lossIn: number; // percent of the packets that should have come
  lossOut: number; // percent, as the other side has told
  jitter: number; // milliseconds
  delay: number; // milliseconds there and back
  mos: number; // 1 (bad) to 4.4
  silent: boolean; // no packet came at all
}

export interface Counts {
  at: number; // milliseconds
  received: number;
  lost: number;
  jitter: number; // seconds
  delay: number; // seconds
  lossOut: number; // a part of 1
}

export function counts(report: Iterable<Record<string, unknown>>, at: number): Counts {
  const c: Counts = { at, received: 0, lost: 0, jitter: 0, delay: 0, lossOut: 0 };
  for (const s of report) {
    if (s.kind !== "audio") continue;
    if (s.type === "inbound-rtp") {
      c.received += Number(s.packetsReceived) || 0;
      c.lost += Number(s.packetsLost) || 0;
      c.jitter = Number(s.jitter) || 0;
    } else if (s.type === "remote-inbound-rtp") {
      c.delay = Number(s.roundTripTime) || 0;
      c.lossOut = Number(s.fractionLost) || 0;
    }
  }
  return c;
}

// between is the quality from one count to a later one.
export function between(before: Counts, now: Counts): Quality {
  const came = Math.max(0, now.received - before.received);
  const lost = Math.max(0, now.lost - before.lost);
  const lossIn = came + lost > 0 ? (100 * lost) / (came + lost) : 0;
  const lossOut = 100 * now.lossOut;
  const jitter = 1000 * now.jitter, delay = 1000 * now.delay;
  return { lossIn, lossOut, jitter, delay, mos: mos(Math.max(lossIn, lossOut), jitter, delay), silent: came === 0 };
}

// mos is the E-model of ITU-T G.107 in its short form, for G.711: delay and jitter cost little up to 160 ms, loss costs at once.
export function mos(loss: number, jitter: number, delay: number): number {
  const late = delay / 2 + 2 * jitter + 10;
  const r = Math.max(0, Math.min(93.2, (late < 160 ? 93.2 - late / 40 : 93.2 - (late - 120) / 10) - 2.5 * loss));
  return 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
}

export type Grade = "good" | "fair" | "bad";

export function grade(q: Quality): Grade {
  return q.silent || q.mos < 3.1 ? "bad" : q.mos < 3.9 ? "fair" : "good";
}
