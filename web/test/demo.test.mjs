// The demo, as a visitor sees it: `go test -run PagesOfTheDemo ./cmd/ringmaster`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { base, launch, pictures, shot, visitor } from "./browser.mjs";

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
