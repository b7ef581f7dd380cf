const net = require('net');

const DRAINED = 256 * 1024;
const port = Number(process.argv[2]);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error('usage: node server.js PORT');
  process.exit(2);
}

/** Finds the line `close`; gives where it ends in what has come, or -1. */
function finder() {
  let line = '';
  return (data) => {
    for (let i = 0; i < data.length; i++) {
      if (data[i] !== 10) {
        if (line.length < 8) line += String.fromCharCode(data[i]);
        continue;
      }
      const said = line;
      line = '';
      if (said === 'close' || said === 'close\r') return i + 1;
    }
    return -1;
  };
}

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  const find = finder();
  let dropped = -1;
  socket.on('data', (data) => {
    if (dropped >= 0) {
      dropped += data.length;
      if (dropped >= DRAINED) socket.destroy();
      return;
    }
    const end = find(data);
    if (end >= 0) {
      dropped = data.length - end;
      socket.end(data.subarray(0, end));
    } else if (!socket.write(data)) {
      socket.pause();
    }
  });
  socket.on('drain', () => socket.resume());
  socket.on('end', () => socket.end());
  socket.on('error', (error) => console.log('lost a client:', error.message));
});
server.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
server.listen(port, '0.0.0.0');
