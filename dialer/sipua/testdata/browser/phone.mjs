// A browser on a leash: node phone.mjs URL TONE.wav COOKIE. Commands come as lines on stdin, what happens goes to stdout.
import { chromium } from 'playwright-core';
import { createInterface } from 'node:readline';

const [url, tone, cookie] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--allow-loopback-in-peer-connection', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
    `--use-file-for-fake-audio-capture=${tone}`, '--autoplay-policy=no-user-gesture-required'],
});
const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
if (cookie) await context.addCookies([{ name: 'VouchCookie', value: cookie, url: new URL(url).origin }]);
const page = await context.newPage();
page.on('pageerror', (e) => console.log(`error ${e.message}`));
await page.exposeFunction('tell', (what) => console.log(what));
await page.goto(url);
console.log('loaded');
for await (const line of createInterface({ input: process.stdin })) {
  try {
    if (line === 'reload') await page.reload();
    else if (line === 'crash') { console.log('crashing'); await browser.close(); }
    else if (line === 'heard') console.log(`heard ${JSON.stringify(await page.evaluate(() => window.phone.heard()))}`);
    else await page.evaluate((command) => window.phone[command](), line);
  } catch (e) {
    console.log(`error ${e.message}`);
  }
}
await browser.close();
