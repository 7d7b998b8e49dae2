// The demo's CRM in Chromium, against the stage of internal/demo: `go test -run Pages ./internal/demo`.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { base, becomes, launch, patience, shot as picture, visitor } from "./browser.mjs";

let browser, v, page;

before(async () => { browser = await launch(); });
after(() => browser?.close());

beforeEach(async () => {
  v = await visitor(browser, { expect: /401|404/ });
  page = await v.open();
});
afterEach(() => v.close());

const shot = (name) => picture(page, name);

// play gives a free agent an automatic call; it waits until somebody is free.
async function play(contact, until = () => true) {
  for (const late = Date.now() + patience; Date.now() < late;) {
    const answer = await fetch(`${base}/stage/play?contact=${contact}`, { method: "POST" });
    if (answer.ok) {
      const call = await answer.json();
      if (until(call)) return call;
      await fetch(`${base}/stage/play?hangup=${call.login}`, { method: "POST" });
    } else {
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  throw new Error("nobody became free");
}

const text = (selector) => page.locator(selector).innerText();
const reads = (selector, wanted) => becomes(() => text(selector), wanted);

test("the language and the theme change at once and are kept", async () => {
  await page.goto(`${base}/crm/`);
  await page.selectOption("header select >> nth=0", "uk");
  await reads("h1", "Вебхуки в міру надходження");
  assert.equal(await page.getAttribute("html", "lang"), "uk");
  await page.selectOption("header select >> nth=1", "dark");
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await background();
  await page.goto(`${base}/crm/card/10000001`);
  assert.equal(await background(), dark);
  await page.selectOption("header select >> nth=0", "ru");
  await page.goto(`${base}/crm/`);
  await reads("h1", "Вебхуки по мере поступления");
  assert.deepEqual(v.complaints, []);
});

test("the CRM lists webhooks, filters, holds and shows them whole", async () => {
  await page.goto(`${base}/crm/`);
  const { login } = await play(40, (call) => call.login !== "agent20");
  await fetch(`${base}/stage/play?hangup=${login}`, { method: "POST" });
  await page.waitForSelector('tr[data-type="call.code_set"]');
  await page.waitForSelector('tr[data-type="call.completed"]');
  await shot("crm");
  await page.selectOption("#type", "call.code_set");
  assert.equal(await page.locator('tr[data-type="call.completed"]:visible').count(), 0);
  await page.click('tr[data-type="call.code_set"]:visible .more >> nth=0');
  assert.match(await text("#json"), /"type": "call.code_set"/);
  await shot("crm-event");
  await page.keyboard.press("Escape");
  await page.selectOption("#type", "");

  await page.click("#hold");
  const before = await page.locator("#events tr").count();
  const next = await play(41, (call) => call.login !== "agent20");
  await fetch(`${base}/stage/play?hangup=${next.login}`, { method: "POST" });
  await page.waitForFunction(() => /\d/.test(document.getElementById("hold").textContent));
  assert.equal(await page.locator("#events tr").count(), before);
  await page.click("#hold");
  await page.waitForFunction((n) => document.querySelectorAll("#events tr").length > n, before);
  await page.locator("#events tr").first().focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open]");
  await page.keyboard.press("Escape");
  await page.setViewportSize({ width: 390, height: 844 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  assert.deepEqual(v.complaints, []);
});

test("a card shows the customer, and calls as they are coded", async () => {
  const { name, login } = await play(42, (call) => call.login !== "agent20");
  await page.goto(`${base}/crm/card/10000043`);
  await page.waitForFunction((name) => document.getElementById("name").textContent === name, name);
  await fetch(`${base}/stage/play?hangup=${login}`, { method: "POST" });
  await page.waitForSelector(".history .code");
  assert.match(await text("#amount"), /^£[\d,]+\.\d\d$/);
  await shot("card");
  await page.goto(`${base}/crm/card/nobody`);
  await page.waitForFunction(() => document.getElementById("name").textContent === "The CRM knows no such customer.");
  assert.deepEqual(v.complaints, []);
});

