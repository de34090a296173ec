import assert from "node:assert/strict";
import { test } from "node:test";
import { PERMISSIONS, type Grant, type GrantMode, type JsonObject, type PermissionName } from "../../../src/contract/index.ts";
import {
  GrantDenied,
  GrantModes,
  GrantTable,
  isDecidedAtStart,
  minimalRights,
  OpGrants,
  shapesProcess,
  subjectOf,
  Undecided,
  type Check,
  type Destination,
} from "../../../src/runtime/permission/index.ts";

const row = (permission: PermissionName, scope: JsonObject, mode: GrantMode, expires?: number): Grant => ({
  permission,
  scope,
  mode,
  grantedBy: "operator",
  at: 0,
  ...(expires === undefined ? {} : { expires }),
});
const CALL = (name: string) => ({ name, major: 1, own: false });

/** How a check on `a.b@1` ends under these rows. */
function verdict(grants: Grant[], now = 0): string {
  try {
    new OpGrants(() => new GrantModes(grants, () => now)).view.call(CALL("a.b"));
    return "allow";
  } catch (error) {
    if (error instanceof Undecided) return error.how;
    assert.ok(error instanceof GrantDenied);
    return "deny";
  }
}

test("each mode decides as it says; a denied row beats all, and what has run out denies (§3.4.1)", () => {
  const [SCOPE, OTHER] = [{ capabilities: ["a.b@1"] }, { capabilities: ["z.z@1"] }];
  const rows: [grants: Grant[], expected: string][] = [
    [[], "deny"],
    [[row("bus.call", SCOPE, "allow")], "allow"],
    [[row("bus.call", OTHER, "allow")], "deny"],
    [[row("bus.call", SCOPE, "ask")], "ask"],
    [[row("bus.call", OTHER, "ask")], "deny"],
    [[row("bus.call", SCOPE, "audit")], "simulate"],
    [[row("bus.call", OTHER, "audit")], "deny"],
    [[row("bus.call", OTHER, "allow"), row("bus.call", SCOPE, "ask")], "ask"],
    [[row("bus.call", OTHER, "allow"), row("bus.call", SCOPE, "audit")], "simulate"],
    [[row("bus.call", SCOPE, "allow"), row("bus.call", SCOPE, "audit")], "allow"],
    [[row("bus.call", SCOPE, "ask"), row("bus.call", SCOPE, "deny")], "deny"],
    [[row("bus.call", SCOPE, "audit"), row("bus.call", SCOPE, "deny")], "deny"],
    [[row("bus.call", SCOPE, "allow", 1001)], "allow"],
    [[row("bus.call", SCOPE, "allow", 1000)], "deny"],
    [[row("bus.call", SCOPE, "ask", 1000)], "deny"],
    [[row("bus.call", SCOPE, "audit", 999)], "deny"],
  ];
  for (const [grants, expected] of rows) assert.equal(verdict(grants, 1000), expected, JSON.stringify(grants));
  assert.ok(
    !new GrantTable([row("notify", {}, "allow", 5)]).has("notify"),
    "who does not know the time gives nothing that runs out",
  );
});

interface Row {
  /** What a plugin wants, put to the table as the host puts it. */
  wish: (table: GrantTable) => unknown;
  /** A scope that covers it. */
  covers: JsonObject;
  /** Scopes that do not. */
  not?: readonly JsonObject[];
}

const has = (permission: PermissionName): Row => ({ wish: (table) => table.require(permission), covers: {} });
const to = (host: string, port: number, ...typed: string[]): Destination => ({ host, port, typed });
const NAS = to("nas.test", 8080, "/backends/0/url");

