// An agent as the tab sees one: logs in, switches automatic calls on, hangs up where the customer will not, sometimes holds, and
// says a call code. What the tab shows is logged, a line of JSON a change.
export function robot(socket, agent, log) {
  let last = '', timers = [], coded = '', talking = '';
  const later = (ms, what) => timers.push(setTimeout(what, ms));
  const calm = () => { timers.forEach(clearTimeout); timers = []; };
  const send = (command) => socket.emit('data', command);
  socket.on('data', (s) => {
    const now = [s.state, s.pauseId, s.predictiveStatus, s.callTraceID].join();
    if (now === last) return;
    last = now;
    log({ at: Date.now(), agent: agent.login, state: s.state, pause: s.pauseId, auto: s.predictiveStatus, trace: s.callTraceID, ani: s.ani, card: s.crmConnectTarget,
      error: s.callErrorID, text: s.callErrorText || s.loginErrorText });
    const goesOn = talking && s.callTraceID === talking && /STATE_(CALL_ACTIVE|HOLD)/.test(s.state);
    if (!goesOn) { calm(); talking = ''; }
    switch (s.state) {
      case 'STATE_LOGOUT':
        later(500 + Math.random() * 500, async () => {
          try {
            send({ type: 'login', user: agent.login, password: await agent.password(), extension: agent.extension });
            last = ''; // a refusal shows the same state again
          } catch (e) { log({ at: Date.now(), agent: agent.login, complaint: e.message }); last = ''; }
        });
        break;
      case 'STATE_IDLE':
        if (s.predictiveStatus === '0') send({ type: 'predictive' });
        break;
      case 'STATE_PAUSE': // Force Pause (1000): the phone is well again in a moment
        later(s.pauseId === '1000' ? 2000 : agent.away ?? 2000, () => { last = ''; send({ type: 'pause', id: 0 }); });
        break;
      case 'STATE_CALL_ACTIVE':
        if (goesOn) break; // retrieved: what was planned for this talk still holds
        talking = s.callTraceID;
        if (/[345]$/.test(s.ani)) later(agent.talk[0] + Math.random() * (agent.talk[1] - agent.talk[0]), () => send({ type: 'closeCall' }));
        if (/[05]$/.test(s.ani) && agent.holds) later(3000, () => send({ type: 'holdCall' }));
        break;
      case 'STATE_HOLD':
        later(3000, () => send({ type: 'retrieveCall' }));
        break;
      case 'STATE_CLERICAL':
        if (coded !== s.callTraceID) later(500 + Math.random() * 1500, () => { coded = s.callTraceID; send({ type: 'resolutionSet', id: '4' }); });
        break;
    }
  });
  socket.on('connect_error', (e) => log({ at: Date.now(), agent: agent.login, complaint: e.message }));
  socket.on('disconnect', (why) => { calm(); last = ''; log({ at: Date.now(), agent: agent.login, disconnected: why }); });
}
