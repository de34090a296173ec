/** WebSockets on routes that plugins mount on the public port. @source plugin-platform §2.4, 02 T-4, T-15 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { WebSocket } from "ws";
import type { MountedRoute, RouteAuth, RouteRequest, SocketEnd, SocketMessage } from "../../../src/contract/index.ts";
import { HnError } from "../../../src/foundation/index.ts";
import { MountTable } from "../../../src/transport/index.ts";
import { tick } from "../../bus/make.ts";
import { until } from "../../support/until.ts";
import { get } from "../support/letters.ts";
import { shareStreet } from "../support/shared-street.ts";
import { first } from "../support/sockets.ts";
import { Street, type House, type Scope } from "../support/street.ts";

const PSEUDO = "ext.demo.http.talk";
const PATH = "/ext/demo/talk/:room";
const HERE = "/ext/demo/talk/kitchen?n=1";
const SAID = { room: "kitchen", n: "1" };
const MAX = 65_536;
const STILL_LOOKS = 20;

type Talk = (incoming: AsyncIterable<SocketMessage>, signal: AbortSignal) => AsyncGenerator<SocketMessage, SocketEnd, void>;

async function* echo(incoming: AsyncIterable<SocketMessage>): AsyncGenerator<SocketMessage, SocketEnd, void> {
  for await (const message of incoming) {
    if (message === "bye") return { code: 4000, reason: "as you wish" };
    if (message === "fail") throw new HnError("unauthorized", { message: "Not you." });
    yield message;
  }
  return { code: 1000, reason: "" };
}

/** A route, who has asked for it, and how many of its talks have ended. */
function socketRoute(
  auth: RouteAuth,
  o: { talk?: Talk; protocols?: string[]; path?: string } = {},
): {
  route: MountedRoute;
  seen: RouteRequest[];
  ended: () => number;
} {
  const seen: RouteRequest[] = [];
  let ended = 0;
  const { talk = echo, protocols = [], path = PATH } = o;
  const proven = auth !== "public" && auth !== "bearer";
  const route: MountedRoute = {
    method: "GET",
    path,
    auth,
    ...(proven ? { pseudo: PSEUDO } : {}),
    maxBodyBytes: MAX,
    serve: () => Promise.reject(new HnError("bad_request", { reason: "websocket_only" })),
    socket: {
      protocols,
      async *talk(request, { incoming }) {
        seen.push(request);
        try {
          return yield* talk(incoming, request.signal);
        } finally {
          ended += 1;
        }
      },
    },
  };
  return { route, seen, ended: () => ended };
}

interface Wire {
  socket: WebSocket;
  heard: (string | Buffer)[];
  closed: Promise<{ code: number; reason: string }>;
}

/** @throws Error with `status` where the upgrade is refused */
async function dial(scope: Scope, house: House, path: string, protocols: string[] = []): Promise<Wire> {
  const url = `${house.listener.url.replace("https:", "wss:")}${path}`;
  const socket = new WebSocket(url, protocols, { rejectUnauthorized: false });
  scope.after(() => socket.terminate());
  const wire: Wire = {
    socket,
    heard: [],
    closed: new Promise((resolve) => {
      socket.once("close", (code, reason) => resolve({ code, reason: reason.toString("utf8") }));
    }),
  };
  socket.on("message", (data: Buffer, isBinary) => wire.heard.push(isBinary ? data : data.toString("utf8")));
  const refused = Promise.withResolvers<never>();
  refused.promise.catch(() => undefined);
  socket.on("error", (error) => refused.reject(error));
  socket.on("unexpected-response", (_request, { statusCode, headers }) =>
    refused.reject(Object.assign(new Error(`refused with ${statusCode}`), { status: statusCode, headers })),
  );
  await Promise.race([once(socket, "open"), refused.promise]);
  return wire;
}

/** Resolves when the count has been the same for many looks. */
async function standsStill(count: () => number): Promise<void> {
  let before = -1;
  let looks = 0;
  await until("it stands still", () => {
    looks = count() === before ? looks + 1 : 0;
    before = count();
    return looks === STILL_LOOKS;
  });
}

