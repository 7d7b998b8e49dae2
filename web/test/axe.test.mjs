// axe-core finds nothing to complain of, in both themes: `go test -run PagesOfServe ./cmd/ringmaster`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { base, launch, patience, signIn } from "./browser.mjs";

const axe = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

// clean fails with each rule that is broken, and where.
async function clean(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axe);
    const found = await page.evaluate(async () => (await globalThis.axe.run(document, { iframes: false })).violations
      .map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(", ")}`));
    assert.deepEqual(found, [], `${name}, ${colorScheme}`);
  }
}

test("sign-in, console and desk are accessible in every state", async () => {
  const context = await browser.newContext({ bypassCSP: true }); // axe is no script of ours
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  await page.goto(`${base}/sign-in`);
  await page.waitForSelector("header .brand");
  await clean(page, "sign-in");
  await signIn(page, "/", "sue");
  await page.waitForSelector("#campaign:not([hidden])");
  await clean(page, "console");
  await page.goto(`${base}/agent`);
  await page.waitForSelector("#own:not([hidden])");
  await clean(page, "denied");
  await signIn(page, "/sign-in?to=/agent", "ann");
  await page.waitForURL(`${base}/agent`);
  await page.waitForFunction(() => !document.getElementById("work").disabled);
  await clean(page, "desk, before work");
  await page.click("#work");
  await page.waitForSelector('#status[data-state="available"]');
  await clean(page, "desk, available");
  await page.selectOption("#queue", "Winter");
  await page.fill("#number", "07700 900180");
  await page.click("#call");
  await page.waitForSelector('#status[data-state="talking"]');
  await page.click("#codes button >> nth=0");
  await clean(page, "desk, talking");
  await context.setOffline(true);
  await page.waitForSelector("#stale:not([hidden])");
  await clean(page, "desk, offline");
  await context.setOffline(false);
  await page.waitForSelector("#stale[hidden]", { state: "attached" });
  await page.click("#hangup");
  await page.waitForSelector('#status[data-state="clerical"]');
  await clean(page, "desk, wrap-up");
  await page.click("#confirm");
  await page.waitForSelector('#status[data-state="available"]');
  await context.close();
});
