"use strict";
const dgram = require("node:dgram");

const [port, service, servicePort, name] = process.argv.slice(2);
if (!/^\d+$/.test(port || "") || port < 1 || port > 65535 || name === undefined) {
  console.error("usage: server PORT SERVICE SERVICEPORT NAME");
  process.exit(1);
}

const socket = dgram.createSocket({ type: "udp4", reuseAddr: true });
socket.on("error", (error) => {
  console.error(`server: ${error.message}`);
  process.exit(1);
});
socket.on("message", (datagram, client) => {
  const words = datagram.toString("latin1").split(" ");
  if (words.length !== 4 || words.slice(0, 3).join(" ") !== `FIND 1 ${service}`) return;
  const answer = `HERE 1 ${service} ${words[3]} ${servicePort} ${name}`;
  socket.send(Buffer.from(answer, "latin1"), client.port, client.address, () => {});
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
socket.bind(Number(port));
