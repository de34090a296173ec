import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { nameBrowser } from "../../../src/admin/auth/browser-name.ts";
import { hashPassword } from "../../../src/admin/auth/password.ts";
import { type SessionChange, Sessions } from "../../../src/admin/auth/sessions.ts";
import { AdminStore, hashId } from "../../../src/admin/auth/store.ts";
import { ManualClock } from "../../../src/foundation/index.ts";
import { seededRandom } from "../../support/people.ts";

const PASSWORD = "a password of some length";
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const HOUR = 3_600_000;

async function open(t: TestContext): Promise<{ sessions: Sessions; clock: ManualClock; heard: SessionChange[] }> {
  const folder = mkdtempSync(join(tmpdir(), "hearthnet-sessions-"));
  const store = new AdminStore(join(folder, "admin.db"));
  t.after(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const clock = new ManualClock();
  const random = seededRandom(7);
  store.setSetting("password", JSON.stringify(await hashPassword(PASSWORD, random)));
  const sessions = new Sessions({ store, clock, random });
  const heard: SessionChange[] = [];
  sessions.onChange((change) => heard.push(change));
  return { sessions, clock, heard };
}

it("lists who is signed in, the latest seen first, and marks who asks", async (t) => {
  const { sessions, clock } = await open(t);
  const mine = sessions.open("owner", FIREFOX);
  clock.advance(HOUR);
  sessions.open("owner", undefined);
  const [other, own] = sessions.list(mine);
  assert.deepEqual([own?.browser, own?.system, own?.current], ["Firefox", "Linux", true]);
  assert.deepEqual([other?.browser, other?.system, other?.current], ["", "", false]);
  assert.equal((other?.created ?? 0) - (own?.created ?? 0), HOUR);
  assert.ok(!JSON.stringify(sessions.list(mine)).includes(mine), "a list is no bunch of keys");
});

it("ends one, or all but that of who asks, and says so", async (t) => {
  const { sessions, heard } = await open(t);
  const [mine, second, third] = [1, 2, 3].map(() => sessions.open("owner", FIREFOX)) as [string, string, string];
  const handle = hashId(second).slice(0, 16);
  sessions.endOne(handle);
  assert.throws(() => sessions.check(second), { reason: "signed_out" });
  assert.throws(() => sessions.endOne(handle), { code: "not_found" });
  assert.equal(sessions.endOthers(mine), 1);
  assert.equal(sessions.check(mine).role, "owner");
  assert.deepEqual(heard, [
    { id: hashId(second), ended: "signed_out" },
    { id: hashId(third), ended: "signed_out" },
  ]);
});

it("goes on under another id after the password was asked for again, and grows no older by it", async (t) => {
  const { sessions, clock, heard } = await open(t);
  const before = sessions.open("owner", FIREFOX);
  const [{ created } = { created: 0 }] = sessions.list(before);
  clock.advance(HOUR);
  const next = await sessions.stepUp(before, { password: PASSWORD, address: "a" });
  assert.deepEqual(heard, [{ id: hashId(before), next: hashId(next) }]);
  const list = sessions.list(next);
  assert.deepEqual(
    list.map((row) => [row.created, row.browser, row.current]),
    [[created, "Firefox", true]],
    "the thirty days run from the sign-in",
  );
});

it("lists no session whose time is over", async (t) => {
  const { sessions, clock, heard } = await open(t);
  const idle = sessions.open("owner", FIREFOX);
  clock.advance(12 * HOUR + 1);
  assert.deepEqual(sessions.list(undefined), []);
  assert.deepEqual(heard, [{ id: hashId(idle), ended: "expired" }]);
});

it("ends everything after a reset", async (t) => {
  const { sessions, heard } = await open(t);
  sessions.open("owner", FIREFOX);
  sessions.open("owner", FIREFOX);
  sessions.endAll();
  assert.deepEqual(
    heard.map((change) => "ended" in change && change.ended),
    ["reset", "reset"],
  );
  assert.deepEqual(sessions.list(undefined), []);
});

it("calls browsers by the name their people use", () => {
  const names = (userAgent: string): string => Object.values(nameBrowser(userAgent)).join(" on ");
  const chromium = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0";
  assert.equal(names(FIREFOX), "Firefox on Linux");
  assert.equal(names(`Mozilla/5.0 (Linux; Android 16; Pixel 9) ${chromium} Mobile Safari/537.36`), "Chrome on Android");
  assert.equal(names(`Mozilla/5.0 (Windows NT 10.0; Win64) ${chromium} Safari/537.36 Edg/150.0.0.0`), "Edge on Windows");
  assert.equal(
    names(
      "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
    ),
    "Safari on iOS",
  );
  assert.equal(
    names(
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15",
    ),
    "Safari on macOS",
  );
});
