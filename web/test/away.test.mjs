// The desk when its network, its page or its machine is away just when it matters: `go test -run DeskNeverLies ./cmd/ringmaster`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, base, becomes, codeOf, inState, launch, patience, says, traceOf } from "./browser.mjs";
import { atDesk, cable, leave, network, numbers, talk } from "./desk.mjs";

numbers.next = 700;
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());
const atWork = (prepare = cable) => atDesk(browser, { expect: network }, prepare);
const hasty = "AUTO_1"; // whose wrap-up is short

const stateNow = async () => (await api("/agents/live")).items[0]?.state ?? "logged_off";

// truth holds what a page says of a call against the record, when it has made up its mind.
async function truth(page, trace, codes) {
  await says(page, "past", new RegExp(`(Saved|NOT saved): [^:]*, call ${trace}`));
  const said = await page.locator("#past > div", { hasText: trace }).innerText();
  assert.equal(await codeOf(trace), said.startsWith("Saved") ? codes[/: (.*), call/.exec(said)[1]] : null, said);
  return said;
}

// sentIn says whether the page has sent the code before wrap-up was over.
async function sentIn(net) {
  const gone = () => !net.whole || net.codes.length > 0;
  while (!gone() && await stateNow() !== "available") await new Promise((done) => setTimeout(done, 50));
  return gone();
}
const ids = { "Promise to pay": "4", "Do not call again": "5", "Wrong person": "7" };

test("the network goes before wrap-up ends: a draft is called not saved while nobody knows, and afterwards too", async () => {
  const { v, page, prepared: net } = await atWork();
  const trace = await talk(page, hasty);
  await page.click("#codes button >> nth=1");
  await page.click("#hangup");
  await inState(page, "clerical");
  await net.cut();
  await becomes(stateNow, "available"); // wrap-up is over, and the page cannot know
  await says(page, "state", /Last known: /);
  if (!net.codes.length) await says(page, "draft", new RegExp(`Not saved yet: Do not call again, call ${trace}`));
  await net.mend();
  await inState(page, "available");
  assert.equal(/^NOT saved/.test(await truth(page, trace, ids)), net.codes.length === 0);
  await page.click("#past button");
  await leave({ v, page });
});

for (const [fate, end] of [["lost", /^NOT saved/], ["answer lost", /^Saved/]]) {
  test(`the network goes with the code that is sent just before wrap-up ends (${fate}): never called saved before that is known, and soon known`, async () => {
    const { v, page, prepared: net } = await atWork();
    const late = Date.now() + patience;
    let trace;
    for (let sent = false; !sent;) {
      trace = await talk(page, hasty);
      await page.click("#codes button >> nth=1");
      net.onCode = () => fate;
      await page.click("#hangup");
      sent = await sentIn(net) || Date.now() > late;
      if (!sent) await page.click("#past button"); // the machine stood still for the last seconds of the wrap-up: once more
    }
    if (fate === "answer lost") {
      await becomes(() => codeOf(trace), "5");
      await net.cut();
    }
    await becomes(() => net.whole, false);
    await becomes(stateNow, "available");
    await page.waitForSelector("#stale:not([hidden])");
    await page.waitForSelector('#draft:is([data-status="queued"], [data-status="saved"])'); // saved: the record could be asked just yet
    const shown = await page.locator("#draft").innerText();
    assert.ok(shown.startsWith(`Not saved yet: Do not call again, call ${trace}`) || (fate === "answer lost" && shown.startsWith("Saved: ")), shown);
    net.onCode = () => "";
    await net.mend();
    await inState(page, "available");
    const since = Date.now();
    assert.match(await truth(page, trace, ids), end);
    assert.ok(Date.now() - since < patience / 2, "who looks at the desk is left in the dark though the record knows");
    assert.equal(net.codes.length, fate === "lost" ? 0 : 1, "it was sent again");
    await page.click("#past button");
    await leave({ v, page });
  });
}

test("two browsers with different drafts for one call: one code is on record, and each says what became of its own", async () => {
  const one = await atWork(), two = await atWork();
  for (const how of ["by themselves", "both at once"]) {
    const trace = await talk(one.page, how === "by themselves" ? hasty : "Winter");
    await inState(two.page, "talking");
    await one.page.click("#codes button >> nth=0");
    await two.page.click("#codes button >> nth=1");
    await says(one.page, "draft", /Chosen, not saved yet: Promise to pay/); // a draft is one's own
    await one.page.click("#hangup");
    if (how === "both at once") {
      for (const { page } of [one, two]) await page.waitForSelector("#confirm:enabled");
      await Promise.all([one, two].map(({ page }) => page.evaluate(() => document.getElementById("confirm")?.click())));
    }
    const said = [];
    for (const { page } of [one, two]) {
      await inState(page, "available");
      await says(page, "past", new RegExp(`(Saved|NOT saved): [^:]*, call ${trace}`));
      said.push(await page.locator("#past > div", { hasText: trace }).innerText());
    }
    const code = await codeOf(trace), saved = said.filter((text) => text.startsWith("Saved"));
    assert.deepEqual(saved.map((text) => ids[/: (.*), call/.exec(text)[1]]), code === null ? [] : [code], `${how}: ${said}`);
    if (code !== null) assert.match(said.find((text) => text.startsWith("NOT")), /another code|it has one/);
    for (const { page } of [one, two]) await page.locator("#past > div", { hasText: trace }).locator("button").click();
  }
  await two.v.close();
  await leave(one);
});

