// When a call's talk began. The protocol tells when the present state began, and holding a call begins a new state.
const key = "ringmaster.talk";

function kept() {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? {};
  } catch {
    return {};
  }
}

let now = kept();

// talkBegan is the server's moment from which the state's clock counts: of a talk that is on hold or was, the talk's beginning.
export function talkBegan(state) {
  if (!["talking", "holding"].includes(state.state) || !state.trace) return state.since;
  if (now.trace !== state.trace) now = kept();
  if (now.trace !== state.trace || now.since > state.since) {
    now = { trace: state.trace, since: state.since };
    try {
      localStorage.setItem(key, JSON.stringify(now));
    } catch {
      // storage may be forbidden; then it is known as long as the page
    }
  }
  return now.since;
}
