// A Chromium for tests, and pages in it whose errors, refused loads and loads from elsewhere are kept as complaints.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { chromium } from "playwright-core";
import { languages, themes, widths } from "./looks.mjs";

export const base = process.env.BASE;
const shots = process.env.SHOTS;
export const patience = Number(process.env.PATIENCE ?? 180_000); // milliseconds: a busy machine may stand still for a while

const axe = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

export const launch = (more = [], options = {}) => chromium.launch({
  timeout: patience,
  ...options,
  executablePath: "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", ...more],
});

// api asks as an administrator's program.
export async function api(path, options = {}) {
  const reply = await fetch(`${base}/api/v1${path}`, { ...options, headers: { Authorization: `Bearer ${process.env.TOKEN}`, ...options.headers } });
  return reply.status === 204 ? null : reply.json();
}

// codeOf is what the record has for a call. A call is heard before its calltraceid is written, so this waits for the row.
export async function codeOf(trace) {
  for (const late = Date.now() + patience; ; await new Promise((done) => setTimeout(done, 50))) {
    const { items } = await api(`/attempts?calltraceid=${trace}`);
    if (items.length > 0 || Date.now() > late) return items[0].code;
  }
}

// becomes looks again and again until it is as wanted: what a page shows, the record and the other pages follow one another.
export async function becomes(look, wanted, message) {
  let got = await look();
  for (const late = Date.now() + patience; !isDeepStrictEqual(got, wanted) && Date.now() < late; got = await look()) await new Promise((done) => setTimeout(done, 50));
  assert.deepEqual(got, wanted, message);
}

// says waits until the element of this id says so; inState is for the desk.
export const says = (page, id, pattern) => page.waitForFunction(([id, source, flags]) => new RegExp(source, flags).test(document.getElementById(id)?.textContent ?? ""),
  [id, pattern.source, pattern.flags]);
export const inState = (page, state) => page.waitForSelector(`#status[data-state="${state}"]`);

// focused waits until this element has the focus, which a page gives a moment after it has drawn it.
export const focused = (page, selector) => page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector);

// begin waits for the desk, and begins a shift unless the agent is at work already.
export async function begin(page) {
  await page.waitForURL(`${base}/agent`);
  await page.waitForSelector("#desk:not([hidden]), #work:enabled");
  if (await page.locator("#work").isVisible()) await page.click("#work");
  await page.waitForSelector("#desk:not([hidden])");
}

// traceOf is the id of the call that a desk shows.
export async function traceOf(page) {
  await says(page, "trace", /\d+/);
  return (await page.locator("#trace").innerText()).match(/\d+/)[0];
}

// visitor is somebody with a browser of their own.
export async function visitor(browser, { expect = /(?!)/ } = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, locale: "en-GB" });
  await context.addInitScript({ content: axe }); // which the pages' policy would not let in later
  const complaints = [], answers = []; // to what pages ask
  const open = async () => {
    const page = await context.newPage(), asking = new Set();
    asked.set(page, asking);
    page.on("request", (request) => { if (request.resourceType() === "fetch" && new URL(request.url()).pathname !== "/api/v1/live") asking.add(request); });
    for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => asking.delete(request));
    page.setDefaultTimeout(patience);
    page.on("dialog", (dialog) => dialog.accept(answers.shift())); // who is in a call is asked before the page goes
    page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
    page.on("console", (message) => { if (message.type() === "error" && !expect.test(message.text())) complaints.push(message.text()); });
    page.on("request", (request) => { if (!/^(data|about):/.test(request.url()) && new URL(request.url()).origin !== base) complaints.push(`loads ${request.url()}`); });
    return page;
  };
  return { context, complaints, answers, open, close: () => context.close() };
}

// inEach runs look in each language at each width, and leaves the page as it was.
async function inEach(page, sizes, look) {
  const size = page.viewportSize(), before = await page.getAttribute("html", "lang");
  for (const language of languages) {
    await speak(page, language);
    await settled(page);
    for (const width of sizes) {
      await page.setViewportSize({ width, height: width < 600 ? 844 : size.height });
      await look(language, width);
    }
    await page.setViewportSize(size);
  }
  await speak(page, before);
}

// speak chooses a language, on a page that has no choice as another tab would.
async function speak(page, language) {
  const choice = page.locator("header.top select").first();
  if (await choice.count()) await choice.selectOption(language);
  else await page.evaluate((newValue) => dispatchEvent(new StorageEvent("storage", { key: "language", newValue })), language);
}

