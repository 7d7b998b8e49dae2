
// What follows is no part of the documented page: it lets the script see, and act as the agent.
function show(state) { window.shown(state); }
function tell(what) { window.tell(String(what)); }
let talk;
const documented = startPhone;
startPhone = (session) => {
  documented(session);
  const say = (what) => window.phoneSays(what);
  for (const what of ['registered', 'unregistered', 'registrationFailed', 'disconnected']) phone?.on(what, (e) => say(`${what} ${e?.cause ?? ''}`));
  phone?.on('newRTCSession', ({ session: call }) => {
    talk = call;
    for (const what of ['confirmed', 'ended', 'failed']) call.on(what, (e) => say(`${what} ${e?.originator ?? ''} ${e?.cause ?? ''}`));
  });
};
window.crm = {
  socket, send,
  phone: () => phone,
  dtmf: (key) => talk.sendDTMF(key),
  async renew() {
    const which = phone;
    await renewPhone(which);
    which.once('unregistered', () => which.register());
    which.unregister();
  },
  async hears() {
    if (!document.querySelector('audio').srcObject) return false;
    for (const report of (await talk.connection.getStats()).values()) {
      if (report.type === 'inbound-rtp' && report.totalAudioEnergy > 0) return true;
    }
    return false;
  },
};