test("two tabs of one browser, each with a draft of its own when the other could not be heard: the later one is sent, once", async () => {
  const { v, page, prepared: net } = await atWork();
  const trace = await talk(page);
  const other = await v.open();
  await other.goto(`${base}/agent`);
  await inState(other, "talking");
  await page.click("#codes button >> nth=0");
  await says(other, "draft", /Promise to pay/);
  const cdp = await v.context.newCDPSession(page);
  await cdp.send("Debugger.enable");
  await cdp.send("Debugger.pause"); // this tab stands still, and hears of nothing
  await other.click("#codes button >> nth=2");
  await other.click("#hangup");
  await inState(other, "clerical");
  await cdp.send("Debugger.resume");
  await cdp.send("Debugger.disable");
  await inState(page, "clerical");
  await says(page, "draft", /Wrong person/);
  await page.waitForSelector("#confirm:enabled");
  await page.click("#confirm");
  for (const tab of [page, other]) {
    await inState(tab, "available");
    await says(tab, "past", new RegExp(`Saved: Wrong person, call ${trace}`));
  }
  assert.equal(net.codes.length, 1, "it was sent twice");
  assert.equal(await codeOf(trace), "7");
  await other.close();
  await leave({ v, page });
});

test("a tab that has not heard of another's later choice sends that one, when wrap-up ends", async () => {
  const { v, page, prepared: net } = await atWork();
  await page.addInitScript(() => { // as one that stood still until now
    const add = globalThis.addEventListener;
    globalThis.addEventListener = (type, ...rest) => { if (type !== "storage") add.call(globalThis, type, ...rest); };
  });
  await page.reload();
  const trace = await talk(page, hasty);
  const other = await v.open();
  await other.goto(`${base}/agent`);
  await inState(other, "talking");
  await page.click("#codes button >> nth=0");
  await says(other, "draft", /Promise to pay/);
  await other.click("#codes button >> nth=1");
  await says(other, "draft", /Do not call again/);
  const cdp = await v.context.newCDPSession(other);
  await cdp.send("Debugger.enable");
  await cdp.send("Debugger.pause"); // so that the one that has not heard sends it
  await page.click("#hangup");
  await becomes(stateNow, "available");
  await truth(page, trace, ids);
  assert.notEqual(await codeOf(trace), "4", "a choice that was taken back was sent");
  await cdp.send("Debugger.resume");
  await cdp.send("Debugger.disable");
  await truth(other, trace, ids);
  assert.ok(net.codes.length <= 1, "it was sent twice");
  await other.close();
  await leave({ v, page });
});

test("a reload without a network in mid-call: the call, its draft and its clock are there again with the network", async () => {
  const { v, page, prepared: net } = await atWork();
  const trace = await talk(page);
  await page.click("#codes button >> nth=1");
  await page.waitForFunction(() => /0:0[3-9]|0:[1-5]|[1-9]:/.test(document.getElementById("timer").textContent));
  await net.cut();
  await page.waitForSelector("#stale:not([hidden])");
  await assert.rejects(page.reload(), /ERR_INTERNET_DISCONNECTED/);
  await net.mend();
  await page.goto(`${base}/agent`); // no password, no door
  await inState(page, "talking");
  assert.equal(await traceOf(page), trace);
  await says(page, "draft", /Chosen, not saved yet: Do not call again/);
  await says(page, "timer", /0:0[3-9]|0:[1-5]|[1-9]:/);
  assert.deepEqual(net.codes, []);
  await page.click("#hangup");
  await inState(page, "clerical");
  await page.click("#confirm");
  await truth(page, trace, ids);
  await leave({ v, page });
});

test("keys pressed twice on confirm send one code, and nothing to the call after it", async () => {
  const { v, page, prepared: net } = await atWork();
  const trace = await talk(page);
  await page.click("#codes button >> nth=1");
  await page.click("#hangup");
  await page.waitForSelector("#confirm:enabled");
  await page.focus("#code");
  await page.evaluate(() => { // within one turn, and a double click on top
    const press = () => document.getElementById("code").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    press();
    press();
    for (let i = 0; i < 2; i++) document.getElementById("confirm")?.click();
  });
  for (let i = 0; i < 3; i++) await page.keyboard.press("Enter"); // and in what comes after it
  await inState(page, "available");
  await truth(page, trace, ids);
  assert.equal(net.codes.length, 1, "it was sent twice");
  assert.ok(net.codes[0].includes(trace));
  await leave({ v, page });
});

