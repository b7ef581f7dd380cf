import * as net from 'net';

const DRAINED = 256 * 1024;

/** Finds the line `close` in what a client sends, however it is split. */
class Closing {
  private line = '';

  /** Where it ends in what has come, or undefined. */
  endIn(data: Buffer): number | undefined {
    for (let i = 0; i < data.length; i++) {
      if (data[i] !== 10) {
        if (this.line.length < 8) this.line += String.fromCharCode(data[i]);
        continue;
      }
      const said = this.line;
      this.line = '';
      if (said === 'close' || said === 'close\r') return i + 1;
    }
    return undefined;
  }
}

function serve(client: net.Socket): void {
  const closing = new Closing();
  let dropped: number | undefined;
  client.on('data', (data: Buffer) => {
    if (dropped !== undefined) {
      dropped += data.length;
      if (dropped >= DRAINED) client.destroy();
      return;
    }
    const end = closing.endIn(data);
    if (end !== undefined) {
      dropped = data.length - end;
      client.end(data.subarray(0, end));
    } else if (!client.write(data)) {
      client.pause();
    }
  });
  client.on('drain', () => client.resume());
  client.on('end', () => client.end());
  client.on('error', (error: Error) => console.log('lost a client:', error.message));
}

const port: number = Number(process.argv[2]);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error('usage: server PORT');
  process.exit(2);
}
const server = net.createServer({ allowHalfOpen: true }, serve);
server.on('error', (error: Error) => {
  console.error(error.message);
  process.exit(1);
});
server.listen({ port, host: '0.0.0.0', backlog: 128 });
