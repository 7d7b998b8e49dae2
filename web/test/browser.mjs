// A Chromium for tests, and pages in it whose errors, refused loads and loads from elsewhere are kept as complaints.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

export const base = process.env.BASE;
const shots = process.env.SHOTS;
export const patience = Number(process.env.PATIENCE ?? 180_000); // milliseconds: a busy machine may stand still for a while

const axe = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

export const launch = (more = []) => chromium.launch({
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

// visitor is somebody with a browser of their own.
export async function visitor(browser, { expect = /(?!)/ } = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, locale: "en-GB" });
  await context.addInitScript({ content: axe }); // which the pages' policy would not let in later
  const complaints = [], answers = []; // to what pages ask
  const open = async () => {
    const page = await context.newPage();
    page.setDefaultTimeout(patience);
    page.on("dialog", (dialog) => dialog.accept(answers.shift())); // who is in a call is asked before the page goes
    page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
    page.on("console", (message) => { if (message.type() === "error" && !expect.test(message.text())) complaints.push(message.text()); });
    page.on("request", (request) => { if (!/^(data|about):/.test(request.url()) && new URL(request.url()).origin !== base) complaints.push(`loads ${request.url()}`); });
    return page;
  };
  return { context, complaints, answers, open, close: () => context.close() };
}

export async function shot(page, name, options = {}) {
  if (shots) await page.screenshot({ path: `${shots}/${name}.png`, ...options });
}

// accessible fails with each rule of axe-core that is broken, and where.
async function accessible(page, name) {
  const found = await page.evaluate(async () => (await globalThis.axe.run(document, { iframes: false })).violations
    .map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(", ")}`));
  assert.deepEqual(found, [], name);
}

// pictures looks at a page as people would: in both themes, in which axe-core finds nothing to complain of, and at a telephone's
// width, where nothing may stick out. With SHOTS it leaves screenshots of these, and of the page in all languages.
export async function pictures(page, name) {
  for (const [colorScheme, ending] of [["dark", "-dark"], ["light", ""]]) {
    await page.emulateMedia({ colorScheme });
    await accessible(page, `${name}${ending}`);
    await shot(page, `${name}${ending}`, { fullPage: true });
  }
  const language = page.locator("header select").first();
  if (shots && await language.count()) {
    const before = await language.inputValue();
    for (const one of ["uk", "ru"]) {
      await language.selectOption(one);
      await page.waitForTimeout(300); // what the server words comes a moment later
      await shot(page, `${name}-${one}`, { fullPage: true });
    }
    await language.selectOption(before);
  }
  const size = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  await shot(page, `${name}-phone`, { fullPage: true });
  await page.setViewportSize(size);
  assert.ok(width <= 390, `${name} is ${width} pixels wide on a telephone of 390`);
}

export async function signIn(page, address, login, password = "correct horse") {
  await page.goto(`${base}${address}`);
  await page.fill("#user", login);
  await page.fill("#password", password);
  await page.click("#sign-in");
}
