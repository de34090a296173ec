import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import type { JsonObject, PermissionName } from "../../../src/contract/index.ts";
import { fetchFor, readSecretHeaders, typedAt, type FetchRequest, type Settings } from "../../../src/runtime/net/index.ts";
import { GrantTable, passes } from "../../../src/runtime/permission/index.ts";
import { allow } from "../fixtures/world.ts";
import { until } from "../../support/until.ts";
import { House } from "./house.ts";
import { Street } from "./street.ts";

const PUBLIC = "93.184.215.14";
const NAS = "192.168.7.7";
const SECRET = "s3cret-of-the-operator";
let street: Street;
let seen: IncomingHttpHeaders[] = [];
before(async () => {
  street = await Street.open();
  for (const at of [`${PUBLIC}:80`, `${NAS}:8080`, "127.0.0.1:8080", "10.0.0.9:80"])
    await street.http(at, ({ headers, url }, response) => {
      seen.push(headers);
      if (url === "/endless") return void response.write("begun");
      if (url === "/away") return void response.writeHead(302, { location: "http://10.0.0.9/" }).end();
      if (url === "/here") return void response.writeHead(302, { location: "/" }).end();
      response.end(at);
    });
  for (const name of ["api.test", "other.test"])
    await street.https(`${name === "api.test" ? PUBLIC : "151.101.1.69"}:443`, name, ({ headers }, response) => {
      seen.push(headers);
      response.end(name);
    });
});
after(() => street.close());
beforeEach(() => {
  seen = [];
  Object.assign(street.names, { "api.test": [PUBLIC], "other.test": ["151.101.1.69"], "nas.test": [NAS] });
});

const SCHEMA: JsonObject = {
  type: "object",
  properties: {
    note: { type: "string" },
    token: { type: "string", "x-secret": true },
    backends: {
      type: "array",
      items: {
        type: "object",
        properties: {
          url: { type: "string", "x-endpoint": true },
          label: { type: "string" },
          key: { type: "string", "x-secret": true },
        },
      },
    },
  },
};
const backends = (...urls: string[]): JsonObject => ({ backends: urls.map((url) => ({ url, label: "http://evil.test/" })) });
const settings = (value: JsonObject, secrets: Record<string, string> = {}): Settings => ({ value, schema: SCHEMA, secrets });

function house(value: JsonObject, ...grants: [PermissionName, JsonObject][]): House {
  const plugin = new House(street.ways, grants);
  Object.assign(plugin.settings, settings(value));
  return plugin;
}

function get(from: House, url: string, more: Partial<FetchRequest> = {}): Promise<JsonObject> {
  return fetchFor(
    from.network,
    { url, method: "GET", fields: [], body: null, secrets: [], redirect: "follow", headersMs: 60_000, ...more },
    from.talk(),
  );
}
const FROM_CONFIG: JsonObject = { fromConfig: "/backends/*/url" };

test("endpoints are what stands in fields marked x-endpoint, of what the operator saved, and nothing else (§3.1 fromConfig)", () => {
  const value = {
    ...backends(
      "http://nas.test:8080/v1",
      "https://API.test",
      "no url",
      "http://[fd00::1]/",
      "mqtt://Broker.Home:1883",
      "mqtt://broker.home",
    ),
    note: "http://note.test/",
  };
  const known = [
    { host: "nas.test", port: 8080 },
    { host: "api.test", port: 443 },
    { host: "fd00::1", port: 80 },
    { host: "broker.home", port: 1883 },
    { host: "note.test", port: 80 },
  ];
  const typed = known.map((target) => typedAt(target, settings(value)));
  assert.deepEqual(typed, [["/backends/0/url"], ["/backends/1/url"], ["/backends/3/url"], ["/backends/4/url"], []]);
  /** Hosts that a scope reaches which points into the settings. */
  const reached = (fromConfig: string): string[] => {
    const table = new GrantTable([allow("net.lan", { fromConfig })]);
    return known.flatMap((target, n) =>
      passes(table, { method: "reach", args: ["lan", { ...target, typed: typed[n] }] }) ? [target.host] : [],
    );
  };
  assert.deepEqual(reached("/backends/*/url"), ["nas.test", "api.test", "fd00::1", "broker.home"]);
  assert.deepEqual(reached("/backends/1/url"), ["api.test"]);
  for (const pointer of [
    "/note",
    "/backends/*/label",
    "/backends",
    "/backends/*",
    "/nothing",
    "",
    "/",
    "*",
    "/__proto__/url",
    "/backends/*/url/x",
  ])
    assert.deepEqual(reached(pointer), [], pointer);
  assert.deepEqual(typedAt({ host: "api.test", port: 443 }, { ...settings(value), schema: null }), []);
});

