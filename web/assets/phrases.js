// How a message of the catalogues becomes a text. It is all that the pages know of languages, and does as the program does
// (internal/phrasebook); a test renders every message by both.

// bookOf is what a page needs to say the program's reasons in a language: {words, kinds}, the texts by key and the types of
// arguments that are no texts or numbers. What the program has said comes in words; this is for when another language is chosen.
export async function bookOf(language) {
  const reply = await fetch(`/assets/reasons-${language}.json`, { signal: AbortSignal.timeout(10_000) });
  if (!reply.ok) throw new Error(`no book of ${language}: ${reply.status}`);
  return { language, ...(await reply.json()) };
}

const maxNesting = 4; // reasons within reasons

// say is a reason in words, a part of a sentence.
export function say(book, key, args, nesting = maxNesting) {
  const message = nesting > 0 ? book.words[key] : undefined;
  if (message === undefined) return book.words["said.unspecific"];
  const forms = typeof message === "object" ? message : { other: message };
  const text = (Number.isInteger(args?.count) && forms[new Intl.PluralRules(book.language).select(Math.abs(args.count))]) || forms.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => value(book, book.kinds[key]?.[name], args?.[name], nesting));
}

// sentence is a reason as a sentence of its own. What another system has said begins as it does.
export function sentence(book, key, args) {
  const text = say(book, key, args);
  const first = [...text][0] ?? "";
  return (key === "said.text" ? text : first.toUpperCase() + text.slice(first.length)) + (!text || ".!?…:".includes(text.at(-1)) ? "" : ".");
}

const months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

// value is an argument as the language writes it. What is not of its type is shown as it is.
function value(book, type, v, nesting) {
  const { language } = book, english = language === "en", list = Array.isArray(v);
  switch (type) {
    case "decimal":
      if (typeof v === "number") return new Intl.NumberFormat(language, { maximumFractionDigits: 4 }).format(v);
      break;
    case "span":
      if (typeof v === "number") return span(book, v);
      break;
    case "moment": { // by the clock of its own place
      const [whole, y, m, d, time, sign, hours, minutes] = /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d)[\d:.]*(?:Z|([+-])(\d\d):(\d\d))$/.exec(v) ?? [];
      if (!whole || !months[m - 1]) break;
      const zone = Number(hours ?? 0) || Number(minutes ?? 0) ? `${sign}${Number(hours)}${minutes === "00" ? "" : `:${minutes}`}` : "";
      return `${english ? `${Number(d)} ${months[m - 1].slice(0, 3)} ${y}` : `${d}.${m}.${y}`}, ${time} (UTC${zone})`;
    }
    case "day": {
      const [whole, y, m, d] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(v) ?? [];
      if (whole && months[m - 1]) return english ? `${Number(d)} ${months[m - 1]} ${y}` : `${d}.${m}.${y}`;
      break;
    }
    case "term":
      if (typeof v === "string") return term(book, v);
      break;
    case "reason":
      if (v?.key) return say(book, v.key, v.args, nesting - 1);
      break;
    case "reasons":
      if (list) return v.map((r) => say(book, r.key, r.args, nesting - 1)).join("; ");
      break;
    case "terms":
      if (list) return v.map((key) => term(book, key)).join(", ");
      break;
    case "texts":
      if (list) return v.join(", ");
      break;
    default:
      if (typeof v === "number") return number(language, v);
  }
  return v === undefined ? "…" : v === null ? "" : typeof v === "string" ? v : JSON.stringify(v);
}

function term(book, key) {
  const word = book.words[key];
  return (typeof word === "object" ? word.other : word) ?? key.slice(key.lastIndexOf(".") + 1);
}

const units = [["span.days", 86_400], ["span.hours", 3600], ["span.minutes", 60], ["span.seconds", 1]];

// span is a duration, its two greatest units.
function span(book, seconds) {
  const part = (key, n) => term(book, key).replace(/\{\w+\}/, number(book.language, n));
  if (Math.abs(seconds) < 1 && seconds !== 0) return part("span.milliseconds", Math.round(seconds * 1000));
  const parts = [];
  let left = Math.round(seconds);
  for (const [key, each] of units) {
    const n = Math.trunc(left / each);
    left %= each;
    if (n === 0 && parts.length === 1) break;
    if (n !== 0) parts.push(part(key, n));
    if (parts.length === 2) break;
  }
  return parts.length ? parts.join(" ") : part("span.seconds", 0);
}

// phrase is a message in a language, {names} replaced by their values; {count} chooses among plural forms.
export function phrase(words, language, key, values = {}) {
  let text = words[language][key] ?? words.en[key] ?? key;
  if (typeof text === "object") text = text[new Intl.PluralRules(language).select(values.count)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? number(language, values[name]) : values[name] ?? ""));
}

// number is a number as the language writes it.
export function number(language, n) {
  return new Intl.NumberFormat(language).format(n);
}