const wordOf = (wire: Wire): unknown => (JSON.parse(String(wire.heard.at(-1))) as { data: { error: string } }).data.error;

describe("a plugin's WebSocket for members (§2.4)", async () => {
  const table = new MountTable();
  const { street, anna, ben } = await shareStreet((made) =>
    made.neighbours({ anna: { listener: { mounts: table, rates: { perAddress: 1000 } } } }),
  );
  const mount = (...routes: MountedRoute[]): void => void table.prepare("ext/demo", routes)();
  const proof = (o: Parameters<typeof first>[2] = {}, who: House = ben): string =>
    JSON.stringify(first(who.signer, anna, { at: street.clock.now(), capability: PSEUDO, body: SAID, ...o }));
  const talk = async (t: Scope): Promise<Wire> => {
    const wire = await dial(t, anna, HERE);
    wire.socket.send(proof());
    return wire;
  };

  it("begins with the first message, which proves who it is, and passes text and bytes as they are", async (t) => {
    const { route, seen, ended } = socketRoute("member");
    mount(route);
    const wire = await talk(t);
    wire.socket.send("Moin");
    wire.socket.send(Buffer.from([0, 255]));
    await until("both came back", () => wire.heard.length === 2);
    assert.deepEqual(wire.heard, ["Moin", Buffer.from([0, 255])]);
    const [asked] = seen;
    assert.deepEqual(structuredClone([asked?.caller?.kind, asked?.caller?.node_id, asked?.params, asked?.query, asked?.path]), [
      "member",
      ben.nodeId,
      { room: "kitchen" },
      { n: "1" },
      "/ext/demo/talk/kitchen",
    ]);
    wire.socket.close();
    assert.equal((await wire.closed).code, 1005);
    await until("the plugin is done", () => ended() === 1);
  });

  it("ends as the plugin ends it", async (t) => {
    mount(socketRoute("member").route);
    const [one, other] = [await talk(t), await talk(t)];
    one.socket.send("bye");
    assert.deepEqual(await one.closed, { code: 4000, reason: "as you wish" });
    other.socket.send("fail");
    assert.deepEqual(await other.closed, { code: 4403, reason: "Not you." });
  });

  const wrong: Record<string, [() => string, number, string]> = {
    "that proves another address": [() => proof({ body: { room: "cellar", n: "1" } }), 4400, "bad_request"],
    "that leaves the query out": [() => proof({ body: { room: "kitchen" } }), 4400, "bad_request"],
    "that says more than the address": [() => proof({ body: { ...SAID, more: "1" } }), 4400, "bad_request"],
    "for another route": [() => proof({ capability: "ext.demo.http.other" }), 4400, "bad_request"],
    "that names another recipient": [() => proof({ to: ben.nodeId }), 4401, "invalid_signature"],
    "that names no recipient": [() => proof({ to: null }), 4401, "invalid_signature"],
    "that is old": [() => proof({ at: street.clock.now() - 3_600_000 }), 4401, "expired"],
  };
  for (const [what, [message, code, error]] of Object.entries(wrong))
    it(`a first message ${what} is refused in signed words, and the plugin hears nothing`, async (t) => {
      const { route, seen } = socketRoute("member");
      mount(route);
      const wire = await dial(t, anna, HERE);
      wire.socket.send(message());
      assert.equal((await wire.closed).code, code);
      assert.deepEqual([wordOf(wire), seen.length], [error, 0]);
    });

  it("a proof is taken once, and a stranger's only where the route asks for a key alone", async (t) => {
    const { route, seen } = socketRoute("member");
    mount(route);
    const twice = proof({ requestId: "once-only-request-1" });
    const carl = await street.house("Carl");
    for (const [message, code] of [
      [twice, undefined],
      [twice, 4401],
      [proof({}, carl), 4403],
    ] as const) {
      const wire = await dial(t, anna, HERE);
      wire.socket.send(message);
      if (code !== undefined) assert.equal((await wire.closed).code, code);
      else await until("it is in", () => seen.length === 1);
    }
    const open = socketRoute("signed");
    mount(open.route);
    const wire = await dial(t, anna, HERE);
    wire.socket.send(proof({}, carl));
    await until("the stranger is in", () => open.seen[0]?.caller?.kind === "stranger");
  });

  it("a member that is revoked is out in the same turn, whatever the plugin does", async (t) => {
    const own = new Street(t);
    const mounts = new MountTable();
    const [ada, bob] = await own.neighbours({ anna: { listener: { mounts } } });
    const { route, seen } = socketRoute("member", { talk: sulking });
    mounts.prepare("ext/demo", [route])();
    const wire = await dial(t, ada, HERE);
    wire.socket.send(JSON.stringify(first(bob.signer, ada, { at: own.clock.now(), capability: PSEUDO, body: SAID })));
    await until("it is in", () => seen.length === 1);
    await ada.community.revoke({ target: bob.nodeId, reason: "lost" });
    assert.equal(seen[0]?.signal.aborted, true);
    assert.equal((await wire.closed).code, 4403);
  });

  it("a message that is larger than the route takes ends it", async (t) => {
    const { route, ended } = socketRoute("member");
    mount(route);
    const wire = await talk(t);
    wire.socket.send("x".repeat(MAX));
    await until("the largest comes back", () => wire.heard.length === 1);
    wire.socket.send("x".repeat(MAX + 1));
    assert.equal((await wire.closed).code, 4400);
    await until("the plugin is done", () => ended() === 1);
  });

  it("a client that does not read makes the plugin wait, and one that never reads is cut", async (t) => {
    let sent = 0;
    const { route, ended } = socketRoute("member", {
      async *talk() {
        for (;;) {
          sent += 1;
          yield "x".repeat(MAX);
        }
      },
    });
    mount(route);
    const wire = await talk(t);
    await until("it flows", () => sent > 2);
    wire.socket.pause();
    await standsStill(() => sent);
    assert.ok(sent < 1000, `${sent} messages are on their way to nobody`);
    street.clock.advance(30_000);
    await until("the plugin is done", () => ended() === 1);
    wire.socket.terminate();
  });

  it("a plugin that does not read makes the client wait", async (t) => {
    let taken = 0;
    const gate = Promise.withResolvers<void>();
    const { route } = socketRoute("member", {
      async *talk(incoming) {
        for await (const _message of incoming) {
          taken += 1;
          await gate.promise;
        }
        return { code: 1000, reason: "" };
      },
    });
    mount(route);
    const wire = await talk(t);
    let left = 0;
    const total = 400;
    for (let n = 0; n < total; n += 1) wire.socket.send("x".repeat(MAX), () => (left += 1));
    await until("the plugin has one", () => taken === 1);
    await standsStill(() => left);
    assert.ok(left < total, "all of it left, and waits in this node's memory");
    // Pings of a client that cannot answer do not speak against it.
    for (let n = 0; n < 5; n += 1) street.clock.advance(30_000);
    assert.equal(wire.socket.readyState, WebSocket.OPEN);
    gate.resolve();
    await until("the rest follows", () => {
      street.clock.advance(1000);
      return taken === total;
    });
  });

  it("more than 100 messages a second wait (the pace is the node's)", async (t) => {
    let taken = 0;
    const { route } = socketRoute("member", {
      async *talk(incoming) {
        for await (const _message of incoming) taken += 1;
        return { code: 1000, reason: "" };
      },
    });
    mount(route);
    const wire = await talk(t);
    for (let n = 0; n < 300; n += 1) wire.socket.send("x");
    await until("what was saved up is gone", () => taken === 200);
    for (let n = 0; n < 20; n += 1) await tick();
    assert.equal(taken, 200);
    street.clock.advance(1000);
    await until("a second later a hundred more", () => {
      street.clock.advance(1);
      return taken === 300;
    });
  });
});

