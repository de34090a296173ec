import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import type { JsonObject } from "../../../src/contract/index.ts";
import { ManualClock } from "../../../src/foundation/index.ts";
import { fetchFor, readFields, type FetchRequest } from "../../../src/runtime/net/index.ts";
import { until } from "../../support/until.ts";
import { House } from "./house.ts";
import { Street } from "./street.ts";

const PUBLIC = "93.184.215.14";
const OTHER = "151.101.1.69";
const PRIVATE = "192.168.7.7";
let street: Street;
let seen: IncomingMessage[] = [];
before(async () => {
  street = await Street.open();
  Object.assign(street.names, { "api.test": [PUBLIC], "other.test": [OTHER], "nas.test": [PRIVATE] });
  await street.http(`${PUBLIC}:80`, (request, response) => {
    seen.push(request);
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://x");
    if (pathname === "/to")
      return void response.writeHead(Number(searchParams.get("status")), { location: searchParams.get("url") ?? "" }).end();
    if (pathname === "/big") return void response.end(Buffer.alloc(8_000_000, 7));
    if (pathname === "/endless") return void response.write("begun");
    if (pathname === "/silent") return;
    if (pathname === "/cut")
      return void response.writeHead(200, { "content-length": 100 }).write("short", () => response.destroy());
    if (pathname === "/heads") return void response.writeHead(200, { "x-long": "y".repeat(40_000) }).end();
    response.setHeader("set-cookie", ["a=1", "b=2"]);
    response.setHeader("x-method", request.method ?? "");
    // One request of these tests never arrives whole.
    request.toArray().then(
      (parts) => response.end(Buffer.concat(parts as Buffer[])),
      () => {},
    );
  });
  await street.http(`${OTHER}:80`, (request, response) => {
    seen.push(request);
    response.end("the other");
  });
  await street.http(`${PRIVATE}:80`, (_, response) => response.end("private"));
  await street.http("127.0.0.1:80", (_, response) => response.end("loopback"));
  await street.https(`${PUBLIC}:443`, "api.test", (_, response) => response.end("secure"));
  await street.https(`${OTHER}:443`, "api.test", (_, response) => response.end("of another"));
});
after(() => street.close());
beforeEach(() => {
  seen = [];
  street.dialled.length = 0;
  street.asked.length = 0;
});

const INTERNET = (...hosts: string[]): ["net.internet", JsonObject] => ["net.internet", { hosts }];
const house = (...hosts: string[]): House => new House(street.ways, [INTERNET(...hosts)]);

function get(from: House, url: string, more: Partial<FetchRequest> = {}): Promise<JsonObject> {
  return fetchFor(
    from.network,
    { url, method: "GET", fields: [], body: null, secrets: [], redirect: "follow", headersMs: 60_000, ...more },
    from.talk(),
  );
}

test("brings status, header and body of an allowed host, and tells the ledger where it went (§8.1)", async () => {
  const plugin = house("api.test:80");
  assert.deepEqual(
    await get(plugin, "http://api.test/a?b=c", { method: "POST", body: Buffer.from("hello"), fields: [["x-mine", "1"]] }),
    {
      bytes: 5,
    },
  );
  const { status, headers, url, redirected } = plugin.frame("head");
  assert.deepEqual([status, url, redirected, plugin.text()], [200, "http://api.test/a?b=c", false, "hello"]);
  assert.deepEqual(
    (headers as [string, string][]).filter(([name]) => name === "set-cookie").map(([, value]) => value),
    ["a=1", "b=2"],
  );
  assert.deepEqual(plugin.noted, { target: "api.test:80", permission: "net.internet" });
  assert.deepEqual(
    [seen[0]?.headers.host, seen[0]?.headers["x-mine"], seen[0]?.headers["accept-encoding"]],
    ["api.test", "1", "identity"],
  );
  assert.deepEqual(street.dialled, [`${PUBLIC}:80`]);
});

test("a name that is not granted is not even asked for: a question to a name server leaves the house too (A06)", async () => {
  for (const url of ["http://leak-of-data.test/", "http://api.test:8080/", "https://api.test/", "http://nas.test/"])
    await assert.rejects(get(house("api.test:80"), url), { code: "permission_denied" }, url);
  assert.deepEqual([street.asked, street.dialled], [[], []]);
});

test("a granted name that leads into the house is refused, whatever the notation and among however many (A06 DNS rebinding)", async () => {
  for (const addresses of [
    ["127.0.0.1"],
    [PRIVATE],
    ["::ffff:127.0.0.1"],
    ["::1"],
    [PUBLIC, PRIVATE],
    ["169.254.169.254"],
    ["fe80::1"],
    ["0.0.0.0"],
    ["45.45.45.45"],
  ]) {
    street.names["rebinds.test"] = addresses;
    await assert.rejects(get(house("rebinds.test:80"), "http://rebinds.test/"), { code: "permission_denied" }, String(addresses));
  }
  assert.deepEqual(street.dialled, []);
});

