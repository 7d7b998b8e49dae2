// The way of a newcomer, from the one-time link to the first call and a kept promise: `go test -run StepsOfANewcomer ./cmd/ringmaster`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { base, begin, inState, launch, pictures, says, shot, signIn, visitor } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const stepIs = (page, step, done) => page.waitForSelector(`#first-steps [data-step="${step}"][data-done="${done}"]`);

test("first admin, four steps, first call: script and history on the desk, a callback by the customer's clock, and the report's chart", async () => {
  const v = await visitor(browser), w = await visitor(browser);
  const page = await v.open(), desk = await w.open();
  await page.goto(process.env.LINK);
  await page.fill("#login", "boss");
  await page.fill("#password", "correct horse");
  await page.click("#make button");
  await page.waitForURL(`${base}/`);
  await stepIs(page, "network", true);
  for (const step of ["agent", "campaign", "list"]) await stepIs(page, step, false);
  await pictures(page, "console-steps");

  await page.goto(`${base}/#/staff`);
  await page.click("#extension-new");
  await page.locator("#extension-edit input").first().fill("3444");
  await page.selectOption("#extension-edit select", "simulated");
  await page.click('#extension-edit button[type="submit"]');
  await page.waitForSelector("#staff-extensions tbody tr:has-text('3444')");
  await page.goto(`${base}/#/users`);
  await page.locator("#agent-add input").nth(0).fill("ann");
  await page.locator("#agent-add input").nth(1).fill("correct horse");
  await page.locator("#agent-add input").nth(2).fill("Spring");
  await page.click("#agent-add button");
  await says(page, "agent-said", /ann is an agent now/);
  await signIn(desk, "/agent", "ann");
  await begin(desk);
  await inState(desk, "available");
  await page.goto(`${base}/#/`);
  await stepIs(page, "agent", true);

  await page.click('#first-steps a[href="#/campaigns/new"]');
  await page.fill("#c-name", "Spring");
  await page.selectOption("#c-region", "GB");
  await page.selectOption("#c-profile", "none");
  await page.fill("#c-reason", "a test");
  for (const day of await page.locator(".window-row input[type=checkbox]").all()) await day.check();
  await page.locator('.window-row input[type="time"]').nth(0).fill("00:00");
  await page.locator('.window-row input[type="time"]').nth(1).fill("00:00");
  await page.fill("#c-script", "Good day, {name}!");
  await page.click("#c-save");
  await page.waitForSelector("#campaign-page");
  await page.setInputFiles("#import-file", { name: "first.csv", mimeType: "text/csv", buffer: Buffer.from("crm_id;name;phone;Contract\n10000001;Ann Archer;07700 900121;A-17\n") });
  await page.click("#import-commit");
  await page.waitForSelector('#imports tr[data-import="done"]');
  await page.click("#c-start");
  await page.waitForSelector('#c-status[data-status="running"]');

  await desk.click("#auto");
  await inState(desk, "talking");
  await says(desk, "script", /Good day, Ann Archer!/);
  await says(desk, "person", /Ann Archer/);
  await says(desk, "person", /Contract\s*A-17/);
  await desk.focus("#code");
  await desk.keyboard.press("2");
  await says(desk, "draft", /Chosen, not saved yet: Call back/);
  await desk.waitForSelector("#callback-day");
  const days = await desk.locator("#callback-day option:not([disabled])").count();
  assert.ok(days > 1, "no day is lawful");
  await desk.selectOption("#callback-day", { index: 3 });
  await desk.waitForSelector("#callback-time");
  const at = await desk.locator("#callback-time option:not([disabled])").nth(2).getAttribute("value");
  await desk.selectOption("#callback-time", at);
  await pictures(desk, "desk-callback");
  await desk.reload(); // the promise is a part of the draft
  await inState(desk, "talking");
  await desk.waitForFunction((wanted) => document.getElementById("callback-time")?.value === wanted, at);
  await desk.click("#auto");
  await desk.click("#hangup");
  await inState(desk, "clerical");
  await desk.focus("#code");
  await desk.keyboard.press("Enter");
  await inState(desk, "available");
  await desk.waitForSelector("#day li:has-text('Ann Archer')");
  await shot(desk, "desk-day");

  await page.goto(`${base}/#/callbacks`);
  await page.waitForSelector("main tbody tr");
  const kept = await page.evaluate(async () => (await (await fetch("/api/v1/callbacks")).json()).items[0].at);
  assert.equal(Date.parse(kept), Date.parse(at));
  await page.goto(`${base}/#/`);
  await page.waitForSelector("#campaign");
  await page.waitForSelector("#first-steps", { state: "detached" }); // who has called needs none
  await page.goto(`${base}/#/reports`);
  await page.waitForSelector("#report tbody tr");
  await page.waitForSelector(".chart svg .reached");
  assert.match(await page.locator(".chart svg").getAttribute("aria-label"), /1/);
  const [dialed, answered] = await page.evaluate(() => [".dialed", ".reached"].map((kind) => Math.max(...[...document.querySelectorAll(`.chart svg ${kind}`)].map((bar) => Number(bar.getAttribute("height"))))));
  assert.ok(dialed > 0 && answered === dialed, `the one call is not drawn: ${dialed}, ${answered}`);
  await pictures(page, "console-reports-chart");

  await desk.click("#logout");
  await desk.waitForSelector("#door:not([hidden])");
  for (const one of [v, w]) {
    assert.deepEqual(one.complaints, []);
    await one.close();
  }
});
