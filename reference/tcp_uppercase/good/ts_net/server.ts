import { createServer, Socket } from 'net';

const port: number = Number(process.argv[2]);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error('usage: server PORT');
  process.exit(2);
}

/** What has come of a line that is not whole yet. */
class Line {
  private parts: Buffer[] = [];

  add(data: Buffer): void {
    if (data.length > 0) this.parts.push(data);
  }

  /** The whole line in upper case, with what has come at last. */
  finish(data: Buffer): Buffer {
    const line = Buffer.concat([...this.parts, data]);
    this.parts = [];
    for (let i = 0; i < line.length; i++) {
      if (line[i] >= 97 && line[i] <= 122) line[i] -= 32;
    }
    return line;
  }
}

function serve(client: Socket): void {
  const line = new Line();
  client.on('data', (data: Buffer) => {
    let rest = data;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      if (!client.write(line.finish(rest.subarray(0, end + 1)))) client.pause();
      rest = rest.subarray(end + 1);
    }
    line.add(rest);
  });
  client.on('drain', () => client.resume());
  client.on('end', () => client.end());
  client.on('error', (error: Error) => console.log('lost a client:', error.message));
}

const server = createServer({ allowHalfOpen: true }, serve);
server.on('error', (error: Error) => {
  console.error(error.message);
  process.exit(1);
});
server.listen(port, '0.0.0.0');
