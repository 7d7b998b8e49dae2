// The phone in the page: JsSIP as a CRM's front end uses it. What happens is told to window.tell.
import JsSIP from 'jssip';

const config = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const ua = new JsSIP.UA({
  sockets: [new JsSIP.WebSocketInterface(config.ws)],
  uri: `sip:${config.login}@${config.realm}`,
  authorization_user: config.user,
  password: config.password,
  realm: config.realm,
  register_expires: 300,
  connection_recovery_min_interval: 1,
  connection_recovery_max_interval: 1,
});
let session;
ua.on('connected', () => window.tell('connected'));
ua.on('disconnected', () => window.tell('disconnected'));
ua.on('registered', () => window.tell('registered'));
ua.on('registrationFailed', (e) => window.tell(`registrationFailed ${e.cause}`));
ua.on('newRTCSession', (e) => {
  session = e.session;
  session.on('confirmed', () => window.tell('confirmed'));
  session.on('ended', (d) => window.tell(`ended ${d.originator}`));
  session.on('failed', (d) => window.tell(`failed ${d.cause}`));
  session.on('peerconnection', ({ peerconnection }) => {
    peerconnection.addEventListener('track', (t) => { document.querySelector('audio').srcObject = t.streams[0] ?? new MediaStream([t.track]); });
  });
  session.answer({ mediaConstraints: { audio: true, video: false } });
});
window.phone = {
  hold: () => { session.hold({}, () => window.tell('hold done')); },
  unhold: () => { session.unhold({}, () => window.tell('unhold done')); },
  bye: () => session.terminate(),
  drop: () => ua.transport.socket._ws?.close() ?? ua._transport.socket._ws.close(),
  heard: async () => {
    for (const report of (await session.connection.getStats()).values()) {
      if (report.type === 'inbound-rtp') return { packets: report.packetsReceived, energy: report.totalAudioEnergy ?? 0, level: report.audioLevel ?? 0 };
    }
    return { packets: 0, energy: 0, level: 0 };
  },
};
ua.start();
