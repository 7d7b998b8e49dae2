// The demo, as a visitor sees it: `go test -run PagesOfTheDemo ./cmd/ringmaster`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { base, launch, pictures, shot, signIn, visitor } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

test("the console is open, beside an agent's desk whose simulated agent steps aside, and comes back", async () => {
  const v = await visitor(browser);
  const console = await v.open();
  await console.goto(`${base}/`);
  await console.waitForSelector("#agent-agent03");
  await console.waitForSelector("#campaign:not([hidden])");
  await pictures(console, "demo-console");
  const page = await v.open();
  await page.goto(`${base}${await console.locator("#agent-agent03 a[href^='/sign-in']").getAttribute("href")}`);
  assert.equal(await page.inputValue("#user"), "agent03");
  assert.equal(await page.inputValue("#password"), "");
  await page.fill("#password", process.env.PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${base}/agent`);
  await page.waitForFunction(() => !document.getElementById("desk").hidden || !document.getElementById("work").disabled);
  if (await page.locator("#door").isVisible()) await page.click("#work");
  await page.waitForSelector("#status[data-state]");
  await console.waitForSelector("#agent-agent03 .tag:not([hidden])");
  await shot(page, "demo-desk");
  await page.close();
  await console.waitForSelector("#agent-agent03 .tag[hidden]", { state: "attached" });

  const robot = console.locator("#agent-agent05"); // misbehaves when it is told to, and is well again
  await robot.locator(".mood").selectOption("no_microphone");
  await console.waitForSelector('#agent-agent05[data-state="forcepause"]');
  assert.notEqual((await robot.locator(".talk").innerText()).trim(), "", "Force Pause has no cause");
  await console.reload();
  await console.waitForFunction(() => document.querySelector("#agent-agent05 .mood")?.value === "no_microphone");
  await robot.locator(".mood").selectOption("well");
  await console.waitForSelector('#agent-agent05:not([data-state="forcepause"])');
  assert.deepEqual(v.complaints, []);
  await v.close();
});

test("pacing of a campaign that calls ahead: how busy the agents are, the abandoned against the cap, lines an agent, and a chart of the day", async () => {
  const v = await visitor(browser);
  const page = await v.open();
  await signIn(page, "/sign-in", "supervisor", process.env.PASSWORD);
  await page.waitForSelector("#campaign:not([hidden])");
  const status = await page.evaluate(async () => (await fetch("/api/v1/campaigns/1", { method: "PATCH", headers: { "Content-Type": "application/json" }, body: '{"mode":"predictive"}' })).status);
  assert.equal(status, 200);
  await page.goto(`${base}/#/campaigns/1`);
  await page.waitForSelector("#pacing-nodes tbody tr");
  let told = null;
  while (!told?.chart.length || !told.nodes.some((n) => n.busy)) told = await (await page.waitForResponse(/\/campaigns\/1\/pacing$/)).json();
  await page.waitForSelector("#pacing canvas");
  const sum = (of) => told.nodes.reduce((all, n) => all + of(n), 0);
  const number = (n, digits) => Number(n.toFixed(digits)).toLocaleString("en");
  const busy = sum((n) => n.busy), there = busy + sum((n) => n.idle);
  assert.equal(there > 0 && busy <= there, true, JSON.stringify(told.nodes));
  assert.equal(await page.innerText("#pacing-occupancy"), `${number((100 * busy) / there, 1)} %`);
  assert.equal(await page.innerText("#pacing-abandoned"), `${number(100 * told.today.share, 1)} % of ${number(100 * told.cap, 1)} % allowed`);
  assert.equal(await page.innerText("#pacing-lines"), number(sum((n) => n.ringing + n.waiting) / there, 2));
  assert.equal(await page.locator("#pacing-nodes tbody tr").count(), told.nodes.length);

  // The cap's line goes to the end of the half hour, in the theme's own colour: a canvas takes none that it cannot read.
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.waitForFunction(() => {
      const probe = document.querySelector("#pacing").appendChild(document.createElement("i"));
      probe.style.color = "var(--brass)";
      const wanted = getComputedStyle(probe).color.match(/\d+/g).slice(0, 3).map(Number);
      probe.remove();
      const canvas = document.querySelector("#pacing canvas"), { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const columns = new Set();
      for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200 && wanted.every((part, k) => Math.abs(data[i + k] - part) < 8)) columns.add((i / 4) % width);
      return Math.max(...columns) - Math.min(...columns) > width / 8; // the first of the chart's four half hours
    });
  }
  await pictures(page, "console-pacing");
  assert.deepEqual(v.complaints, []);
  await v.close();
});
