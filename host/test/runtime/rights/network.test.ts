/** The network and a plugin's doors in a trial run and where the operator is asked: real plugins, a street of the test's own. @source plugin-platform §3.4 */
import assert from "node:assert/strict";
import { after, before, beforeEach, test, type TestContext } from "node:test";
import type {
  Grant,
  GrantMode,
  JsonObject,
  MountedRoute,
  PermissionRequest,
  PluginManifest,
  Principal,
  Question,
} from "../../../src/contract/index.ts";
import { refusal } from "../../support/people.ts";
import { until } from "../../support/until.ts";
import { allow, hasBubblewrap, NODE_ID, type World } from "../fixtures/world.ts";
import { guest, openIsolateWorld } from "../isolate/guests.ts";
import { Street } from "../net/street.ts";

const [PUBLIC, OTHER] = ["93.184.215.14", "93.184.215.15"];
const SELF: Principal = { kind: "self", node_id: NODE_ID, community_id: null, level: "anchor" };
const PROVIDE = allow("bus.provide", { prefixes: ["dev."] });
const ask = (name: PermissionRequest["name"], scope: JsonObject): PermissionRequest => ({
  name,
  scope,
  reason: { en: "Needs it." },
});

type Routes = NonNullable<PluginManifest["contributes"]["http"]>[number]["routes"];

const skip = hasBubblewrap() ? false : "needs bubblewrap";
let world: World;
let street: Street;
let seen: string[] = [];
/** What is mounted, by plugin. */
const mounted = new Map<string, readonly MountedRoute[]>();
before(async () => {
  if (skip !== false) return;
  street = await Street.open();
  street.names["api.test"] = [PUBLIC];
  street.names["other.test"] = [OTHER];
  street.names["nas.test"] = ["192.168.7.7"];
  await street.http(`${PUBLIC}:80`, (request, response) => {
    seen.push(`${request.method} ${request.headers.host}${request.url}`);
    if (request.url === "/away") return void response.writeHead(303, { location: "http://other.test/here" }).end();
    response.end("real");
  });
  await street.http(`${OTHER}:80`, (request, response) => {
    seen.push(`${request.method} ${request.headers.host}${request.url}`);
    response.end("other");
  });
  world = await openIsolateWorld({
    ways: street.ways,
    mounts: {
      prepare: (plugin, routes) => () => {
        mounted.set(plugin, routes);
        return { withdraw: () => mounted.delete(plugin) };
      },
    },
  });
});
after(async () => {
  if (skip !== false) return;
  await world.close();
  await street.close();
});
beforeEach(() => {
  seen = [];
  if (street !== undefined) street.asked.length = street.dialled.length = 0;
});

async function install(
  t: TestContext,
  does: string,
  o: { asks?: PermissionRequest[]; grants?: Grant[]; routes?: Routes; config?: JsonObject },
): Promise<{ id: string; call: (input?: JsonObject) => Promise<JsonObject> }> {
  const release = guest(world, {
    does,
    manifest: {
      tier: { min: "process" },
      entry: { main: "main.mjs" },
      permissions: [ask("bus.provide", { prefixes: ["dev."] }), ...(o.asks ?? [])],
      config: {
        schema: { type: "object", properties: { key: { type: "string", "x-secret": true } } },
        secrets: ["/key"],
      },
      ...(o.routes === undefined ? {} : { contributes: { http: [{ prefix: "ext.dev.guest", routes: o.routes }] } }),
    },
  });
  t.after(() => world.runtime.remove(release.id, { keepData: false }));
  const status = await world.runtime.stage(release, [PROVIDE, ...(o.grants ?? [])]);
  assert.equal(status.state, "active", JSON.stringify(status.reason));
  return {
    id: release.id,
    call: async (input = {}) =>
      JSON.parse(JSON.stringify((await world.bus.call(release.capability, { input, caller: SELF })).output)) as JsonObject,
  };
}

