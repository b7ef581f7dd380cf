import * as net from 'net';
import * as readline from 'readline';

const [host, port]: string[] = process.argv.slice(2);
if (port === undefined) {
  console.error('usage: client HOST PORT');
  process.exit(2);
}

function fail(message: string): never {
  console.error(`client: ${message}`);
  process.exit(1);
}

/** The lines that a server sends. */
async function* repliesOf(server: net.Socket): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  for await (const piece of server) {
    let data: Buffer = piece;
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10)) {
      yield Buffer.concat([...rest, data.subarray(0, end)]).toString();
      rest = [];
      data = data.subarray(end + 1);
    }
    if (data.length > 0) rest.push(data);
  }
}

async function talk(server: net.Socket): Promise<void> {
  const replies = repliesOf(server);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    server.write(`${line}\n`);
    const reply = await replies.next();
    if (reply.done) fail('the server has closed the connection');
    console.log(reply.value);
    if (line === 'close') break;
  }
  server.end();
  process.stdin.destroy();
}

const server = net.connect({ host, port: Number(port) });
server.on('error', (error: Error) => fail(error.message));
server.once('connect', () => talk(server));