test("the address that was decided over is the one that is called: a second answer changes nothing (A06 DNS rebinding)", async () => {
  street.names["twice.test"] = [[PUBLIC], ["127.0.0.1"]];
  const plugin = house("twice.test:80");
  await get(plugin, "http://twice.test/");
  assert.deepEqual([street.asked, street.dialled], [["twice.test"], [`${PUBLIC}:80`]]);
  await assert.rejects(get(plugin, "http://twice.test/"), { code: "permission_denied" });
});

test("addresses in a URL are decided over in every spelling (A06 IPv6-mapped)", async () => {
  const anything = house("*");
  for (const host of [
    "127.0.0.1",
    "0x7f.1",
    "2130706433",
    "017700000001",
    "127.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "localhost.",
  ]) {
    street.names["localhost"] = ["127.0.0.1"];
    await assert.rejects(get(anything, `http://${host}/`), { code: "permission_denied" }, host);
  }
  assert.deepEqual(street.dialled, []);
  await get(new House(street.ways, [["net.loopback", { ports: [80] }]]), "http://[::ffff:127.0.0.1]/");
  assert.deepEqual(street.dialled, ["127.0.0.1:80"], "with the right for it, it is reached in its plain form");
});

test("each class has its own right", async () => {
  const lan = new House(street.ways, [["net.lan", { hosts: ["nas.test:80"] }]]);
  await get(lan, "http://nas.test/");
  assert.deepEqual([lan.text(), lan.noted.permission], ["private", "net.lan"]);
  const loopback = new House(street.ways, [["net.loopback", { ports: [80] }]]);
  await get(loopback, "http://127.0.0.1/");
  assert.equal(loopback.text(), "loopback");
  await assert.rejects(get(loopback, "http://nas.test/"), { code: "permission_denied" });
  await assert.rejects(get(lan, "http://127.0.0.1/"), { code: "permission_denied" });
});

test("a redirect is followed where the same check allows it, and refused where it does not (A06 redirect to private)", async () => {
  const plugin = house("api.test:80", "other.test:80");
  await get(plugin, "http://api.test/to?status=302&url=http://other.test/x", {
    fields: [
      ["authorization", "mine"],
      ["cookie", "c=1"],
      ["x-kept", "yes"],
    ],
  });
  assert.deepEqual(
    [plugin.text(), plugin.frame("head")["redirected"], plugin.frame("head")["url"]],
    ["the other", true, "http://other.test/x"],
  );
  const { authorization, cookie, "x-kept": kept } = seen[1]?.headers ?? {};
  assert.deepEqual([authorization, cookie, kept], [undefined, undefined, "yes"], "what was meant for one host stays there");
  for (const url of [
    "http://127.0.0.1/",
    "http://nas.test/",
    "http://169.254.169.254/latest/",
    "http://[::ffff:7f00:1]/",
    "http://elsewhere.test/",
  ])
    await assert.rejects(
      get(house("api.test:80"), `http://api.test/to?status=307&url=${encodeURIComponent(url)}`),
      { code: "permission_denied" },
      url,
    );
  for (const url of ["file:///etc/passwd", "ftp://api.test/", "gopher://api.test:80/"])
    await assert.rejects(
      get(plugin, `http://api.test/to?status=301&url=${encodeURIComponent(url)}`),
      { code: "bad_request" },
      url,
    );
});

test("redirects can be had as answers, be refused, change the method as browsers do, and end after five", async () => {
  const to = (status: number, url: string): string => `http://api.test/to?status=${status}&url=${encodeURIComponent(url)}`;
  const plugin = house("api.test:80");
  await get(plugin, to(302, "http://127.0.0.1/"), { redirect: "manual" });
  assert.equal(plugin.frame("head")["status"], 302);
  await assert.rejects(get(house("api.test:80"), to(302, "/"), { redirect: "error" }), { reason: "host_unreachable" });
  const posted = { method: "POST", body: Buffer.from("body"), fields: [["content-type", "text/x"]] as [string, string][] };
  for (const [status, method, body] of [
    [301, "GET", ""],
    [302, "GET", ""],
    [303, "GET", ""],
    [307, "POST", "body"],
    [308, "POST", "body"],
  ] as const) {
    const one = house("api.test:80");
    await get(one, to(status, "/"), posted);
    const used = (one.frame("head")["headers"] as [string, string][]).find(([name]) => name === "x-method")?.[1];
    assert.deepEqual(
      [used, one.text(), seen.at(-1)?.headers["content-type"]],
      [method, body, method === "GET" ? undefined : "text/x"],
      String(status),
    );
  }
  const own = "http://api.test/to?status=302&url=";
  let nested = "/";
  for (let depth = 0; depth < 7; depth += 1) nested = own + encodeURIComponent(nested);
  seen = [];
  await assert.rejects(get(house("api.test:80"), nested), { reason: "host_unreachable" });
  assert.equal(seen.length, 6);
});

