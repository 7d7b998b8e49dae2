// Tabs of agents whose phones stand on the desk: node tabs.mjs AGENTS (JSON: url, cookie, login, password, extension, talk).
// A line of standard input is a command that all of them send.
import { createInterface } from 'node:readline';
import { io } from 'socket.io-client';
import { robot } from './robot.mjs';

const log = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const sockets = [];
for (const agent of JSON.parse(process.argv[2])) {
  const socket = io(agent.url, { path: '/mediatel/socket.io', transports: ['websocket'], multiplex: false, reconnectionDelay: 500, reconnectionDelayMax: 1000,
    extraHeaders: { cookie: agent.cookie } });
  sockets.push(socket);
  robot(socket, { ...agent, password: async () => agent.password }, log);
}
createInterface({ input: process.stdin }).on('line', (line) => sockets.forEach((s) => s.emit('data', JSON.parse(line))))
  .on('close', () => process.exit(0));