test("what the operator typed is reached, on its port, and only within the class that was granted (A06 fromConfig)", async () => {
  const plugin = house(backends("http://nas.test:8080/"), ["net.lan", FROM_CONFIG]);
  await get(plugin, "http://nas.test:8080/anything");
  assert.deepEqual([plugin.text(), plugin.noted.permission], [`${NAS}:8080`, "net.lan"]);
  for (const url of ["http://nas.test/", `http://${NAS}:8080/`, "http://evil.test/", "http://127.0.0.1:8080/"])
    await assert.rejects(get(plugin, url), { code: "permission_denied" }, url);
});

test("an endpoint that changes its class needs the right of that class: by its name, or by what is typed (A06 fromConfig class change)", async () => {
  const plugin = house(backends("http://nas.test:8080/"), ["net.lan", FROM_CONFIG]);
  for (const elsewhere of ["127.0.0.1", PUBLIC, "169.254.169.254", "::1"]) {
    street.names["nas.test"] = [elsewhere];
    await assert.rejects(get(plugin, "http://nas.test:8080/"), { code: "permission_denied" }, elsewhere);
  }
  Object.assign(plugin.settings, settings(backends("http://127.0.0.1:8080/")));
  await assert.rejects(get(plugin, "http://127.0.0.1:8080/"), { code: "permission_denied" });
  plugin.grant(["net.lan", FROM_CONFIG], ["net.loopback", FROM_CONFIG]);
  await get(plugin, "http://127.0.0.1:8080/");
  assert.equal(plugin.text(), "127.0.0.1:8080");
});

test("an endpoint that is taken out of the settings ends what runs to it (§3.4.3)", async () => {
  const plugin = house(backends("http://nas.test:8080/"), ["net.lan", FROM_CONFIG]);
  const done = get(plugin, "http://nas.test:8080/endless");
  await until("it has begun", () => plugin.text() === "begun");
  plugin.settings.value = backends("http://nas.test:8080/", "http://api.test/");
  plugin.network.recheck();
  assert.equal(plugin.network.size, 1);
  plugin.settings.value = backends("http://api.test/");
  plugin.network.recheck();
  await assert.rejects(done, { code: "permission_denied" });
});

const USE: [PermissionName, JsonObject] = ["secret.use", { names: ["/backends/*/key", "/token"] }];
const keyOf = (at: number) => [{ header: "authorization", secret: `/backends/${at}/key`, prefix: "Bearer " }];