test("TLS is the host's, and the certificate must carry the name", async () => {
  const plugin = house("api.test:443", "other.test:443");
  await get(plugin, "https://api.test/");
  assert.equal(plugin.text(), "secure");
  await assert.rejects(get(plugin, "https://other.test/"), { code: "partition", reason: "tls_untrusted" });
  const { ca: _, ...strangers } = street.ways;
  await assert.rejects(get(new House(strangers, [INTERNET("api.test:443")]), "https://api.test/"), { reason: "tls_untrusted" });
});

test("header and method cannot smuggle a second request or move the framing (A06 header injection)", async () => {
  const bad: unknown[] = [
    [["x-a", "1\r\nx-b: 2"]],
    [["x-a", "1\nx-b: 2"]],
    [["x-a", "\u0000"]],
    [["x-a\r\nx-b", "1"]],
    [["x a", "1"]],
    [["", "1"]],
    [["x-a", "\u010a"]],
    ...[
      "Host",
      "Content-Length",
      "transfer-encoding",
      "Connection",
      "Upgrade",
      "TE",
      "Expect",
      "Sec-WebSocket-Key",
      "Proxy-Authorization",
    ].map((name) => [[name, "1"]]),
    Array.from({ length: 65 }, () => ["x-a", "1"]),
    Array.from({ length: 40 }, () => ["x-a", "y".repeat(1000)]),
    [["x-a"]],
    [{ name: "x-a" }],
    "x-a: 1",
  ];
  for (const fields of bad) assert.throws(() => readFields(fields), { code: "bad_request" }, JSON.stringify(fields).slice(0, 60));
  assert.deepEqual(readFields([["X-A", "1 2\t\u00ff"]]), [["x-a", "1 2\t\u00ff"]]);
  for (const url of ["ftp://api.test/", "http://user:pw@api.test/", "no url", `http://api.test/${"x".repeat(9000)}`])
    await assert.rejects(get(house("*"), url), { code: "bad_request" }, url.slice(0, 40));
  await get(house("api.test:80"), "http://api.test/a%0d%0ax-injected:%201\r\n b");
  assert.ok(!("x-injected" in (seen.at(-1)?.headers ?? {})));
});

test("a plugin that does not read stops the server, not this node (§5.3)", async () => {
  const plugin = house("api.test:80");
  let pieces = 0;
  let release = (): void => {};
  plugin.onFrame = ({ event }) => {
    if (event === "data" && (pieces += 1) === 3) plugin.held = new Promise((resolve) => (release = resolve));
  };
  const done = get(plugin, "http://api.test/big");
  await until("it has got its three", () => pieces === 3);
  let last = -1;
  let same = 0;
  const bytesIn = await until("nothing more comes", () => {
    const { bytesIn: now } = plugin.meter.figures();
    same = now === last ? same + 1 : 0;
    last = now;
    return same === 20 && now;
  });
  // What lies between are the buffers of a stream and of the parser, never the answer.
  assert.ok(bytesIn < 1_000_000, String(bytesIn));
  release();
  assert.deepEqual(await done, { bytes: 8_000_000 });
  assert.ok(plugin.heard.every(({ data }) => ((data["bytes"] as unknown as Uint8Array | undefined)?.byteLength ?? 0) <= 16_384));
});

test("whoever gives up closes the connection at once (§5.3.2)", async () => {
  const plugin = house("api.test:80");
  const done = get(plugin, "http://api.test/endless");
  await until("the answer has begun", () => plugin.text() === "begun");
  const closed = once(seen[0]?.socket ?? assert.fail(), "close");
  const began = performance.now();
  plugin.leaving.abort(new Error("no more"));
  await assert.rejects(done, { message: "no more" });
  await closed;
  assert.ok(performance.now() - began < 1000);
  assert.equal(plugin.network.size, 0);
});

test("a right that is gone ends what runs on it, another's stays (§3.4.3)", async () => {
  const plugin = new House(street.ways, [INTERNET("api.test:80")]);
  const done = get(plugin, "http://api.test/endless");
  await until("the answer has begun", () => plugin.text() === "begun");
  plugin.grant(INTERNET("api.test:80", "more.test:80"));
  assert.equal(plugin.network.size, 1);
  plugin.grant(INTERNET("other.test:80"));
  await assert.rejects(done, { code: "permission_denied" });
});

test("a right that is taken while the connection is being opened is gone when it stands (§3.4.3)", async () => {
  const plugin: House = new House(
    {
      ...street.ways,
      dial: (address, port) => {
        plugin.grant(INTERNET("other.test:80"));
        return street.ways.dial(address, port);
      },
    },
    [INTERNET("api.test:80")],
  );
  await assert.rejects(get(plugin, "http://api.test/"), { code: "permission_denied" });
  assert.deepEqual(seen, []);
});

