const net = require('net');

const port = Number(process.argv[2]);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error('usage: node server.js PORT');
  process.exit(2);
}

function upper(line) {
  for (let i = 0; i < line.length; i++) {
    if (line[i] >= 97 && line[i] <= 122) line[i] -= 32;
  }
  return line;
}

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('data', (data) => {
    if (!socket.write(upper(data))) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  socket.on('end', () => socket.end());
  socket.on('error', (error) => console.log('lost a client:', error.message));
});
server.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
server.listen(port, '0.0.0.0', () => console.log('listening on', port));
