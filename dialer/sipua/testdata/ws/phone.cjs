// A phone's WebSocket by the npm package ws. It says what it saw as JSON, a line a case.
const WebSocket = require('ws')
const [url, cookie] = process.argv.slice(2)

const say = (name, saw) => console.log(JSON.stringify({ name, saw }))
const open = () => new Promise((resolve, reject) => {
  const ws = new WebSocket(url, 'sip', { headers: { Cookie: cookie } })
  ws.received = []
  ws.on('message', (data, binary) => ws.received.push(data.toString()))
  ws.on('open', () => resolve(ws))
  ws.on('error', reject)
})
const event = (ws, name) => new Promise(resolve => ws.once(name, (...args) => resolve(args)))
const next = async ws => {
  while (!ws.received.length) await event(ws, 'message')
  return ws.received.shift().split('\r\n')[0]
}
let count = 0
const register = () => {
  count++
  return `REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/WS n${count}.invalid;branch=z9hG4bKws${count}\r\nFrom: <sip:3444@127.0.0.1>;tag=f\r\n` +
    `To: <sip:3444@127.0.0.1>\r\nCall-ID: ws${count}\r\nCSeq: ${count} REGISTER\r\nMax-Forwards: 70\r\n` +
    `Contact: <sip:3444@n.invalid;transport=ws>\r\nContent-Length: 0\r\n\r\n`
}

const main = async () => {
  const ws = await open()
  say('protocol', ws.protocol)
  ws.send(register())
  say('whole', await next(ws))
  ws.send(Buffer.from(register()), { binary: true })
  say('binary', await next(ws))

  const text = register()
  const pong = event(ws, 'pong')
  ws.send(text.slice(0, 1), { fin: false })
  ws.send(text.slice(1, 100), { fin: false })
  ws.ping('in between, with a payload of ours')
  ws.send('', { fin: false })
  ws.send(text.slice(100), { fin: true })
  say('fragments', await next(ws))
  say('ping', (await pong)[0].toString())

  for (const size of [0, 125]) {
    const pong = event(ws, 'pong')
    ws.ping('x'.repeat(size))
    say(`ping of ${size}`, String((await pong)[0].length))
  }
  ws.pong('nobody asked')
  ws.send('\r\n\r\n')
  say('sign of life', JSON.stringify(await next(ws)))

  // Who does not read keeps nobody waiting.
  const slow = await open()
  let ended = false
  slow.on('close', () => { ended = true })
  slow._socket.pause()
  for (let i = 0; i < 20000; i++) slow.send(register())
  ws.send(register())
  say('beside a slow reader', await next(ws))
  const other = await open()
  other.send(register())
  say('new beside a slow reader', await next(other))
  slow._socket.resume()
  while (!ended && !slow.received.length) await new Promise(resolve => setTimeout(resolve, 20))
  say('slow reader', ended || slow.received[0].startsWith('SIP/2.0 401') ? 'goes on, or is gone' : slow.received[0])
  slow.terminate()
  other.terminate()

  const closed = event(ws, 'close')
  ws.close(1000, 'the shift is over')
  say('close', String((await closed)[0]))

  const large = await open()
  const refused = event(large, 'close')
  large.send('x'.repeat(64 << 10))
  say('too large', String((await refused)[0]))
}
main().then(() => process.exit(0), err => { console.error(err); process.exit(1) })
