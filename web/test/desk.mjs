// An agent's desk for tests: its shift, its calls, and a network that can be taken away from it.
import assert from "node:assert/strict";
import { begin, inState, signIn, traceOf, visitor } from "./browser.mjs";

export const network = /ERR_INTERNET_DISCONNECTED|ERR_FAILED|WebSocket|Failed to load resource/;

// atDesk is ann at work, in a browser of her own. prepare is for what is done before there is a page.
export async function atDesk(browser, options = { expect: network }, prepare = async () => {}) {
  const v = await visitor(browser, options);
  const prepared = await prepare(v.context);
  const page = await v.open();
  await signIn(page, "/agent", "ann@example.com");
  await begin(page);
  return { v, page, prepared };
}

export async function leave({ v, page }) {
  assert.deepEqual(v.complaints, []);
  await page.click("#logout");
  await page.waitForSelector("#door:not([hidden])");
  await v.close();
}

// numbers are called by talk, each once: who has asked for no more calls is called by no later test. A file that shares its house with
// another one's tests begins elsewhere.
export const numbers = { next: 600 };
export async function talk(page, queue = "Winter") {
  await inState(page, "available");
  await page.selectOption("#queue", queue);
  await page.fill("#number", `07700 900${numbers.next++}`);
  await page.click("#call");
  await inState(page, "talking");
  return traceOf(page);
}

// coded ends wrap-up with the first code.
export async function coded(page) {
  await inState(page, "clerical");
  await page.click("#codes button >> nth=0");
  await page.click("#confirm");
  await inState(page, "available");
}

// sentCodes counts the codes that a page sends.
export function sentCodes(page) {
  const sent = [];
  page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => { if (String(payload).includes("resolutionSet")) sent.push(String(payload)); }));
  return sent;
}

// cable is the network of a browser. cut takes it away: connections fall silent, as they do in truth, and new ones fail. quiet leaves
// the browser in the belief that it has one. onCode is asked of each code that a page sends: "lost" cuts before it, "answer lost" lets it
// arrive and nothing come back.
export async function cable(context) {
  const lines = new Set(), codes = [];
  const it = { codes, onCode: () => "", cut: async ({ quiet = false } = {}) => {
    it.whole = false;
    for (const line of lines) line.dead = true;
    if (!quiet) await context.setOffline(true);
  }, mend: async () => {
    it.whole = true;
    await context.setOffline(false);
  }, whole: true };
  await context.routeWebSocket(/mediatel\/socket\.io/, (ws) => {
    if (!it.whole) return void ws.close();
    const server = ws.connectToServer(), line = { dead: false };
    lines.add(line);
    ws.onMessage((message) => {
      if (line.dead) return;
      const fate = String(message).includes("resolutionSet") ? it.onCode(String(message)) : "";
      if (fate !== "lost") {
        server.send(message);
        if (String(message).includes("resolutionSet")) codes.push(String(message));
      }
      if (fate) line.dead = true;
      if (fate === "lost") void it.cut();
    });
    server.onMessage((message) => { if (!line.dead) ws.send(message); });
    ws.onClose(() => server.close());
    server.onClose(() => { if (!line.dead) ws.close(); });
  });
  return it;
}
