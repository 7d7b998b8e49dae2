// Chromium with an agent's page each: node browser.mjs PAGE-URL TONE.wav AGENTS (JSON: url, cookie, login, extension, talk).
import { chromium } from 'playwright-core';

const [url, tone, agents] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--allow-loopback-in-peer-connection', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
    `--use-file-for-fake-audio-capture=${tone}`, '--autoplay-policy=no-user-gesture-required'],
});
for (const agent of JSON.parse(agents)) {
  const context = await browser.newContext({ permissions: ['microphone'] });
  const [name, value] = agent.cookie.split('=');
  await context.addCookies([{ name, value, url: agent.url }]);
  const page = await context.newPage();
  page.on('pageerror', (e) => console.log(JSON.stringify({ at: Date.now(), agent: agent.login, complaint: e.message })));
  await page.exposeFunction('tell', (line) => console.log(line));
  await page.goto(`${url}#${encodeURIComponent(JSON.stringify(agent))}`);
}
process.stdin.on('end', () => browser.close().then(() => process.exit(0))).resume();