/** Every permission of the catalogue; a new one does not compile before it has a row here. */
const CATALOGUE: Record<PermissionName, Row | "decided at start"> = {
  "bus.provide": {
    wish: (table) => table.provide("ocr.image"),
    covers: { prefixes: ["ocr."] },
    not: [{ prefixes: ["oc."] }, { prefixes: [] }],
  },
  "bus.call": {
    wish: (table) => table.call({ name: "a.b", major: 1, own: true }),
    covers: { capabilities: ["a.b@1"], own: true },
    not: [{ capabilities: ["a.b@1"] }, { capabilities: ["*"], own: true }],
  },
  "events.append": {
    wish: (table) => table.append("chat.sent"),
    covers: { types: ["chat.sent"] },
    not: [{ types: ["chat.read"] }, { types: ["chat.*"] }],
  },
  "events.read": {
    wish: (table) => table.readable(["chat.sent"]),
    covers: { types: ["chat.*"] },
    not: [{ types: ["market.*"] }],
  },
  "events.push": has("events.push"),
  "pubsub.publish": {
    wish: (table) => table.publish("chat.typing"),
    covers: { topics: ["chat.typing"] },
    not: [{ topics: ["chat.read"] }],
  },
  "pubsub.subscribe": {
    wish: (table) => table.subscribe("chat.typing"),
    covers: { topics: ["chat.typing"] },
    not: [{ topics: ["chat.read"] }],
  },
  "http.mount": {
    wish: (table) => table.mount({ method: "GET", path: "/ext/a/b/c", auth: "member" }),
    covers: { prefix: "ext.a.b", auth: ["member"] },
    not: [
      { prefix: "ext.a.b", auth: ["public"] },
      { prefix: "ext.a.bc", auth: ["member"] },
      { prefix: "", auth: ["member"] },
    ],
  },
  "blobs.read": {
    wish: (table) => table.open({ visibility: "community", own: false }),
    covers: { visibility: "community" },
    not: [{ visibility: "public" }, { visibility: "all" }],
  },
  "blobs.write": {
    wish: (table) => table.store("public"),
    covers: { visibility: "public" },
    not: [{ visibility: "community" }],
  },
  "dht.find": has("dht.find"),
  "dht.advertise": has("dht.advertise"),
  "community.read": has("community.read"),
  "identity.sign": { wish: (table) => table.sign("plugin-sig"), covers: { docs: ["plugin-sig"] }, not: [{ docs: ["cosign"] }] },
  "identity.dh": has("identity.dh"),
  "availability.set": has("availability.set"),
  "transport.relay": has("transport.relay"),
  "federation.decide": has("federation.decide"),
  "net.internet": {
    wish: (table) => table.reach("internet", to("api.test", 443)),
    covers: { hosts: ["api.test:443"] },
    not: [{ hosts: ["api.test:80"] }, { hosts: ["*.api.test:443"] }, { hosts: [] }, { ports: [443] }],
  },
  "net.lan": {
    wish: (table) => table.reach("lan", NAS),
    covers: { fromConfig: "/backends/*/url" },
    not: [{ fromConfig: "/backends/1/url" }, { fromConfig: "/backends" }, { hosts: ["nas.test:80"] }],
  },
  "net.loopback": {
    wish: (table) => table.reach("loopback", to("localhost", 11434)),
    covers: { ports: [11434] },
    not: [{ ports: [80] }, { hosts: ["localhost:11434"] }],
  },
  "net.udp": {
    wish: (table) => table.datagram({ host: "239.1.2.3", port: 9 }),
    covers: { multicast: "239.1.2.3:9" },
    not: [{ multicast: "239.1.2.3:10" }, { multicast: "*" }, { hosts: ["239.1.2.3:9"] }],
  },
  "storage.kv": { wish: (table) => table.kvBytes(), covers: { quotaMb: 1 } },
  "fs.data": "decided at start",
  "storage.sqlite": "decided at start",
  "fs.mount": "decided at start",
  "secret.derive": { wish: (table) => table.derive("at-rest"), covers: { labels: ["at-rest"] }, not: [{ labels: ["other"] }] },
  "secret.use": {
    wish: (table) => table.secret("secret.use", "/b/0/key"),
    covers: { names: ["/b/*/key"] },
    not: [{ names: ["/b/key"] }],
  },
  "secret.read": {
    wish: (table) => table.secret("secret.read", "/b/0/key"),
    covers: { names: ["/b/*/key"] },
    not: [{ names: ["/c/*/key"] }],
  },
  "proc.worker": { wish: (table) => table.worker("decode"), covers: { workers: ["decode"] }, not: [{ workers: ["other"] }] },
  compute: has("compute"),
  native: "decided at start",
  "hw.gpu": "decided at start",
  "hw.audio": "decided at start",
  "hw.serial": "decided at start",
  "hw.usb": "decided at start",
  "hw.bluetooth": "decided at start",
  "metrics.read": has("metrics.read"),
  "system.link": has("system.link"),
  schedule: has("schedule"),
  notify: has("notify"),
  "ui.panel": has("ui.panel"),
};

test("every permission of the catalogue is run in every mode (§3.1, §3.4)", () => {
  assert.deepEqual(Object.keys(CATALOGUE).toSorted(), Object.keys(PERMISSIONS).toSorted());
});

