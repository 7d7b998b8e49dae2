// What a campaign is told and what is told of it: dates, own numbers, templates, moved contacts, reports:
// `go test -run PagesOfServe ./cmd/ringmaster`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, base, becomes, focused, launch, pictures, signIn, visitor } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const json = (method, body) => ({ method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
const made = (name, more = {}) => api("/campaigns", json("POST", { name, time_zone: "Europe/Kyiv", region: "UA", profile: "ua-1349-IX", mode: "manual", windows: [{ cron: "0 9 * * 1-5", duration: "9h" }], ...more }));

async function supervisor(options) {
  const v = await visitor(browser, options);
  const page = await v.open();
  await signIn(page, "/", "sue");
  await page.waitForURL(`${base}/`);
  return { v, page, done: async () => {
    assert.deepEqual(v.complaints, []);
    await v.close();
  } };
}

test("dates with other hours: what was there is kept, new ones are added, and a refusal stands at its date", async () => {
  const dates = [{ date: "2031-12-05", from: "10:00", to: "14:00", closed: false, note: "Saturday once" }, { date: "2031-12-31", from: "16:00", to: "24:00", closed: true, note: "" },
    { date: "2020-01-07", from: "", to: "", closed: true, note: "" }];
  const { id } = await made("Dates", { exceptions: dates });
  const { page, done } = await supervisor({ expect: /422/ });
  await page.goto(`${base}/#/campaigns/${id}/edit`);
  await page.waitForSelector(".exception >> nth=2");
  await page.fill("#c-script", "Good day!");
  await page.click("#c-save");
  await page.waitForSelector("#campaign-page");
  assert.deepEqual((await api(`/campaigns/${id}`)).exceptions, dates, "a form that was only saved has changed the dates");

  await page.click('#campaign-page a[href$="/edit"]');
  await page.waitForSelector(".exception >> nth=2");
  await page.click("#exceptions-past");
  await page.waitForFunction(() => document.querySelectorAll(".exception").length === 2);
  await page.focus("#exception-add");
  await page.keyboard.press("Enter"); // the new date is where one types on
  await page.waitForSelector(".exception >> nth=2");
  await focused(page, '.exception:last-of-type input[type="date"]');
  const added = page.locator(".exception").nth(2);
  await added.locator('input[type="date"]').fill("2031-12-05");
  await added.locator('input[type="time"]').nth(0).fill("12:00");
  await added.locator("input").last().fill("inventory");
  await page.click("#c-save");
  await page.waitForSelector(".exception >> nth=2 >> .problem");
  assert.match(await added.locator(".problem").innerText(), /overlaps exception 1 of the same date/);
  assert.doesNotMatch(await page.innerText("#c-problem"), /exceptions\[/, "a place is for programs");
  await focused(page, '[aria-invalid="true"]');
  await pictures(page, "campaign-dates");
  await added.locator('input[type="time"]').nth(0).fill("14:00");
  await page.click("#c-save");
  await page.waitForSelector("#campaign-page");
  assert.deepEqual((await api(`/campaigns/${id}`)).exceptions, [...dates.slice(0, 2), { date: "2031-12-05", from: "14:00", to: "", closed: true, note: "inventory" }]);
  await done();
});

test("another campaign's settings are its own, also when one comes to them straight from those of the first", async () => {
  const [first, second] = [await made("Straight one", { script: "First" }), await made("Straight two", { script: "Second" })];
  const { page, done } = await supervisor();
  await page.goto(`${base}/#/campaigns/${first.id}/edit`);
  await page.waitForFunction(() => document.getElementById("c-script")?.value === "First");
  await page.evaluate((id) => { location.hash = `#/campaigns/${id}/edit`; }, second.id);
  await page.waitForFunction(() => document.getElementById("c-script")?.value === "Second");
  await page.click("#c-save");
  await page.waitForSelector("#campaign-page");
  assert.equal(await page.locator("#lists-of").count(), 0, "a campaign without lists has a panel of lists");
  const saved = await api(`/campaigns/${second.id}`);
  assert.deepEqual([saved.name, saved.script], ["Straight two", "Second"]);
  await done();
});

test("the number that customers see: one, or several of one's own, with what is wrong beside the number that it is about", async () => {
  const { id } = await made("Numbers", { caller_id: "+380441112233", caller_ids: ["+380441234567"] });
  const { page, done } = await supervisor({ expect: /422/ });
  await page.goto(`${base}/#/campaigns/${id}/edit`);
  await page.waitForSelector("#c-caller-ids");
  assert.deepEqual([await page.inputValue("#c-caller-id"), await page.inputValue("#c-caller-ids")], ["+380441112233", "+380441234567"]);
  await page.fill("#c-caller-id", "044 111");
  await page.fill("#c-caller-ids", "+380 44 123-45-67\n\n0322345678\n+380441234567");
  await page.click("#c-save");
  await page.waitForSelector("#caller-ids-wrong li >> nth=1");
  const wrong = await page.locator("#caller-ids-wrong li").allInnerTexts();
  assert.match(wrong[0], /^0322345678: want E\.164/);
  assert.match(wrong[1], /^\+380441234567: /);
  assert.match(await page.innerText("#caller-id-help"), /want E\.164/);
  await focused(page, "#c-caller-id");
  await pictures(page, "campaign-numbers");
  await page.fill("#c-caller-id", "");
  await page.fill("#c-caller-ids", "+380 44 123-45-67, +380322345678");
  await page.click("#c-save");
  await page.waitForSelector("#campaign-page");
  const kept = await api(`/campaigns/${id}`);
  assert.deepEqual([kept.caller_id, kept.caller_ids], ["", ["+380441234567", "+380322345678"]]);
  await done();
});

// saved is what a link of the page brings: its beginning, and as what it is to be saved.
const saved = (page, id) => page.evaluate(async (id) => {
  const reply = await fetch(document.getElementById(id).href);
  const bytes = [...new Uint8Array(await reply.arrayBuffer())];
  return { status: reply.status, how: reply.headers.get("Content-Disposition"), begin: bytes.slice(0, 3), text: new TextDecoder().decode(new Uint8Array(bytes)) };
}, id);
const workbook = [0x50, 0x4b, 0x03]; // a ZIP
const mark = [0xef, 0xbb, 0xbf]; // Excel reads no Cyrillic without it

test("reports tell how callbacks were kept; each of them is to be had as CSV and as a workbook", async () => {
  const { id } = await made("Promises");
  await api(`/campaigns/${id}/contacts?list=may`, { method: "POST", headers: { "Content-Type": "text/csv" }, body: "crm_id;name;phone\n601;Оля;0501230601\n602;Петро;0501230602\n603;Ніна;0501230603\n" });
  const { items } = await api(`/campaigns/${id}/contacts`);
  assert.equal(items.length, 3);
  const at = new Date(Date.now() + 3600_000), later = new Date(at.getTime() + 60_000);
  for (const c of items) assert.equal((await api("/callbacks", json("POST", { contact_id: c.id, at }))).code, undefined);
  assert.equal((await api(`/callbacks/${items[0].id}`, json("PATCH", { at: later }))).code, undefined);
  await api(`/callbacks/${items[1].id}`, { method: "DELETE" });

  const { page, done } = await supervisor();
  await page.goto(`${base}/#/reports`);
  await page.waitForSelector("#promises");
  const day = (plus) => new Date(Date.now() + plus * 86_400_000).toISOString().slice(0, 10);
  await page.fill("#r-from", day(-1));
  await page.fill("#r-to", day(2)); // promises may be yet to come
  const row = page.locator("#promise-report tbody tr", { hasText: "Promises" });
  await row.waitFor();
  const cells = async () => (await row.locator("td").allInnerTexts()).map((text) => text.trim());
  await becomes(cells, ["4", "0", "0", "0", "1", "1", "2", "–"], "made, kept, late, missed, moved, cancelled, open, share");
  await pictures(page, "reports-promises");
  for (const id of ["r-export", "r-calls", "p-export"]) {
    const csv = await saved(page, `${id}-csv`), excel = await saved(page, `${id}-excel`);
    assert.deepEqual([csv.status, csv.begin, excel.status, excel.begin], [200, mark, 200, workbook], id);
    assert.match(excel.how, /\.xlsx"$/);
  }
  assert.match((await saved(page, "p-export-csv")).text, /\d+,,Promises,4,0,0,0,1,1,2,0,1/);
  await page.selectOption("#r-campaign", { label: "Promises" });
  await page.selectOption("#r-list", { label: "may" });
  await page.selectOption("#p-by", "list");
  await page.waitForSelector("#promise-report tbody tr:has-text('may')");
  await page.selectOption("#p-by", "agent"); // nobody promised: anybody may keep it
  await page.waitForSelector("#promise-report tbody tr:has-text('anybody')");
  await page.selectOption("#p-by", "hour");
  await page.waitForFunction(() => document.querySelectorAll("#promise-report tbody tr").length > 0);
  await done();
});

test("a campaign's settings are saved as a template, put in its place anew, made into campaigns and forgotten", async () => {
  const { id } = await made("Pattern", { script: "Good day!" });
  const { id: free } = await made("Free", { profile: "none", reason: "a test" });
  const { v, page, done } = await supervisor({ expect: /403|409/ });
  await page.goto(`${base}/#/campaigns`);
  await page.waitForSelector("#templates-of .note");
  const save = async (id, name) => {
    await page.goto(`${base}/#/campaigns/${id}`);
    v.answers.push(name);
    await page.click("#c-template");
    await page.waitForSelector(`#c-said:has-text("${name}")`);
  };
  await save(id, "Reminders");
  await save(free, "Reminders"); // whoever saves under a name that is there is asked
  await save(free, "Without rules");
  await save(id, "Reminders");
  await pictures(page, "campaign-template-saved");
  await page.goto(`${base}/#/campaigns`);
  const row = (name) => page.locator("#templates tbody tr", { hasText: name });
  await row("Reminders").waitFor();
  assert.match(await row("Reminders").innerText(), /ua-1349-IX.*sue/s);
  await row("Without rules").locator("button").first().click(); // what loosens the law is not a supervisor's
  await page.locator("#template-use input").first().fill("Lawless");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#templates-of .problem:has-text('profile')");
  await row("Reminders").locator("button").first().focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.closest("#template-use") !== null);
  await page.keyboard.type("Autumn");
  await page.locator("#template-use input").nth(1).fill("AUTO_7");
  await pictures(page, "campaigns-templates");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("c-name")?.value === "Autumn");
  assert.deepEqual([await page.inputValue("#c-queue"), await page.inputValue("#c-script")], ["AUTO_7", "Good day!"]);
  const admin = await visitor(browser); // who may loosen the law, and says why
  const theirs = await admin.open();
  await signIn(theirs, "/", "boss2");
  await theirs.waitForURL(`${base}/`);
  await theirs.goto(`${base}/#/campaigns`);
  await theirs.locator("#templates tbody tr", { hasText: "Without rules" }).locator("button").first().click();
  await theirs.locator("#template-use input").first().fill("Lawless");
  await theirs.getByLabel("Why the law’s rules are loosened (if they are)").fill("a rehearsal");
  await theirs.keyboard.press("Enter");
  await theirs.waitForFunction(() => document.getElementById("c-name")?.value === "Lawless");
  assert.equal((await api("/campaigns?limit=100")).items.find((c) => c.name === "Lawless").profile, "none");
  assert.match(JSON.stringify((await api("/audit?limit=50")).items), /a rehearsal/);
  assert.deepEqual(admin.complaints, []);
  await admin.close();
  await page.goto(`${base}/#/campaigns`);
  await row("Without rules").locator("button").last().click();
  await row("Without rules").waitFor({ state: "detached" });
  assert.deepEqual((await api("/templates")).items.map((one) => one.name), ["Reminders"]);
  await done();
});

