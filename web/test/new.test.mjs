// What whoever installs a node sees first: `go test -run PagesOfANewNode ./cmd/ringmaster`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { base, launch, pictures, says, shot, visitor } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

test("the one-time link makes the first admin, who lands on the console; it says that no phone network is configured", async () => {
  const v = await visitor(browser);
  const page = await v.open();
  await page.goto(base);
  await page.waitForURL(`${base}/sign-in`);
  await shot(page, "sign-in");
  await page.goto(process.env.LINK);
  await page.fill("#login", "boss");
  await page.fill("#password", "correct horse");
  await shot(page, "first-admin");
  await page.click("#make button");
  await page.waitForURL(`${base}/`);
  await page.waitForSelector('[data-kind="no_network"]');
  const text = await page.locator('[data-kind="no_network"]').innerText();
  for (const way of ["telephony.sip.listen", "telephony.mediatel.url", "telephony.simulated.profile=everyday"]) assert.ok(text.includes(way), text);
  await page.waitForSelector('[data-kind="no_campaign"]');
  await says(page, "connection", /^live$/);
  await pictures(page, "console-new");
  await page.selectOption("header select >> nth=0", "uk");
  await page.waitForSelector('[data-kind="no_network"]:has-text("Телефонну мережу не налаштовано")'); // in the server's words, thus a moment later
  await page.selectOption("header select >> nth=0", "en");
  for (const name of ["campaigns", "agents", "calls", "contacts", "callbacks", "do-not-call", "reports", "live-calls", "trunks", "audit", "webhooks", "staff", "users", "settings"]) {
    await page.click(`.menu a[href="#/${name}"]`);
    await page.waitForSelector(`.menu a[href="#/${name}"][aria-current]`);
    await page.waitForSelector("main h1");
    await pictures(page, `empty-${name}`);
  }
  assert.deepEqual(v.complaints, []);
  await v.close();
});