test("silence, a cut, and a header without end are told apart from an answer", async () => {
  const clock = new ManualClock();
  const patient = new House(street.ways, [INTERNET("api.test:80")], { clock });
  const silent = get(patient, "http://api.test/silent");
  await until("it was asked", () => seen.length === 1);
  clock.advance(60_000);
  await assert.rejects(silent, { code: "timeout" });
  const endless = get(patient, "http://api.test/endless");
  await until("it has begun", () => patient.text() === "begun");
  clock.advance(119_000);
  assert.equal(patient.network.size, 1);
  clock.advance(1000);
  await assert.rejects(endless, { code: "timeout" });
  await assert.rejects(get(house("api.test:80"), "http://api.test/cut"), { code: "partition" });
  await assert.rejects(get(house("api.test:80"), "http://api.test/heads"), { code: "partition", reason: "host_unreachable" });
  street.names["gone.test"] = ["93.184.215.99"];
  await assert.rejects(get(house("gone.test:80"), "http://gone.test/"), { code: "partition", reason: "host_unreachable" });
  await assert.rejects(get(house("nowhere.test:80"), "http://nowhere.test/"), { code: "partition", reason: "host_unreachable" });
});

test("sixteen connections are open at once, the next waits for one to end", async () => {
  const plugin = house("api.test:80");
  const open = Array.from({ length: 16 }, () => get(plugin, "http://api.test/endless").catch(() => {}));
  await until("all have begun", () => seen.length === 16);
  await assert.rejects(get(plugin, "http://api.test/"), { code: "capacity_exceeded" });
  plugin.leaving.abort();
  await Promise.all(open);
  assert.equal(plugin.network.size, 0);
});

test("a body in pieces arrives whole, in order, and only as fast as the server takes it", async () => {
  const plugin = house("api.test:80");
  plugin.onFrame = ({ event, data }) => {
    if (event !== "open") return;
    const handle = Number(data["handle"]);
    void (async () => {
      for (let n = 0; n < 20; n += 1)
        await plugin.network.write(handle, { bytes: Buffer.alloc(50_000, n), text: false, to: undefined });
      plugin.network.end(handle, { code: undefined, reason: "" });
    })();
  };
  assert.deepEqual(await get(plugin, "http://api.test/", { method: "PUT", body: "stream" }), { bytes: 1_000_000 });
  const expected = Buffer.concat(Array.from({ length: 20 }, (_, n) => Buffer.alloc(50_000, n)));
  assert.ok(plugin.bytes().equals(expected));
  await assert.rejects(plugin.network.write(1, { bytes: Buffer.from("x"), text: false, to: undefined }), { code: "not_found" });
});

test("a body that is not as long as was said breaks off instead of becoming another request", async () => {
  for (const said of [3, 8]) {
    const plugin = house("api.test:80");
    plugin.onFrame = ({ event, data }) => {
      if (event !== "open") return;
      const handle = Number(data["handle"]);
      void plugin.network
        .write(handle, { bytes: Buffer.from("12345"), text: false, to: undefined })
        .catch(() => {})
        .then(() => plugin.network.end(handle, { code: undefined, reason: "" }));
    };
    await assert.rejects(get(plugin, "http://api.test/", { method: "PUT", body: "stream", bodyBytes: said }), {
      code: "partition",
    });
  }
});

test("every byte on the wire counts, those of TLS too; what is beyond the hour's share does not leave (§7)", async () => {
  const clock = new ManualClock();
  const plugin = new House(street.ways, [INTERNET("api.test:80", "api.test:443")], { clock, limitBytes: 20_000 });
  await get(plugin, "http://api.test/", { method: "POST", body: Buffer.alloc(10_000) });
  const { bytesOut, bytesIn, bytesOutLastHour } = plugin.meter.figures();
  assert.equal(bytesOut, seen.at(-1)?.socket.bytesRead, "as many as the server got");
  assert.equal(bytesIn, seen.at(-1)?.socket.bytesWritten);
  assert.equal(bytesOutLastHour, bytesOut);
  const before = plugin.meter.figures().bytesOut;
  await get(plugin, "https://api.test/");
  assert.ok(plugin.meter.figures().bytesOut - before > 400, "a handshake is not free");
  await assert.rejects(get(plugin, "http://api.test/", { method: "POST", body: Buffer.alloc(10_000) }), {
    code: "quota_exceeded",
    reason: "egress_used_up",
  });
  assert.ok(plugin.meter.figures().bytesOut <= 20_000);
  clock.advance(3_600_000);
  await get(plugin, "http://api.test/", { method: "POST", body: Buffer.alloc(10_000) });
});
