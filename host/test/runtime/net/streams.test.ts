import assert from "node:assert/strict";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import type { createServer } from "node:http";
import type { Socket } from "node:net";
import { after, before, test } from "node:test";
import { WebSocketServer, type WebSocket } from "ws";
import type { JsonObject } from "../../../src/contract/index.ts";
import { connectFor, udpFor, webSocketFor } from "../../../src/runtime/net/index.ts";
import { until } from "../../support/until.ts";
import { House } from "./house.ts";
import { Street } from "./street.ts";

const PUBLIC = "93.184.215.14";
let street: Street;
let sockets: Socket[] = [];
let speakers: WebSocket[] = [];
let udp: UdpSocket;
before(async () => {
  street = await Street.open();
  Object.assign(street.names, { "api.test": [PUBLIC] });
  await street.tcp(`${PUBLIC}:7`, (socket) => {
    sockets.push(socket);
    socket.on("data", (bytes) => socket.write(bytes)).on("end", () => socket.end("bye"));
  });
  const server = await street.http(`${PUBLIC}:80`, (_, response) => response.writeHead(404).end());
  const speaker = new WebSocketServer({
    server: server as ReturnType<typeof createServer>,
    handleProtocols: (offered) => [...offered].at(-1) ?? false,
  });
  speaker.on("connection", (socket, { headers }) => {
    speakers.push(socket);
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.send(JSON.stringify({ key: headers["x-key"] ?? null }));
  });
  udp = createSocket("udp4").bind(0, "127.0.0.1");
  await once(udp, "listening");
  udp.on("message", (bytes, { port, address }) => udp.send(Buffer.concat([Buffer.from("re: "), bytes]), port, address));
});
after(async () => {
  udp.close();
  await street.close();
});

const piece = (bytes: string | Buffer, more: { text?: boolean; to?: { host: string; port: number } } = {}) => ({
  bytes: Buffer.from(bytes),
  text: more.text ?? false,
  to: more.to,
});
const INTERNET = (...hosts: string[]): ["net.internet", JsonObject] => ["net.internet", { hosts }];
const handleOf = (plugin: House): Promise<number> =>
  until("it is open", () => plugin.frame("open")["handle"] as number | undefined);

test("a plain connection carries bytes both ways, and the end of each way", async () => {
  const plugin = new House(street.ways, [INTERNET("api.test:7")]);
  const done = connectFor(plugin.network, { target: { host: "api.test", port: 7 }, tls: false }, plugin.talk());
  const handle = await handleOf(plugin);
  await plugin.network.write(handle, piece("one "));
  await plugin.network.write(handle, piece("two "));
  await until("it comes back", () => plugin.text() === "one two ");
  plugin.network.end(handle, { code: undefined, reason: "" });
  assert.deepEqual(await done, {});
  assert.equal(plugin.text(), "one two bye");
  assert.deepEqual([plugin.noted, plugin.network.size], [{ target: "api.test:7", permission: "net.internet" }, 0]);
});

test("a server that does not read makes the plugin wait, and what waits is bounded (§5.3)", async () => {
  const plugin = new House(street.ways, [INTERNET("api.test:7")]);
  sockets = [];
  const done = connectFor(plugin.network, { target: { host: "api.test", port: 7 }, tls: false }, plugin.talk());
  const handle = await handleOf(plugin);
  (await until("the server has it", () => sockets[0])).pause();
  const waiting: Promise<void>[] = [];
  const refused = await until("no more is taken", async () => {
    const sent = plugin.network.write(handle, piece(Buffer.alloc(262_144)));
    waiting.push(sent.catch(() => {}));
    return Promise.race([
      sent.then(
        () => false as const,
        (error: unknown) => error as { code: string },
      ),
      new Promise<false>((resolve) => setImmediate(resolve, false)),
    ]);
  });
  assert.equal(refused.code, "bad_request");
  plugin.leaving.abort(new Error("left"));
  await assert.rejects(done, { message: "left" });
  await Promise.all(waiting);
});

test("what is not granted is not connected, by plain connection, WebSocket or datagram", async () => {
  const plugin = new House(street.ways, [INTERNET("api.test:443")]);
  street.dialled.length = 0;
  const target = { host: "api.test", port: 7 };
  await assert.rejects(connectFor(plugin.network, { target, tls: false }, plugin.talk()), { code: "permission_denied" });
  const request = { protocols: [], fields: [], secrets: [] };
  await assert.rejects(webSocketFor(plugin.network, { url: "ws://api.test/", ...request }, plugin.talk()), {
    code: "permission_denied",
  });
  await assert.rejects(webSocketFor(plugin.network, { url: "http://api.test/", ...request }, plugin.talk()), {
    code: "bad_request",
  });
  await assert.rejects(udpFor(plugin.network, { family: 4 }, plugin.talk()), { code: "permission_denied" });
  assert.deepEqual(street.dialled, []);
});

test("a WebSocket carries whole messages, texts as texts, and closes with code and reason", async () => {
  const plugin = new House(street.ways, [INTERNET("api.test:80")]);
  const done = webSocketFor(
    plugin.network,
    { url: "ws://api.test/live", protocols: ["one", "two"], fields: [["x-key", "k"]], secrets: [] },
    plugin.talk(),
  );
  const handle = await handleOf(plugin);
  assert.equal(plugin.frame("open")["protocol"], "two");
  await plugin.network.write(handle, piece("grüße", { text: true }));
  await plugin.network.write(handle, piece(Buffer.alloc(300_000, 1)));
  await until("all came back", () => plugin.heard.length === 4);
  const [, first, second, third] = plugin.heard.map(({ data }) => ({
    text: data["text"],
    bytes: Buffer.from((data["bytes"] ?? []) as never),
  }));
  assert.deepEqual(JSON.parse(first?.bytes.toString() ?? ""), { key: "k" });
  assert.deepEqual([second?.text, second?.bytes.toString()], [true, "grüße"]);
  assert.deepEqual([third?.text, third?.bytes.length], [false, 300_000]);
  plugin.network.end(handle, { code: 3001, reason: "enough" });
  assert.deepEqual(await done, { code: 3001, reason: "enough" });
});