for (const [name, entry] of Object.entries(CATALOGUE)) {
  const permission = name as PermissionName;
  if (entry === "decided at start") {
    test(`${permission} stands on the command line: a question or a trial run gives none of it (§3.4.3)`, () => {
      assert.ok(isDecidedAtStart(permission));
      const shape = (...grants: Grant[]): string => shapesProcess(grants, () => 0);
      assert.notEqual(shape(row(permission, {}, "allow")), shape());
      for (const mode of ["ask", "audit", "deny"] as const) assert.equal(shape(row(permission, {}, mode)), shape(), mode);
      assert.equal(shape(row(permission, {}, "allow"), row(permission, {}, "deny")), shape());
      assert.equal(shape(row(permission, {}, "allow", 0)), shape(), "what has run out");
    });
    continue;
  }
  const { wish, covers, not = [] } = entry;
  test(`${permission}: each mode decides, a narrower scope ends it, and a trial run proposes it (§3.4)`, () => {
    assert.ok(!isDecidedAtStart(permission));
    /** How the wish ends under these rows. */
    const outcome = (...grants: Grant[]): string => {
      try {
        wish(new OpGrants(() => new GrantModes(grants, () => 0)).view);
        return "allow";
      } catch (error) {
        if (error instanceof Undecided) {
          assert.equal(error.denial.permission, permission);
          return error.how;
        }
        assert.ok(error instanceof GrantDenied);
        assert.equal(error.permission, permission);
        return "deny";
      }
    };
    assert.equal(outcome(), "deny");
    for (const [mode, expected] of Object.entries({ allow: "allow", ask: "ask", audit: "simulate", deny: "deny" })) {
      const grant = row(permission, covers, mode as GrantMode);
      assert.equal(outcome(grant), expected, mode);
      assert.equal(outcome(grant, row(permission, covers, "deny")), "deny", `${mode} beside a refusal`);
      assert.equal(outcome({ ...grant, expires: 0 }), "deny", `${mode} that has run out`);
      for (const scope of not)
        assert.equal(outcome(row(permission, scope, mode as GrantMode)), "deny", `${mode} ${JSON.stringify(scope)}`);
    }
    assert.equal(outcome(row(permission, covers, "ask"), row(permission, covers, "audit")), "ask");

    const seen: Check[] = [];
    let granted: Grant[] = [row(permission, covers, "audit")];
    const grants = new OpGrants(
      () => new GrantModes(granted, () => 0),
      (check) => seen.push(check),
    );
    assert.throws(() => wish(grants.view), Undecided);
    granted = [row(permission, covers, "allow")];
    wish(grants.view);
    assert.equal(grants.lost(), undefined);
    const [check] = seen;
    assert.ok(check);
    assert.equal(seen.length, 1, "one and the same wish is noted once");
    assert.equal(subjectOf(check).permission, permission);
    for (const lost of [[], ...not.map((scope) => [row(permission, scope, "allow")])]) {
      granted = lost;
      assert.equal(grants.lost()?.permission, permission);
    }
    assert.deepEqual(
      minimalRights([{ permission, scope: covers }], [{ permission, check, target: "" }]),
      [{ permission, scope: covers }],
      "what a trial run has seen stays in the smallest rights",
    );
  });
}

/** How a check on the network ends under these rows. */
const net = (grants: Grant[], check: (table: GrantTable) => void): string => {
  try {
    check(new OpGrants(() => new GrantModes(grants, () => 0)).view);
    return "allow";
  } catch (error) {
    assert.ok(error instanceof Undecided || error instanceof GrantDenied);
    return error instanceof Undecided ? `${error.how} ${error.denial.permission}` : `deny ${error.permission}`;
  }
};

test("a name may be asked for when some class covers it; a secret without a place of its own goes where the host is named in full (§3.1)", () => {
  const name = (table: GrantTable): void => table.name(NAS);
  assert.equal(net([], name), "deny net.internet");
  assert.equal(net([row("net.lan", { fromConfig: "/backends/*/url" }, "allow")], name), "allow");
  assert.equal(net([row("net.internet", { hosts: ["*"] }, "ask")], name), "ask net.internet");
  const carry = (table: GrantTable): void => table.carry("/key", to("api.test", 443));
  assert.equal(net([row("net.internet", { hosts: ["api.test"] }, "allow")], carry), "allow");
  assert.equal(net([row("net.internet", { hosts: ["api.test"] }, "audit")], carry), "simulate secret.use");
  for (const entry of ["*", "*:443", "*.test:443"])
    assert.equal(net([row("net.internet", { hosts: [entry] }, "allow")], carry), "deny secret.use", entry);
});

test("of hosts exactly those are proposed that were used: no pattern, no entry too many (§3.4.5)", () => {
  const reach = (host: string, port = 443, kind = "internet") => ({
    permission: "net.internet" as const,
    check: { method: "reach", args: [kind, to(host, port)] },
    target: `${host}:${port}`,
  });
  const used = [reach("a.x.test"), reach("b.x.test"), reach("api.test", 8443)];
  for (const hosts of [["*"], ["*.x.test", "*:8443"], ["*.x.test:443", "api.test:8443", "never.test:443"]])
    assert.deepEqual(minimalRights([{ permission: "net.internet", scope: { hosts } }], used), [
      {
        permission: "net.internet",
        scope: {
          hosts: hosts.includes("api.test:8443")
            ? ["api.test:8443", "a.x.test:443", "b.x.test:443"]
            : ["a.x.test:443", "b.x.test:443", "api.test:8443"],
        },
      },
    ]);
  const many = Array.from({ length: 65 }, (_, n) => reach(`n${n}.test`));
  const all = [{ permission: "net.internet" as const, scope: { hosts: ["*"] } }];
  assert.deepEqual(minimalRights(all, many), all, "more than a scope may list stay what was asked for");
});

