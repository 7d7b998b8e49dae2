// The desk never lies, whatever is done to it: `go test -run DeskNeverLies ./cmd/ringmaster`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, base, begin, codeOf, inState, launch, patience, says, shot, signIn, visitor } from "./browser.mjs";
import { atDesk, coded, leave, network, sentCodes, talk } from "./desk.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());
const atWork = (...how) => atDesk(browser, ...how);

test("digits outside of the field for codes code nothing, in any state; inside it they choose, and send nothing", async () => {
  const v = await visitor(browser);
  const page = await v.open();
  const sent = sentCodes(page);
  await signIn(page, "/agent", "ann@example.com");
  await begin(page);
  const digits = async (where) => {
    await page.locator("#state").click(); // nothing has the focus
    for (const key of ["1", "2", "3", "0", "9", "Enter"]) await page.keyboard.press(key);
    assert.equal(await page.locator("#codes [aria-pressed=true]").count(), 0, where);
  };
  await inState(page, "available");
  await digits("available");
  const trace = await talk(page);
  await digits("talking");
  await page.focus("#mute");
  await page.keyboard.press("2");
  assert.equal(await page.locator("#codes [aria-pressed=true]").count(), 0, "on a button");
  await page.click("#hold");
  await inState(page, "holding");
  await digits("holding");
  await page.focus("#code");
  await page.keyboard.press("2");
  await says(page, "draft", /Chosen, not saved yet: Do not call again/);
  await page.click("#hold");
  await inState(page, "talking");
  await page.click("#hangup");
  await inState(page, "clerical");
  await page.locator("#state").click();
  for (const key of ["1", "3", "Enter"]) await page.keyboard.press(key);
  await says(page, "draft", /Do not call again/);
  assert.equal(await codeOf(trace), null);
  assert.deepEqual(sent, []);
  await page.click("#confirm");
  await inState(page, "available");
  await says(page, "past", new RegExp(`Saved: Do not call again, call ${trace}`));
  assert.equal(sent.length, 1);
  assert.ok(sent[0].includes(trace), "the code does not name its call");
  await leave({ v, page });
});

test("who looks at another page in a talk has the whole wrap-up yet", async () => {
  const { v, page } = await atWork();
  const trace = await talk(page);
  await page.click("#codes button >> nth=2");
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { get: () => true });
    Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await page.click("#hangup");
  await inState(page, "clerical");
  const left = await page.evaluate(() => new Promise((done) => { // some beats later it is still a draft
    let beats = 0;
    const watch = new MutationObserver(() => { if (++beats === 3) done(document.getElementById("draft")?.dataset.status); });
    watch.observe(document.getElementById("timer"), { childList: true, characterData: true, subtree: true });
  }));
  assert.equal(left, "draft");
  assert.equal(await codeOf(trace), null, "wrap-up was skipped");
  await page.click("#confirm");
  await inState(page, "available");
  assert.equal(await codeOf(trace), "7");
  await leave({ v, page });
});

test("two tabs in mid-call show one call and one draft, and it is sent once", async () => {
  const { v, page } = await atWork();
  const trace = await talk(page);
  const other = await v.open();
  const sent = [sentCodes(page), sentCodes(other)];
  await other.goto(`${base}/agent`);
  await inState(other, "talking");
  await page.reload(); // its frames are counted from the beginning of a connection
  await inState(page, "talking");
  await page.click("#codes button >> nth=1");
  await says(other, "draft", /Chosen, not saved yet: Do not call again/);
  await other.click("#codes button >> nth=2");
  await says(page, "draft", /Chosen, not saved yet: Wrong person/);
  await other.click("#hangup");
  await inState(page, "clerical");
  await inState(other, "clerical");
  await page.waitForSelector("#confirm:enabled");
  await other.waitForSelector("#confirm:enabled");
  // Whoever is first takes the button from the other's page, so neither waits for it.
  await Promise.all([page, other].map((one) => one.evaluate(() => document.getElementById("confirm")?.click())));
  for (const one of [page, other]) {
    await inState(one, "available");
    await says(one, "past", new RegExp(`Saved: Wrong person, call ${trace}`));
  }
  assert.equal(sent.flat().length, 1, "it was sent twice");
  assert.equal(await codeOf(trace), "7");
  await other.close();
  await leave({ v, page });
});

