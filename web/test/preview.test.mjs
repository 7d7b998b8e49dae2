// A campaign that shows whom to call: `go test -run PreviewOnTheDesk ./cmd/ringmaster`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, base, becomes, begin, inState, launch, pictures, signIn, visitor } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const attempts = async () => (await api("/attempts?campaign_id=1&limit=50")).items;
const cancelled = async () => (await attempts()).filter((a) => a.state === "cancelled");
const digits = (number) => number.replace(/\D/g, "");
const shown = (page) => page.locator("#preview-number").innerText();
const next = (page, before) => page.waitForFunction((last) => ![last, ""].includes(document.getElementById("preview-number")?.textContent ?? ""), before);
const seconds = async (page) => (await page.locator("#preview-left span").innerText()).match(/(\d+):(\d\d)/).slice(1).reduce((sum, n) => sum * 60 + Number(n), 0);

async function code(page) {
  await page.click("#hangup");
  await inState(page, "clerical");
  await page.click("#codes button >> nth=0");
  await page.click("#confirm");
  await inState(page, "available");
}

test("the customer is seen before the call: skipped and called by button and by keyboard, in two tabs, over a reload, until the campaign stops", async () => {
  const v = await visitor(browser, { expect: /404/ }); // whom one calls is asked for until the record has the call
  const page = await v.open();
  await signIn(page, "/agent", "ann@example.com");
  await begin(page);
  await inState(page, "available");
  if (await page.getAttribute("#auto", "aria-checked") === "false") await page.click("#auto");

  await next(page, null); // the first: nobody's phone has rung, and all is there to look at
  const first = await shown(page);
  assert.match(first, /^\+44 7700 90020\d$/);
  assert.match(await page.innerText("#state"), /Choose: call or skip/);
  assert.match(await page.getAttribute("#card", "src"), /person=2000000\d$/);
  await page.waitForSelector("#person-title:has-text('Customer')");
  await page.waitForSelector("#script:has-text('Good day, Customer')");
  assert.equal((await attempts()).filter((a) => a.dialed_at).length, 0);
  const left = await seconds(page);
  assert.ok(left > 0 && left <= 300, `${left} s`);
  await page.waitForFunction((before) => {
    const [, m, s] = /(\d+):(\d\d)/.exec(document.getElementById("preview-left").textContent);
    return Number(m) * 60 + Number(s) <= before - 2;
  }, left);
  await pictures(page, "desk-preview");

  const other = await v.open(); // the same in another tab, and after a reload
  await other.goto(`${base}/agent`);
  await next(other, null);
  assert.equal(await shown(other), first);
  await page.reload();
  await next(page, null);
  assert.equal(await shown(page), first);

  await page.fill("#skip-reason", "in hospital");
  await page.click("#skip");
  await next(page, first);
  const second = await shown(page);
  await other.waitForFunction((number) => document.getElementById("preview-number")?.textContent === number, second);
  assert.equal(await page.inputValue("#skip-reason"), "");
  await becomes(async () => (await cancelled()).map((a) => [digits(a.number), JSON.stringify(a).includes("in hospital")]), [[digits(first), true]]);

  await other.keyboard.press("Alt+s"); // in the other tab, by keyboard
  await next(page, second);
  const third = await shown(page);
  await becomes(async () => (await cancelled()).length, 2);

  await page.keyboard.press("Alt+c");
  for (const tab of [page, other]) {
    await inState(tab, "talking");
    await tab.waitForSelector("#preview", { state: "detached" });
  }
  await code(page);
  await next(page, third);
  const fourth = await shown(page);
  await page.click("#preview-call");
  await inState(page, "talking");
  await becomes(async () => (await attempts()).filter((a) => a.dialed_at).map((a) => [a.origin, digits(a.number)]).sort(), [third, fourth].map((n) => ["preview", digits(n)]).sort());
  await code(page);

  await next(page, fourth); // the supervisor takes it away
  await api("/campaigns/1/stop", { method: "POST" });
  for (const tab of [page, other]) {
    await tab.waitForSelector("#preview", { state: "detached" });
    await tab.waitForSelector("#no-card");
    await tab.waitForSelector("#idle");
  }
  await becomes(async () => (await attempts()).filter((a) => !["closed", "cancelled"].includes(a.state)).length, 0);
  assert.equal((await cancelled()).length, 3);
  assert.deepEqual(v.complaints, []);
  await v.close();
});
