// The demo, as a visitor sees it: `go test -run PagesOfTheDemo ./cmd/ringmaster`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { base, becomes, begin, launch, patience, pictures, shot, signIn, visitor } from "./browser.mjs";

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
  await begin(page);
  await page.waitForSelector("#status[data-state]");
  await console.waitForSelector("#agent-agent03 .tag:not([hidden])");
  await shot(page, "demo-desk");
  await page.close();
  await console.waitForSelector("#agent-agent03 .tag[hidden]", { state: "attached" });

  const robot = console.locator("#agent-agent05"); // misbehaves when it is told to, and is well again
  await robot.locator(".mood").selectOption("no_microphone");
  await console.waitForSelector('#agent-agent05[data-state="forcepause"]');
  await shot(console, "demo-force-pause");
  await becomes(async () => (await robot.locator(".talk").innerText()).trim() !== "", true, "Force Pause has no cause");
  await console.reload();
  await console.waitForFunction(() => document.querySelector("#agent-agent05 .mood")?.value === "no_microphone");
  await robot.locator(".mood").selectOption("well");
  await console.waitForSelector('#agent-agent05:not([data-state="forcepause"])');

  // Whoever only looks is not asked to sign in by any page of it, and may take the tables away.
  for (const [name, shown] of [["campaigns", "#templates-of .note"], ["contacts", "#contacts tbody tr"], ["reports", "#promises > p.note"]]) {
    await console.goto(`${base}/#/${name}`);
    await console.waitForSelector(shown);
    await shot(console, `demo-${name}`);
    for (const link of await console.locator(".exports a").all()) {
      const status = await link.evaluate(async (a) => (await fetch(a.href)).status);
      assert.equal(status, 200, await link.getAttribute("href"));
    }
  }
  assert.deepEqual(v.complaints, []);
  await v.close();
});

test("pacing of a campaign that calls ahead: how busy the agents are, the abandoned against the cap, lines an agent, and a chart of the day", async () => {
  const v = await visitor(browser);
  const page = await v.open();
  await signIn(page, "/sign-in", "supervisor", process.env.PASSWORD);
  await page.waitForSelector("#campaign:not([hidden])");
  const call = (mode) => page.evaluate(async (mode) => (await fetch("/api/v1/campaigns/1", { method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ mode }) })).status, mode);
  assert.equal(await call("predictive"), 200);
  await page.goto(`${base}/#/campaigns/1`);
  let polls = 0;
  page.on("request", (request) => { if (request.url().endsWith("/pacing")) polls++; });
  await page.waitForSelector("#pacing-nodes tbody tr");
  await page.waitForSelector("#pacing canvas");
  // What the stream says at a moment is the same for all who listen: here it is read beside the page, until the page shows it.
  const wrong = await page.evaluate(async (limit) => {
    const late = AbortSignal.timeout(limit), reply = await fetch("/api/v1/live?campaign=1", { headers: { "Accept-Language": "en" }, signal: late });
    const number = (n, digits) => Number(n.toFixed(digits)).toLocaleString("en"), shown = (id) => document.getElementById(id).innerText;
    let text = "", differs = "nothing came";
    for await (const part of reply.body.pipeThrough(new TextDecoderStream())) {
      const events = (text += part).split("\n\n");
      text = events.pop();
      for (const told of events.flatMap((event) => JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? "{}").items ?? []).filter((item) => item.kind === "pacing").map((item) => item.value)) {
        const sum = (of) => told.nodes.reduce((all, n) => all + of(n), 0), busy = sum((n) => n.busy), there = busy + sum((n) => n.idle);
        if (!told.chart.length || !busy) continue;
        const want = [`${number((100 * busy) / there, 1)} %`, `${number(100 * told.today.share, 1)} % of ${number(100 * told.cap, 1)} % allowed`, number(sum((n) => n.ringing + n.waiting) / there, 2), told.nodes.length];
        for (const until = Date.now() + 3000; Date.now() < until; await new Promise((done) => setTimeout(done, 50))) {
          const got = [shown("pacing-occupancy"), shown("pacing-abandoned"), shown("pacing-lines"), document.querySelectorAll("#pacing-nodes tbody tr").length];
          if (String(got) === String(want)) return "";
          differs = `shown ${got}, told ${want}`;
        }
      }
    }
    return differs;
  }, patience);
  assert.equal(wrong, "");
  assert.equal(polls, 0, "the panel asks by itself what the stream brings");

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
  await page.click("#chances summary");
  await page.waitForSelector("#chances-verdict");
  const chances = await (await page.request.get(`${base}/api/v1/campaigns/1/chances`)).json();
  assert.equal(chances.used, false, "a demo of minutes has no days to judge by");
  assert.match(await page.innerText("#chances-verdict"), /^Too few calls yet to judge by\. Learned from the calls of the last 28 days; days: 1, calls: [\d,]+\.$/);
  assert.ok(await page.locator("#chances tbody tr:has-text('never called before')").count() === 1);
  await pictures(page, "console-pacing");
  assert.equal(await call("progressive"), 200); // as it was: a campaign that calls ahead never waits for a slow phone
  assert.deepEqual(v.complaints, []);
  await v.close();
});

