// What each field of the state object must be, in each state: as docs/frontend.md says it. check(state, know) returns what is wrong.
const always = ['CMD_PAUSE', 'CMD_PREDICTIVE', 'CMD_EXIT'];
const kinds = {
  STATE_LOGOUT: { status: 'offline', commands: ['CMD_LOGIN', 'CMD_EXIT'] },
  STATE_IDLE: { status: 'available', commands: [...always, 'CMD_MAKECALL', 'CMD_LOGOUT'] },
  STATE_MAKECALL_FAILED: { status: 'available', commands: [...always, 'CMD_MAKECALL', 'CMD_LOGOUT'] },
  STATE_MAKECALL_REQUEST: { status: 'start_dialing', call: true, commands: [...always, 'CMD_CLOSECALL'] },
  STATE_CALL_DELIVERED: { status: 'start_dialing', call: true, codes: true, commands: [...always, 'CMD_CLOSECALL', 'CMD_RESOLUTION'] },
  STATE_CALL_ACTIVE: { status: 'in_a_call', call: true, codes: true, up: true,
    commands: [...always, 'CMD_CLOSECALL', 'CMD_RESOLUTION', 'CMD_HOLDCALL', 'CMD_MUTE'] },
  STATE_HOLD: { status: 'on_hold', call: true, codes: true, up: true,
    commands: [...always, 'CMD_CLOSECALL', 'CMD_RESOLUTION', 'CMD_RETRIEVECALL', 'CMD_MUTE'] },
  STATE_CLERICAL: { status: 'clerical', call: true, codes: true, over: true, commands: [...always, 'CMD_LOGOUT', 'CMD_RESOLUTION'] },
  STATE_PAUSE: { status: 'pause', commands: [...always, 'CMD_LOGOUT'] },
};
const twice = { availableCommand: 'avaliableCommand', availableCallCodes: 'awaliableCallCodes', isAvailable: 'isAvaliable' };
const noCall = {
  ani: '', dnis: '', callTraceID: '-1', callCustomerID: '-1', callType: '-1', callStartTime: '1999-01-01 01:01:01', maxCallDuration: '0',
  queueId: '-1', queueName: '', availableCallCodes: [], callHistory: [], crmConnectTarget: '', mute: 0, pausePending: '0',
};
const noAgent = { agentId: '-1', agentName: '', agentExt: '', queues: [], predictiveStatus: '0', pauseId: '0' };
const never = { callWaitDuration: '0', lastCallTime: 0, multipleCallCodeAllow: '0', pauseAcknowledge: '0', webServer: '', crmConnectType: '3' };
const fields = [...new Set([...Object.keys(noCall), ...Object.keys(noAgent), ...Object.keys(never), ...Object.keys(twice), ...Object.values(twice), 'state', 'status',
  'host', 'time', 'serverTime', 'pauseList', 'loginAttempt', 'loginErrorID', 'loginErrorText', 'callErrorID', 'callErrorText'])];

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const sorted = (list) => [...list].sort();

