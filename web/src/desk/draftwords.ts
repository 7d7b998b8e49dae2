// Where a call code is on its way, in words.
import { spaced } from "../lib/page";
import { clock, t } from "../lib/words.svelte";
import type { Draft } from "./draft";
import type { AgentState } from "./state";

export function draftWords(d: Draft, state: AgentState, connected: boolean): string {
  const named = { code: d.name, call: spaced(d.trace) };
  switch (d.status) {
    case "sending": return t("codeSending", named);
    case "saved": return t("codeSaved", named);
    case "failed": return failed(d);
  }
  if (!connected || d.confirmed) return t("codeQueued", named);
  if (state.state !== "clerical") return t("codeDraftTalk", named);
  return state.codeDueAt ? t("codeDraftUntil", { code: d.name, time: clock(state.codeDueAt) }) : t("codeDraft", named);
}

export function pastWords(d: Draft): string {
  return d.status === "failed" ? failed(d) : t(d.status === "saved" ? "codeSaved" : "codeQueued", { code: d.name, call: spaced(d.trace) });
}

function failed(d: Draft): string {
  return t("codeFailed", { code: d.name, call: spaced(d.trace), reason: d.reason || t(d.other ? "codeOther" : "codeTooLate") });
}