test("a recording is drawn by its two sides, played at another speed, marked, and taken away by whoever may", async () => {
  const v = await visitor(browser, { expect: /ERR_ABORTED|40[13]/ });
  const page = await v.open();
  await signIn(page, "/sign-in", "supervisor", process.env.PASSWORD);
  await page.waitForSelector("#campaign:not([hidden])");
  await page.goto(`${base}/#/calls`);
  await page.waitForSelector("#calls");
  await page.selectOption("form.filters select", "answered");
  for (const late = Date.now() + patience; !(await page.locator("#calls .listen").count()) && Date.now() < late; await page.waitForTimeout(1000)) await page.click('form.filters button[type="submit"]');
  await page.locator("#calls .listen").first().click();
  await page.waitForSelector('.wave path[data-side="1"]', { state: "attached" });
  const drawn = await page.$$eval(".wave path", (paths) => paths.map((path) => path.getAttribute("d")));
  assert.equal(drawn.length, 2);
  assert.notEqual(drawn[0], drawn[1], "both sides are drawn alike");
  for (const d of drawn) assert.ok(new Set(d.match(/v[\d.]+/g)).size > 3, "a side is a flat line");

  const sound = page.locator(".player audio");
  await page.waitForFunction(() => document.querySelector(".player audio").duration > 0);
  await page.selectOption(".player select >> nth=0", { label: "×1.5" });
  assert.equal(await sound.evaluate((audio) => audio.playbackRate), 1.5);
  await sound.evaluate((audio) => audio.pause()); // else it goes on before one looks where it is
  const box = await page.locator(".wave").boundingBox();
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  const half = await sound.evaluate((audio) => audio.currentTime / audio.duration);
  assert.ok(Math.abs(half - 0.5) < 0.05, `a click in the middle goes to ${half}`);
  v.answers.push("promises here");
  await page.click("#player-mark");
  await page.waitForSelector("#player-marks li:has-text('promises here')");
  await page.locator(".wave").focus();
  await page.keyboard.press("ArrowLeft");
  assert.ok(await sound.evaluate((audio) => audio.currentTime / audio.duration) < half);
  await page.click("#player-marks button.link"); // back to the mark
  assert.ok(Math.abs(await sound.evaluate((audio) => audio.currentTime / audio.duration) - half) < 0.02);
  await page.selectOption("#player-side", "1");
  await pictures(page, "console-player");
  const link = await page.locator(".player a[download]").getAttribute("href");
  const file = await page.evaluate(async (href) => {
    const reply = await fetch(href);
    return { status: reply.status, how: reply.headers.get("Content-Disposition"), first: new TextDecoder().decode((await reply.arrayBuffer()).slice(0, 4)) };
  }, link);
  assert.deepEqual([file.status, file.first], [200, "RIFF"]);
  assert.deepEqual(v.complaints, []);
  await v.close();
});

test("a robot that answers slowly is rung for long; the reports' chart has its hours", async () => {
  const v = await visitor(browser);
  const page = await v.open();
  await page.goto(`${base}/`);
  const robots = ["agent07", "agent08", "agent09", "agent10"]; // one of them will be free first
  const behave = async (mood) => { for (const one of robots) await page.locator(`#agent-${one} .mood`).selectOption(mood); };
  await behave("slow");
  const since = new Date().toISOString();
  const rung = await page.evaluate(async ([since, robots, limit]) => { // the customer is dialed when the agent's phone has answered
    for (const late = Date.now() + limit; Date.now() < late; await new Promise((done) => setTimeout(done, 500))) {
      const [agents, calls] = await Promise.all(["agents/live?limit=100", "attempts?limit=200"].map(async (path) => (await (await fetch(`/api/v1/${path}`)).json()).items));
      const ids = agents.filter((a) => robots.includes(a.login)).map((a) => a.id), call = calls.find((c) => ids.includes(c.agent_id) && c.claimed_at > since && c.dialed_at);
      if (call) return Date.parse(call.dialed_at) - Date.parse(call.claimed_at);
    }
    return 0;
  }, [since, robots, patience]);
  assert.ok(rung > 8000, `its phone rang for ${rung} ms`);
  await behave("well");

  await page.goto(`${base}/#/reports`);
  await page.waitForSelector(".chart rect.dialed");
  await page.selectOption("#r-by", "hour");
  await page.waitForSelector("#report tbody th:text-matches(':00')"); // the rows of before are campaigns
  const [bars, rows] = await page.evaluate(() => [ // of one moment: people are called on
    [...document.querySelectorAll(".chart g")].map((g) => [g.querySelector("title").textContent, Number(g.querySelector(".dialed").getAttribute("height")), Number(g.querySelector(".reached").getAttribute("height"))]),
    [...document.querySelectorAll("#report tbody tr")].map((tr) => [...tr.children].map((cell) => cell.textContent)),
  ]);
  assert.equal(bars.filter(([, height]) => height > 0).length, rows.filter((cells) => cells[2] !== "0").length, "a bar for each hour that has calls");
  for (const [title, dialed, reached] of bars.filter(([, height]) => height > 0)) {
    const [calls, talks] = title.match(/: ([\d,]+) \/ ([\d,]+)$/).slice(1).map((n) => Number(n.replace(",", "")));
    assert.ok(Math.abs(reached / dialed - talks / calls) < 0.01, `${title}: ${reached} of ${dialed} pixels`);
  }
  await pictures(page, "demo-reports-chart");
  assert.deepEqual(v.complaints, []);
  await v.close();
});
