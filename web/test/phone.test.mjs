// The desk's phone over our own telephony, with a microphone that plays a tone: `go test -run PhoneOfTheDesk ./cmd/ringmaster`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { base, begin, inState, launch, pictures, says, shot, signIn, visitor } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(["--use-fake-device-for-media-stream", "--allow-loopback-in-peer-connection"]); });
after(() => browser?.close());

const phoneIs = (page, status) => page.waitForSelector(`#phone[data-status="${status}"]`);

test("the phone: checked before work, answers by itself, is heard, and comes back from Force Pause by one click", async () => {
  const v = await visitor(browser);
  await v.context.grantPermissions(["geolocation"]); // and so no microphone
  const page = await v.open();
  await signIn(page, "/agent", "ann@example.com");
  await page.waitForURL(`${base}/agent`);
  await page.click("#check-mic");
  await page.waitForFunction(() => /may not use the microphone/.test(document.querySelector(".devices .problem")?.textContent ?? ""));
  await pictures(page, "desk-mic-refused");
  await v.context.grantPermissions(["microphone"]);
  await page.waitForSelector(".meter .lit"); // what is allowed is used at once, and it hears
  await shot(page, "desk-mic-checked");
  await page.click("#work");
  await inState(page, "available");
  await phoneIs(page, "ready");

  const second = await v.open(); // one browser is one phone
  await second.goto(`${base}/agent`);
  await phoneIs(second, "elsewhere");
  await second.close();

  await page.click("#auto");
  await inState(page, "talking");
  await says(page, "quality", /The line is good/);
  await page.waitForSelector("#callback-day"); // asked for while it rang, when the record did not know the call by its id yet
  await page.waitForFunction(() => /^Talking \d+:\d\d/.test(document.title));
  await page.click("#pad");
  await page.click(".pad button >> nth=4");
  await page.locator("#state").click();
  await page.keyboard.press("7");
  await says(page, "keys-sent", /Keys sent: 5 7/);
  await pictures(page, "desk-phone-talking");
  await page.reload(); // in mid-call: the phone registers again and is called
  await inState(page, "talking");
  await phoneIs(page, "ready");
  await says(page, "quality", /The line is good/);
  await page.click("#auto"); // one call is enough
  await page.click("#hangup");
  await inState(page, "clerical");
  await page.click("#codes button >> nth=0");
  await page.click("#confirm");
  await inState(page, "available");

  await page.addInitScript(() => { // the agent, or a policy, takes the microphone away
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("not allowed", "NotAllowedError"));
  });
  await page.reload();
  await inState(page, "available");
  await phoneIs(page, "failed");
  await page.click("#auto");
  await inState(page, "forcepause");
  await says(page, "trouble", /may not use the microphone/);
  for (const [language, cause] of [["uk", /Примусова пауза|мікрофон/], ["ru", /Принудительная пауза|микрофон/]]) { // our words and the server's
    await page.selectOption("header select >> nth=0", language);
    await says(page, "trouble", cause);
    await page.waitForFunction(() => !/[A-Za-z]{4}/.test(document.getElementById("trouble").textContent)); // the server's come a moment later
  }
  await page.selectOption("header select >> nth=0", "en");
  await says(page, "trouble", /may not use the microphone/);
  await pictures(page, "desk-force-pause");
  await page.click("#end-pause"); // the phone does not pass
  await page.waitForFunction(() => !document.getElementById("end-pause").disabled);
  await inState(page, "forcepause");
  await page.evaluate(() => { delete navigator.mediaDevices.getUserMedia; }); // and gives it back
  await page.click("#end-pause");
  await inState(page, "available");
  await phoneIs(page, "ready");
  await page.click("#logout");
  await page.waitForSelector("#door:not([hidden])");
  assert.deepEqual(v.complaints, []);
  await v.close();
});

test("a key pressed without a connection is said to be lost and ends no call; another tab takes the phone over in mid-call", async () => {
  let down = false;
  const open = new Set();
  const v = await visitor(browser, { expect: /WebSocket|Failed to load resource/ });
  await v.context.grantPermissions(["microphone"]);
  await v.context.routeWebSocket((address) => !/socket\.io/.test(address.href), (ws) => { // the phone's own connection
    if (down) return void ws.close();
    ws.connectToServer();
    open.add(ws);
  });
  const page = await v.open();
  await signIn(page, "/agent", "ann@example.com");
  await begin(page);
  await phoneIs(page, "ready");
  await inState(page, "available");
  await page.fill("#number", "07700 900124");
  await page.click("#call");
  await inState(page, "talking");
  await says(page, "quality", /The line is good/);
  down = true;
  for (const ws of open) await ws.close();
  await phoneIs(page, "failed");
  await page.locator("#state").click();
  await page.keyboard.press("8");
  await says(page, "key-lost", /Key 8 was not sent/);
  await shot(page, "desk-key-lost");
  down = false;
  await phoneIs(page, "ready");
  await inState(page, "talking");
  await page.keyboard.press("9");
  await says(page, "keys-sent", /Keys sent: 9/);
  await page.waitForSelector("#key-lost", { state: "detached" });

  const second = await v.open();
  await second.goto(`${base}/agent`);
  await inState(second, "talking");
  await phoneIs(second, "elsewhere");
  await page.close();
  await phoneIs(second, "ready");
  await inState(second, "talking");
  await says(second, "quality", /The line is good/);
  await second.click("#hangup");
  await inState(second, "clerical");
  await second.focus("#code");
  await second.keyboard.press("1");
  await second.keyboard.press("Enter");
  await inState(second, "available");
  await second.click("#logout");
  await second.waitForSelector("#door:not([hidden])");
  assert.deepEqual(v.complaints, []);
  await v.close();
});
