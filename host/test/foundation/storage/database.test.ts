import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { type Database, HnError, openDatabase } from "../../../src/foundation/index.ts";

const MIGRATIONS = ["CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT"];

function place(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "hn-db-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "x.db");
}
function open(t: TestContext, path: string, migrations = MIGRATIONS): Database {
  const db = openDatabase(path, { migrations, synchronous: "FULL" });
  t.after(() => db.close());
  return db;
}
function count(db: Database): number {
  return (db.prepare("SELECT count(*) AS n FROM item").get() as { n: number }).n;
}
const add = (db: Database, name: string | null): unknown => db.prepare("INSERT INTO item(name) VALUES(?)").run(name);

describe("openDatabase", () => {
  it("applies each migration once and in order", (t) => {
    const path = place(t);
    const first = openDatabase(path, { migrations: MIGRATIONS });
    add(first, "a");
    first.close();
    first.close();
    const more = [...MIGRATIONS, "ALTER TABLE item ADD COLUMN price INTEGER", "UPDATE item SET price = 7"];
    const second = open(t, path, more);
    assert.deepEqual({ ...second.prepare("SELECT name, price FROM item").get() }, { name: "a", price: 7 });
  });

  it("leaves the schema as it was when a migration fails half way", (t) => {
    const path = place(t);
    open(t, path).close();
    const broken = [...MIGRATIONS, "CREATE TABLE other(x); INSERT INTO nowhere VALUES(1)"];
    assert.throws(() => openDatabase(path, { migrations: broken }), HnError);
    const db = open(t, path);
    assert.equal(db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name='other'").get()?.["n"], 0);
  });

  it("refuses a database from the future and says what to do", (t) => {
    const path = place(t);
    open(t, path, [...MIGRATIONS, "SELECT 1"]).close();
    assert.throws(
      () => openDatabase(path, { migrations: MIGRATIONS }),
      (error) => HnError.isHnError(error) && /newer version/.test(error.message) && /Update/.test(error.action),
    );
  });

  it("tells a damaged file from a missing folder", (t) => {
    const path = place(t);
    writeFileSync(path, "this is no database".repeat(500));
    assert.throws(
      () => openDatabase(path, { migrations: MIGRATIONS }),
      (e) => HnError.isHnError(e) && e.reason === "db_corrupt",
    );
    assert.throws(
      () => openDatabase(join(path, "..", "nowhere", "x.db"), { migrations: MIGRATIONS }),
      (e) => HnError.isHnError(e) && e.reason === undefined && /data folder/.test(e.action) && !e.message.includes("/"),
    );
  });

  it("does all of a transaction or nothing, nested ones too", (t) => {
    const db = open(t, place(t));
    db.transaction(() => {
      add(db, "kept");
      assert.throws(() =>
        db.transaction(() => {
          add(db, "dropped");
          throw new Error("inner");
        }),
      );
    });
    assert.throws(() => db.transaction(() => (add(db, "gone"), add(db, null))));
    assert.equal(count(db), 1);
    assert.equal(
      db.transaction(() => 7),
      7,
    );
  });

  it("waits for the disk unless it is told that what is written would be worthless without power", (t) => {
    const db = open(t, place(t));
    const level = (): unknown => db.prepare("PRAGMA synchronous").get()?.["synchronous"];
    const [normal, full] = [1, 2];
    assert.equal(level(), full);
    assert.equal(db.lightly(level), normal);
    assert.throws(() => db.lightly(() => assert.fail("broken")));
    assert.equal(level(), full);
    db.transaction(() => assert.equal(db.lightly(level), full));
  });

  it("refuses asynchronous work in a transaction instead of committing half of it", (t) => {
    const db = open(t, place(t));
    assert.throws(() => db.transaction(async () => add(db, "x")), TypeError);
    assert.equal(count(db), 0);
  });

  it("keeps every acknowledged write when the process is killed", { timeout: 60_000 }, async (t) => {
    const path = place(t);
    const script = `
      import { openDatabase } from ${JSON.stringify(new URL("../../../src/foundation/index.ts", import.meta.url).href)};
      const db = openDatabase(process.argv[1], { migrations: ${JSON.stringify(MIGRATIONS)}, synchronous: "FULL" });
      for (let i = 1; ; i++) {
        db.transaction(() => { for (let k = 0; k < 3; k++) db.prepare("INSERT INTO item(name) VALUES(?)").run("n" + i); });
        process.stdout.write(i + "\\n");
      }`;
    const child = spawn(process.execPath, [
      "--conditions=hearthnet-source",
      "--no-warnings",
      "--input-type=module",
      "-e",
      script,
      path,
    ]);
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.split("\n").length > 20) child.kill("SIGKILL");
    });
    await once(child, "close");
    const acknowledged = Number(said.split("\n").at(-2));
    assert.ok(acknowledged >= 19);
    const db = open(t, path);
    assert.ok(count(db) >= acknowledged * 3, `${count(db)} rows for ${acknowledged} acknowledged transactions`);
    assert.equal(count(db) % 3, 0, "half a transaction is there");
    assert.equal(db.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok");
  });
});
