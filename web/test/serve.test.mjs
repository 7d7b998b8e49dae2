// The pages of `serve`: `go test -run PagesOfServe ./cmd/ringmaster`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, base, becomes, begin, codeOf, inState, launch, patience, pictures, says, shot, signIn, traceOf, visitor } from "./browser.mjs";

const ann = "ann@example.com";
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

// atWork signs ann in, in a browser of her own, and begins her shift.
async function atWork(options) {
  const v = await visitor(browser, options);
  const page = await v.open();
  await signIn(page, "/agent", ann);
  await begin(page);
  await inState(page, "available");
  return { v, page };
}

async function leave({ v, page }) {
  assert.deepEqual(v.complaints, []);
  await page.click("#logout");
  await page.waitForSelector("#door:not([hidden])");
  await v.close();
}

// talk calls by hand, and answers the call's id.
let numbers = 30;
async function talk(page, number = `07700 9001${numbers++}`, queue = "Winter") {
  await page.selectOption("#queue", queue);
  await page.fill("#number", number);
  await page.click("#call");
  await inState(page, "talking");
  return traceOf(page);
}

test("who is not signed in is asked to, and lands on the page that was wanted", async () => {
  const v = await visitor(browser, { expect: /401|403/ });
  const page = await v.open();
  await page.goto(`${base}/agent`);
  await page.waitForURL(`${base}/sign-in?to=%2Fagent`);
  await page.fill("#user", "sue");
  await page.fill("#password", "wrong");
  await page.keyboard.press("Enter");
  await says(page, "problem", /No such user, or another password/);
  await pictures(page, "sign-in-wrong");
  await page.fill("#password", "correct horse");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${base}/agent`); // a supervisor's role does not open it
  await says(page, "why", /You are signed in as sue, a supervisor\. The desk is for agents/);
  await pictures(page, "denied");
  await page.click("#own");
  await page.waitForURL(`${base}/`);
  await page.waitForSelector("#campaigns button");
  await page.click("#sign-out");
  await page.waitForURL(`${base}/sign-in`);
  await page.goto(`${base}/`);
  await page.waitForURL(`${base}/sign-in`);

  await signIn(page, "/", ann); // who wants nothing in particular comes to what the role has
  await page.waitForURL(`${base}/agent`);
  await page.goto(`${base}/`);
  await says(page, "why", /an agent\. The console is for supervisors/);
  for (const elsewhere of ["https://evil.example.com/", "//evil.example.com/", "/\\evil.example.com", "javascript:alert(1)"]) {
    await signIn(page, `/sign-in?to=${encodeURIComponent(elsewhere)}`, ann);
    await page.waitForURL(`${base}/agent`);
  }
  assert.deepEqual(v.complaints, []);
  await v.close();
});

test("the console: campaigns and why nobody is called, by keyboard", async () => {
  const v = await visitor(browser);
  const page = await v.open();
  await signIn(page, "/", "sue");
  await page.waitForSelector("#campaigns button");
  await page.locator("#campaigns button", { hasText: "Winter" }).focus();
  await page.keyboard.press("Enter");
  await says(page, "campaign-name", /^Winter$/);
  await page.waitForSelector('#reasons [data-kind="nobody_on"]');
  await page.waitForSelector('#reasons [data-kind="by_hand"]');
  await becomes(() => page.locator("#campaigns button[aria-pressed=true]").count(), 1);
  assert.equal(await page.evaluate(() => document.activeElement.textContent.startsWith("Winter")), true, "the focus is lost");
  await pictures(page, "console");
  assert.deepEqual(v.complaints, []);
  await v.close();
});

test("a digit pressed in a talk is no code; a draft is seen, outlives a reload in mid-call, and is sent once on confirmation", async () => {
  const { v, page } = await atWork();
  await shot(page, "desk-idle");
  const trace = await talk(page);
  await page.locator("#state").click();
  await page.keyboard.press("2");
  assert.equal(await page.locator("#codes [aria-pressed=true]").count(), 0);
  await page.focus("#code");
  await page.keyboard.press("2");
  await says(page, "draft", /Chosen, not saved yet: Do not call again/);
  assert.equal(await codeOf(trace), null);
  await pictures(page, "desk-draft");

  await page.reload(); // no password, no door: the call goes on
  await inState(page, "talking");
  await says(page, "trace", new RegExp(trace));
  await says(page, "draft", /Chosen, not saved yet: Do not call again/);
  await page.waitForSelector("#confirm:disabled");
  await page.focus("#code");
  await page.keyboard.type("wrong");
  await page.keyboard.press("Enter");
  await says(page, "draft", /Chosen, not saved yet: Wrong person/);
  await page.click("#hangup");
  await inState(page, "clerical");
  await says(page, "draft", /Wrong person\. It is saved just before/);
  assert.equal(await codeOf(trace), null, "wrap-up was skipped");
  await shot(page, "desk-clerical");
  let sent = 0;
  page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => { if (String(payload).includes("resolutionSet")) sent++; }));
  await page.focus("#code");
  await page.keyboard.press("Enter");
  await inState(page, "available");
  await says(page, "past", new RegExp(`Saved: Wrong person, call ${trace}`));
  assert.equal(await codeOf(trace), "7");
  await leave({ v, page });
});

test("a draft that nobody confirms is sent just before wrap-up ends", async () => {
  const { v, page } = await atWork();
  let said = "";
  for (const late = Date.now() + patience; !said.startsWith("Saved") && Date.now() < late;) { // a machine that stands still just then misses the moment, and the desk says so
    const trace = await talk(page, undefined, "AUTO_1");
    await page.click("#codes button >> nth=1");
    await page.click("#hangup");
    await says(page, "past", new RegExp(`aved: Do not call again, call ${trace}`));
    said = await page.locator("#past > div", { hasText: trace }).innerText();
    assert.equal(await codeOf(trace), said.startsWith("Saved") ? "5" : null);
    await inState(page, "available");
  }
  assert.match(said, /^Saved/);
  await leave({ v, page });
});

test("without a connection: what is shown is called old and stands still; a code is queued with its call's id and confirmed later", async () => {
  const { v, page } = await atWork({ expect: /ERR_INTERNET_DISCONNECTED|WebSocket|Failed to load resource/ });
  const trace = await talk(page);
  await v.context.setOffline(true);
  await page.waitForSelector("#stale:not([hidden])");
  await says(page, "state", /Last known: Talking/);
  const stands = await page.locator("#timer").innerText();
  await page.waitForTimeout(2500);
  assert.equal(await page.locator("#timer").innerText(), stands, "the clock of what is not known runs on");
  assert.equal(await page.locator("#hangup").isDisabled(), true);
  await page.focus("#code");
  await page.keyboard.press("2");
  await page.keyboard.press("Enter");
  await says(page, "draft", new RegExp(`Not saved yet: Do not call again, call ${trace}`));
  await pictures(page, "desk-offline");
  const { items } = await api("/agents/live");
  await v.context.setOffline(false);
  await page.waitForSelector("#stale[hidden]", { state: "attached" });
  await page.click("#hangup");
  await says(page, "past", new RegExp(`Saved: Do not call again, call ${trace}`));
  assert.equal(await codeOf(trace), "5");
  assert.equal(items.length, 1);
  await leave({ v, page });
});

test("a code that came too late is called not saved, with its call's id", async () => {
  const { v, page } = await atWork({ expect: /ERR_INTERNET_DISCONNECTED|WebSocket|Failed to load resource/ });
  const elsewhere = await atWork();
  const trace = await talk(page, undefined, "AUTO_1");
  await inState(elsewhere.page, "talking");
  await v.context.setOffline(true);
  await page.waitForSelector("#stale:not([hidden])");
  await page.click("#codes button >> nth=0");
  await elsewhere.page.click("#hangup");
  await inState(elsewhere.page, "clerical");
  await inState(elsewhere.page, "available"); // its wrap-up is short
  await v.context.setOffline(false);
  await says(page, "past", new RegExp(`NOT saved: Promise to pay, call ${trace}`));
  assert.equal(await codeOf(trace), null);
  await shot(page, "desk-too-late");
  await page.click("#past button");
  await elsewhere.v.close();
  await leave({ v, page });
});

test("hold and retrieve do not reset the timer, and a pause asked for is shown and can be taken back", async () => {
  const { v, page } = await atWork();
  await talk(page);
  const seconds = async () => (await page.locator("#timer").innerText()).split(":").reduce((sum, n) => sum * 60 + Number(n), 0);
  await page.waitForFunction(() => /[1-9]\d?:|0:0[3-9]|0:[1-5]/.test(document.getElementById("timer").textContent));
  await page.click("#hold");
  await inState(page, "holding");
  assert.ok(await seconds() >= 3, "holding began the clock anew");
  await page.reload();
  await inState(page, "holding");
  assert.ok(await seconds() >= 3, "a reload on hold began the clock anew");
  await page.click("#hold");
  await inState(page, "talking");
  assert.ok(await seconds() >= 3, "retrieving began the clock anew");
  await page.selectOption("#pause", "4");
  await says(page, "pending-text", /After this call: Meeting/);
  await shot(page, "desk-pause-pending");
  await page.click("#no-pause");
  await page.waitForSelector("#pending[hidden]", { state: "attached" });
  await page.selectOption("#pause", "4");
  await page.waitForSelector("#pending:not([hidden])");
  await page.click("#hangup");
  await inState(page, "clerical");
  await page.click("#codes button >> nth=0");
  await page.click("#confirm");
  await inState(page, "paused");
  await page.click("#end-pause");
  await inState(page, "available");
  await leave({ v, page });
});

test("a number that nobody knows opens no page, and is said to be unknown", async () => {
  const { v, page } = await atWork();
  await talk(page, "07700 900199", "AUTO_1");
  await says(page, "no-card", /No customer is known by the number \+44 7700 900199/);
  assert.equal(await page.locator("#card").isVisible(), false);
  await shot(page, "desk-unknown");
  await page.click("#hangup");
  await inState(page, "available"); // its wrap-up is short
  await leave({ v, page });
});

test("the console counts who rings apart from who talks", async () => {
  const { v, page } = await atWork();
  const other = await visitor(browser);
  const board = await other.open();
  await signIn(board, "/", "sue");
  await talk(page);
  await board.waitForSelector('.agent[data-state="talking"]');
  await says(board, "tile-busy", /1 \/ 1.*0 ringing/s);
  await board.waitForSelector('#troubles [data-kind="endpoint_failing"]'); // nobody listens there
  assert.match(await board.locator('[data-kind="endpoint_failing"]').innerText(), /127\.0\.0\.1:9\/hook/);
  await pictures(board, "console-talking");
  assert.deepEqual(other.complaints, []);
  await other.close();
  await page.click("#hangup");
  await inState(page, "clerical");
  await page.click("#codes button >> nth=0");
  await page.click("#confirm");
  await inState(page, "available");
  await leave({ v, page });
});