test("an op loses exactly what a narrower scope no longer covers (§3.4.3)", () => {
  let modes = new GrantModes([row("bus.call", { capabilities: ["a.b@1", "c.d@1"] }, "allow")], () => 0);
  const [one, other] = [new OpGrants(() => modes), new OpGrants(() => modes)];
  one.view.call(CALL("a.b"));
  other.view.call(CALL("c.d"));
  assert.deepEqual([one.lost(), other.lost()], [undefined, undefined]);
  modes = new GrantModes([row("bus.call", { capabilities: ["c.d@1"] }, "allow")], () => 0);
  assert.equal(one.lost()?.target, "a.b@1");
  assert.equal(other.lost(), undefined);
});

test("what the operator has allowed once lasts for that op, and not beyond the row that asks", () => {
  const asked = row("bus.call", { capabilities: ["a.b@1"] }, "ask");
  let modes = new GrantModes([asked], () => 0);
  const grants = new OpGrants(() => modes);
  assert.throws(() => grants.view.call(CALL("a.b")), Undecided);
  grants.answer(new GrantDenied("bus.call", "a.b@1"));
  grants.view.call(CALL("a.b"));
  modes = new GrantModes([asked, row("notify", {}, "allow")], () => 0);
  assert.equal(grants.lost(), undefined);
  assert.throws(() => new OpGrants(() => modes).view.call(CALL("a.b")), Undecided, "the next one is asked again");
  modes = new GrantModes([row("bus.call", { capabilities: ["a.b@1"] }, "deny")], () => 0);
  assert.equal(grants.lost()?.permission, "bus.call");
});

test("a right that was only looked at and is gone is lost as well", () => {
  let modes = new GrantModes([row("notify", {}, "allow")], () => 0);
  const grants = new OpGrants(() => modes);
  assert.equal(grants.view.has("notify"), true);
  modes = new GrantModes([], () => 0);
  assert.equal(grants.lost()?.permission, "notify");
});

test("the smallest rights are those without which something seen would be denied (§3.4.5)", () => {
  const wanted = (permission: PermissionName, method: string, args: unknown[], target: string) => ({
    permission,
    check: { method, args },
    target,
  });
  const asked = [
    { permission: "bus.provide" as const, scope: { prefixes: ["a.", "b.", "c."] } },
    { permission: "bus.call" as const, scope: { capabilities: ["x.y@1", "x.z@1", "x.y@2"], own: true } },
    { permission: "proc.worker" as const, scope: { workers: ["one", "two"], threads: true } },
    { permission: "storage.kv" as const, scope: { quotaMb: 8 } },
    { permission: "notify" as const, scope: {} },
    { permission: "identity.dh" as const, scope: {} },
    { permission: "events.append" as const, scope: { types: ["x.made", "x.gone"] } },
  ];
  assert.deepEqual(minimalRights(asked, []), []);
  assert.deepEqual(
    minimalRights(asked, [
      wanted("bus.provide", "provide", ["b.read"], ""),
      wanted("bus.call", "call", [{ name: "x.y", major: 1, own: false }], "x.y@1"),
      wanted("proc.worker", "worker", ["two"], "two"),
      wanted("storage.kv", "kvBytes", [], ""),
      wanted("events.append", "append", ["x.gone"], "x.gone"),
      wanted("bus.call", "call", [{ name: "never.asked", major: 1, own: false }], "never.asked@1"),
    ]),
    [
      { permission: "bus.provide", scope: { prefixes: ["b."] } },
      { permission: "bus.call", scope: { capabilities: ["x.y@1"] } },
      { permission: "proc.worker", scope: { workers: ["two"], threads: true } },
      { permission: "storage.kv", scope: { quotaMb: 8 } },
      { permission: "events.append", scope: { types: ["x.gone"] } },
    ],
  );
  assert.deepEqual(
    minimalRights(
      [{ permission: "bus.call", scope: { capabilities: ["*"] } }],
      [wanted("bus.call", "call", [{ name: "x.y", major: 1, own: false }], "x.y@1")],
    ),
    [{ permission: "bus.call", scope: { capabilities: ["x.y@1"] } }],
    "whoever asked for everything is offered what it used",
  );
});