test("a page that was frozen does not show the talk of before as the present one", async () => {
  const { v, page } = await atWork();
  const elsewhere = await atWork();
  await talk(page);
  await inState(elsewhere.page, "talking");
  await page.evaluate(() => { // what was shown without being called old, from the moment the page goes on
    globalThis.lies = [];
    document.addEventListener("resume", () => {
      const look = () => {
        const { textContent } = document.getElementById("state");
        if (document.getElementById("stale").hidden && /Talking/.test(textContent)) globalThis.lies.push(textContent);
        if (document.querySelector('#status[data-state="talking"]')) requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
  });
  const cdp = await v.context.newCDPSession(page);
  await cdp.send("Page.setWebLifecycleState", { state: "frozen" });
  await elsewhere.page.click("#hangup");
  await inState(elsewhere.page, "clerical");
  await cdp.send("Page.setWebLifecycleState", { state: "active" });
  await inState(page, "clerical");
  assert.deepEqual(await page.evaluate(() => globalThis.lies), []);
  await coded(page);
  await elsewhere.v.close();
  await leave({ v, page });
});

test("a page that is frozen in wrap-up sends its draft first", async () => {
  const { v, page } = await atWork();
  const trace = await talk(page, "AUTO_1");
  await page.click("#codes button >> nth=1");
  await page.click("#hangup");
  await inState(page, "clerical");
  const cdp = await v.context.newCDPSession(page);
  await cdp.send("Page.setWebLifecycleState", { state: "frozen" });
  for (const late = Date.now() + patience; Date.now() < late && !(await codeOf(trace)) && (await api("/agents/live")).items[0]?.state === "clerical";) await new Promise((done) => setTimeout(done, 100));
  await cdp.send("Page.setWebLifecycleState", { state: "active" });
  await says(page, "past", new RegExp(`aved: Do not call again, call ${trace}`));
  const said = await page.locator("#past > div", { hasText: trace }).innerText();
  assert.equal(await codeOf(trace), /^Saved/.test(said) ? "5" : null, said);
  await inState(page, "available");
  await leave({ v, page });
});

test("a connection that is dead while others work is noticed, and what was missed is shown", async () => {
  let dead = false;
  const { v, page } = await atWork({ expect: network }, (context) => context.routeWebSocket(/mediatel\/socket\.io/, (ws) => {
    const server = ws.connectToServer();
    const mine = { dead: false };
    const kill = () => {
      if (!dead || mine.dead) return mine.dead;
      mine.dead = true;
      dead = false; // the next one works
      return true;
    };
    ws.onMessage((message) => { if (!kill()) server.send(message); });
    server.onMessage((message) => { if (!kill() || message === "2") ws.send(message); });
    const heart = setInterval(() => { if (kill()) ws.send("2"); }, 500); // its heartbeat goes on: nothing else shows that it is dead
    ws.onClose(() => { clearInterval(heart); server.close(); });
  }));
  const elsewhere = await atWork();
  await talk(page);
  await inState(elsewhere.page, "talking");
  dead = true;
  await elsewhere.page.click("#hangup");
  await inState(elsewhere.page, "clerical");
  await inState(page, "clerical");
  await coded(elsewhere.page);
  await inState(page, "available");
  await elsewhere.v.close();
  await leave({ v, page });
});

test("a draft that the call's other page has overtaken is called not saved, with the call", async () => {
  const { v, page } = await atWork();
  const elsewhere = await atWork();
  const trace = await talk(page);
  await inState(elsewhere.page, "talking");
  await v.context.setOffline(true);
  await page.waitForSelector("#stale:not([hidden])");
  for (const id of ["hangup", "hold", "mute", "auto", "logout"]) assert.equal(await page.locator(`#${id}`).isDisabled(), true, `${id} can be pressed without a connection`);
  await page.click("#codes button >> nth=1");
  await page.click("#confirm");
  await says(page, "draft", new RegExp(`Not saved yet: Do not call again, call ${trace}`));
  await elsewhere.page.click("#hangup");
  await coded(elsewhere.page);
  await v.context.setOffline(false);
  await says(page, "past", new RegExp(`NOT saved: Do not call again, call ${trace}\\. The call has another code`));
  await shot(page, "desk-overtaken");
  await page.reload(); // it is not forgotten either
  await says(page, "past", new RegExp(`NOT saved: Do not call again, call ${trace}`));
  assert.equal(await codeOf(trace), "4");
  await page.click("#past button");
  await elsewhere.v.close();
  await leave({ v, page });
});

test("a draft outlives the page, and the next shift is told what became of it", async () => {
  const { v, page } = await atWork();
  const trace = await talk(page, "AUTO_1");
  await page.click("#codes button >> nth=1");
  await page.close();
  await api(`/agents/${(await api("/agents/live")).items[0].id}/auto-call`, { method: "POST", body: '{"on":false}', headers: { "Content-Type": "application/json" } });
  const again = await v.open(); // within the tabs' grace: the call still goes on
  await again.goto(`${base}/agent`);
  await inState(again, "talking");
  await says(again, "draft", /Chosen, not saved yet: Do not call again/);
  await again.click("#hangup");
  await says(again, "past", new RegExp(`aved: Do not call again, call ${trace}`));
  await inState(again, "available");
  await leave({ v, page: again });
});
