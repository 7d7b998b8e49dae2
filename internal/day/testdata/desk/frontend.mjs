// The day of a CRM's front end: node frontend.mjs PLAN (JSON). In Chromium there is a page made of the examples of docs/frontend.md: socket.io-client
// and, where the counterpart has phones in browsers, JsSIP. This script is its agent, and the CRM's back end. It ends with 0 if every state was as
// documented, and everything happened that should.
//
// PLAN: dial, page (URLs), cookie, token (of the back end), tone (WAV), login, password, queue, campaign, counterpart (a key of counterparts), brief.
import { chromium } from 'playwright-core';
import { check } from './states.mjs';

const plan = JSON.parse(process.argv[2]);

// Where the counterparts differ, and why.
const counterparts = {
  own: {
    phone: true, // registers with us, in the page: so it can go away, and it sends keys
    extension: '3444', traces: 'at once', mediatelCodes: [],
    invalid: 'STATE_CLERICAL', // the agent has answered when the carrier says so
  },
  mediatel: {
    phone: false, // it is registered at the Mediatel, so its going away is seen at a call only: the extension "silent" never answers
    extension: '3445', traces: 'later', // Mediatel numbers the call when the extension has answered
    mediatelCodes: ['7'], // offered beside ours, when Mediatel has told of them
    invalid: 'STATE_CLERICAL',
  },
};
const far = counterparts[plan.counterpart];
const customers = { '+447700900123': '10000001', '+447700900124': '10000002' };
const cards = (number, id) => (id === '-1' ? `https://crm.example.com/find?n=${encodeURIComponent(number)}&call={call}` : `https://crm.example.com/card/${id}?call={call}`);
const know = { login: plan.login, extensions: [far.extension, 'silent'], queues: [plan.queue], pauses: [['1', 'Technical break'], ['4', 'Meeting']],
  customers, card: cards, codes: ['4'], laterCodes: far.mediatelCodes, traces: far.traces };

const limit = 120_000; // for one thing to happen on a busy machine
const states = [], phoneSays = [], complaints = [];
let wake = () => {}, page, context, at = 0, step = '';

const fail = (why) => {
  console.error(`${plan.counterpart}: ${step}: ${why}\nthe last states:`);
  const told = ['state', 'callErrorID', 'callErrorText', 'loginErrorText', 'predictiveStatus', 'pauseId', 'pausePending', 'callTraceID', 'callCustomerID', 'ani', 'crmConnectTarget', 'agentExt'];
  for (const s of states.slice(-8)) console.error(told.map((f) => `${f}=${s[f]}`).join(' '));
  console.error(`the phone: ${phoneSays.slice(-20).join(', ')}; the page: ${complaints.slice(-5).join(', ')}`);
  process.exit(1);
};
const assert = (ok, why) => { if (!ok) fail(why); };

async function happens(what, found) {
  for (const late = Date.now() + limit; ;) {
    const is = await found();
    if (is !== undefined && is !== false) return is;
    if (Date.now() > late) fail(`waited in vain for ${what}`);
    await new Promise((resolve) => { wake = resolve; setTimeout(resolve, 1000); });
  }
}
// until waits for a state that nobody has waited for yet.
const until = (what, is) => happens(what, () => {
  const i = states.findIndex((s, n) => n >= at && is(s));
  if (i < 0) return undefined;
  at = i + 1;
  return states[i];
});
const within = (state, is = () => true) => until(`${state} ${is}`, (s) => s.state === state && is(s));
// ringing waits for a call. Of states that follow each other at once a tab may be shown the last one alone, so it may be up already.
async function ringing() {
  const s = await until('a call', (x) => x.state === 'STATE_CALL_DELIVERED' || x.state === 'STATE_CALL_ACTIVE');
  if (s.state === 'STATE_CALL_ACTIVE') at--;
  return s;
}
const told = (what, from) => happens(`the phone's ${what}`, () => phoneSays.slice(from).some((line) => line.startsWith(what)));

