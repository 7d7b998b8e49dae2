// A list of the API, a page at a time.
import { el, t } from "./page.js";

// pager keeps where in a list we are. path is asked with limit and cursor; changed is called when the reader turns the page.
export function pager(root, path, limit, changed) {
  const cursors = [""]; // of the pages up to this one
  let next = "";
  const turn = (step) => () => {
    if (step > 0) cursors.push(next);
    else cursors.pop();
    changed();
  };
  const back = el("button", { type: "button", "data-t": "pageBack", onclick: turn(-1) }, t("pageBack"));
  const on = el("button", { type: "button", "data-t": "pageOn", onclick: turn(1) }, t("pageOn"));
  root.append(back, " ", on);
  root.hidden = true;
  return {
    address: () => `${path}?limit=${limit}${cursors.at(-1) ? `&cursor=${encodeURIComponent(cursors.at(-1))}` : ""}`,
    // show takes an answer in. An empty page behind a full one is gone back from.
    show(list) {
      next = list.next_cursor;
      if (!list.items.length && cursors.length > 1) {
        cursors.pop();
        next = "";
      }
      back.disabled = cursors.length === 1;
      on.disabled = !next;
      root.hidden = back.disabled && on.disabled;
    },
  };
}
