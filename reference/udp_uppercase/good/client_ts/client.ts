import * as dgram from 'dgram';
import { lookup } from 'dns/promises';
import * as readline from 'readline';

const [host, port]: string[] = process.argv.slice(2);
if (port === undefined) {
  console.error('usage: client HOST PORT');
  process.exit(2);
}

const TRIES = 3;
const WAIT_MS = 1000;

class Asker {
  private socket = dgram.createSocket('udp4');
  private heard: (message: Buffer) => void = () => {};

  constructor(private address: string, private port: number) {
    this.socket.on('error', () => {}); // nobody is there: like a lost reply
    this.socket.on('message', (message: Buffer, from: dgram.RemoteInfo) => {
      if (from.address === this.address && from.port === this.port) this.heard(message);
    });
  }

  /** The reply to a line, or undefined. */
  async ask(line: Buffer): Promise<Buffer | undefined> {
    const wanted = Buffer.from(line.map((byte) => (byte >= 97 && byte <= 122 ? byte - 32 : byte)));
    for (let tries = 0; tries < TRIES; tries++) {
      if (await this.comes(line, wanted)) return wanted;
    }
    return undefined;
  }

  private comes(line: Buffer, wanted: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (answered: boolean): void => {
        clearTimeout(timer);
        this.heard = () => {};
        resolve(answered);
      };
      const timer = setTimeout(() => done(false), WAIT_MS);
      this.heard = (message) => {
        if (message.equals(wanted)) done(true);
      };
      this.socket.send(line, this.port, this.address, () => {});
    });
  }

  close(): void {
    this.socket.close();
  }
}

async function main(): Promise<void> {
  const { address } = await lookup(host, 4);
  const asker = new Asker(address, Number(port));
  for await (const words of readline.createInterface({ input: process.stdin })) {
    if (words === 'quit') break;
    const reply = await asker.ask(Buffer.from(words));
    if (reply) console.log(reply.toString());
    else console.error('no answer');
  }
  asker.close();
  process.stdin.destroy();
}

main().catch((error: Error) => {
  console.error(`client: ${error.message}`);
  process.exit(1);
});
