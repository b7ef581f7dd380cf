// A right server in Node.js.  Arguments: net or workers; the port.  See bench/stillness.py.
'use strict';
const fs = require('fs');
const net = require('net');
const { Worker } = require('worker_threads');

function compute(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

// Started when it is first needed: while it lives, its part of V8 has a timer most of the time.
let worker;

function handOver(milliseconds) {
  worker ??= new Worker(
    `const { parentPort } = require('worker_threads');
     ${compute}
     parentPort.on('message', (milliseconds) => { compute(milliseconds); parentPort.postMessage(0); });`,
    { eval: true },
  );
  return new Promise((done) => { worker.once('message', done); worker.postMessage(milliseconds); });
}

const ACTIONS = {
  now: async () => {},
  compute: async (amount) => compute(amount),
  hand: handOver,
  sleep: (amount) => new Promise((done) => setTimeout(done, amount)),
  file: () => fs.promises.readFile(__filename),
  collect: async () => globalThis.gc(),
  stuck: () => new Promise(() => {}),
};

net.createServer((client) => {
  let buffer = '';
  client.on('data', async (data) => {
    buffer += data;
    const lines = buffer.split('\n');
    buffer = lines.pop();
    for (const line of lines) {
      const [kind, amount, word] = line.split(' ');
      if (kind === 'ignore') continue;
      await ACTIONS[kind](Number(amount));
      client.write(word.toUpperCase() + '\n');
    }
  });
}).listen(Number(process.argv[3]), '127.0.0.1');
