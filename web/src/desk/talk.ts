// When a call's talk began. The protocol tells when the present state began, and holding a call begins a new state.
import { read, remember } from "../lib/storage";
import type { AgentState } from "./state";

const key = "ringmaster.talk";

interface Talk {
  trace?: string;
  since?: number;
}

let now: Talk = read<Talk>(key) ?? {};

// talkBegan is the server's moment from which the state's clock counts: of a talk that is on hold or was, the talk's beginning.
export function talkBegan(state: AgentState): number {
  if (!["talking", "holding"].includes(state.state) || !state.trace) return state.since;
  if (now.trace !== state.trace) now = read<Talk>(key) ?? {};
  if (now.trace !== state.trace || now.since === undefined || now.since > state.since) {
    now = { trace: state.trace, since: state.since };
    remember(key, JSON.stringify(now));
  }
  return now.since ?? state.since;
}
