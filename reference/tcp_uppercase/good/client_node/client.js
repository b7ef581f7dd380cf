const net = require('net');
const readline = require('readline');

const [host, port] = process.argv.slice(2);
if (!port) {
  console.error('usage: node client.js HOST PORT');
  process.exit(2);
}

const socket = net.connect({ host, port: Number(port) });
socket.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});

async function* replies() {
  let rest = [];
  for await (let data of socket) {
    let end;
    while ((end = data.indexOf(10)) >= 0) {
      yield Buffer.concat([...rest, data.subarray(0, end)]).toString();
      rest = [];
      data = data.subarray(end + 1);
    }
    if (data.length) rest.push(data);
  }
}

async function main() {
  const server = replies();
  const keyboard = readline.createInterface({ input: process.stdin });
  for await (const line of keyboard) {
    if (line === 'quit') break;
    socket.write(line + '\n');
    const { value, done } = await server.next();
    if (done) {
      console.error('the server has closed the connection');
      process.exit(1);
    }
    console.log(value);
  }
  socket.end();
  process.stdin.destroy();
}

socket.once('connect', main);
