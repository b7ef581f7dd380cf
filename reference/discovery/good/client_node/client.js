"use strict";
const crypto = require("node:crypto");
const dgram = require("node:dgram");

const [address, port, service] = process.argv.slice(2);
const id = crypto.randomUUID().replaceAll("-", "");
const query = `FIND 1 ${service} ${id}`;
const answer = new RegExp(`^HERE 1 ${service} ${id} ([1-9][0-9]{0,4}) ([A-Za-z0-9-]+)$`);
const listed = new Set();
const socket = dgram.createSocket("udp4");

function fail(why) {
  console.error(`client: ${why}`);
  process.exit(1);
}

function ask(left) {
  if (listed.size > 0) {
    console.log([...listed].join("\n"));
    socket.close();
  } else if (left === 0) {
    fail(`nobody offers ${service}`);
  } else {
    socket.send(query, Number(port), address, (error) => error && fail(error.message));
    setTimeout(ask, 1000, left - 1);
  }
}

socket.on("error", (error) => fail(error.message));
socket.on("message", (datagram, from) => {
  const found = answer.exec(datagram.toString("latin1"));
  if (found && Number(found[1]) <= 65535) listed.add(`${from.address} ${found[1]} ${found[2]}`);
});
process.on("SIGINT", () => process.exit(130));
socket.bind(() => {
  socket.setBroadcast(true);
  ask(3);
});