// send has the page send a command; what it waits for comes after that.
async function send(type, fields = {}) {
  await new Promise((resolve) => { setTimeout(resolve, 150); }); // more than ten a second are refused
  at = states.length;
  await page.evaluate(([t, f]) => window.crm.send(t, f), [type, fields]);
}
async function refused(id, state, type, fields) {
  await send(type, fields);
  const s = await until(`callErrorID ${id} for ${type}`, (x) => x.callErrorID === id);
  assert(s.state === state, `refused ${type} shows ${s.state}, want ${state}`);
}
// logIn is with the agent's own password; for some seconds after a login with another extension it is to be tried again.
async function logIn(extension) {
  for (;;) {
    await send('login', { user: plan.login, password: plan.password, extension });
    const s = await until('an answer', (x) => x.loginErrorID === '-1108' || (x.state === 'STATE_IDLE' && x.agentExt === extension));
    assert(s.callErrorID === '0', `a login shows callErrorID ${s.callErrorID}`);
    if (s.state === 'STATE_IDLE') return s;
    await new Promise((resolve) => { setTimeout(resolve, 1000); });
  }
}
async function backEnd(method, path, body, type = 'application/json') {
  const reply = await fetch(`${plan.dial}/api/v1${path}`, {
    method, headers: { authorization: `Bearer ${plan.token}`, ...(body === undefined ? {} : { 'content-type': type }) },
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await reply.text();
  assert(reply.ok, `${method} ${path}: ${reply.status} ${text}`);
  return text ? JSON.parse(text) : {};
}

async function openPage() {
  page = await context.newPage();
  page.on('pageerror', (e) => complaints.push(e.message));
  await page.exposeFunction('shown', (s) => {
    states.push(s);
    const wrong = check(s, know);
    if (wrong.length > 0) fail(`a state is not as documented:\n  ${wrong.join('\n  ')}\n${JSON.stringify(s)}`);
    wake();
  });
  await page.exposeFunction('tell', (line) => { complaints.push(line); wake(); });
  await page.exposeFunction('phoneSays', (line) => { phoneSays.push(line); wake(); });
  await page.goto(plan.page);
}

const chapters = {
  async 'without a cookie: 403, which the page can read'() {
    await openPage();
    await happens('a complaint', () => complaints.length > 0);
    const said = await page.evaluate((url) => fetch(url, { credentials: 'include' }).then(async (r) => [r.status, (await r.json()).detail]), `${plan.dial}/api/v1/session`);
    assert(said[0] === 403 && said[1], `/api/v1/session: ${said}`);
    assert(states.length === 0, 'a state was shown to a stranger');
    await page.close();
  },

  async 'sign on'() {
    const [name, value] = plan.cookie.split('=');
    await context.addCookies([{ name, value, url: plan.dial }]);
    await openPage();
    await within('STATE_LOGOUT', (s) => s.loginAttempt === 0);
    const s = await within('STATE_IDLE', (s) => s.agentExt === far.extension);
    assert(s.loginAttempt === 1 && s.predictiveStatus === '0', `loginAttempt ${s.loginAttempt}, predictiveStatus ${s.predictiveStatus}`);
    if (far.phone) await told('registered', 0);
    await happens('Available with a phone', () => states.at(-1).state === 'STATE_IDLE' && states.at(-1).callErrorText === '');
  },

  async 'what is refused while Available'() {
    await refused('-1007', 'STATE_IDLE', 'closeCall');
    await refused('-1005', 'STATE_IDLE', 'makeCall', { phoneNumber: '+447700900123', queueName: 'NOWHERE' });
    await refused('-1007', 'STATE_IDLE', 'holdCall');
    await refused('-1006', 'STATE_IDLE', 'resolutionSet', { id: '4' });
    await refused('-1007', 'STATE_IDLE', 'dance');
    await refused('-1007', 'STATE_IDLE', 'pause', { id: '99' });
    await send('predictive');
    await within('STATE_IDLE', (s) => s.predictiveStatus === '1' && s.callErrorID === '0');
  },

  async 'an automatic call'() {
    const from = phoneSays.length;
    at = states.length;
    await backEnd('POST', `/campaigns/${plan.campaign}/contacts`, 'crm_id;name;phone\n10000001;Ann Archer;07700 900123\n', 'text/csv');
    let s = await ringing();
    assert(s.callType === '3' && s.ani === '+447700900123' && s.queueName === plan.queue, `callType ${s.callType}, ani ${s.ani}, queue ${s.queueName}`);
    s = await within('STATE_CALL_ACTIVE');
    const call = s.callTraceID;
    assert(s.callCustomerID === '10000001' && s.crmConnectTarget.endsWith(`/10000001?call=${call}`), `customer ${s.callCustomerID}, card ${s.crmConnectTarget}`);
    assert(s.callErrorID === '0' && s.callHistory.length === 0, `error ${s.callErrorID}, ${s.callHistory.length} past calls`);
    if (far.phone) await told('confirmed', from);

    await send('holdCall');
    await within('STATE_HOLD');
    await refused('-1007', 'STATE_HOLD', 'holdCall');
    await send('retrieveCall');
    await within('STATE_CALL_ACTIVE', (x) => x.callErrorID === '0');
    await send('muteCall');
    await within('STATE_CALL_ACTIVE', (x) => x.mute === 1);
    await send('muteCall');
    await within('STATE_CALL_ACTIVE', (x) => x.mute === 0);
    await refused('-1007', 'STATE_CALL_ACTIVE', 'makeCall', { phoneNumber: '+447700900124' });
    await refused('-1006', 'STATE_CALL_ACTIVE', 'resolutionSet', { id: '4', callTraceID: '1' });
    await refused('-1007', 'STATE_CALL_ACTIVE', 'resolutionSet', { id: '99' });
    await refused('-1007', 'STATE_CALL_ACTIVE', 'logout');
    if (far.phone) {
      await happens('the customer in the loudspeaker', () => page.evaluate(() => window.crm.hears()));
      await page.evaluate(() => window.crm.dtmf('5'));
    }
    await send('pause', { id: '1' });
    await within('STATE_CALL_ACTIVE', (x) => x.pausePending === '1' && x.callErrorID === '0');
    return call;
  },

  async 'reloaded in mid-call'() {
    const from = phoneSays.length, call = states.at(-1).callTraceID;
    at = states.length;
    await page.reload();
    const s = await within('STATE_CALL_ACTIVE');
    assert(s.callTraceID === call && s.pausePending === '1' && s.loginAttempt === 0, `call ${s.callTraceID}, want ${call}; pausePending ${s.pausePending}`);
    if (!far.phone) return;
    await told('confirmed', from);
    await happens('the customer again', () => page.evaluate(() => window.crm.hears()));
  },

  async 'a lost connection'() {
    const call = states.at(-1).callTraceID;
    at = states.length;
    await page.evaluate(() => window.crm.socket.io.engine.close());
    const s = await within('STATE_CALL_ACTIVE');
    assert(s.callTraceID === call, `call ${s.callTraceID}, want ${call}`);
    await send('muteCall'); // it takes commands
    await within('STATE_CALL_ACTIVE', (x) => x.mute === 1);
    await send('muteCall');
    await within('STATE_CALL_ACTIVE', (x) => x.mute === 0);
  },

  async 'hang-up, code, and the pause that was asked for'() {
    const call = states.at(-1).callTraceID;
    await send('closeCall');
    let s = await within('STATE_CLERICAL');
    assert(s.callTraceID === call && s.pausePending === '1' && s.callCustomerID === '10000001', `Clerical of ${s.callTraceID}, pausePending ${s.pausePending}`);
    await refused('-1007', 'STATE_CLERICAL', 'closeCall');
    await send('resolutionSet', { id: 4, callTraceID: call });
    s = await within('STATE_PAUSE');
    assert(s.pauseId === '1', `pauseId ${s.pauseId}, want 1`);
    await refused('-1006', 'STATE_PAUSE', 'resolutionSet', { id: '4', callTraceID: call });
    await refused('-1007', 'STATE_PAUSE', 'makeCall', { phoneNumber: '+447700900124' });
    await send('pause', { id: 0 });
    await within('STATE_IDLE', (x) => x.callErrorID === '0');
    await send('pause', { id: '4' });
    await within('STATE_PAUSE', (x) => x.pauseId === '4');
    await send('pause', { id: '1' });
    await within('STATE_PAUSE', (x) => x.pauseId === '1');
    await send('predictive');
    await within('STATE_PAUSE', (x) => x.predictiveStatus === '0');
    await send('pause', { id: 0 });
    await within('STATE_IDLE');
  },

  async 'by hand, to a contact'() {
    await backEnd('POST', `/campaigns/${plan.campaign}/contacts`, 'crm_id;name;phone\n10000002;Bob Baker;07700 900124\n', 'text/csv');
    await send('makeCall', { phoneNumber: '07700 900124' });
    let s = await ringing();
    assert(s.callType === '1' && s.ani === '+447700900124', `callType ${s.callType}, ani ${s.ani}`);
    s = await within('STATE_CALL_ACTIVE');
    assert(s.callCustomerID === '10000002' && s.crmConnectTarget.endsWith(`/10000002?call=${s.callTraceID}`), `customer ${s.callCustomerID}, card ${s.crmConnectTarget}`);
    await send('resolutionSet', { id: '4' }); // in the talk: it counts when the call is over
    await send('closeCall');
    await within('STATE_IDLE', (x) => x.callErrorID === '0');
  },

  async 'by hand, to a number that the CRM does not know'() {
    await send('makeCall', { phoneNumber: '+447700900135', queueName: plan.queue });
    let s = await within('STATE_CALL_ACTIVE');
    assert(s.callCustomerID === '-1' && s.crmConnectTarget.includes('/find?n='), `customer ${s.callCustomerID}, card ${s.crmConnectTarget}`);
    await send('closeCall');
    s = await within('STATE_CLERICAL');
    await send('resolutionSet', { id: '4', callTraceID: s.callTraceID });
    await within('STATE_IDLE');
  },

  async 'by hand, to a number that is none'() {
    await send('makeCall', { phoneNumber: '+447700900139' });
    const s = await within(far.invalid, (x) => x.callErrorID !== '0');
    assert(s.callErrorText, 'no reason is shown');
    await send('resolutionSet', { id: '4' });
    await within('STATE_IDLE', (x) => x.callErrorID === '0' || x.callErrorText !== '');
  },

  async 'by hand, against a rule'() {
    await backEnd('POST', '/do-not-call', { number: '+447700900155' });
    await send('makeCall', { phoneNumber: '+447700900155' });
    const s = await within('STATE_MAKECALL_FAILED');
    assert(s.callErrorID === '-1001', `callErrorID ${s.callErrorID}, want -1001`);
    await within('STATE_IDLE', (x) => x.callErrorID === '-1001');
  },

  async 'the extension is gone'() {
    if (far.phone) {
      const from = phoneSays.length;
      await send('predictive');
      await within('STATE_IDLE', (s) => s.predictiveStatus === '1');
      await page.evaluate(() => window.crm.phone().stop());
      const s = await within('STATE_PAUSE');
      assert(s.pauseId === '1000' && s.callErrorID === '-223', `pauseId ${s.pauseId}, callErrorID ${s.callErrorID}`);
      await send('pause', { id: 0 }); // not without a phone
      await within('STATE_PAUSE', (x) => x.pauseId === '1000' && x.callErrorText !== '');
      await page.evaluate(() => window.crm.phone().start());
      await told('registered', from);
    } else {
      await send('logout');
      await within('STATE_LOGOUT');
      await logIn('silent');
      let s = {};
      while (s.state !== 'STATE_PAUSE') { // once Mediatel has the agent there
        await send('makeCall', { phoneNumber: '+447700900136' });
        s = await until('the end of the call', (x) => x.state === 'STATE_PAUSE' || x.state === 'STATE_MAKECALL_FAILED');
        if (s.state !== 'STATE_PAUSE') await within('STATE_IDLE');
      }
      assert(s.pauseId === '1000' && s.callErrorID === '-223' && s.callErrorText === 'No Answer from agent', `pauseId ${s.pauseId}, error ${s.callErrorID} ${s.callErrorText}`);
    }
    await refused('-1007', 'STATE_PAUSE', 'makeCall', { phoneNumber: '+447700900136' });
    while (states.at(-1).state !== 'STATE_IDLE') { // the registration is on record in a moment
      await send('pause', { id: 0 });
      await until('an answer', () => true);
    }
    assert(states.at(-1).callErrorID === '0', `callErrorID ${states.at(-1).callErrorID} after Force Pause`);
  },

  async 'the phone is renewed in place'() {
    if (!far.phone) return;
    const from = phoneSays.length;
    await page.evaluate(() => window.crm.renew());
    await told('registered', from);
  },

  async 'log out, and log in again'() {
    await send('logout');
    await within('STATE_LOGOUT');
    await send('login', { user: plan.login, password: 'wrong', extension: far.extension });
    let s = await within('STATE_LOGOUT', (x) => x.loginErrorID === '-1101');
    assert(s.callErrorID === '0', `a login that is refused shows callErrorID ${s.callErrorID}`);
    await refused('-1007', 'STATE_LOGOUT', 'makeCall', { phoneNumber: '+447700900136' });
    s = await logIn(far.extension);
    assert(s.loginErrorID === '0' && s.loginErrorText === '', `loginErrorID ${s.loginErrorID} after a login`);
    await send('exit');
    await within('STATE_IDLE');
    await send('logout');
    await within('STATE_LOGOUT');
  },
};

const brief = new Set(['sign on', 'what is refused while Available', 'an automatic call', 'a lost connection', 'hang-up, code, and the pause that was asked for',
  'by hand, to a number that the CRM does not know', 'log out, and log in again']);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--allow-loopback-in-peer-connection', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
    `--use-file-for-fake-audio-capture=${plan.tone}`, '--autoplay-policy=no-user-gesture-required'],
});
context = await browser.newContext({ permissions: ['microphone'] });
try {
  for (const [name, play] of Object.entries(chapters)) {
    if (plan.brief && !brief.has(name)) continue;
    step = name;
    const began = Date.now();
    await play();
    console.log(`${name}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
  }
} catch (e) {
  fail(e.stack);
}
assert(!complaints.some((c) => /is not a function|undefined/.test(c)), complaints.join('\n'));
console.log(`${states.length} states, each as documented`);
await browser.close();