const moded = (mode: GrantMode, grant: Grant): Grant => ({ ...grant, mode });
const question = (): Promise<Question> => until("a question comes", () => world.runtime.rights.questions()[0]);
const rowsOf = (id: string): string[] =>
  world.runtime
    .ledger(200)
    .rows.filter(({ plugin }) => plugin === id)
    .map(({ op, permission, target, verdict }) => `${verdict} ${op} ${permission} ${target}`);

test(
  "in a trial run the network is simulated and noted: no name is asked for, nothing is dialled, and what is proposed is what was used (§3.4.5)",
  { skip },
  async (t) => {
    const { id, call } = await install(
      t,
      `const said = [];
     const answer = await ctx.fetch("http://a.api.test/x", { method: "POST", body: "hello", secrets: [{ header: "x-key", secret: "/key" }] });
     said.push(answer.status, await answer.text());
     const upload = await ctx.fetch("http://api.test/up", { method: "PUT", body: (async function* () { yield new Uint8Array(10); })() });
     said.push(upload.status);
     let bytes = 0;
     for await (const piece of await ctx.net.connect("127.0.0.1", 7, { tls: false })) bytes += piece.length;
     const socket = await ctx.net.websocket("ws://nas.test/live");
     let messages = 0;
     for await (const _ of socket) messages += 1;
     said.push(bytes, messages, (await socket.ended).code);
     const udp = await ctx.net.udp();
     await udp.send({ bytes: new Uint8Array(3), host: "nas.test", port: 161 });
     await udp.close();
     return { output: { said } };`,
      {
        asks: [
          ask("net.internet", { hosts: ["*.api.test:80", "api.test:80", "never.test:443"] }),
          ask("net.lan", { hosts: ["*:80"] }),
          ask("net.loopback", { ports: [7, 8] }),
          ask("net.udp", { hosts: ["*:161", "10.0.0.1:162"] }),
          ask("secret.use", { names: ["/key", "/other"] }),
        ],
      },
    );
    await world.runtime.rights.startTrial(id, 1);
    await world.runtime.setConfig(id, {}, { "/key": "S3CRET" });
    assert.deepEqual(await call(), { said: [204, "", 204, 0, 0, 1000] });
    assert.deepEqual([street.asked, street.dialled, seen], [[], [], []]);
    const rows = rowsOf(id);
    for (const [op, permission, target] of [
      ["net.fetch", "net.internet", "a.api.test:80"],
      ["net.fetch", "net.internet", "api.test:80"],
      ["net.connect", "net.loopback", "127.0.0.1:7"],
      ["net.websocket", "net.lan", "nas.test:80"],
      ["net.udp", "net.udp", "net.udp"],
      ["net.write", "net.udp", "nas.test:161"],
    ])
      assert.ok(rows.includes(`simulate ${op} ${permission} ${target}`), `${op} ${target}: ${rows.join("\n")}`);
    const { proposal } = world.runtime.rights.trial(id)!;
    assert.deepEqual(
      proposal.grants.map(({ permission, scope }) => [permission, scope]),
      [
        ["bus.provide", { prefixes: ["dev."] }],
        ["net.internet", { hosts: ["api.test:80", "a.api.test:80"] }],
        // Which kind of address a name leads to is known when it is resolved: every kind that was asked for under it is needed.
        ["net.lan", { hosts: ["a.api.test:80", "api.test:80", "nas.test:80"] }],
        ["net.loopback", { ports: [7] }],
        ["net.udp", { hosts: ["nas.test:161"] }],
        ["secret.use", { names: ["/key"] }],
      ],
    );
    await world.runtime.rights.acceptTrial(id, proposal.digest);
    await assert.rejects(call(), "nobody lives at a.api.test");
    assert.deepEqual(street.asked, ["a.api.test"], "it is real from here on");
  },
);

