// An agent's page: single sign-on, the tab by socket.io-client, the phone by JsSIP. Each node that restarts is signed on to anew.
import JsSIP from 'jssip';
import { io } from 'socket.io-client';
import { robot } from './robot.mjs';

const agent = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const log = (line) => window.tell(JSON.stringify(line));
const signOn = async () => {
  const reply = await fetch(`${agent.url}/api/v1/session`, { credentials: 'include' });
  if (!reply.ok) throw new Error(`session: ${reply.status} ${await reply.text()}`);
  return reply.json();
};
let phone;
const startPhone = (p) => {
  phone?.stop();
  phone = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(`${agent.url.replace('http', 'ws')}/ws`)],
    uri: p.uri, authorization_user: p.authorization_user, password: p.password, realm: p.realm, register_expires: p.register_expires,
    connection_recovery_min_interval: 1, connection_recovery_max_interval: 2,
  });
  const say = (what) => log({ at: Date.now(), agent: agent.login, phone: what });
  for (const what of ['registered', 'disconnected', 'registrationFailed']) phone.on(what, (e) => say(`${what} ${e?.cause ?? ''}`));
  phone.on('newRTCSession', ({ session }) => {
    session.on('ended', (d) => say(`ended by ${d.originator}: ${d.cause}`));
    session.on('failed', (d) => say(`failed by ${d.originator}: ${d.cause}`));
    session.on('peerconnection', ({ peerconnection }) => peerconnection.addEventListener('track', (t) => {
      document.querySelector('audio').srcObject = t.streams[0] ?? new MediaStream([t.track]);
    }));
    session.answer({ mediaConstraints: { audio: true, video: false } });
  });
  phone.start();
};
const socket = io(agent.url, { path: '/mediatel/socket.io', transports: ['websocket'], withCredentials: true, multiplex: false,
  reconnectionDelay: 500, reconnectionDelayMax: 1000 });
robot(socket, { ...agent, password: async () => {
  const session = await signOn();
  startPhone(session.webrtc);
  return session.mediatel.token;
} }, log);
