// One stream a browser, and looks where there is none: `go test -run ConsoleFollows ./web`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { base, launch, visitor } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const counts = async () => (await fetch(`${base}/counts`)).json();
const stream = (is) => fetch(`${base}/stream/${is}`, { method: "POST" });

// changes waits until the first row has changed so often.
const changes = (page, n) => page.evaluate((wanted) => new Promise((done) => {
  let seen = 0;
  new MutationObserver(() => { if (++seen >= wanted) done(); }).observe(document.querySelector(".wall tbody"), { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });
}), n);

test("three pages share one stream; without it they look again and again, and follow it again when it is back", async () => {
  const v = await visitor(browser, { expect: /502|Failed to load resource/ });
  const pages = [];
  for (let i = 0; i < 3; i++) {
    const page = await v.open();
    await page.goto(`${base}/#/agents`);
    await page.waitForSelector(".wall tr");
    pages.push(page);
  }
  for (const page of pages) await changes(page, 3);
  const begun = await counts(); // a busy machine may have a stream given up for dead; without sharing there are as many as pages
  assert.ok(begun.streams < pages.length && begun.looks < begun.streams, `${begun.streams} streams, ${begun.looks} looks`);

  await stream("off");
  for (const page of pages) await changes(page, 3);
  for (let before = (await counts()).looks; (await counts()).looks < before + 3;) await changes(pages[0], 1);
  for (const page of pages) assert.equal(await page.locator("#stale").isHidden(), true, "what is looked at is not old");

  const had = (await counts()).streams;
  await stream("on");
  while ((await counts()).streams <= had) await changes(pages[0], 1);
  for (const page of pages) await changes(page, 3);
  const { looks } = await counts();
  for (const page of pages) await changes(page, 3);
  assert.equal((await counts()).looks, looks, "it goes on looking beside the stream");
  assert.deepEqual(v.complaints, []);
  await v.close();
});
