// ringmaster.js in a page of another origin, as docs/embedding.md has it, with a phone that talks: `go test -run PhoneInAForeignPage ./cmd/ringmaster`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { base, launch, patience } from "./browser.mjs";

let browser, crm;
before(async () => {
  browser = await launch(["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--allow-loopback-in-peer-connection"]);
  // The docs' own example, with the address of this server, and what it does kept where the test sees it.
  const [, example] = /```html\n([^]*?)```/.exec(readFileSync(new URL("../../docs/embedding.md", import.meta.url), "utf8"));
  const script = example.replaceAll("https://dial.example.com", base).replace("</script>", `
  globalThis.desk = desk;
  globalThis.heard = [];
  for (const name of ["state", "call", "card", "wrapup", "phone", "quality", "connection", "error"]) desk.addEventListener(name, ({ detail }) => heard.push([name, structuredClone(detail)]));
</script>`);
  const page = `<!doctype html><title>CRM</title><button id="auto">auto</button><iframe id="card"></iframe>${script}`;
  const server = createServer((request, reply) => {
    reply.writeHead(200, { "Content-Type": "text/html" });
    reply.end(request.url === "/" ? page : "a card");
  });
  await new Promise((done) => server.listen(process.env.CRM_PORT, "127.0.0.1", done));
  crm = { server, url: `http://127.0.0.1:${server.address().port}` };
});
after(async () => {
  await browser?.close();
  crm?.server.close();
});

test("the example of docs/embedding.md, in a page of another origin: signed on, called, heard, coded; a stranger's origin is kept out", async () => {
  const context = await browser.newContext({ permissions: ["microphone"] });
  const [name, value] = process.env.COOKIE.split("=");
  await context.addCookies([{ name, value, domain: "127.0.0.1", path: "/" }]);
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  await page.goto(`${crm.url}/`);
  const state = (name) => page.waitForFunction((wanted) => globalThis.desk?.state?.state === wanted, name);
  await state("available");
  await page.waitForFunction(() => heard.some(([event, detail]) => event === "phone" && detail.status === "ready"));
  await page.click("#auto");
  await page.waitForFunction(() => desk.state.state === "talking");
  await page.waitForFunction(() => heard.some(([event, detail]) => event === "quality" && detail.mos > 3.5)); // the customer is heard
  const call = await page.evaluate(() => heard.find(([event]) => event === "call")?.[1]);
  assert.equal(call.number, "+447700900123");
  await page.waitForFunction(() => document.querySelector("#card").src.includes("person=10000001"));
  await page.evaluate(() => desk.hold()); // a machine that stands still gets no answer in time: the state tells
  await state("holding");
  await page.evaluate(() => desk.retrieve());
  await state("talking");
  await page.evaluate(() => desk.autoCall(false));
  await page.evaluate(() => desk.hangUp());
  await page.waitForFunction(() => heard.some(([event]) => event === "wrapup")); // and the example sets the first code
  await state("available");
  await page.waitForFunction(() => !desk.state.autoCall);
  assert.equal(await page.title(), "available");
  const token = { headers: { Authorization: `Bearer ${process.env.TOKEN}` } };
  let code = "";
  for (const late = Date.now() + patience; !code && Date.now() < late;) {
    const { items } = await (await fetch(`${base}/api/v1/attempts?calltraceid=${call.trace}`, token)).json();
    code = items[0]?.code ?? "";
  }
  assert.equal(code, "4");
  await page.evaluate(() => desk.logout());
  await state("logged_off");
  await page.evaluate(() => desk.close());
  assert.deepEqual(complaints, []);

  const stranger = await context.newPage(); // the same browser, the same cookie, another page
  stranger.setDefaultTimeout(patience);
  const elsewhere = "http://127.0.0.1:9999/"; // nobody is asked there: the page is made here
  await stranger.route(`${elsewhere}**`, (route) => route.fulfill({ contentType: "text/html", body: `<script type="module">
    globalThis.heard = [];
    import("${base}/assets/dist/ringmaster.js").then(({ connect }) => {
      globalThis.desk = connect({ url: "${base}" });
      desk.addEventListener("error", ({ detail }) => heard.push(detail.error));
    }, (error) => heard.push(error.message));
  </script>` }));
  await stranger.goto(elsewhere);
  await stranger.waitForFunction(() => globalThis.heard?.length > 0);
  assert.equal(await stranger.evaluate(() => globalThis.desk?.state ?? null), null);
  await context.close();
});
