// Tabs of agents whose phones stand on the desk: node tabs.mjs AGENTS (JSON: url, cookie, login, password, extension, talk).
import { io } from 'socket.io-client';
import { robot } from './robot.mjs';

const log = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
for (const agent of JSON.parse(process.argv[2])) {
  const socket = io(agent.url, { path: '/mediatel/socket.io', transports: ['websocket'], multiplex: false, reconnectionDelay: 500, reconnectionDelayMax: 1000,
    extraHeaders: { cookie: agent.cookie } });
  robot(socket, { ...agent, password: async () => agent.password }, log);
}
process.stdin.on('end', () => process.exit(0)).resume();
