// What the server words is asked for again when another language is chosen.
import { untrack } from "svelte";
import { choices } from "./words.svelte";

// inLanguage runs load now, and again in each language that is chosen. It belongs into a component, and ends with that.
export function inLanguage(load: () => unknown): void {
  $effect(() => {
    void choices.language;
    untrack(() => void load());
  });
}

// anew runs again when another language is chosen, but not now.
export function anew(again: () => unknown): void {
  let language = choices.language;
  $effect(() => {
    if (language === choices.language) return;
    language = choices.language;
    untrack(() => void again());
  });
}