test("a server that opens no WebSocket, one that breaks off, and a message that is too large", async () => {
  const plain = await Street.open();
  plain.names["api.test"] = [PUBLIC];
  await plain.http(`${PUBLIC}:80`, (_, response) => response.writeHead(403).end());
  const request = { url: "ws://api.test/", protocols: [], fields: [], secrets: [] };
  const refused = new House(plain.ways, [INTERNET("api.test:80")]);
  await assert.rejects(webSocketFor(refused.network, request, refused.talk()), {
    code: "partition",
    message: "api.test:80 opened no WebSocket: it answered 403.",
  });
  await plain.close();
  speakers = [];
  const broken = new House(street.ways, [INTERNET("api.test:80")]);
  const done = webSocketFor(broken.network, request, broken.talk());
  await handleOf(broken);
  speakers[0]?.terminate();
  assert.deepEqual(await done, { code: 1006, reason: "" });
  speakers = [];
  const flooded = new House(street.ways, [INTERNET("api.test:80")]);
  const flood = webSocketFor(flooded.network, request, flooded.talk());
  await handleOf(flooded);
  speakers[0]?.send(Buffer.alloc(1_100_000));
  assert.deepEqual(await flood, { code: 1006, reason: "" });
});

test("a plugin that takes no message stops the server (§5.3)", async () => {
  speakers = [];
  const plugin = new House(street.ways, [INTERNET("api.test:80")]);
  const done = webSocketFor(plugin.network, { url: "ws://api.test/", protocols: [], fields: [], secrets: [] }, plugin.talk());
  await handleOf(plugin);
  let release = (): void => {};
  plugin.held = new Promise((resolve) => (release = resolve));
  const speaker = speakers[0] ?? assert.fail();
  for (let n = 0; n < 40; n += 1) speaker.send(Buffer.alloc(1_000_000, n));
  await until("the server waits", () => speaker.bufferedAmount > 10_000_000);
  assert.ok(plugin.meter.figures().bytesIn < 20_000_000, String(plugin.meter.figures().bytesIn));
  release();
  await until("all have come", () => plugin.heard.length >= 41, 20_000);
  plugin.leaving.abort(new Error("left"));
  await assert.rejects(done);
});

test("datagrams go where the scope says, and only those that were written to are heard", async () => {
  const { port } = udp.address();
  const plugin = new House(street.ways, [["net.udp", { hosts: [`127.0.0.1:${port}`, "api.test:53"] }]]);
  const done = udpFor(plugin.network, { family: 4 }, plugin.talk());
  const handle = await handleOf(plugin);
  await plugin.network.write(handle, piece("ping", { to: { host: "127.0.0.1", port } }));
  await until("the answer comes", () => plugin.text() === "re: ping");
  assert.deepEqual([plugin.heard[1]?.data["host"], plugin.heard[1]?.data["port"]], ["127.0.0.1", port]);
  assert.deepEqual([plugin.meter.figures().bytesOut, plugin.meter.figures().bytesIn], [4, 8]);
  const refused = { code: "permission_denied" };
  street.names["api.test"] = ["192.168.1.1"];
  for (const to of [
    { host: "127.0.0.1", port: port + 1 },
    { host: "api.test", port: 53 },
    { host: "239.255.255.250", port: 1900 },
    { host: "169.254.169.254", port: 80 },
  ])
    await assert.rejects(plugin.network.write(handle, piece("x", { to })), refused, to.host);
  street.names["api.test"] = [PUBLIC];
  await assert.rejects(plugin.network.write(handle, piece("x")), { code: "bad_request" });
  plugin.network.end(handle, { code: undefined, reason: "" });
  assert.deepEqual(await done, {});
});

test("a stranger's datagram is not heard", async () => {
  const plugin = new House(street.ways, [["net.udp", { hosts: ["127.0.0.1:*"] }]]);
  const { port } = udp.address();
  plugin.grant(["net.udp", { hosts: [`127.0.0.1:${port}`] }]);
  const done = udpFor(plugin.network, { family: 4 }, plugin.talk());
  const handle = await handleOf(plugin);
  const heardFrom = Promise.withResolvers<number>();
  udp.once("message", (_, { port: own }) => heardFrom.resolve(own));
  await plugin.network.write(handle, piece("ping", { to: { host: "127.0.0.1", port } }));
  await until("the answer comes", () => plugin.text() === "re: ping");
  const stranger = createSocket("udp4");
  await new Promise((resolve) => void heardFrom.promise.then((own) => stranger.send("psst", own, "127.0.0.1", resolve)));
  await until("it has arrived", () => plugin.meter.figures().bytesIn === 12);
  await plugin.network.write(handle, piece("pong", { to: { host: "127.0.0.1", port } }));
  await until("the next answer comes", () => plugin.text() === "re: pingre: pong");
  stranger.close();
  plugin.leaving.abort(new Error("left"));
  await assert.rejects(done, { message: "left" });
});
