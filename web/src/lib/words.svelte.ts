// Language and theme, as the visitor has chosen them, and texts in that language.
import { languages, words } from "ringmaster:words";
import { bookOf, number as formatted, phrase, say, sentence } from "../../assets/phrases.js";
import type { Book, Key, Values, Why } from "./phrases";
import { remember, remembered } from "./storage";

export { languages };
export type Theme = "auto" | "light" | "dark";

const initial = remembered("language") ?? navigator.language.slice(0, 2);

class Choices {
  language = $state(initial in words ? initial : "en");
  theme = $state<Theme>(themeOf(remembered("theme")));
  books = $state.raw<Record<string, Book>>({}); // of the languages that were chosen on this page
}

function themeOf(text: string | null): Theme {
  return text === "light" || text === "dark" ? text : "auto";
}

export const choices = new Choices();

export function chooseLanguage(language: string): void {
  choices.language = language;
  remember("language", language);
  apply();
  void learn(language);
}

// learn gets what it takes to say in a language what the server has said in another one. Without it that stays as it was said.
async function learn(language: string): Promise<void> {
  if (choices.books[language]) return;
  const book = await bookOf(language).catch(() => null);
  if (book) choices.books = { ...choices.books, [language]: book };
}

export function chooseTheme(theme: string): void {
  choices.theme = themeOf(theme);
  remember("theme", choices.theme);
  apply();
}

function apply(): void {
  const root = document.documentElement;
  root.lang = choices.language;
  if (choices.theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = choices.theme;
}

// Another tab has made a choice.
addEventListener("storage", ({ key, newValue }) => {
  if (key === "language" && newValue && newValue in words) {
    choices.language = newValue;
    void learn(newValue);
  }
  if (key === "theme") choices.theme = themeOf(newValue);
  apply();
});
apply();

// t is a message's text. Names in braces are replaced by their values; {count} chooses among plural forms.
export function t(key: Key, values: Values = {}): string {
  return phrase(words, choices.language, key, values);
}

// named is the text of a key that is made of a word of the server's, such as a state. For a word that we have no text for it is the word.
export function named(prefix: string, word: string, values: Values = {}): string {
  const key = prefix + word;
  return words.en && key in words.en ? phrase(words, choices.language, key, values) : word;
}

// Saying is a text that is said anew when another language is chosen.
export type Saying = () => string;
export const silence: Saying = () => "";

// worded is a reason of the server's in the language that is chosen now. It came in the one that was chosen when it was asked for.
export function worded({ key, args, text }: Why): string {
  const book = choices.books[choices.language];
  return book && key in book.words ? say(book, key, args) : text;
}

// wordedWhole is worded as a sentence of its own.
export function wordedWhole({ key, args, text }: Why): string {
  const book = choices.books[choices.language];
  return book && key in book.words ? sentence(book, key, args) : text;
}

export function number(n: number): string {
  return formatted(choices.language, n);
}

// percent shows a part of 1, to a tenth of a percent.
export function percent(part: number): string {
  return `${number(Math.round(1000 * part) / 10)} %`;
}

function format(date: Date | number, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(choices.language, { hourCycle: "h23", ...options }).format(date);
}

export function clock(date: Date | number): string {
  return format(date, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

export function dateTime(date: Date | number, timeZone?: string): string {
  return format(date, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone });
}

// untilClock is a moment to come: its time alone while that is today.
export function untilClock(date: Date): string {
  return date.toDateString() === new Date().toDateString() ? clock(date) : dateTime(date);
}

// elapsed is a time span as a telephone shows it, 0:07 or 1:02:03.
export function elapsed(milliseconds: number): string {
  const s = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}
