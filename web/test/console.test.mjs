// The console's pages: `go test -run PagesOfServe ./cmd/ringmaster`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { base, becomes, launch, pictures, says, shot, signIn, visitor } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

test("a supervisor makes a campaign, gives it a messy list, starts it, looks a contact up, and bars it", async () => {
  const v = await visitor(browser, { expect: /422/ });
  const page = await v.open();
  const answers = v.answers;
  await signIn(page, "/", "boss2");
  await page.waitForURL(`${base}/`);
  await page.click('.menu a[href="#/campaigns"]');
  await page.click("#campaign-new");
  await page.fill("#c-name", "Spring");
  await page.selectOption("#c-region", "UA");
  await becomes(() => page.inputValue("#c-zone"), "Europe/Kyiv");
  await page.click("#hours-add"); // Saturday morning
  const saturday = page.locator(".window-row").nth(1);
  for (const day of [1, 2, 3, 4, 5]) await saturday.locator(`input[value="${day}"]`).uncheck();
  await saturday.locator('input[value="6"]').check();
  await saturday.locator('input[type="time"]').nth(1).fill("13:00");
  await page.click("#cron-add");
  await page.locator(".window-row").nth(2).locator("input").first().fill("30 10 1 * *");
  await page.fill("#c-script", "Доброго дня, {name}!");
  await pictures(page, "console-campaign-form");
  await page.fill("#c-zone", "Mars/Olympus");
  await page.click("#c-save");
  await says(page, "c-problem", /./);
  await pictures(page, "console-campaign-form-refused");
  await page.fill("#c-zone", "Europe/Kyiv");
  await page.click("#c-save");
  await page.waitForSelector("#campaign-page");
  await page.setInputFiles("#import-file", {
    name: "борги.csv", mimeType: "text/csv",
    buffer: Buffer.from("crm_id;ПІБ;Телефон\n501;Оля Коваль;(050) 123-45-67\n502;Ніхто;12\n501;Оля Коваль;0501234567\n"),
  });
  await page.waitForSelector("#import-check"); // nobody is stored yet
  assert.match(await page.locator("#import-check").innerText(), /Nobody is stored yet\. It would be: 1 contact accepted, 1 was there already, 1 refused$/);
  assert.equal(await page.locator("#legend b").allInnerTexts().then((all) => all.join(" ")), "0 0 0 0");
  const causes = await page.locator("#import-lines tbody td:last-child").allInnerTexts();
  assert.equal(causes.length, 2);
  for (const cause of causes) assert.match(cause, /^[^[\]]*[a-z]{3} [^[\]]*$/i); // words, not an object
  await page.locator("#import-columns select").nth(1).selectOption("payload"); // the name is not wanted: it is checked anew
  await page.click("#import-again");
  await page.waitForSelector("#import-commit");
  await pictures(page, "console-import-check");
  await page.click("#import-commit");
  await page.waitForSelector("#import-report");
  assert.match(await page.locator("#import-report").innerText(), /^1 contact accepted, 1 was there already, 1 refused$/);
  await pictures(page, "console-import-done");
  await page.waitForSelector('#imports tr[data-import="done"]');
  await page.waitForSelector("#lists tbody tr:has-text('борги')");
  await pictures(page, "console-campaign");
  await page.setInputFiles("#import-file", { name: "later.csv", mimeType: "text/csv", buffer: Buffer.from("crm_id;Телефон\n503;0501234569\n") });
  await page.waitForSelector("#import-commit");
  await page.waitForSelector('#imports tr[data-import="checked"]');
  await page.reload(); // what was checked is not lost with the page
  await page.click('#imports tr[data-import="checked"] button.primary');
  await page.waitForFunction(() => document.querySelectorAll('#imports tr[data-import="done"]').length === 2);
  await page.click("#what-if-open");
  await page.waitForSelector('#what-if-results tr[data-mode="progressive"]');
  const before = await page.locator("#what-if-results tbody").innerText();
  await page.focus('[data-slider="agents"]'); // by keyboard
  for (let i = 0; i < 5; i++) await page.keyboard.press("PageUp");
  await page.waitForFunction((text) => document.querySelector("#what-if-results tbody").innerText !== text, before);
  await pictures(page, "console-campaign-what-if");
  await page.click("#c-start");
  await page.waitForSelector('#c-status[data-status="running"]');
  await page.click("#c-pause");
  await page.waitForSelector('#c-status[data-status="paused"]');
  await page.click('#campaign-page a[href$="/edit"]'); // what was said of the hours is there again
  await page.waitForSelector(".window-row >> nth=2");
  assert.equal(await page.locator(".window-row").nth(1).locator('input[value="6"]').isChecked(), true);
  assert.equal(await page.locator(".window-row").nth(1).locator('input[type="time"]').nth(1).inputValue(), "13:00");
  assert.equal(await page.locator(".window-row").nth(2).locator("input").first().inputValue(), "30 10 1 * *");
  assert.equal(await page.inputValue("#c-script"), "Доброго дня, {name}!");
  await page.click("#c-save");
  answers.push("Spring again");
  await page.click("#c-copy");
  await page.waitForFunction(() => document.getElementById("c-name")?.value === "Spring again");
  await page.click('.menu a[href="#/contacts"]');
  await page.waitForSelector("select option:text('Spring')", { state: "attached" });
  await page.selectOption("main form select >> nth=0", { label: "Spring" });
  await page.fill("#contacts-phone", "050 123 45 67"); // over all campaigns, as people write it
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("#contacts tbody tr").length === 1);
  await page.click("#contacts tbody a:text('501')");
  await page.waitForSelector("#gates li");
  await pictures(page, "console-contact");
  await page.click("#contact-edit");
  await page.locator("#contact-form input").first().fill("Ольга Коваль");
  await page.locator("#contact-form textarea").fill("+380501234567 мобільний\n050 765 43 21");
  await pictures(page, "console-contact-edit");
  await page.click('#contact-form button[type="submit"]');
  await page.waitForSelector("#contact-page h1:has-text('Ольга Коваль')");
  await page.waitForFunction(() => document.querySelectorAll("#contact-page .phone-number").length === 2);
  answers.push("paid");
  await page.click("#contact-finish");
  await page.waitForSelector("#contact-reopen");
  answers.push("the payment bounced");
  await page.click("#contact-reopen");
  await page.waitForSelector("#contact-finish");
  await shot(page, "console-contact-reopened");
  await page.click("#contact-story"); // what people did at it is in it
  await page.waitForSelector("#story li:has-text('contact.finish')");
  await shot(page, "console-contact-story");
  const file = await page.evaluate(async () => (await fetch(document.getElementById("contact-dossier").href)).json());
  assert.deepEqual(file.crm_ids, ["501"]);
  await page.click("#bar-contact");
  await page.waitForSelector('#gates [data-verdict="refuse"]:has-text("not")');
  await page.click('.menu a[href="#/do-not-call"]');
  await page.waitForSelector("#dnc tbody tr:has-text('501')");
  await pictures(page, "console-do-not-call");
  for (const name of ["campaigns", "agents", "calls", "contacts", "callbacks", "reports", "live-calls", "trunks", "audit", "webhooks", "staff", "users", "settings"]) {
    await page.click(`.menu a[href="#/${name}"]`);
    await page.waitForSelector(`.menu a[href="#/${name}"][aria-current]`);
    await page.waitForSelector("main h1");
    await pictures(page, `console-${name}`);
    assert.equal((await page.locator("main p.problem").allInnerTexts()).join(""), "", name);
  }
  await page.click('.menu a[href="#/reports"]');
  await page.selectOption("#r-campaign", { label: "Spring" });
  await page.selectOption("#r-list", { label: "борги" });
  const csv = await page.evaluate(async () => [...new Uint8Array(await (await fetch(document.getElementById("r-export-csv").href)).arrayBuffer())].slice(0, 3));
  assert.deepEqual(csv, [0xef, 0xbb, 0xbf], "Excel reads no Cyrillic without the mark");

  await page.click('.menu a[href="#/staff"]');
  await page.waitForSelector("#staff-agents tbody tr:has-text('ann')");
  await page.click("#extension-new");
  await shot(page, "console-extension-edit");
  await page.locator("#extension-edit input").first().fill("7777");
  await page.selectOption("#extension-edit select", "simulated");
  await page.click('#extension-edit button[type="submit"]');
  await page.waitForSelector("#staff-extensions tbody tr:has-text('7777')");
  await page.click("#staff-add");
  await page.locator("#agent-edit input").nth(0).fill("olya");
  await page.locator("#agent-edit input").nth(2).fill("AUTO_1, Winter");
  await page.selectOption("#agent-edit select", "uk");
  await pictures(page, "console-staff-edit");
  await page.click('#agent-edit button[type="submit"]');
  const olya = page.locator("#staff-agents tbody tr", { hasText: "olya" });
  await olya.locator("button").first().click();
  assert.equal(await page.locator("#agent-edit input").nth(2).inputValue(), "AUTO_1, Winter");
  await page.locator("#agent-edit input").nth(1).fill("Оля Коваль");
  await page.click('#agent-edit button[type="submit"]');
  await page.waitForSelector("#staff-agents tbody tr:has-text('Оля Коваль')");
  await olya.locator("button").nth(1).click(); // disabled, and then removed
  await olya.locator("button").nth(2).click();
  await olya.waitFor({ state: "detached" });
  await page.click('.menu a[href="#/audit"]');
  await page.waitForSelector("#audit tbody tr:has-text('olya')");
  await page.waitForSelector("#audit code:has-text('→')"); // before and after
  await shot(page, "console-audit-full");

  await page.click('.menu a[href="#/users"]');
  await page.waitForSelector("#users tbody tr:has-text('sue')");
  const role = (name) => page.evaluate(async (login) => (await (await fetch("/api/v1/users")).json()).items.find((u) => u.login === login).role, name);
  const sue = page.locator("#users tbody tr", { hasText: "sue" }).locator("select");
  for (const one of ["admin", "supervisor"]) {
    await sue.selectOption(one);
    await becomes(() => role("sue"), one);
    await says(page, "user-said", /sue is signed out/);
  }
  assert.equal(await page.locator("#users tbody tr", { hasText: "boss2" }).locator("select").count(), 0, "one's own role is another's business");
  await page.locator("#agent-add input").nth(0).fill("nina");
  await page.locator("#agent-add input").nth(1).fill("correct horse");
  await page.locator("#agent-add input").nth(2).fill("Spring");
  await page.click("#agent-add button");
  await says(page, "agent-said", /nina is an agent now/);
  await pictures(page, "console-users-said");
  const other = await visitor(browser);
  const desk = await other.open();
  await signIn(desk, "/agent", "nina");
  await desk.waitForURL(`${base}/agent`);
  assert.deepEqual(other.complaints, []);
  await other.close();
  for (const language of ["uk", "ru"]) {
    await page.selectOption("header select >> nth=0", language);
    await page.goto(`${base}/#/campaigns/new`);
    await page.waitForSelector("#c-name"); // the second time the form stays where it is, and what the server words is asked for again
    await page.waitForSelector(`#c-profile option:text-matches("^${{ uk: "Україна", ru: "Украина" }[language]}:")`, { state: "attached" });
  }
  assert.deepEqual(v.complaints, []);
  await v.close();
});

