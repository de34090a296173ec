/** Plugins that turn the network they were granted against the house they live in. The control sends the same wishes without a host between. @source plugin-platform §10 A06 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import type { JsonObject, PermissionName } from "../../../host/src/contract/index.ts";
import { allow, hasBubblewrap, temporaryFolder } from "../../../host/test/runtime/fixtures/world.ts";
import { Street } from "../../../host/test/runtime/net/street.ts";
import { runControl } from "./control-network.ts";
import { Daemon } from "./daemon.ts";
import { hostile } from "./hostile.ts";
import { recordOf, reportAttack } from "./report.ts";

const PUBLIC = "93.184.215.14";
const NAS = "192.168.7.7";
const REACHED = "reached what is private";
const CONFIG = { schema: { type: "object", properties: { url: { type: "string", "x-endpoint": true } } }, secrets: [] };

const confined = hasBubblewrap();
let street: Street;
let daemon: Daemon;
/** What the control reaches, on this machine. */
let near: Server;
let port = 0;
/** Requests that reached something private, and fields that nobody meant to send. */
let harm = 0;
before(async () => {
  near = createServer(({ url = "/", headers }, response) => {
    const to = new URL(url, "http://x").searchParams.get("to");
    if (to !== null) return void response.writeHead(302, { location: to }).end();
    response.end(headers["x-injected"] === undefined ? REACHED : "injected");
  });
  near.listen(0);
  await once(near, "listening");
  ({ port } = near.address() as AddressInfo);
  if (!confined) return;
  street = await Street.open();
  await street.http(`${PUBLIC}:80`, ({ url = "/", headers }, response) => {
    if (headers["x-injected"] !== undefined) harm += 1;
    const to = new URL(url, "http://x").searchParams.get("to");
    if (to === null) return void response.end("public");
    response.writeHead(302, { location: to }).end();
  });
  for (const at of ["127.0.0.1:80", `${NAS}:80`, "169.254.169.254:80"])
    await street.http(at, (_, response) => {
      harm += 1;
      response.end(REACHED);
    });
  daemon = await Daemon.open(temporaryFolder(), { ways: street.ways });
});
after(async () => {
  near.close();
  if (!confined) return;
  await daemon.close();
  await street.close();
});

interface Trick {
  title: string;
  grants: [PermissionName, JsonObject][];
  /** Where the wishes go: as the plugin's network has it, and as the control's. */
  plugin: { name: string; url: string; headers?: [string, string][] }[];
  control: (port: number) => { name: string; url: string; headers?: [string, string][] }[];
  names?: Record<string, readonly string[] | readonly string[][]>;
  /** What the operator has typed. */
  config?: JsonObject;
  expected?: RegExp;
  reached?: RegExp;
}