test(
  "the operator is asked where it wants to go, and for each place alone; what was done before is not done twice (§3.4.1)",
  { skip },
  async (t) => {
    const { id, call } = await install(
      t,
      `try { return { output: { text: await (await ctx.fetch("http://api.test" + req.input.path, { method: "POST", body: "x" })).text() } }; }
     catch (error) { return { output: { code: error.code } }; }`,
      {
        grants: [
          allow("net.internet", { hosts: ["api.test:80"] }),
          moded("ask", allow("net.internet", { hosts: ["other.test:80"] })),
        ],
      },
    );
    assert.deepEqual(await call({ path: "/" }), { text: "real" });
    assert.deepEqual(world.runtime.rights.questions(), []);
    seen = [];
    const followed = call({ path: "/away" });
    const { id: asked, ...what } = await question();
    assert.deepEqual([what.permission, what.target, seen], ["net.internet", "other.test:80", ["POST api.test/away"]]);
    await world.runtime.rights.answer(asked, "once");
    assert.deepEqual(await followed, { text: "other" });
    assert.deepEqual(seen, ["POST api.test/away", "GET other.test/here"]);
    for (const target of ["api.test:80", "other.test:80"])
      assert.ok(rowsOf(id).includes(`allow net.fetch net.internet ${target}`), "each place it went to has its row (§8.1)");
    const refused = call({ path: "/away" });
    await world.runtime.rights.answer((await question()).id, "deny");
    assert.deepEqual(await refused, { code: "permission_denied" });
    assert.ok(rowsOf(id).includes("deny net.fetch net.internet other.test:80"), rowsOf(id).join("\n"));
  },
);

test("what was allowed in a trial run is done, and a redirect out of it is simulated (§3.4.5)", { skip }, async (t) => {
  const { id, call } = await install(
    t,
    `const answer = await ctx.fetch("http://api.test/away"); return { output: { status: answer.status, text: await answer.text() } };`,
    {
      asks: [ask("net.internet", { hosts: ["*"] })],
      grants: [allow("net.internet", { hosts: ["api.test:80"] })],
    },
  );
  await world.runtime.rights.startTrial(id, 1);
  assert.deepEqual(await call(), { status: 204, text: "" });
  assert.deepEqual([seen, street.asked], [["GET api.test/away"], ["api.test"]]);
  assert.deepEqual(world.runtime.rights.trial(id)?.proposal.grants.at(-1)?.scope, { hosts: ["api.test:80", "other.test:80"] });
});

test("an answer of the operator's lasts as long as a socket for datagrams, for each place", { skip }, async (t) => {
  const { id: plugin, call } = await install(
    t,
    `const udp = await ctx.net.udp();
     const said = [];
     for (const host of ["127.0.0.1", "127.0.0.1", "127.0.0.2"]) said.push(await udp.send({ bytes: new Uint8Array(1), host, port: 9 }).then(() => "sent", (error) => error.code));
     await udp.close();
     return { output: { said } };`,
    { grants: [moded("ask", allow("net.udp", { hosts: ["127.0.0.1:9", "127.0.0.2:9"] }))] },
  );
  const targets: string[] = [];
  const forget = world.runtime.rights.onQuestions((open) => {
    for (const { id, target } of open) {
      if (targets.includes(target)) continue;
      targets.push(target);
      void world.runtime.rights.answer(id, target === "127.0.0.2:9" ? "deny" : "once");
    }
  });
  assert.deepEqual(await call(), { said: ["sent", "sent", "permission_denied"] });
  assert.deepEqual(targets, ["net.udp", "127.0.0.1:9", "127.0.0.2:9"]);
  const rows = await until("the socket's own row is there", () => {
    const now = rowsOf(plugin);
    return now.includes("allow net.udp net.udp 127.0.0.1:9") ? now : null;
  });
  assert.ok(rows.includes("deny net.write net.udp 127.0.0.2:9"), rows.join("\n"));
  assert.ok(!rows.includes("allow net.udp net.udp 127.0.0.2:9"));
  forget();
});

const ROUTES: Routes = [
  { method: "GET", path: "/ext/dev/guest/open", auth: "public" },
  { method: "GET", path: "/ext/dev/guest/own", auth: "operator" },
];
const MOUNT: JsonObject = { prefix: "ext.dev.guest", auth: ["public", "operator", "member"] };
const paths = (id: string): string[] => (mounted.get(id) ?? []).map(({ path }) => path);