test("a draft of a call whose wrap-up ended elsewhere is never applied to the next one", async () => {
  const { v, page, prepared: net } = await atWork();
  const elsewhere = await atWork(async () => {});
  const first = await talk(page, hasty);
  await page.click("#codes button >> nth=1");
  await page.focus("#code");
  await net.cut();
  await page.waitForSelector("#stale:not([hidden])");
  await page.click("#confirm"); // in mid-call, and so it waits
  await says(page, "draft", new RegExp(`Not saved yet: Do not call again, call ${first}`));
  await elsewhere.page.click("#hangup");
  await inState(elsewhere.page, "clerical");
  const second = await talk(elsewhere.page);
  assert.notEqual(second, first);
  await net.mend();
  await says(page, "trace", new RegExp(second));
  assert.match(await truth(page, first, ids), /^NOT saved/);
  await says(page, "draft", /^You may choose one/);
  assert.equal(await page.locator("#codes [aria-pressed=true]").count(), 0);
  await page.click("#hangup");
  await inState(page, "clerical");
  assert.deepEqual(net.codes, []);
  await page.click("#codes button >> nth=2");
  await page.click("#confirm");
  await inState(page, "available");
  await truth(page, second, ids);
  assert.deepEqual([await codeOf(first), await codeOf(second)], [null, "7"]);
  assert.ok(net.codes.length === 1 && net.codes[0].includes(second));
  await elsewhere.v.close();
  await leave({ v, page });
});

test("a machine that slept through wrap-up with a draft: what it shows when it wakes is called old, and then true", async () => {
  const { v, page, prepared: net } = await atWork();
  const trace = await talk(page, hasty);
  await page.click("#codes button >> nth=1");
  await page.click("#hangup");
  await inState(page, "clerical");
  await page.evaluate(() => { // from the first beat after the sleep on
    globalThis.lies = [];
    let before = Date.now(), slept = false;
    const look = () => {
      slept ||= Date.now() - before > 10_000;
      before = Date.now();
      const shown = document.querySelector("#status")?.dataset.state;
      if (slept && shown === "clerical" && document.getElementById("stale").hidden) globalThis.lies.push(before);
      if (shown === "clerical") requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await net.cut({ quiet: true });
  const cdp = await v.context.newCDPSession(page);
  await cdp.send("Debugger.enable");
  await cdp.send("Debugger.pause");
  await becomes(stateNow, "available");
  await net.mend();
  await cdp.send("Debugger.resume");
  await cdp.send("Debugger.disable");
  await inState(page, "available");
  const said = await truth(page, trace, ids);
  assert.equal(/^NOT saved/.test(said), net.codes.length === 0, said);
  const lies = await page.evaluate(() => globalThis.lies);
  assert.ok(lies.length < 180, `shown as present in ${lies.length} frames`); // the first beat is within a second; a slow machine draws fewer
  await page.click("#past button");
  await leave({ v, page });
});

test("away by a link and back by the browser's button, in mid-call and in wrap-up: what is shown is the present, and the draft is there", async (t) => {
  const keeps = await launch([], { ignoreDefaultArgs: ["--disable-back-forward-cache"] }); // pages that are left, as browsers of people do
  t.after(() => keeps.close());
  const { v, page } = await atDesk(keeps, { expect: network }), elsewhere = await atWork(async () => {});
  const away = () => page.goto(`${base}/assets/logo.svg`);
  const back = async () => {
    await page.goBack({ waitUntil: "commit" });
    await page.waitForSelector("#desk:not([hidden])");
    await page.waitForSelector("#stale[hidden]", { state: "attached" });
  };
  const trace = await talk(page, hasty);
  await page.click("#codes button >> nth=1");
  await away();
  await back();
  await inState(page, "talking");
  assert.equal(await traceOf(page), trace);
  await says(page, "draft", /Chosen, not saved yet: Do not call again/);
  assert.equal(await codeOf(trace), null);

  await page.evaluate(() => { // what is shown without being called old, should this page itself come back
    globalThis.lies = [];
    addEventListener("pageshow", ({ persisted }) => {
      const look = () => {
        if (document.getElementById("stale").hidden && document.querySelector('#status[data-state="talking"]')) globalThis.lies.push(Date.now());
        if (document.querySelector('#status[data-state="talking"]')) requestAnimationFrame(look);
      };
      if (persisted) requestAnimationFrame(look);
    });
  });
  await away();
  await elsewhere.page.click("#hangup");
  await inState(elsewhere.page, "clerical");
  await back();
  assert.deepEqual(await page.evaluate(() => globalThis.lies ?? []), []);
  await becomes(stateNow, "available"); // the draft was sent when the time came, or is told not to have been
  assert.match(await truth(page, trace, ids), /aved: Do not call again/);
  const second = await talk(page);
  await page.click("#codes button >> nth=2");
  await page.click("#hangup");
  await inState(page, "clerical");
  await away();
  await back();
  await page.waitForSelector("#confirm:enabled, #idle"); // a page that is kept has sent the draft when it was left
  if (await page.locator("#confirm:enabled").count()) await page.click("#confirm");
  await inState(page, "available");
  assert.match(await truth(page, second, ids), /^Saved: Wrong person/);
  await elsewhere.v.close();
  await leave({ v, page });
});