const INTERNET: [PermissionName, JsonObject] = ["net.internet", { hosts: ["api.test:80", "evil.test:80"] }];
const TRICKS: readonly Trick[] = [
  {
    title: "point a granted name at this machine, its neighbours or the cloud's own address; at once or with the second question",
    grants: [INTERNET],
    names: { "api.test": [["127.0.0.1"], [NAS], ["169.254.169.254"], [PUBLIC, "127.0.0.1"], ["::ffff:127.0.0.1"]] },
    plugin: ["first", "second", "third", "fourth", "fifth"].map((name) => ({ name, url: "http://api.test/" })),
    control: (at) => [{ name: "a name that leads here", url: `http://localhost:${at}/` }],
  },
  {
    title: "have a granted server redirect to what is private",
    grants: [INTERNET],
    names: { "api.test": [PUBLIC] },
    plugin: [
      "http://127.0.0.1/",
      `http://${NAS}/`,
      "http://169.254.169.254/latest/",
      "http://[::ffff:127.0.0.1]/",
      "http://2130706433/",
    ].map((to) => ({
      name: to,
      url: `http://api.test/?to=${encodeURIComponent(to)}`,
    })),
    control: (at) => [{ name: "redirect", url: `http://127.0.0.1:${at}/?to=${encodeURIComponent(`http://localhost:${at}/`)}` }],
  },
  {
    title: "write loopback in IPv6, in hexadecimal, as one number, with every host of the internet granted",
    grants: [["net.internet", { hosts: ["*"] }]],
    plugin: [
      "[::ffff:127.0.0.1]",
      "[::ffff:7f00:1]",
      "[::1]",
      "0x7f.1",
      "2130706433",
      "127.1",
      "[64:ff9b::7f00:1]",
      "0.0.0.0",
    ].map((host) => ({
      name: host,
      url: `http://${host}/`,
    })),
    control: (at) =>
      ["[::ffff:127.0.0.1]", "0x7f.1", "2130706433", "0.0.0.0"].map((host) => ({ name: host, url: `http://${host}:${at}/` })),
  },
  {
    title: "use an endpoint of the operator's after it has changed its class",
    grants: [["net.lan", { fromConfig: "/url" }]],
    config: { url: "http://nas.test/" },
    names: { "nas.test": [["127.0.0.1"], ["169.254.169.254"], [PUBLIC]] },
    plugin: ["to this machine", "to the cloud's own", "to the internet"].map((name) => ({ name, url: "http://nas.test/" })),
    control: (at) => [{ name: "by name", url: `http://localhost:${at}/` }],
  },
  {
    title: "smuggle a header field behind a line's end",
    grants: [INTERNET],
    names: { "api.test": [PUBLIC] },
    plugin: [
      { name: "in a value", url: "http://api.test/", headers: [["x-mine", "1\r\nx-injected: 1"]] },
      { name: "in a name", url: "http://api.test/", headers: [["x-mine: 1\r\nx-injected", "1"]] },
      { name: "with a bare line feed", url: "http://api.test/", headers: [["x-mine", "1\nx-injected: 1"]] },
    ],
    control: (at) => [{ name: "in a value", url: `http://127.0.0.1:${at}/`, headers: [["x-mine", "1\r\nx-injected: 1"]] }],
    expected: /^bad_request$/,
    reached: /^injected$/,
  },
];

/** One payload for both: goes through the wishes and says what each came to. */
const wishes = (list: Trick["plugin"]): string => `
const outcome = {};
for (const { name, url, headers } of ${JSON.stringify(list)})
  try { outcome[name] = await (await ctx.fetch(url, headers ? { headers } : {})).text(); }
  catch (error) { outcome[name] = error.code ?? String(error); }
return outcome;`;

for (const [index, trick] of TRICKS.entries())
  test(`A06: cannot ${trick.title}; the control can`, async (t) => {
    if (!confined) return t.skip("needs bubblewrap");
    const { expected = /^permission_denied$/, reached = new RegExp(REACHED) } = trick;
    const control = JSON.parse(await runControl(wishes(trick.control(port)), {})) as Record<string, string>;
    for (const [name, result] of Object.entries(control)) assert.match(result, reached, `the control must succeed: ${name}`);
    street.asked.length = 0;
    Object.assign(street.names, trick.names);
    harm = 0;
    const id = `lab/fetcher-${index}`;
    const parts = { ...hostile({}), id, manifest: { config: CONFIG } };
    const grants = [
      allow("bus.provide", { prefixes: ["ext.hostile."] }),
      ...trick.grants.map(([name, scope]) => allow(name, scope)),
    ];
    const status = await daemon.runtime.stage(await daemon.release(parts), grants);
    assert.deepEqual([status.state, status.label], ["active", "os"]);
    try {
      if (trick.config !== undefined) await daemon.runtime.setConfig(id, trick.config, {});
      const outcome = (await daemon.call("ext.hostile.run", { code: wishes(trick.plugin) })) as Record<string, string>;
      assert.equal(Object.keys(outcome).length, trick.plugin.length);
      for (const [name, result] of Object.entries(outcome)) assert.match(result, expected, name);
      assert.equal(harm, 0, "nothing private was reached, nothing was smuggled");
      const record = recordOf(daemon.runtime, id);
      if (trick.expected === undefined) assert.match(record, /ledger: net\.fetch deny/);
      reportAttack({
        row: "A06",
        title: trick.title,
        confined: [...new Set(Object.values(outcome))].join(", "),
        control: [...new Set(Object.values(control))].join(", "),
        record,
      });
    } finally {
      await daemon.runtime.remove(id, { keepData: false });
    }
  });
