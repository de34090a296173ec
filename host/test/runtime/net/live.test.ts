/** `ctx.fetch`, `ctx.net` and `ctx.secrets` as plugins have them: the built runner in its sandbox, in both tiers. */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { createServer, IncomingMessage } from "node:http";
import { after, before, beforeEach, test, type TestContext } from "node:test";
import { WebSocketServer } from "ws";
import type { Grant, JsonObject, StoredRelease } from "../../../src/contract/index.ts";
import { until } from "../../support/until.ts";
import { allow, hasBubblewrap, type World } from "../fixtures/world.ts";
import { guest, openIsolateWorld } from "../isolate/guests.ts";
import { Street } from "./street.ts";

const PUBLIC = "93.184.215.14";
const SECRET = 'S3CRET-"of"-0123456789';
const confined = hasBubblewrap();
let world: World;
let street: Street;
let echo: Socket;
let seen: IncomingMessage[] = [];
before(async () => {
  if (!confined) return;
  street = await Street.open();
  street.names["api.test"] = [PUBLIC];
  const server = await street.http(`${PUBLIC}:80`, (request, response) => {
    seen.push(request);
    if (request.url === "/endless") return void response.write("begun");
    if (request.url === "/length") {
      let size = 0;
      request.on("data", (bytes: Buffer) => (size += bytes.byteLength));
      return void request.on("end", () => response.end(`${size} of ${request.headers["content-length"]}`));
    }
    if (request.url === "/big") return void response.end(Buffer.alloc(3_000_000, 7));
    response.writeHead(201, { "x-echo": request.headers["x-mine"] ?? "", "set-cookie": ["a=1", "b=2"] });
    request.on("data", (bytes: Buffer) => response.write(bytes)).on("end", () => response.end());
  });
  const speaker = new WebSocketServer({ server: server as ReturnType<typeof createServer> });
  speaker.on("connection", (socket) => {
    socket.send("hello");
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await street.https(`${PUBLIC}:443`, "api.test", (request, response) => {
    seen.push(request);
    response.end(request.headers.authorization ?? "none");
  });
  await street.tcp(`${PUBLIC}:7`, (socket) =>
    socket.on("data", (bytes) => socket.write(bytes)).on("end", () => socket.end("bye")),
  );
  echo = createSocket("udp4").bind(0, "127.0.0.1");
  echo.on("message", (bytes, { address, port }) => echo.send(bytes, port, address));
  await once(echo, "listening");
  world = await openIsolateWorld({ ways: street.ways });
});
after(async () => {
  if (!confined) return;
  await world.close();
  echo.close();
  await street.close();
});
beforeEach(() => void (seen = []));

const HOSTS = allow("net.internet", { hosts: ["api.test:80", "api.test:443", "api.test:7"] });
const CONFIG = {
  schema: {
    type: "object",
    properties: { url: { type: "string", "x-endpoint": true }, key: { type: "string", "x-secret": true } },
  },
  secrets: ["/key"],
};

for (const tier of ["process", "isolate"] as const) {
  /** Installs a plugin whose capability runs the body, and gives a function that calls it. */
  const withPlugin = async (
    t: TestContext,
    o: { does: string; grants?: Grant[]; config?: JsonObject; egressMbPerHour?: number },
    act: (call: (input?: JsonObject, signal?: AbortSignal) => Promise<JsonObject>, release: StoredRelease) => Promise<void>,
  ): Promise<void> => {
    if (!confined) return t.skip("needs bubblewrap");
    const limits = o.egressMbPerHour === undefined ? {} : { limits: { egressMbPerHour: o.egressMbPerHour } };
    const release = guest(world, {
      does: o.does,
      manifest: { tier: { min: tier }, entry: { main: "main.mjs" }, config: CONFIG, ...limits },
    });
    const status = await world.runtime.stage(release, [allow("bus.provide", { prefixes: ["dev."] }), ...(o.grants ?? [HOSTS])]);
    try {
      assert.equal(status.state, "active", JSON.stringify([status.reason, world.runtime.logs(release.id, { limit: 20 })]));
      assert.equal(status.tier, tier);
      await act(async (input = {}, signal) => {
        const { output } = await world.bus.call(release.capability, { input, ...(signal === undefined ? {} : { signal }) });
        return { ...output };
      }, release);
    } finally {
      await world.runtime.remove(release.id, { keepData: false });
    }
  };

  test(`${tier}: fetch brings status, headers and body, and sends what the author gave (§4.3)`, (t) =>
    withPlugin(
      t,
      {
        does: `const answer = await ctx.fetch("http://api.test/x?y=z", { method: "post", body: "grüße", headers: { "X-Mine": "1" } });
          const { status, ok, url, redirected, headers } = answer;
          const text = await answer.text();
          const again = await answer.text().catch((error) => error.message);
          return { output: { status, ok, url, redirected, echo: headers.get("X-Echo"), cookies: headers.getSetCookie(), none: headers.get("no"), text, again, used: answer.bodyUsed } };`,
      },
      async (call, { id }) => {
        assert.deepEqual(await call(), {
          status: 201,
          ok: true,
          url: "http://api.test/x?y=z",
          redirected: false,
          echo: "1",
          none: null,
          text: "grüße",
          used: true,
          cookies: ["a=1", "b=2"],
          again: "The body was read already.",
        });
        const row = world.runtime.ledger(50).rows.find(({ op, plugin }) => op === "net.fetch" && plugin === id);
        assert.deepEqual([row?.target, row?.permission, row?.verdict], ["api.test:80", "net.internet", "allow"]);
        assert.ok((row?.bytes_out ?? 0) > 80 && (row?.bytes_in ?? 0) > 80, JSON.stringify(row));
      },
    ));

  test(`${tier}: a body in pieces, out and in; a body that fails ends the request with its own error`, (t) =>
    withPlugin(
      t,
      {
        does: `async function* pieces(fail) { for (let n = 0; n < 10; n += 1) { if (fail && n === 3) throw new Error("no more pieces"); yield new Uint8Array(100000).fill(n); } }
          if (req.input.fail) { try { const answer = await ctx.fetch("http://api.test/", { method: "PUT", body: pieces(true) }); await answer.bytes(); } catch (error) { return { output: { error: error.message } }; } }
          const answer = await ctx.fetch("http://api.test/", { method: "PUT", body: pieces(false) });
          let size = 0, sum = 0;
          for await (const part of answer.body) { size += part.length; for (const byte of part) sum += byte; }
          const large = await (await ctx.fetch("http://api.test/length", { method: "POST", body: new Uint8Array(3000000) })).text();
          const small = await (await ctx.fetch("http://api.test/big")).bytes(1000).catch((error) => error.name);
          return { output: { size, sum, large, small } };`,
      },
      async (call) => {
        assert.deepEqual(await call(), { size: 1_000_000, sum: 4_500_000, large: "3000000 of 3000000", small: "RangeError" });
        assert.deepEqual(await call({ fail: true }), { error: "no more pieces" });
      },
    ));

  test(`${tier}: whoever aborts, or leaves the loop, closes the connection within 200 ms (§5.3.2)`, (t) =>
    withPlugin(
      t,
      {
        does: `const ending = new AbortController();
          if (req.input.late) { req.signal.addEventListener("abort", () => ending.abort(req.signal.reason)); }
          const answer = await ctx.fetch("http://api.test/endless", { signal: ending.signal });
          if (req.input.cancel) { await answer.cancel(); return { output: { cancelled: true } }; }
          try { for await (const part of answer.body) { if (req.input.leave) break; if (!req.input.late) ending.abort(new Error("enough")); } }
          catch (error) { return { output: { error: error.message } }; }
          return { output: { left: true } };`,
      },
      async (call) => {
        for (const [how, output] of [
          ["abort", { error: "enough" }],
          ["leave", { left: true }],
          ["cancel", { cancelled: true }],
        ] as const) {
          seen = [];
          const answered = call({ [how]: true });
          const request = await until("it has asked", () => seen[0]);
          const closed = request.socket.destroyed ? Promise.resolve() : once(request.socket, "close");
          assert.deepEqual(await answered, output);
          const began = performance.now();
          await closed;
          assert.ok(performance.now() - began < 1000);
        }
        seen = [];
        const caller = new AbortController();
        const late = call({ late: true }, caller.signal).catch((error: unknown) => error);
        const request = await until("it has asked", () => seen[0]);
        const closed = once(request.socket, "close");
        caller.abort(new Error("the caller left"));
        const began = performance.now();
        await closed;
        assert.ok(performance.now() - began < 1000, "a cancelled call takes its request along");
        await late;
      },
    ));

  test(`${tier}: plain connections and WebSockets carry both ways and end (§4.3)`, (t) =>
    withPlugin(
      t,
      {
        does: `const plain = await ctx.net.connect("api.test", 7, { tls: false });
          await plain.write(new TextEncoder().encode("one ")); await plain.write(new TextEncoder().encode("two ")); await plain.end();
          let text = ""; for await (const part of plain) text += new TextDecoder().decode(part);
          const socket = await ctx.net.websocket("ws://api.test/live");
          await socket.send("text"); await socket.send(new Uint8Array([1, 2, 3]));
          const got = []; for await (const message of socket) { got.push(typeof message === "string" ? message : [...message]); if (got.length === 3) await socket.close(3000, "done"); }
          return { output: { text, got, ended: await socket.ended } };`,
      },
      async (call) => {
        assert.deepEqual(JSON.parse(JSON.stringify(await call())), {
          text: "one two bye",
          got: ["hello", "text", [1, 2, 3]],
          ended: { code: 3000, reason: "done" },
        });
      },
    ));

  test(`${tier}: datagrams go and come (§4.3)`, (t) =>
    withPlugin(
      t,
      {
        grants: [allow("net.udp", { hosts: [`127.0.0.1:${confined ? echo.address().port : 0}`] })],
        does: `const socket = await ctx.net.udp();
          await socket.send({ bytes: new Uint8Array([1, 2, 3]), host: "127.0.0.1", port: req.input.port });
          const denied = await socket.send({ bytes: new Uint8Array(1), host: "127.0.0.1", port: 9 }).catch((error) => error.code);
          for await (const { bytes, host, port } of socket) return { output: { bytes: [...bytes], host, same: port === req.input.port, denied } };`,
      },
      async (call) => {
        const output = await call({ port: echo.address().port });
        assert.deepEqual(JSON.parse(JSON.stringify(output)), {
          bytes: [1, 2, 3],
          host: "127.0.0.1",
          same: true,
          denied: "permission_denied",
        });
      },
    ));

  test(`${tier}: what is not granted is refused with its code and stands in the ledger; a lost right ends what runs (§3.4.3)`, (t) =>
    withPlugin(
      t,
      {
        does: `if (req.input.hold) { try { const answer = await ctx.fetch("http://api.test/endless"); for await (const part of answer.body); } catch (error) { return { output: { code: error.code } }; } }
          const out = {};
          for (const [name, act] of Object.entries({ fetch: () => ctx.fetch("http://10.0.0.1/"), connect: () => ctx.net.connect("127.0.0.1", 22, { tls: false }), websocket: () => ctx.net.websocket("ws://evil.test/"), udp: () => ctx.net.udp(), read: () => ctx.secrets.read("/key"), derive: () => ctx.secrets.derive("x") }))
            out[name] = await act().then(() => "done", (error) => error.code);
          return { output: out };`,
      },
      async (call, { id }) => {
        const denied = "permission_denied";
        assert.deepEqual(await call(), {
          fetch: denied,
          connect: denied,
          websocket: denied,
          udp: denied,
          read: denied,
          derive: denied,
        });
        const rows = world.runtime.ledger(100).rows.filter(({ plugin, verdict }) => plugin === id && verdict === "deny");
        assert.deepEqual(
          rows.map(({ op, target, permission }) => `${op} ${target} ${permission}`).toSorted(),
          [
            "net.connect 127.0.0.1:22 net.loopback",
            "net.fetch 10.0.0.1:80 net.lan",
            "net.udp net.udp net.udp",
            "net.websocket evil.test:80 net.internet",
          ].concat(["secrets.derive x secret.derive", "secrets.read /key secret.read"]),
        );
        const held = call({ hold: true });
        await until("it has asked", () => seen[0]);
        await world.runtime.setGrants(id, [allow("bus.provide", { prefixes: ["dev."] })]);
        assert.deepEqual(await held, { code: denied });
      },
    ));

  test(`${tier}: a secret is used without being had, read where that is granted, hidden in the log; keys are the plugin's own (§2.4)`, (t) =>
    withPlugin(
      t,
      {
        grants: [
          allow("net.internet", { fromConfig: "/url" }),
          allow("secret.use", { names: ["/key"] }),
          allow("secret.read", { names: ["/key"] }),
          allow("secret.derive", { labels: ["store"] }),
        ],
        does: `const used = await (await ctx.fetch(ctx.config.url, { secrets: [{ header: "authorization", secret: "/key" }] })).text();
          const read = await ctx.secrets.read("/key");
          ctx.log.info("it is " + read, { read }); ctx.log.warn(btoaLike(read));
          const [one, two] = [await ctx.secrets.derive("store"), await ctx.secrets.derive("store")];
          const other = await ctx.secrets.derive("other").catch((error) => error.code);
          return { output: { used, read, config: ctx.config, size: one.length, same: one.join() === two.join(), other, one: one.join() } };
          function btoaLike(text) { return encodeURIComponent(text); }`,
      },
      async (call, { id }) => {
        await world.runtime.setConfig(id, { url: "https://api.test/" }, { "/key": SECRET });
        const { one, ...output } = await call();
        assert.deepEqual(JSON.parse(JSON.stringify(output)), {
          used: SECRET,
          read: SECRET,
          config: { url: "https://api.test/", key: { secret: true } },
          size: 32,
          same: true,
          other: "permission_denied",
        });
        const lines = JSON.stringify(world.runtime.logs(id, { limit: 50 }));
        assert.ok(!lines.includes("S3CRET") && lines.includes("[hidden]"), lines);
        const { rows } = world.runtime.ledger(100);
        assert.ok(
          rows.some(({ op, target, plugin }) => plugin === id && op === "secret.use" && target === "/key at api.test:443"),
        );
        assert.ok(!JSON.stringify(rows).includes("S3CRET"));
        await world.runtime.restart(id);
        assert.equal((await call())["one"], one, "the same after a start");
      },
    ));

  test(`${tier}: what is sent within an hour is bounded, and a new start does not begin a new hour (§7)`, (t) =>
    withPlugin(
      t,
      {
        egressMbPerHour: 1,
        does: `try { const answer = await ctx.fetch("http://api.test/", { method: "PUT", body: new Uint8Array(req.input.size) }); return { output: { size: (await answer.bytes()).length } }; }
          catch (error) { return { output: { code: error.code, reason: error.reason, wait: error.retryAfterMs > 0 } }; }`,
      },
      async (call, { id }) => {
        assert.deepEqual(await call({ size: 700_000 }), { size: 700_000 });
        const used = { code: "quota_exceeded", reason: "egress_used_up", wait: true };
        assert.deepEqual(await call({ size: 700_000 }), used);
        await world.runtime.restart(id);
        assert.deepEqual(await call({ size: 700_000 }), used);
      },
    ));
}