test("a route that is not granted stays shut, with a row in the ledger (§3.1 router.mount, §8.1)", { skip }, async (t) => {
  const { id } = await install(t, "", {
    routes: ROUTES,
    grants: [allow("http.mount", { prefix: "ext.dev.guest", auth: ["operator"] })],
  });
  assert.deepEqual(paths(id), ["/ext/dev/guest/own"]);
  const shut = (): number => rowsOf(id).filter((row) => row === "deny http.mount http.mount GET /ext/dev/guest/open").length;
  assert.equal(shut(), 1);
  await world.runtime.setGrants(id, [PROVIDE, allow("http.mount", MOUNT)]);
  assert.deepEqual(paths(id), ["/ext/dev/guest/open", "/ext/dev/guest/own"]);
  assert.equal(shut(), 1, "what is open now is no denial");
});

test("in a trial run no route opens, and what was declared is proposed (§3.4.5)", { skip }, async (t) => {
  const { id } = await install(t, "", { routes: ROUTES, asks: [ask("http.mount", MOUNT)] });
  await world.runtime.rights.startTrial(id, 1);
  assert.deepEqual(paths(id), []);
  assert.ok(rowsOf(id).includes("simulate http.mount http.mount GET /ext/dev/guest/open"), rowsOf(id).join("\n"));
  const { proposal } = world.runtime.rights.trial(id)!;
  assert.deepEqual(proposal.grants.at(-1)?.scope, { prefix: "ext.dev.guest", auth: ["public", "operator"] });
  await world.runtime.rights.acceptTrial(id, proposal.digest);
  assert.deepEqual(paths(id), ["/ext/dev/guest/open", "/ext/dev/guest/own"]);
});

test("the operator is asked about each route once, and nobody who comes by is (§3.4.1)", { skip }, async (t) => {
  const { id } = await install(t, "", { routes: ROUTES, grants: [moded("ask", allow("http.mount", MOUNT))] });
  assert.deepEqual(paths(id), [], "the plugin runs, its routes wait");
  const first = await question();
  assert.deepEqual([first.permission, first.target], ["http.mount", "GET /ext/dev/guest/open"]);
  await world.runtime.rights.answer(first.id, "deny");
  const second = await until("the next is asked", () => world.runtime.rights.questions().find((one) => one.id !== first.id));
  await world.runtime.rights.answer(second.id, "once");
  await until("it is open", () => paths(id).length === 1);
  assert.deepEqual(paths(id), ["/ext/dev/guest/own"]);
  assert.ok(rowsOf(id).includes("deny http.mount http.mount GET /ext/dev/guest/open"), rowsOf(id).join("\n"));
  await world.runtime.setGrants(id, [PROVIDE]);
  assert.deepEqual(paths(id), []);
});

test("strangers at a plugin's route cannot use up what members may call (§7)", { skip }, async (t) => {
  const release = guest(world, {
    does: "return { output: { here: true } };",
    manifest: {
      tier: { min: "process" },
      entry: { main: "main.mjs" },
      limits: { callsPerMinute: 2 },
      contributes: { http: [{ prefix: "ext.dev.guest", routes: ROUTES }] },
    },
  });
  t.after(() => world.runtime.remove(release.id, { keepData: false }));
  await world.runtime.stage(release, [PROVIDE, allow("http.mount", MOUNT)]);
  const route = mounted.get(release.id)?.[0];
  assert.ok(route);
  const come = (): Promise<unknown> =>
    route.serve({
      path: route.path,
      params: {},
      query: {},
      headers: {},
      body: {},
      caller: null,
      requestId: "request-0001",
      traceId: "trace-0001",
      signal: new AbortController().signal,
    });
  // The guest has no such route and says so; that it was asked is what counts.
  for (let n = 0; n < 2; n += 1) await come().catch(() => {});
  await assert.rejects(come(), refusal("rate_limited"));
  for (let n = 0; n < 2; n += 1) await world.bus.call(release.capability);
  await assert.rejects(world.bus.call(release.capability), refusal("rate_limited"));
});
