// Measures a page of the console while all agents change: node wall.mjs agents|overview. The last line is the figures.
import { base, launch } from "./browser.mjs";

const seconds = Number(process.env.WALL ?? 15);
const browser = await launch();
const page = await (await browser.newContext({ viewport: { width: 1360, height: 900 } })).newPage();
await page.goto(`${base}/#/${process.argv[2] === "agents" ? "agents" : ""}`);
await page.waitForSelector(process.argv[2] === "agents" ? ".wall tr" : ".agent");
const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline", "__metadata"] });
await page.waitForTimeout(1000 * seconds);
const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
const rows = await page.evaluate(() => document.querySelectorAll(".wall tr, .agent").length);
await browser.close();
if (!rows) throw new Error("nobody is shown");
const threads = new Set(traceEvents.filter((e) => e.name === "thread_name" && e.args.name === "CrRendererMain").map((e) => `${e.pid}/${e.tid}`));
const tasks = traceEvents.filter((e) => e.ph === "X" && /RunTask/.test(e.name) && threads.has(`${e.pid}/${e.tid}`));
if (!tasks.length) throw new Error("no task was traced");
const longest = (key) => Math.max(...tasks.map((e) => e[key] ?? 0)) / 1000;
console.log(JSON.stringify({ "longest-ms": longest("dur"), "longest-cpu-ms": longest("tdur"), "busy-%": tasks.reduce((sum, e) => sum + (e.tdur ?? 0), 0) / (10_000 * seconds), "paint-ms": paint, rows }));
