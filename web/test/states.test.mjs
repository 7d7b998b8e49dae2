// The states of sign-in, console and desk, each looked at: `go test -run PagesOfServe ./cmd/ringmaster`.
import { after, before, test } from "node:test";
import { base, launch, pictures, signIn, visitor } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

test("sign-in, console and desk in every state", async () => {
  const v = await visitor(browser, { expect: /401|403|ERR_INTERNET_DISCONNECTED/ });
  const page = await v.open();
  await page.goto(`${base}/sign-in`);
  await page.waitForSelector("header .brand");
  await pictures(page, "state-sign-in");
  await signIn(page, "/", "sue");
  await page.waitForSelector("#campaign:not([hidden])");
  await pictures(page, "state-console");
  await page.goto(`${base}/agent`);
  await page.waitForSelector("#own:not([hidden])");
  await pictures(page, "state-denied");
  await signIn(page, "/sign-in?to=/agent", "ann");
  await page.waitForURL(`${base}/agent`);
  await page.waitForFunction(() => !document.getElementById("work").disabled);
  await pictures(page, "state-desk-before-work");
  await page.click("#work");
  await page.waitForSelector('#status[data-state="available"]');
  await pictures(page, "state-desk-available");
  await page.selectOption("#queue", "Winter");
  await page.fill("#number", "07700 900180");
  await page.click("#call");
  await page.waitForSelector('#status[data-state="talking"]');
  await page.click("#codes button >> nth=0");
  await pictures(page, "state-desk-talking");
  await v.context.setOffline(true);
  await page.waitForSelector("#stale:not([hidden])");
  await pictures(page, "state-desk-offline");
  await v.context.setOffline(false);
  await page.waitForSelector("#stale[hidden]", { state: "attached" });
  await page.click("#hangup");
  await page.waitForSelector('#status[data-state="clerical"]');
  await pictures(page, "state-desk-wrap-up");
  await page.click("#confirm");
  await page.waitForSelector('#status[data-state="available"]');
  await v.close();
});
