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
  let parts = [];
  socket.on('data', (data) => {
    let end;
    while ((end = data.indexOf(10)) >= 0) {
      const line = Buffer.concat([...parts, data.subarray(0, end + 1)]);
      parts = [];
      data = data.subarray(end + 1);
      if (!socket.write(upper(line))) socket.pause();
    }
    if (data.length) parts.push(data);
  });
  socket.on('drain', () => socket.resume());
  socket.on('end', () => socket.end());
});
server.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
server.listen(port, '0.0.0.0', () => console.log('listening on', port));
