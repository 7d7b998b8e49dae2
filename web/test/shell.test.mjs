// What is there before a page's script has run: `go test -run ShellOfThePages ./web`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { base, launch, patience } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

for (const [name, address, locale] of [["console", "/", "uk-UA"], ["desk", "/agent", "en-GB"]]) {
  for (const width of [1280, 390]) {
    test(`the ${name} at ${width} is painted before its script, in the theme that was chosen, and stays where it is`, async () => {
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: "light", locale });
      await context.addInitScript(() => { if (location.origin !== "null") localStorage.setItem("theme", "dark"); });
      const page = await context.newPage();
      page.setDefaultTimeout(patience);
      const refused = [];
      page.on("console", (message) => { if (/policy|Trusted/i.test(message.text())) refused.push(message.text()); });
      let go;
      const held = new Promise((done) => { go = done; });
      await page.route(/\/assets\/.*\.js/, async (route) => {
        await held;
        await route.continue();
      });
      await page.goto(base + address, { waitUntil: "commit" });
      await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length);
      assert.equal(await page.locator(".bone").first().isVisible(), true);
      assert.equal(await page.getAttribute("html", "lang"), locale.slice(0, 2));
      const look = () => page.evaluate(() => ({
        background: getComputedStyle(document.body).backgroundColor, header: document.querySelector("header.top").offsetHeight,
        brand: Math.round(document.querySelector(".brand").getBoundingClientRect().top), main: document.querySelector("main:not([hidden])").offsetTop,
        left: document.querySelector("main:not([hidden])").offsetLeft,
      }));
      const before = await look();
      assert.equal(before.background, "rgb(19, 21, 25)");
      go();
      await page.waitForSelector("main h1", { state: "attached" });
      assert.deepEqual(await look(), before);
      assert.equal(await page.locator(".bone, .bones").count(), 0);
      assert.deepEqual(refused, []);
      await context.close();
    });
  }
}

test("whoever comes back asks for no script again, and for the page itself whether it has changed", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  await page.goto(base);
  await page.waitForSelector("main h1", { state: "attached" });
  await page.goto("about:blank");
  const answers = new Map();
  page.on("response", (reply) => answers.set(new URL(reply.url()).pathname, reply));
  await page.goto(base);
  await page.waitForSelector("main h1", { state: "attached" });
  const script = answers.get("/assets/dist/console.js");
  assert.match((await script.allHeaders())["cache-control"], /immutable/);
  const sent = await page.evaluate(() => performance.getEntriesByType("resource").filter((e) => e.name.includes("?v=")).map((e) => e.transferSize));
  assert.ok(sent.length >= 2 && sent.every((bytes) => bytes === 0), `${sent}`);
  await context.close();
});
