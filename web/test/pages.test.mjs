// The pages in Chromium, against the stage of internal/demo: `go test -run Pages ./internal/demo`.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";

const base = process.env.BASE;
const shots = process.env.SHOTS;
let browser, context, page, complaints;

before(async () => {
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
});
after(() => browser?.close());

beforeEach(async () => {
  context = await browser.newContext({ viewport: { width: 1360, height: 900 }, locale: "en-GB" });
  complaints = [];
  page = await open();
});
afterEach(() => context.close());

// open makes a page whose errors, refused loads and loads from elsewhere fail the test.
async function open() {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (message) => { if (message.type() === "error" && !/401|404/.test(message.text())) complaints.push(message.text()); });
  page.on("request", (request) => { if (!/^(data|about):/.test(request.url()) && new URL(request.url()).origin !== base) complaints.push(`loads ${request.url()}`); });
  return page;
}

async function shot(name, options = {}) {
  if (shots) await page.screenshot({ path: `${shots}/${name}.png`, ...options });
}

// play gives a free agent an automatic call; it waits until somebody is free.
async function play(contact, until = () => true) {
  for (let i = 0; i < 200; i++) {
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

async function signIn(login) {
  await page.goto(`${base}/agent?login=${login}`);
  await page.waitForFunction((user) => document.getElementById("user").value === user, login);
  await page.fill("#password", process.env.PASSWORD);
  await page.click("#login button");
  await page.waitForSelector("#desk:not([hidden])");
}

const text = (selector) => page.locator(selector).innerText();

test("the board shows agents, progress and figures as they change", async () => {
  await page.goto(`${base}/`);
  await page.waitForSelector("#agent-agent20");
  assert.equal(await page.locator(".agent").count(), 20);
  assert.equal(await text("#campaign-name"), "Demo");
  for (let n = 0; n < 30; n++) {
    const { login } = await play(n);
    if (n < 24) await fetch(`${base}/stage/play?hangup=${login}`, { method: "POST" });
  }
  await page.waitForSelector('.agent[data-state="talking"] .links a[href^="http"]');
  await page.waitForFunction(() => document.querySelector("#codes .row") && document.querySelector("#outcomes .row"));
  assert.match(await page.locator('.agent[data-state="talking"] .phone').first().innerText(), /^\+44 7700 900\d{3}$/);
  assert.equal(await text("#connection"), "live");
  await shot("board");
  await page.emulateMedia({ colorScheme: "dark" });
  await shot("board-dark");
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 390, height: 844 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, "the page is wider than a telephone");
  await shot("board-phone");
  assert.deepEqual(complaints, []);
});

test("languages and themes change at once and are kept", async () => {
  await page.goto(`${base}/`);
  await page.waitForSelector("#agent-agent01");
  await page.selectOption('header select >> nth=0', "uk");
  assert.equal(await text("#agents-title"), "Агенти");
  assert.equal(await page.getAttribute("html", "lang"), "uk");
  await page.selectOption('header select >> nth=1', "dark");
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await background();
  await shot("board-uk-dark");
  await page.goto(`${base}/crm/`);
  assert.equal(await text("h1"), "Вебхуки в міру надходження");
  assert.equal(await background(), dark);
  await page.selectOption('header select >> nth=0', "ru");
  assert.equal(await text("h1"), "Вебхуки по мере поступления");
  assert.deepEqual(complaints, []);
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
  await shot("crm-phone");
  assert.deepEqual(complaints, []);
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
  assert.deepEqual(complaints, []);
});

test("the desk: a wrong password, a call by hand, a refusal", async () => {
  await page.goto(`${base}/agent?login=agent19`);
  await page.waitForFunction(() => document.getElementById("user").value === "agent19");
  assert.equal(await page.inputValue("#password"), ""); // no page tells it
  await shot("desk-door");
  await page.fill("#password", "wrong");
  await page.click("#login button");
  await page.waitForFunction(() => document.getElementById("problem").textContent !== "");
  await page.fill("#password", process.env.PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForSelector('#status[data-state="available"]');
  assert.equal(await page.getAttribute("#auto", "aria-checked"), "false");
  await shot("desk-idle");

  const list = await (await fetch(`${base}/crm/people/10000051`)).json();
  await page.fill("#number", list.phones[0].number);
  await page.keyboard.press("Enter");
  await page.waitForSelector('#status[data-state="talking"]');
  assert.equal((await text("#customer")).replaceAll(" ", ""), list.phones[0].number);
  await page.frameLocator("#card").locator("#name").filter({ hasText: list.name }).waitFor();
  await page.click("#hold");
  await page.waitForSelector('#status[data-state="holding"]');
  await page.click("#hold");
  await page.waitForSelector('#status[data-state="talking"]');
  await page.click("#mute");
  await page.waitForSelector('#mute[aria-pressed="true"]');
  await shot("desk-call");
  await page.click("#hangup");
  await page.waitForSelector('#status[data-state="clerical"]');
  await shot("desk-clerical");
  await page.locator("#codes button").first().focus();
  await page.keyboard.press("2");
  await page.waitForSelector('#status[data-state="available"]');
  await page.waitForFunction(() => document.getElementById("card").hidden);

  await page.fill("#number", "+441632960000");
  await page.click("#call");
  await page.waitForFunction(() => /closed until 09:00/.test(document.getElementById("trouble").textContent));
  await page.click("#logout");
  await page.waitForSelector("#door:not([hidden])");
  assert.deepEqual(complaints, []);
});

test("the desk: an automatic call opens its card, and a pause waits for its end", async () => {
  await signIn("agent20");
  await page.click("#auto");
  await page.waitForSelector('#auto[aria-checked="true"]');
  const { name } = await play(60, (call) => call.login === "agent20");
  await page.waitForSelector('#status[data-state="talking"]');
  await page.frameLocator("#card").locator("#name").filter({ hasText: name }).waitFor();
  await page.selectOption("#pause", "2");
  await fetch(`${base}/stage/play?hangup=agent20`, { method: "POST" });
  await page.waitForSelector('#status[data-state="clerical"]');
  await page.click("#codes button >> nth=0");
  await page.waitForSelector('#status[data-state="paused"]');
  await page.setViewportSize({ width: 390, height: 844 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await shot("desk-phone", { fullPage: true });
  await page.click("#end-pause");
  await page.waitForSelector('#status[data-state="available"]');
  await page.click("#auto");
  await page.waitForSelector('#auto[aria-checked="false"]');
  await page.click("#logout");
  assert.deepEqual(complaints, []);
});

test("a visitor takes a simulated agent's seat, and it is shown", async () => {
  const board = page;
  await board.goto(`${base}/`);
  await board.waitForSelector("#agent-agent03");
  page = await open();
  await signIn("agent03");
  await board.waitForSelector("#agent-agent03 .tag:not([hidden])");
  await page.close();
  await board.waitForSelector("#agent-agent03 .tag[hidden]", { state: "attached", timeout: 15_000 });
  page = board;
  assert.deepEqual(complaints, []);
});