test("a list of LibreOffice's is imported; lists are closed and opened again; consents are on a person's page", async () => {
  const v = await visitor(browser);
  const page = await v.open();
  await signIn(page, "/", "boss2");
  await page.waitForURL(`${base}/`);
  const post = (path, body) => page.evaluate(async ([path, body]) => {
    const reply = await fetch(`/api/v1${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    return { status: reply.status, body: await reply.json() };
  }, [path, body]);
  const { body: campaign } = await post("/campaigns", { name: "Tables", time_zone: "Europe/Kyiv", region: "UA", profile: "none", reason: "a test", mode: "manual" });
  await page.goto(`${base}/#/campaigns/${campaign.id}`);
  await page.setInputFiles("#import-file", new URL("../../campaigns/lists/testdata/people.ods", import.meta.url).pathname);
  await page.waitForSelector("#import-commit");
  await page.click("#import-commit");
  await page.waitForSelector("#import-report");
  const accepted = Number((await page.innerText("#import-report")).match(/^(\d+) contact/)[1]);
  assert.ok(accepted > 0);
  assert.match(await page.innerText('#imports tr[data-import="done"]'), /ODS/);
  const waiting = async () => (await page.evaluate(async (id) => (await fetch(`/api/v1/campaigns/${id}/stats`)).json(), campaign.id)).contacts.waiting ?? 0;
  assert.equal(await waiting(), accepted);

  const row = page.locator("#lists tbody tr").first();
  v.answers.push("of last year");
  await row.locator("button").first().click();
  await page.waitForSelector("#lists tbody tr:has-text('closed by boss2')");
  assert.equal(await waiting(), 0, "whoever is on a closed list is called no more");
  v.answers.push("wanted again");
  await row.locator("button").first().click();
  await page.waitForSelector("#lists tbody tr:has-text('closed by boss2')", { state: "detached" });
  assert.equal(await waiting(), accepted);

  const people = await page.evaluate(async (id) => (await fetch(`/api/v1/campaigns/${id}/contacts`)).json(), campaign.id);
  const one = people.items[0];
  const noted = await post("/consents", { crm_id: one.crm_id, kind: "calls", source: "the contract of May", given_at: new Date(Date.now() - 3600_000).toISOString() });
  assert.equal(noted.status, 201, JSON.stringify(noted));
  await page.goto(`${base}/#/contacts/${one.id}`);
  await page.click("#contact-story");
  await page.waitForSelector("#story li:has-text('consent to calls'):has-text('the contract of May')");
  await pictures(page, "console-consents");
  assert.deepEqual(v.complaints, []);
  await v.close();
});
