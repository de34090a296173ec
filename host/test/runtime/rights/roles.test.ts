import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { RoleName, StoredRelease } from "../../../src/contract/index.ts";
import { ManualClock } from "../../../src/foundation/index.ts";
import { Journal } from "../../../src/runtime/journal/index.ts";
import { Ledger } from "../../../src/runtime/ledger/index.ts";
import { Roles } from "../../../src/runtime/rights/roles.ts";
import { refusal } from "../../support/people.ts";
import { NODE_ID } from "../fixtures/world.ts";

const release = (id: string, roles: RoleName[]): StoredRelease =>
  ({ id, version: "1.0.0", sha256: id, publisherKeyId: "k", manifest: { roles } }) as unknown as StoredRelease;

test("a role has at most one plugin; who takes it over names whom from, and both are in the ledger (§3.3, §8.3)", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hn-roles-"));
  const clock = new ManualClock(1_000_000);
  const journal = new Journal(join(folder, "journal.db"), { now: () => clock.now(), random: (n) => new Uint8Array(n) });
  const ledger = new Ledger({ folder: join(folder, "ledger"), clock, nodeId: NODE_ID });
  t.after(() => {
    ledger.close();
    journal.close();
    rmSync(folder, { recursive: true, force: true });
  });
  let releases = [release("dev/a", ["e2e", "relay"]), release("dev/b", ["e2e"]), release("dev/c", [])];
  const roles = new Roles({ journal, ledger, clock, releases: () => releases });

  assert.equal(roles.holder("e2e"), undefined, "nobody has one by asking for it");
  assert.throws(() => roles.assign("e2e", "dev/c", {}), refusal("not_found"));
  assert.throws(() => roles.assign("e2e", "dev/none", {}), refusal("not_found"));
  assert.deepEqual(roles.assign("e2e", "dev/a", {}), { role: "e2e", holder: "dev/a", candidates: ["dev/a", "dev/b"] });
  roles.assign("relay", "dev/a", {});
  assert.throws(() => roles.assign("e2e", "dev/b", {}), refusal("bad_request", "role_taken"));
  assert.throws(() => roles.assign("e2e", "dev/b", { instead: "dev/c" }), refusal("bad_request", "role_taken"));
  assert.equal(roles.holder("e2e"), "dev/a");
  assert.equal(roles.assign("e2e", "dev/b", { instead: "dev/a" }).holder, "dev/b");
  assert.equal(roles.holder("relay"), "dev/a", "each role for itself");
  assert.equal(roles.assign("relay", null, {}).holder, null);

  releases = [release("dev/b", [])];
  assert.equal(roles.holder("e2e"), undefined, "a release that does not want it any more has it no longer");
  const rows = ledger.rows({ limit: 20 }).map(({ plugin, op, target }) => `${plugin} ${op} ${target}`);
  for (const row of ["dev/a role e2e", "dev/a role.end e2e to dev/b", "dev/b role e2e from dev/a", "dev/a role.end relay"])
    assert.ok(rows.includes(row), `${row} in ${rows.join(", ")}`);
});
