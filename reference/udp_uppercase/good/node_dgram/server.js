const dgram = require('dgram');

const port = Number(process.argv[2]);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error('usage: node server.js PORT');
  process.exit(2);
}

const socket = dgram.createSocket('udp4');
socket.on('message', (message, client) => {
  for (let i = 0; i < message.length; i++) {
    if (message[i] >= 97 && message[i] <= 122) message[i] -= 32;
  }
  socket.send(message, client.port, client.address, (error) => {
    if (error) console.log('not sent:', error.message);
  });
});
socket.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
socket.bind(port);
