/** Panels that browsers have open, and the files that they see. @source admin-ui §17 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { hashPassword } from "../../../src/admin/auth/password.ts";
import { Sessions } from "../../../src/admin/auth/sessions.ts";
import { AdminStore } from "../../../src/admin/auth/store.ts";
import { readPanelFiles } from "../../../src/admin/panels/files.ts";
import { PanelVisits } from "../../../src/admin/panels/visits.ts";
import { ManualClock } from "../../../src/foundation/index.ts";

function packageWithLinks(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "hn-panels-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "panel", "pictures"), { recursive: true });
  for (const path of ["panel/index.html", "panel/a.js", "panel/pictures/b.svg", "panel/c.woff2", "panel/.env", "secret.js"])
    writeFileSync(join(dir, path), "x");
  symlinkSync(join(dir, "secret.js"), join(dir, "panel", "link.js"));
  symlinkSync(dir, join(dir, "panel", "up"));
  return dir;
}

function open(t: TestContext): {
  visits: PanelVisits;
  sessions: Sessions;
  store: AdminStore;
  clock: ManualClock;
  enter: (sessionId: string) => string;
} {
  const dir = packageWithLinks(t);
  const clock = new ManualClock();
  const store = new AdminStore(join(dir, "admin.db"));
  t.after(() => store.close());
  const random = (n: number): Uint8Array => randomBytes(n);
  const sessions = new Sessions({ store, clock, random });
  const visits = new PanelVisits({ sessions, clock, random });
  const panel = { plugin: "a/b", panel: "own", sha256: "0", dir, entry: "panel/index.html" };
  return { visits, sessions, store, clock, enter: (sessionId) => visits.open({ ...panel, sessionId }).visit };
}

it("of a package only plain files of known kinds in its panel folder are seen, and no link", (t) => {
  const seen = [...readPanelFiles(packageWithLinks(t))].map(([path, { type }]) => `${path} ${type.split(";")[0] ?? ""}`);
  assert.deepEqual(seen.toSorted(), [
    "panel/a.js text/javascript",
    "panel/index.html text/html",
    "panel/pictures/b.svg image/svg+xml",
  ]);
});

it("a panel is open as long as its browser is signed in, also under a new session id, and is nobody else's", async (t) => {
  const { visits, sessions, store, enter } = open(t);
  const [mine, other] = [sessions.open("owner", undefined), sessions.open("owner", undefined)];
  const visit = enter(mine);
  const own = { plugin: "a/b", panel: "own" };
  visits.admitCall(visit, { ...own, sessionId: mine });
  for (const wrong of [{ sessionId: other }, { sessionId: mine, plugin: "a/c" }, { sessionId: mine, panel: "else" }])
    assert.throws(() => visits.admitCall(visit, { ...own, ...wrong }), { code: "not_found" });
  sessions.end(other);
  assert.ok(visits.find(visit));
  const password = "a password of some length";
  store.setSetting("password", JSON.stringify(await hashPassword(password, (n) => randomBytes(n))));
  const next = await sessions.stepUp(mine, { password, address: "127.0.0.1" });
  visits.admitCall(visit, { ...own, sessionId: next });
  assert.throws(() => visits.admitCall(visit, { ...own, sessionId: mine }), { code: "not_found" });
  sessions.end(next);
  assert.equal(visits.find(visit), undefined);
  assert.throws(() => visits.admitCall(visit, { ...own, sessionId: next }), { code: "not_found" });
});

it("twenty wishes a second pass, whatever the page lets through (§4.6)", (t) => {
  const { visits, sessions, clock, enter } = open(t);
  const sessionId = sessions.open("owner", undefined);
  const visit = enter(sessionId);
  const admitted = (tries: number): number => {
    let count = 0;
    for (let i = 0; i < tries; i += 1)
      try {
        visits.admitCall(visit, { plugin: "a/b", panel: "own", sessionId });
        count += 1;
      } catch (error) {
        assert.equal((error as { code: string }).code, "rate_limited");
      }
    return count;
  };
  assert.equal(admitted(1000), 40);
  clock.advance(1000);
  assert.equal(admitted(1000), 20);
});

it("the oldest panel gives way where too many are open", (t) => {
  const { visits, sessions, enter } = open(t);
  const sessionId = sessions.open("owner", undefined);
  const first = enter(sessionId);
  for (let i = 0; i < 128; i += 1) enter(sessionId);
  assert.equal(visits.find(first), undefined);
});
