// The field for call codes, and the draft below it. Digits are codes here and nowhere else.
import { clock, el, onLanguage, setText, spaced, t } from "./page.js";

const $ = (id) => document.getElementById(id);

// codeField wires the field. current answers the state that is shown, or null.
export function codeField({ drafts, current }) {
  const callbackAt = () => ($("callback").value ? new Date($("callback").value).toISOString() : null);
  const choose = (code) => {
    drafts.choose(current().trace, code, callbackAt());
    $("code").value = "";
    filter();
  };
  const matching = () => {
    const text = $("code").value.trim().toLowerCase();
    return current().codes.filter((c) => !text || c.name.toLowerCase().includes(text) || c.id === text);
  };
  const filter = () => {
    const shown = new Set(matching().map((c) => c.id));
    for (const button of $("codes").children) button.hidden = !shown.has(button.dataset.code);
  };

  $("code").addEventListener("input", filter);
  $("code").addEventListener("keydown", (event) => {
    const state = current();
    if (!state || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Enter") { // a form whose button is disabled does not submit by itself
      event.preventDefault();
      enter();
      return;
    }
    const code = /^[1-9]$/.test(event.key) && !$("code").value ? state.codes[Number(event.key) - 1] : null;
    if (code) {
      event.preventDefault();
      choose(code);
    }
  });
  const enter = () => {
    const state = current();
    if (!state) return;
    const first = $("code").value.trim() ? matching()[0] : null;
    if (first) choose(first); // the second Enter confirms what the first has chosen
    else if (!$("confirm").disabled) drafts.confirm(state.trace);
  };
  $("coding").addEventListener("submit", (event) => {
    event.preventDefault();
    enter();
  });
  $("callback").addEventListener("change", () => current() && drafts.callback(current().trace, callbackAt()));

  let shownTrace = "";
  // show is called with each state; connected says whether it is still true.
  const show = (state, connected) => {
    const may = state.trace && state.commands.has("CMD_RESOLUTION") && state.codes.length > 0;
    $("coding").hidden = !may;
    if (!may) return;
    const d = drafts.of(state.trace);
    if (shownTrace !== state.trace) { // another call: what was typed for the last one is not for this one
      shownTrace = state.trace;
      $("code").value = "";
      $("callback").value = d?.callbackAt ? local(new Date(d.callbackAt)) : "";
    }
    setText($("code-keys"), t("codeKeys", { last: Math.min(9, state.codes.length) }));
    const key = JSON.stringify([state.trace, state.codes]);
    if ($("codes").dataset.key !== key) {
      $("codes").dataset.key = key;
      $("codes").replaceChildren(...state.codes.map((code, i) => el("button", { type: "button", "data-code": code.id, onclick: () => choose(code) },
        i < 9 ? el("kbd", { "aria-hidden": "true" }, String(i + 1)) : null, code.name)));
      filter();
    }
    const settled = ["sending", "saved"].includes(d?.status);
    for (const button of $("codes").children) {
      button.setAttribute("aria-pressed", String(d?.id === button.dataset.code));
      button.disabled = settled;
    }
    $("confirm").disabled = !d || settled || d.confirmed || connected && state.state !== "clerical";
    $("draft").dataset.status = d?.status ?? "";
    setText($("draft"), d ? words(d, state, connected) : t(state.state === "clerical" ? "chooseCode" : "chooseCodeNow"));
  };

  const words = (d, state, connected) => {
    const call = callName(d.trace);
    switch (d.status) {
      case "sending": return t("codeSending", { code: d.name, call });
      case "saved": return t("codeSaved", { code: d.name, call });
      case "failed": return failed(d, call);
    }
    if (!connected || d.confirmed) return t("codeQueued", { code: d.name, call });
    if (state.state !== "clerical") return t("codeDraftTalk", { code: d.name });
    return state.codeDueAt ? t("codeDraftUntil", { code: d.name, time: clock(new Date(state.codeDueAt)) }) : t("codeDraft", { code: d.name });
  };

  // past shows what has become of the codes of other calls.
  const past = (state) => {
    const list = drafts.past($("coding").hidden ? "" : state.trace);
    const key = JSON.stringify([list, document.documentElement.lang]);
    if ($("past").dataset.key === key) return;
    $("past").dataset.key = key;
    $("past").replaceChildren(...list.map((d) => el("li", { "data-status": d.status },
      el("span", {}, pastWords(d)),
      d.status === "failed" || d.status === "saved" ? el("button", { type: "button", onclick: () => drafts.dismiss(d.trace) }, t("close")) : null)));
  };
  onLanguage(() => { delete $("past").dataset.key; });
  return { show, past };
}

const callName = (trace) => spaced(trace);
const pastWords = (d) => {
  const call = callName(d.trace);
  return d.status === "failed" ? failed(d, call) : t(d.status === "saved" ? "codeSaved" : "codeQueued", { code: d.name, call });
};
const failed = (d, call) => t("codeFailed", { code: d.name, call, reason: d.reason || t(d.other ? "codeOther" : "codeTooLate") });

// local is a moment as <input type="datetime-local"> has it.
function local(date) {
  const two = (n) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}
