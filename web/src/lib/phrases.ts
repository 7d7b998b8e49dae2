// The words of the pages: what a message is, and which keys there are. How a message becomes a text is in /assets/phrases.js, which a
// test holds against the program's own rendering.
import type en from "../../messages/en.json";

export type Message = string | Partial<Record<Intl.LDMLPluralRule, string>>;
export type Catalogues = Record<string, Record<string, Message>>;
export type Values = Record<string, string | number | undefined | null>;

// Key is a page's message: those with a dot are the program's.
export type Key = Exclude<keyof typeof en, `${string}.${string}`>;

// Book is what it takes to say the program's reasons in a language: see bookOf in /assets/phrases.js.
export interface Book {
  language: string;
  words: Record<string, Message>;
  kinds: Record<string, Record<string, string>>;
}

// Why is a reason as the server gives it: text is what it says in the language that was asked for.
export interface Why {
  key: string;
  args: Record<string, unknown>;
  text: string;
}
