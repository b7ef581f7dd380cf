// Chat room server on Node.js: one thread, and Node keeps what a client does not read yet.
//
// Usage: node server.js PORT
'use strict';

const net = require('net');

const MAX_LINE = 64 * 1024; // bytes of a line, its end included
const MAX_WAITING = 4 * 1024 * 1024; // bytes that may wait for a client that does not read
const NAME = /^[A-Za-z0-9_-]{1,16}$/;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const members = new Map(); // by name

class Client {
  constructor(socket) {
    this.socket = socket;
    this.name = ''; // until it is in the room
    this.pending = Buffer.alloc(0);
    this.leaving = false;
  }

  tell(line) {
    if (this.socket.writableLength > MAX_WAITING) {
      this.socket.destroy();
    } else {
      this.socket.write(line + '\n');
    }
  }

  receive(chunk) {
    this.pending = Buffer.concat([this.pending, chunk]);
    let end;
    while (!this.leaving && (end = this.pending.indexOf('\n')) !== -1) {
      const line = this.pending.subarray(0, end);
      this.pending = this.pending.subarray(end + 1);
      this.take(line);
    }
    if (this.leaving) {
      this.pending = Buffer.alloc(0);
    } else if (this.pending.length > MAX_LINE) {
      this.socket.destroy();
    }
  }

  take(bytes) {
    let line;
    try {
      line = UTF8.decode(bytes).replace(/\r$/, '');
    } catch {
      this.tell('! this line is not UTF-8');
      return;
    }
    if (line.startsWith('/')) {
      this.obey(line);
    } else if (this.name) {
      tellAll(`${this.name}: ${line}`, this);
    } else {
      this.enter(line);
    }
  }

  enter(name) {
    if (!NAME.test(name)) {
      this.tell('! a name has 1 to 16 letters, digits, _ and -');
    } else if (members.has(name)) {
      this.tell('! this name is taken');
    } else {
      this.tell(`* welcome ${name}`);
      tellAll(`* ${name} joined`);
      this.name = name;
      members.set(name, this);
    }
  }

  leave() {
    this.leaving = true;
    if (this.name && members.delete(this.name)) {
      tellAll(`* ${this.name} left`);
    }
  }

  obey(line) {
    const message = /^\/msg ([^ ]*) (.+)$/su.exec(line);
    if (line === '/quit') {
      this.tell('* bye');
      this.leave();
      this.socket.end(); // its own end is awaited: what it still sends is read and dropped
    } else if (/^\/ping ./su.test(line)) {
      this.tell('pong ' + line.slice('/ping '.length));
    } else if (line === '/who' && this.name) {
      this.tell('* here: ' + [...members.keys()].join(' '));
    } else if (message && this.name) {
      const hearer = members.get(message[1]);
      (hearer || this).tell(hearer ? `[${this.name}] ${message[2]}` : '! nobody here has that name');
    } else {
      this.tell('! no such command, or not for you');
    }
  }
}

function tellAll(line, besides) {
  for (const member of members.values()) {
    if (member !== besides) {
      member.tell(line);
    }
  }
}

const port = Number(process.argv[2]);
if (process.argv.length !== 3 || !(Number.isInteger(port) && port >= 1 && port <= 65535)) {
  console.error('usage: node server.js PORT   (1 to 65535)');
  process.exit(2);
}

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  const client = new Client(socket);
  socket.on('data', (chunk) => client.receive(chunk));
  socket.on('end', () => {
    client.leave();
    socket.end();
  });
  socket.on('error', () => {}); // a reset; "close" follows
  socket.on('close', () => client.leave());
});
server.on('error', (error) => {
  console.error(`server.js: port ${port}: ${error.message}`);
  process.exit(1);
});
server.listen(port, '0.0.0.0');
