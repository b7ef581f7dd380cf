const dgram = require('dgram');
const dns = require('dns');
const readline = require('readline');

const [host, port] = process.argv.slice(2);
if (!port) {
  console.error('usage: node client.js HOST PORT');
  process.exit(2);
}

function upper(line) {
  return Buffer.from(line.map((byte) => (byte >= 97 && byte <= 122 ? byte - 32 : byte)));
}

const socket = dgram.createSocket('udp4');
let heard = () => {};
socket.on('error', () => {}); // nobody is there: like a lost reply

/** One datagram, and its reply within a second or false. */
function ask(line, wanted, address) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), 1000);
    heard = (message, from) => {
      if (from.port !== Number(port) || from.address !== address || !message.equals(wanted)) return;
      clearTimeout(timer);
      resolve(true);
    };
    socket.send(line, Number(port), address, () => {});
  });
}

async function main(address) {
  socket.on('message', (message, from) => heard(message, from));
  for await (const words of readline.createInterface({ input: process.stdin })) {
    if (words === 'quit') break;
    const line = Buffer.from(words);
    const wanted = upper(line);
    let answered = false;
    for (let tries = 0; tries < 3 && !answered; tries++) answered = await ask(line, wanted, address);
    heard = () => {};
    if (answered) console.log(wanted.toString());
    else console.error('no answer');
  }
  socket.close();
  process.stdin.destroy();
}

dns.lookup(host, 4, (error, address) => {
  if (error) {
    console.error(error.message);
    process.exit(1);
  }
  socket.bind(0, () => main(address));
});
