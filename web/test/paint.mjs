// Measures how soon a page is there: node paint.mjs console|desk. Each load has a browser context of its own, thus nothing cached, and
// is followed by another load of the same page, which finds in the cache what may be kept. The last line is the figures: medians.
import { base, launch } from "./browser.mjs";

const loads = Number(process.env.LOADS ?? 9);
const address = process.argv[2] === "desk" ? "/agent" : "/";
const browser = await launch();
const figures = { first: [], again: [], content: [], jump: [], bytes: [] };

// look waits until the page has its own first heading and says when that came, and when anything at all was painted.
async function look(page) {
  await page.waitForFunction(() => globalThis.headed && performance.getEntriesByName("first-contentful-paint").length);
  return page.evaluate(() => ({
    paint: performance.getEntriesByName("first-contentful-paint")[0].startTime, headed: globalThis.headed, jump: globalThis.jumped,
    bytes: performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource")).filter((e) => !e.name.includes("/api/"))
      .reduce((sum, e) => sum + e.transferSize, 0),
  }));
}

for (let i = 0; i <= loads; i++) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, locale: "en-GB" });
  await context.addInitScript(() => {
    globalThis.jumped = 0;
    new PerformanceObserver((list) => { for (const e of list.getEntries()) globalThis.jumped += e.value; }).observe({ type: "layout-shift", buffered: true });
    const watch = new MutationObserver(() => {
      if (!document.querySelector("main h1")) return;
      globalThis.headed = performance.now();
      watch.disconnect();
    });
    watch.observe(document, { childList: true, subtree: true });
  });
  const page = await context.newPage();
  await page.goto(base + address);
  const cold = await look(page);
  await page.goto("about:blank");
  await page.goto(base + address);
  const warm = await look(page);
  await context.close();
  if (!i) continue; // the browser's own start
  figures.first.push(cold.paint);
  figures.content.push(cold.headed);
  figures.jump.push(cold.jump);
  figures.bytes.push(cold.bytes);
  figures.again.push(warm.paint);
}
await browser.close();
const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
console.log(JSON.stringify({
  "paint-ms": median(figures.first), "paint-worst-ms": Math.max(...figures.first), "again-ms": median(figures.again), "content-ms": median(figures.content),
  "kB": median(figures.bytes) / 1000, "shift": median(figures.jump),
}));