/** Neither reads nor ends when it is asked to. */
async function* sulking(): AsyncGenerator<SocketMessage, SocketEnd, void> {
  await new Promise(() => undefined);
  yield "";
  return { code: 1000, reason: "" };
}

describe("a plugin's WebSocket for anybody (§2.4)", async () => {
  const table = new MountTable();
  const { street, anna } = await shareStreet((made) =>
    made.neighbours({ anna: { listener: { mounts: table, rates: { perAddress: 1000 } } } }),
  );
  const mount = (...routes: MountedRoute[]): void => void table.prepare("ext/demo", routes)();

  it("opens at once; nobody is proven, and a bearer's own words reach the plugin", async (t) => {
    const { route, seen } = socketRoute("bearer");
    mount(route);
    const url = `${anna.listener.url.replace("https:", "wss:")}${HERE}`;
    const socket = new WebSocket(url, { rejectUnauthorized: false, headers: { authorization: "Bearer abc", cookie: "a=b" } });
    t.after(() => socket.terminate());
    await once(socket, "open");
    await until("it is in", () => seen.length === 1);
    assert.deepEqual([seen[0]?.caller, structuredClone(seen[0]?.headers)], [null, { authorization: "Bearer abc" }]);
  });

  it("is opened under a protocol that the route names", async (t) => {
    mount(socketRoute("public", { protocols: ["relay.v2", "relay.v1"] }).route);
    assert.equal((await dial(t, anna, HERE, ["mqtt", "relay.v1"])).socket.protocol, "relay.v1");
    for (const protocols of [[], ["mqtt"]])
      await assert.rejects(dial(t, anna, HERE, protocols), ({ status, headers }: { status: number; headers: object }) => {
        assert.deepEqual([status, (headers as Record<string, string>)["sec-websocket-protocol"]], [426, "relay.v2, relay.v1"]);
        return true;
      });
  });

  it("elsewhere there is none, and a plain request is told what is spoken here", async (t) => {
    const { route } = socketRoute("public");
    mount(route, { ...route, path: "/ext/demo/plain", socket: undefined as never });
    await assert.rejects(dial(t, anna, "/ext/demo/plain"), { status: 404 });
    await assert.rejects(dial(t, anna, "/ext/demo/nothing"), { status: 404 });
    const answer = await get(anna, HERE);
    assert.deepEqual([answer.status, answer.headers["upgrade"], answer.body["reason"]], [426, "websocket", "websocket_only"]);
  });

  it("one address has eight of them", async (t) => {
    mount(socketRoute("public").route);
    const open = [];
    for (let n = 0; n < 8; n += 1) open.push(await dial(t, anna, HERE));
    await assert.rejects(dial(t, anna, HERE), { status: 503 });
    open[0]?.socket.close();
    await open[0]?.closed;
    await until("there is room again", async () =>
      dial(t, anna, HERE).then(
        () => true,
        () => false,
      ),
    );
    for (const { socket } of open) socket.terminate();
  });

  it("one on which nothing is said for two minutes is closed, even where its client is there", async (t) => {
    const { route, ended } = socketRoute("public");
    mount(route);
    await until("the places of others are free", async () =>
      dial(t, anna, HERE).then(
        ({ socket }) => (socket.terminate(), true),
        () => false,
      ),
    );
    const before = ended();
    const wire = await dial(t, anna, HERE);
    wire.socket.send("here");
    await until("it is in", () => wire.heard.length === 1);
    for (let n = 0; n < 4; n += 1) {
      const ponged = once(wire.socket, "ping");
      street.clock.advance(30_000);
      if (n < 3) await ponged;
      for (let m = 0; m < 20; m += 1) await tick();
    }
    assert.equal((await wire.closed).code, 1000);
    await until("the plugin is done", () => ended() > before);
  });

  it("a client that is gone without a word is noticed, and the plugin is told", async (t) => {
    const { route, seen } = socketRoute("public", { talk: sulking });
    mount(route);
    const wire = await dial(t, anna, HERE);
    await until("it is in", () => seen.length === 1);
    wire.socket.terminate();
    await until("the plugin hears of it", () => seen[0]?.signal.aborted === true);
  });

  it("the node says goodbye when it stops", async (t) => {
    const mounts = new MountTable();
    const house = await new Street(t).house("Ida", { listener: { mounts } });
    mounts.prepare("ext/demo", [socketRoute("public").route])();
    const wire = await dial(t, house, HERE);
    wire.socket.send("here");
    await until("it is in", () => wire.heard.length === 1);
    await house.listener.close();
    assert.equal((await wire.closed).code, 1001);
  });
});
