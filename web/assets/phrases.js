// How a message of the catalogues becomes a text. It is all that the pages know of languages, and does as the program does
// (internal/phrasebook); a test renders every message by both.

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
