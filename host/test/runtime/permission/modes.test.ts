import assert from "node:assert/strict";
import { test } from "node:test";
import type { Grant, GrantMode, JsonObject, PermissionName } from "../../../src/contract/index.ts";
import {
  GrantDenied,
  GrantModes,
  GrantTable,
  minimalRights,
  OpGrants,
  Undecided,
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

/** A right to what is shared: the check that a plugin's wish makes, and a scope that covers it and one that does not. */
const SHARED: [permission: PermissionName, wish: (table: GrantTable) => unknown, covers: JsonObject, not: JsonObject][] = [
  ["events.append", (table) => table.append("chat.sent"), { types: ["chat.sent"] }, { types: ["chat.read"] }],
  ["events.append", (table) => table.append("chat.sent"), { types: ["chat.sent"] }, { types: ["chat.*"] }],
  ["events.read", (table) => table.readable(["chat.sent"]), { types: ["chat.*"] }, { types: ["market.*"] }],
  ["pubsub.publish", (table) => table.publish("chat.typing"), { topics: ["chat.typing"] }, { topics: ["chat.read"] }],
  [
    "blobs.read",
    (table) => table.open({ visibility: "community", own: false }),
    { visibility: "community" },
    { visibility: "public" },
  ],
  ["blobs.write", (table) => table.store("public"), { visibility: "public" }, { visibility: "community" }],
  ["identity.sign", (table) => table.sign("plugin-sig"), { docs: ["plugin-sig"] }, { docs: ["cosign"] }],
  ["secret.derive", (table) => table.derive("at-rest"), { labels: ["at-rest"] }, { labels: ["other"] }],
  ["secret.read", (table) => table.secret("secret.read", "/b/0/key"), { names: ["/b/*/key"] }, { names: ["/c/*/key"] }],
  ["secret.use", (table) => table.secret("secret.use", "/b/0/key"), { names: ["/b/*/key"] }, { names: ["/b/key"] }],
];

for (const [permission, wish, covers, not] of SHARED)
  test(`${permission} on what ${JSON.stringify(not)} leaves out: each mode decides, and a narrower scope ends it (§3.4)`, () => {
    const opUnder = (grant: Grant): OpGrants => new OpGrants(() => new GrantModes([grant], () => 0));
    const wishUnder = (grant: Grant) => (): unknown => wish(opUnder(grant).view);
    wishUnder(row(permission, covers, "allow"))();
    assert.throws(wishUnder(row(permission, covers, "ask")), (error) => error instanceof Undecided && error.how === "ask");
    assert.throws(wishUnder(row(permission, covers, "audit")), (error) => error instanceof Undecided && error.how === "simulate");
    for (const mode of ["allow", "ask", "audit"] as const) assert.throws(wishUnder(row(permission, not, mode)), GrantDenied);

    let granted = row(permission, covers, "allow");
    const grants = new OpGrants(() => new GrantModes([granted], () => 0));
    wish(grants.view);
    assert.equal(grants.lost(), undefined);
    const [check] = grants.checks;
    assert.ok(check);
    granted = row(permission, not, "allow");
    assert.equal(grants.lost()?.permission, permission);
    assert.deepEqual(
      minimalRights([{ permission, scope: covers }], [{ permission, check, target: "" }]),
      [{ permission, scope: covers }],
      "what a trial run has seen stays in the smallest rights",
    );
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
  grants.answer("bus.call");
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
