import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { HnError, type Database } from "../../src/index.ts";
import { openDatabase } from "../../src/runner/database.ts";
import { openData, stepsOf, type DataSide } from "../../src/runner/data.ts";

const LABEL = "os" as const;
const BOTH = ["fs.data", "storage.sqlite"];

function place(
  t: TestContext,
  o: { granted?: readonly string[]; open?: typeof openDatabase } = {},
): { data: DataSide; dir: string } {
  const dir = mkdtempSync(join(tmpdir(), "hn-data-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const data = openData({
    facts: { dataDir: dir, label: LABEL, mounts: { photos: "/mnt/photos" } },
    grants: { has: (permission) => (o.granted ?? BOTH).includes(permission) },
    openDatabase: o.open ?? openDatabase,
  });
  return { data, dir };
}

it("there are no data before the host has opened them; mounts are there from the start (§6.4.1)", async (t) => {
  const { data, dir } = place(t);
  assert.equal(data.files.dir, null);
  assert.deepEqual({ ...data.files.mounts }, { photos: "/mnt/photos" });
  await assert.rejects(data.sql("a.db"), { code: "bad_request", message: /no data in setup yet/ });
  data.open();
  assert.equal(data.files.dir, dir);
});

it("a database keeps what is committed, is the same for the same name, and is closed with the plugin (§4.3)", async (t) => {
  const { data } = place(t);
  data.open();
  const db = await data.sql("a.db");
  assert.equal(await data.sql("a.db"), db);
  const pragma = (name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  assert.deepEqual(
    [pragma("journal_mode"), pragma("foreign_keys"), pragma("trusted_schema"), pragma("busy_timeout")],
    ["wal", 1, 0, 5000],
  );
  db.exec("CREATE TABLE t(a); INSERT INTO t VALUES(7)");
  db.close();
  const again: Database = await data.sql("a.db");
  assert.deepEqual({ ...again.prepare("SELECT a FROM t").get() }, { a: 7 });
  data.close();
  assert.equal(again.isOpen, false);
});

it("a database needs both rights, a plain name, and a machine that confines (§1.3)", async (t) => {
  for (const granted of [[], ["fs.data"], ["storage.sqlite"]]) {
    const { data } = place(t, { granted });
    data.open();
    await assert.rejects(data.sql("a.db"), { code: "permission_denied", message: /fs\.data|storage\.sqlite/ });
  }
  const { data } = place(t);
  data.open();
  for (const name of ["", "../a.db", "/etc/passwd", "A.db", ".a", "a/b", "a".repeat(65)])
    await assert.rejects(data.sql(name), { code: "bad_request", message: /cannot name a database/ });
  const unconfined = place(t, { open: () => null }).data;
  unconfined.open();
  await assert.rejects(unconfined.sql("a.db"), { code: "confinement", message: /the label is os/ });
});

it("migrations run forward, one step for each layout; a missing one is named (§6.4.8)", () => {
  const step = (): void => {};
  const [two, three, four] = [step.bind(null), step.bind(null), step.bind(null)];
  const migrations = { 2: two, 3: three, 4: four };
  assert.deepEqual(stepsOf({ migrations }, { from: 2, to: 4 }), [three, four]);
  assert.deepEqual(stepsOf({ migrations }, { from: 0, to: 4 }), [], "where nothing is, nothing is to be moved");
  assert.deepEqual(stepsOf({ migrations }, { from: 4, to: 4 }), []);
  assert.deepEqual(stepsOf({ open: step }, { from: 1, to: 3 }), [], "who gives open alone does it there");
  const missing = (error: unknown): boolean => HnError.isHnError(error) && /data\.migrations for 2, 5\./.test(error.message);
  assert.throws(() => stepsOf({ migrations: { 3: three, 4: four } }, { from: 1, to: 5 }), missing);
  assert.throws(() => stepsOf(undefined, { from: 1, to: 2 }), { code: "not_implemented" });
});
