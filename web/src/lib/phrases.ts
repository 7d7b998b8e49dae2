// The words of the pages: what a message is, and which keys there are. How a message becomes a text is in /assets/phrases.js, which a
// test holds against the program's own rendering.
import type en from "../../messages/en.json";

export type Message = string | Partial<Record<Intl.LDMLPluralRule, string>>;
export type Catalogues = Record<string, Record<string, Message>>;
export type Values = Record<string, string | number | undefined | null>;

// Key is a page's message: those with a dot are the program's.
export type Key = Exclude<keyof typeof en, `${string}.${string}`>;