test("a secret goes into the header of a request to the endpoint beside it, and to no other (§2.4, A22)", async () => {
  const urls = ["https://api.test/", "https://other.test/"];
  const plugin = house(backends(...urls), ["net.internet", FROM_CONFIG], ["net.internet", { hosts: ["third.test:443"] }], USE);
  plugin.settings.secrets = { "/backends/0/key": SECRET };
  await get(plugin, "https://api.test/v1", { secrets: keyOf(0) });
  assert.equal(seen[0]?.authorization, `Bearer ${SECRET}`);
  assert.deepEqual(plugin.lent, ["/backends/0/key at api.test:443"]);
  const heard = JSON.stringify([plugin.heard, plugin.noted]);
  assert.ok(!heard.includes(SECRET), "nothing that comes back to the plugin or stands in the ledger has it");
  for (const url of ["https://other.test/", "https://third.test/"])
    await assert.rejects(get(plugin, url, { secrets: keyOf(0) }), { code: "permission_denied" }, url);
  await assert.rejects(get(plugin, "https://other.test/", { secrets: keyOf(1) }), { code: "not_found" });
  await assert.rejects(get(plugin, "https://api.test/", { secrets: keyOf(0), fields: [["authorization", "own"]] }), {
    code: "bad_request",
  });
  assert.equal(seen.length, 1, "nothing of that was sent");
  plugin.grant(["net.internet", FROM_CONFIG], ["secret.use", { names: ["/backends/1/key"] }]);
  await assert.rejects(get(plugin, "https://api.test/", { secrets: keyOf(0) }), { code: "permission_denied" });
});

test("a secret with no endpoint beside it goes to hosts that a grant names in full", async () => {
  const schema = { type: "object", properties: { token: { type: "string", "x-secret": true } } };
  const secrets = [{ header: "x-token", secret: "/token", prefix: "" }];
  const plugin = new House(street.ways, [["net.internet", { hosts: ["api.test:443", "*.test:443"] }], USE]);
  Object.assign(plugin.settings, { value: {}, schema, secrets: { "/token": SECRET } });
  await get(plugin, "https://api.test/", { secrets });
  assert.equal(seen[0]?.["x-token"], SECRET);
  await assert.rejects(get(plugin, "https://other.test/", { secrets }), { code: "permission_denied" }, "a wildcard names nobody");
});

test("a secret is not sent in the clear over the internet, and not along with a redirect to elsewhere", async () => {
  const plugin = house(
    backends("http://api.test/", "http://nas.test:8080/"),
    ["net.internet", FROM_CONFIG],
    ["net.lan", FROM_CONFIG],
    USE,
  );
  plugin.settings.secrets = { "/backends/0/key": SECRET, "/backends/1/key": SECRET };
  await assert.rejects(get(plugin, "http://api.test/", { secrets: keyOf(0) }), { code: "permission_denied" });
  assert.equal(seen.length, 0);
  await get(plugin, "http://nas.test:8080/here", { secrets: keyOf(1) });
  assert.deepEqual(
    seen.map(({ authorization }) => authorization),
    [`Bearer ${SECRET}`, `Bearer ${SECRET}`],
    "the same server gets it again",
  );
  plugin.grant(["net.lan", FROM_CONFIG], ["net.lan", { hosts: ["10.0.0.9:80"] }], USE);
  seen = [];
  await get(plugin, "http://nas.test:8080/away", { secrets: keyOf(1) });
  assert.deepEqual(
    seen.map(({ authorization }) => authorization),
    [`Bearer ${SECRET}`, undefined],
  );
});

test("secrets and what stands around them are read strictly; one that no header can carry is not shown in the refusal (A22)", async () => {
  for (const bad of [
    "x",
    [{}],
    [{ header: "host", secret: "/a" }],
    [{ header: "x\r\ny", secret: "/a" }],
    [{ header: "x", secret: "a" }],
    [{ header: "x", secret: "/a", prefix: "\r\n" }],
    [{ header: "x", secret: "/a", prefix: "y".repeat(65) }],
    [null],
    Array.from({ length: 9 }, () => ({ header: "x", secret: "/a" })),
  ])
    assert.throws(() => readSecretHeaders(bad), { code: "bad_request" }, JSON.stringify(bad));
  const plugin = house(backends("https://api.test/"), ["net.internet", FROM_CONFIG], USE);
  plugin.settings.secrets = { "/backends/0/key": "line\r\nx-evil: 1" };
  await assert.rejects(get(plugin, "https://api.test/", { secrets: keyOf(0) }), (error: Error & { code: string }) => {
    assert.equal(error.code, "bad_request");
    assert.ok(!error.message.includes("line"));
    return true;
  });
});
