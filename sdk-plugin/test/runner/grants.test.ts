import assert from "node:assert/strict";
import { it } from "node:test";
import type { Grant } from "@hearthnet/host/contract";
import { openGrants } from "../../src/runner/grants.ts";

const row = (mode: Grant["mode"], hosts: string[]): Grant => ({
  permission: "net.internet",
  scope: { hosts },
  mode,
  grantedBy: "operator",
  at: 0,
});

it("shows what is granted and how narrow, what is asked, and what is denied (plugin-platform §3.4.1)", () => {
  const grants = openGrants([row("allow", ["a:1"])], (error) => assert.fail(String(error)));
  assert.deepEqual([grants.has("net.internet"), grants.scope("net.internet")], [true, { hosts: ["a:1"] }]);
  grants.replace([row("ask", ["b:1"])]);
  assert.deepEqual([grants.has("net.internet"), grants.scope("net.internet")], [true, { hosts: ["b:1"] }]);
  grants.replace([row("audit", ["c:1"])]);
  assert.equal(grants.has("net.internet"), true);
  grants.replace([row("allow", ["a:1"]), row("deny", ["a:1"])]);
  assert.deepEqual([grants.has("net.internet"), grants.scope("net.internet")], [false, undefined]);
  assert.equal(grants.list().length, 2, "a denial is shown");
  grants.replace([]);
  assert.equal(grants.has("net.internet"), false);
});
