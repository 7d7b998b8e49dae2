// A list of the API, a page at a time.
import { anew } from "./anew.svelte";
import { ask, failure, toSignIn } from "./api";
import type { Page } from "./types";
import { type Saying, silence } from "./words.svelte";

export class List<T> {
  items = $state.raw<T[]>([]);
  problem = $state.raw<Saying>(silence);
  loaded = $state(false);
  hasNext = $state(false);
  hasBack = $state(false);
  #path: () => string;
  #limit: number;
  #cursors = [""]; // of the pages up to this one
  #next = "";
  #asked = 0;

  // path is the list's address with its filters; a limit of 0 is for lists that come whole. A list belongs to a component.
  constructor(path: () => string, limit = 50) {
    this.#path = path;
    this.#limit = limit;
    anew(() => { if (this.#asked) return this.load(); }); // the same page of it
  }

  first(): Promise<void> {
    this.#cursors = [""];
    return this.load();
  }

  next(): Promise<void> {
    if (this.#next) this.#cursors.push(this.#next);
    return this.load();
  }

  back(): Promise<void> {
    if (this.#cursors.length > 1) this.#cursors.pop();
    return this.load();
  }

  async load(): Promise<void> {
    const mine = ++this.#asked;
    const path = this.#path(), cursor = this.#cursors.at(-1);
    const reply = await ask<Page<T>>(`/api/v1${path}${this.#limit ? `${path.includes("?") ? "&" : "?"}limit=${this.#limit}` : ""}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    if (mine !== this.#asked) return; // something else was asked meanwhile
    if (reply.status === 401) return toSignIn();
    this.loaded = true;
    this.problem = failure(reply);
    if (this.problem !== silence) return;
    this.items = reply.body.items ?? [];
    this.#next = reply.body.next_cursor;
    if (!this.items.length && this.#cursors.length > 1) return this.back(); // an empty page behind a full one
    this.hasNext = Boolean(this.#next);
    this.hasBack = this.#cursors.length > 1;
  }
}