// know: login, extensions, queues, pauses, customers (CRM ids by number), card (of number and CRM id, with {call}), codes (ids that must be offered), laterCodes (those that must be when both sides are up),
// traces: 'at once' or 'later' in the set-up.
export function check(s, know) {
  const wrong = [];
  const want = (field, ok, what) => { if (!ok) wrong.push(`${s.state}: ${field} is ${JSON.stringify(s[field])}, want ${what}`); };
  const equals = (table) => Object.entries(table).forEach(([field, value]) => want(field, same(s[field], value), JSON.stringify(value)));
  const matches = (field, pattern) => want(field, typeof s[field] === 'string' && pattern.test(s[field]), pattern);
  const kind = kinds[s.state];
  if (!kind) return [`unknown state ${s.state}`];

  const documented = s.state === 'STATE_CLERICAL' ? [...fields, 'codeDueAt'] : fields;
  if (!same(sorted(Object.keys(s)), sorted(documented))) {
    const have = new Set(Object.keys(s));
    wrong.push(`${s.state}: lacks ${documented.filter((f) => !have.has(f))}, has besides ${[...have].filter((f) => !documented.includes(f))}`);
  }
  Object.entries(twice).forEach(([right, misspelt]) => want(misspelt, same(s[right], s[misspelt]), `as ${right}`));
  equals({ ...never, status: kind.status, isAvailable: true, pauseList: know.pauses });
  want('availableCommand', same(sorted(s.availableCommand), sorted(kind.commands)), kind.commands);
  matches('host', /./);
  want('time', Number.isInteger(s.time) && s.time > 1.6e12 && s.time <= s.serverTime, 'Unix milliseconds no later than serverTime');
  want('serverTime', Number.isInteger(s.serverTime) && Math.abs(s.serverTime - Date.now()) < 120_000, 'now');
  if (s.state === 'STATE_CLERICAL') want('codeDueAt', Number.isInteger(s.codeDueAt) && s.codeDueAt > s.time, 'Unix milliseconds after time');
  want('loginAttempt', Number.isInteger(s.loginAttempt) && s.loginAttempt >= 0, 'a count');
  for (const [id, text] of [['callErrorID', 'callErrorText'], ['loginErrorID', 'loginErrorText']]) {
    matches(id, /^(0|-\d+)$/);
    want(text, typeof s[text] === 'string' && (s[id] === '0' || s[text] !== ''), `a reason for ${s[id]}`);
  }
  want('loginErrorText', s.loginErrorID !== '0' || s.loginErrorText === '', '"": there is no error');
  want('callErrorText', s.callErrorID !== '0' || s.callErrorText === '' || s.state === 'STATE_IDLE' || s.state === 'STATE_PAUSE', '"": there is no error');

  if (s.state === 'STATE_LOGOUT') {
    equals(noAgent);
  } else {
    matches('agentId', /^[1-9]\d*$/);
    equals({ agentName: know.login, queues: know.queues, loginErrorID: '0' });
    want('agentExt', know.extensions.includes(s.agentExt), `one of ${know.extensions}`);
    matches('predictiveStatus', /^[01]$/);
  }
  if (s.state === 'STATE_PAUSE') {
    want('pauseId', s.pauseId === '1000' || know.pauses.some(([id]) => id === s.pauseId), 'one of pauseList, or 1000');
    want('callErrorText', s.pauseId !== '1000' || s.callErrorText !== '', 'the cause of Force Pause');
  } else {
    equals({ pauseId: '0' });
  }
  if (!kind.call) {
    equals(noCall);
    return wrong;
  }

  const crmID = know.customers[s.ani] ?? '-1';
  matches('ani', kind.codes ? /^\+\d{8,15}$/ : /^(\+\d{8,15})?$/); // an automatic call that is being ordered has none yet
  want('dnis', s.dnis.startsWith(s.agentExt), 'where the extension is called');
  matches('callType', /^[13]$/);
  matches('callStartTime', /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d$/);
  matches('maxCallDuration', /^\d+$/);
  matches('queueId', /^[1-9]\d*$/);
  matches('queueName', /./);
  want('mute', s.mute === 0 || (kind.up && s.mute === 1), kind.up ? '0 or 1' : '0');
  want('pausePending', s.pausePending === '0' || know.pauses.some(([id]) => id === s.pausePending), 'a pause, or 0');
  const known = s.callTraceID !== '-1';
  if (known || kind.up || (kind.codes && know.traces === 'at once')) matches('callTraceID', /^[1-9]\d+$/);
  want('callCustomerID', s.callCustomerID === crmID || (!kind.codes && s.callCustomerID === '-1'), crmID);
  const card = know.card(s.ani, crmID).replace('{call}', s.callTraceID);
  want('crmConnectTarget', s.crmConnectTarget === card || (s.crmConnectTarget === '' && !(known && kind.codes)), card);
  if (kind.codes) {
    const ids = [...know.codes, ...(kind.up ? know.laterCodes : [])];
    want('availableCallCodes', ids.every((id) => s.availableCallCodes.some((c) => c.ID === id && c.Name)), `codes ${ids} among them`);
    want('availableCallCodes', s.availableCallCodes.every((c) => same(sorted(Object.keys(c)), ['ActionFlag', 'ID', 'Name'])), 'ID, Name, ActionFlag each');
  }
  want('callHistory', s.callHistory.every((c) => c.MCC_SAMPLEID === crmID && /^[13]$/.test(c.MCC_CALLTYPE) && c.MCC_CALLBACKID === '-1'), `past calls of ${crmID}`);
  return wrong;
}
