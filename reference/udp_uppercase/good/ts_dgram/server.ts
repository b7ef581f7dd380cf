import * as dgram from 'dgram';

const port: number = Number(process.argv[2]);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error('usage: server PORT');
  process.exit(2);
}

const socket: dgram.Socket = dgram.createSocket('udp4');
socket.on('message', (message: Buffer, client: dgram.RemoteInfo) => {
  const reply = message.map((byte) => (byte >= 97 && byte <= 122 ? byte - 32 : byte));
  socket.send(reply, client.port, client.address, (error: Error | null) => {
    if (error) console.log('not sent:', error.message);
  });
});
socket.on('error', (error: Error) => {
  console.error(error.message);
  process.exit(1);
});
socket.bind(port);