test("contacts are moved: one from its page, some that were chosen, all of a list; a campaign's contacts are exported", async () => {
  const { id: from } = await made("Spring team"), { id: to } = await made("Autumn team");
  const people = (numbers) => `crm_id;name;phone\n${numbers.map((n) => `${n};Людина ${n};0501230${n}\n`).join("")}`;
  const give = (id, list, numbers) => api(`/campaigns/${id}/contacts?list=${list}`, { method: "POST", headers: { "Content-Type": "text/csv" }, body: people(numbers) });
  await give(from, "first", [701, 702, 703, 704, 705]);
  await give(from, "second", [711, 712, 713]);
  await give(to, "there", [705]);
  const ofCampaign = async (id) => (await api(`/campaigns/${id}/contacts?limit=100`)).items.map((c) => Number(c.crm_id)).sort();
  const before = (await api(`/campaigns/${from}/contacts?limit=100`)).items;
  const idOf = (crm) => before.find((c) => c.crm_id === String(crm)).id;
  const { page, done } = await supervisor({ expect: /409/ });
  const moveTo = async (name, why) => {
    await page.selectOption("#move select >> nth=0", { label: name });
    await page.locator("#move input:not([type=checkbox])").fill(why);
    await page.keyboard.press("Enter");
  };

  await page.goto(`${base}/#/contacts/${idOf(705)}`); // the person is there already
  await page.click("#contact-move");
  await page.waitForFunction(() => document.activeElement.closest("#move") !== null);
  await moveTo("Autumn team", "a new team");
  await page.waitForSelector("#move .problem:not(:empty)");
  await pictures(page, "contact-move");
  await page.goto(`${base}/#/contacts/${idOf(701)}`);
  await page.click("#contact-move");
  await moveTo("Autumn team", "a new team");
  await page.waitForSelector("#contact-campaign:has-text('Autumn team')");
  await page.waitForSelector("[role=status]:has-text('1 contact moved.')");
  assert.deepEqual(await ofCampaign(to), [701, 705]);

  await page.goto(`${base}/#/contacts`);
  await page.waitForSelector("form.filters select option:text('Spring team')", { state: "attached" });
  await page.selectOption("form.filters select >> nth=0", { label: "Spring team" });
  await page.waitForSelector("#contacts tbody tr:has-text('Людина 702')");
  assert.equal(await page.locator("#contacts-move").isDisabled(), true);
  await page.locator("#contacts thead input").focus();
  await page.keyboard.press("Space"); // all of the page, but for one
  await page.locator("#contacts tbody tr", { hasText: "Людина 703" }).locator("input").uncheck();
  for (const list of [711, 712, 713]) await page.locator("#contacts tbody tr", { hasText: `Людина ${list}` }).locator("input").uncheck();
  await page.click("#contacts-move");
  await page.waitForSelector("#move h2:has-text('Move 3 chosen contacts')");
  await page.waitForSelector("#move select");
  await pictures(page, "contacts-move");
  await moveTo("Autumn team", "a new team");
  await page.waitForSelector("#contacts-said:has-text('2 contacts moved. 1 stayed: there already.')");
  assert.deepEqual(await ofCampaign(from), [703, 705, 711, 712, 713]);
  const csv = await saved(page, "contacts-export-csv"), excel = await saved(page, "contacts-export-excel");
  assert.deepEqual([csv.status, csv.begin, excel.status, excel.begin], [200, mark, 200, workbook]);
  assert.match(csv.text, /Людина 711/);

  await api(`/contacts/${idOf(711)}/finish`, json("POST", { reason: "paid" }));
  await page.goto(`${base}/#/campaigns/${from}`);
  await page.locator("#lists tbody tr", { hasText: "second" }).locator(".list-move").click();
  await page.waitForSelector("#move select");
  await page.selectOption("#move select >> nth=1", "waiting"); // whoever is finished need not come along
  await pictures(page, "campaign-list-move");
  await moveTo("Autumn team", "a new team");
  await page.waitForSelector("#lists-said:has-text('2 contacts moved.')");
  assert.deepEqual([await ofCampaign(from), await ofCampaign(to)], [[703, 705, 711], [701, 702, 704, 705, 712, 713]]);

  await page.locator("#lists tbody tr", { hasText: "second" }).locator(".list-move").click(); // whoever is finished, for one reason
  await page.selectOption("#move select >> nth=1", "finished");
  const ended = page.locator("#move-finished label");
  await ended.first().waitFor();
  assert.deepEqual(await ended.allInnerTexts(), ["ended by hand (1)"]);
  await ended.locator("input").check();
  await pictures(page, "campaign-list-move-finished");
  const [asked] = await Promise.all([page.waitForRequest(/contacts\/move/), moveTo("Autumn team", "they are asked again")]);
  assert.equal(asked.postDataJSON().finished.length, 1);
  await page.waitForSelector("#lists-said:has-text('1 contact moved.')");
  assert.deepEqual(await ofCampaign(from), [703, 705]);

  const share = async (label, value) => {
    const field = page.getByLabel(`${label}, second`);
    await field.fill(value);
    await field.press("Tab");
    return field;
  };
  const shares = async () => (await api(`/campaigns/${from}/lists`)).items.filter((l) => l.name === "second").map((l) => [l.weight, l.quota])[0];
  await share("Weight", "3");
  await becomes(shares, [3, 0]);
  await share("New people a day", "500");
  await becomes(shares, [3, 500]);
  await pictures(page, "campaign-lists-share");
  assert.equal(await (await share("Weight", "101")).evaluate((field) => field.validity.rangeOverflow), true);
  assert.deepEqual(await shares(), [3, 500], "a weight out of range is not sent");
  await share("New people a day", "");
  await becomes(shares, [3, 0]);
  for (const link of await page.locator("#lists tbody tr").first().locator(".exports a").all()) assert.match(await link.getAttribute("aria-label"), /^Download, (first|second): (CSV|Excel)$/);
  await done();
});