// settled waits until the page has what it asked the server for, as far as that ends.
const asked = new WeakMap();
async function settled(page) {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  if (!shots) return;
  for (const late = Date.now() + 5000; (asked.get(page)?.size ?? 0) > 0 && Date.now() < late;) await page.waitForTimeout(30);
  await page.waitForTimeout(100); // and has it on the screen
}

// shot leaves pictures of a page in the folder SHOTS: in all languages, both themes, at both widths.
export async function shot(page, name) {
  if (!shots) return;
  await inEach(page, widths, async (language, width) => {
    for (const colorScheme of themes) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${shots}/${name}.${language}.${colorScheme}.${width}.png`, fullPage: true });
    }
  });
  await page.emulateMedia({ colorScheme: "light" });
}

// accessible fails with each rule of axe-core that is broken, and where.
async function accessible(page, name) {
  const found = await page.evaluate(async () => (await globalThis.axe.run(document, { iframes: false })).violations
    .map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(", ")}`));
  assert.deepEqual(found, [], name);
}

// What English of the catalogues looks like in a page: messages of two words and more that the other languages have in their own. The
// default names of call codes are a campaign's data, in the language of whoever made it; a refused connection is in the system's words.
// What is kept in English (the audit's details) says so of itself.
const ofOthers = /^(code(Promise|Callback|Refused|Wrong|Never)|cause\.refused)$/;
const catalogue = (language) => JSON.parse(readFileSync(new URL(`../messages/${language}.json`, import.meta.url), "utf8"));
const english = (() => {
  const [en, uk, ru] = languages.map(catalogue);
  const forms = (message) => (typeof message === "string" ? [message] : Object.values(message));
  return Object.entries(en).filter(([key]) => !ofOthers.test(key)).flatMap(([key, message]) => forms(message)
    .filter((text) => !forms(uk[key]).includes(text) && !forms(ru[key]).includes(text) && /[a-z]{2}.* .*[a-z]{2}/i.test(text.replace(/\{\w+\}/g, "")))
    .map((text) => ({ key, like: new RegExp(`(?<![\\w])${text.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\w+\}/g, ".+?")}(?![\\w])`, "i") })));
})();

// understood fails with what a page still says in English when another language is chosen. What the server words comes a moment later.
async function understood(page, name, language) {
  const words = catalogue("en"), codes = Object.keys(words).filter((key) => key.startsWith("code") && ofOthers.test(key)).map((key) => words[key]);
  let left = [];
  for (const late = Date.now() + patience; Date.now() < late; await page.waitForTimeout(100)) {
    const texts = await page.evaluate(() => {
      const seen = new Set();
      for (const node of document.querySelectorAll("body *")) {
        if (node.closest('script, style, pre, code, body [lang="en"]') || (node.tagName !== "OPTION" && !node.checkVisibility())) continue;
        for (const child of node.childNodes) if (child.nodeType === Node.TEXT_NODE) seen.add(child.data.trim());
        for (const attribute of ["aria-label", "title", "placeholder"]) seen.add(node.getAttribute(attribute) ?? "");
      }
      return [document.title, ...seen].filter((text) => /[a-z]{3}/i.test(text));
    });
    left = texts.map((text) => codes.reduce((rest, code) => rest.replaceAll(code, ""), text)).flatMap((text) => english.filter(({ like }) => like.test(text)).slice(0, 1).map(({ key }) => `${key}: ${text}`));
    if (!left.length) return;
  }
  assert.deepEqual(left, [], `${name} in ${language} speaks English`);
}

// pictures looks at a page as people would: in both themes, in which axe-core finds nothing to complain of, and at a telephone's width,
// where nothing may stick out. In any other language nothing may be left of the English. With SHOTS it leaves screenshots.
export async function pictures(page, name) {
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    await accessible(page, `${name}, ${colorScheme}`);
  }
  const wide = [];
  await inEach(page, [390], async (language, most) => {
    if (language !== "en") await understood(page, name, language);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > most) wide.push(`${language}: ${width}`);
  });
  await shot(page, name);
  assert.deepEqual(wide, [], `${name} is wider than a telephone of 390 pixels`);
}

export async function signIn(page, address, login, password = "correct horse") {
  await page.goto(`${base}${address}`);
  await page.fill("#user", login);
  await page.fill("#password", password);
  await page.click("#sign-in");
}
