// What all pages share: elements, words, the header, and streams that come back.
import { bookOf, number as formatted, phrase, say, sentence } from "./phrases.js";
import { languages, words } from "./words.js";

// el makes an element. Attributes that begin with "on" are listeners; null, undefined and false are left out.
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined));
  return node;
}

export function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// setText touches the page only when the text changes, so that selections and screen readers are left in peace.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function stored(key, fallback) {
  try {
    return localStorage.getItem(key) ?? fallback;
  } catch {
    return fallback; // storage may be forbidden; then a choice lasts as long as the page
  }
}

function store(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // see stored
  }
}

let language = stored("language", navigator.language.slice(0, 2));
if (!(language in words)) language = "en";

// t is the text of a key in the chosen language, {names} replaced by their values; {count} chooses among plural forms.
export function t(key, values = {}) {
  return phrase(words, language, key, values);
}

// spoken is the language that is chosen now.
export const spoken = () => language;

const books = {}; // of the languages that were chosen on this page

async function choose(wanted) {
  language = wanted;
  applyLanguage();
  if (books[wanted]) return;
  books[wanted] = await bookOf(wanted).catch(() => null);
  applyLanguage();
}

// worded is a reason of the server's in the language that is chosen now, as text has it in the one of the request; whole: as a sentence.
export function worded({ key, args, text }, whole = false) {
  const book = books[language];
  return book && key in book.words ? (whole ? sentence : say)(book, key, args) : text;
}

const translated = [];

// onLanguage runs a function now and at each change of the language.
export function onLanguage(run) {
  translated.push(run);
  run();
}

function applyLanguage() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-t]")) setText(node, t(node.dataset.t));
  for (const node of document.querySelectorAll("[data-t-page]")) document.title = `${t(node.dataset.tPage)} – Ringmaster`;
  for (const node of document.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of document.querySelectorAll("[data-t-title]")) node.title = t(node.dataset.tTitle);
  for (const node of document.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
  for (const run of translated) run();
}

let theme = stored("theme", "auto");

function applyTheme() {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

// Another tab, or the desk around a card, has made a choice.
addEventListener("storage", ({ key, newValue }) => {
  if (key === "language" && newValue in words) void choose(newValue);
  if (key === "theme" && newValue) {
    theme = newValue;
    applyTheme();
  }
});

// told is what the server tells its pages, such as whether this is the demo.
export const told = document.documentElement.dataset;

const demoPages = { console: "/", crm: "/crm/", desk: "/agent", docs: "/docs" };

// header fills the page's header. current is the name of the page; pages are those that its people may open, besides those of the
// demo; leave is what signing out does, for who is signed in.
export function header(current, pages, leave = null) {
  if ("demo" in told) pages = demoPages;
  applyTheme();
  const link = (page, href) => el("a", { href, "aria-current": page === current ? "page" : null, "data-t": page });
  const languageSelect = el("select", {
    "data-t-label": "language",
    onchange: ({ target }) => {
      store("language", target.value);
      void choose(target.value);
    },
  }, ...Object.entries(languages).map(([value, name]) => el("option", { value, selected: value === language }, name)));
  const themeSelect = el("select", {
    "data-t-label": "theme",
    onchange: ({ target }) => {
      theme = target.value;
      store("theme", theme);
      applyTheme();
    },
  }, ...["Auto", "Light", "Dark"].map((name) => {
    const value = name.toLowerCase();
    return el("option", { value, "data-t": `theme${name}`, selected: value === theme });
  }));
  document.querySelector("header.top")?.replaceChildren(...[
    el("a", { class: "brand", href: Object.values(pages)[0] ?? location.pathname }, el("img", { src: "/assets/logo.svg", alt: "", width: 28, height: 28 }), "Ringmaster"),
    el("nav", {}, ...Object.entries(pages).map(([page, href]) => link(page, href))),
    el("span", { class: "connection", id: "connection", role: "status" }),
    languageSelect,
    themeSelect,
    leave && el("button", { type: "button", id: "sign-out", "data-t": "signOut", onclick: leave }),
  ].filter(Boolean));
  for (const note of document.querySelectorAll("footer[data-t=demoNote]")) note.hidden = !("demo" in told);
  onLanguage(showConnection);
  applyLanguage();
}

let connected = null;

export function setConnected(is) {
  connected = is;
  showConnection();
}

function showConnection() {
  const node = document.getElementById("connection");
  if (!node || connected === null) return;
  node.className = connected ? "connection live" : "connection lost";
  setText(node, t(connected ? "live" : "lost"));
}

// stream reads Server-Sent Events of JSON. EventSource comes back by itself, except after an HTTP error.
export function stream(url, onData) {
  let source;
  const open = () => {
    source = new EventSource(url);
    source.onopen = () => setConnected(true);
    source.onmessage = (event) => onData(JSON.parse(event.data));
    source.onerror = () => {
      setConnected(false);
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 2000);
    };
  };
  open();
}

export function number(n) {
  return formatted(language, n);
}

export function clock(date) {
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(date);
}

export function dateTime(date) {
  return new Intl.DateTimeFormat(language, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(date);
}

// untilClock is a moment to come: its time alone while that is today.
export function untilClock(date) {
  return date.toDateString() === new Date().toDateString() ? clock(date) : dateTime(date);
}

// elapsed is a time span as a telephone shows it, 0:07 or 1:02:03.
export function elapsed(milliseconds) {
  const s = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (n) => String(n).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

// spaced writes +447700900123 as +44 7700 900123: easier to read, the same to copy into a telephone.
export function spaced(phone) {
  return phone.replace(/^(\+44)(\d{4})(\d{6})$/, "$1 $2 $3").replace(/^(\+380)(\d{2})(\d{3})(\d{2})(\d{2})$/, "$1 $2 $3 $4 $5");
}

// safeLink is a link that a server sent, if a browser may follow it; else null.
export function safeLink(link) {
  try {
    const url = new URL(link, location.origin);
    return link && (url.protocol === "https:" || url.protocol === "http:") ? url.href : null;
  } catch {
    return null;
  }
}
