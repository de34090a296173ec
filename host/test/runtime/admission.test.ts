import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import type { StoredRelease } from "../../src/contract/index.ts";
import { HnError } from "../../src/foundation/index.ts";
import { hasBubblewrap, openWorld, writePackage, type World } from "./fixtures/world.ts";

const confined = hasBubblewrap();
let world: World;
/** What the marketplace answers when it is asked. */
let answer: (release: StoredRelease) => Promise<void> = () => Promise.resolve();
let asked = 0;
before(async () => {
  if (confined)
    world = await openWorld({
      admit: (release) => {
        asked += 1;
        return answer(release);
      },
    });
});
after(async () => {
  if (confined) await world.close();
});

let counter = 0;
const make = (): StoredRelease =>
  writePackage(world.folder, { id: `dev/ask-${(counter += 1)}`, main: "exports.setup = async () => {};" });
const skip = (t: TestContext): boolean => {
  if (!confined) t.skip("needs bubblewrap");
  return !confined;
};
const tampered = (): Promise<void> => Promise.reject(new HnError("invalid_signature", { reason: "tampered" }));

test("every start is asked for, the first one and each after", async (t) => {
  if (skip(t)) return;
  answer = () => Promise.resolve();
  const { id } = await world.runtime.stage(make(), []).then((status) => status);
  const before = asked;
  await world.runtime.restart(id);
  await world.runtime.disable(id);
  await world.runtime.enable(id);
  assert.equal(asked - before, 2);
  await world.runtime.remove(id, { keepData: false });
});

test("what was altered or revoked is locked away, counts as no crash, and starts again once it is sound and the operator says so (§6.1)", async (t) => {
  if (skip(t)) return;
  for (const [refuse, reason] of [
    [tampered, "tampered"],
    [() => Promise.reject(new HnError("revoked", { reason: "package_revoked" })), "package_revoked"],
  ] as const) {
    answer = refuse;
    const release = make();
    const status = await world.runtime.stage(release, []);
    assert.deepEqual([status.state, status.reason?.reason, status.evidence], ["quarantined", reason, null]);
    assert.ok(world.runtime.logs(release.id, { limit: 5 }).some(({ level, source }) => level === "error" && source === "host"));
    for (let n = 0; n < 5; n++) assert.equal((await world.runtime.enable(release.id)).state, "quarantined", "not crash_looped");
    answer = () => Promise.resolve();
    assert.equal((await world.runtime.enable(release.id)).state, "active");
    await world.runtime.remove(release.id, { keepData: false });
  }
});

test("a running plugin that is locked away ends at once", async (t) => {
  if (skip(t)) return;
  answer = () => Promise.resolve();
  const release = make();
  const { evidence } = await world.runtime.stage(release, []);
  const reason = new HnError("revoked", { reason: "package_revoked", message: "It steals." }).toLocal();
  await world.runtime.quarantine(release.id, reason);
  const status = world.runtime.get(release.id);
  assert.deepEqual([status?.state, status?.reason?.message, status?.desired], ["quarantined", "It steals.", "enabled"]);
  assert.throws(() => process.kill(evidence?.pid ?? 0, 0), { code: "ESRCH" });
  await world.runtime.remove(release.id, { keepData: false });
});

test("a new version that is refused gives way to the former one", async (t) => {
  if (skip(t)) return;
  answer = () => Promise.resolve();
  const first = make();
  await world.runtime.stage(first, []);
  const next = writePackage(world.folder, { id: first.id, version: "2.0.0", main: "exports.setup = async () => {};" });
  answer = (release) => (release.sha256 === next.sha256 ? tampered() : Promise.resolve());
  await assert.rejects(world.runtime.stage(next, []), {
    code: "invalid_signature",
    reason: "tampered",
    message: /1\.0\.0 runs on/,
  });
  assert.deepEqual([world.runtime.get(first.id)?.version, world.runtime.get(first.id)?.state], ["1.0.0", "active"]);
  await world.runtime.remove(first.id, { keepData: false });
});

test("a stop while it is still being asked wins", async (t) => {
  if (skip(t)) return;
  answer = () => Promise.resolve();
  const release = make();
  await world.runtime.stage(release, []);
  await world.runtime.disable(release.id);
  const waiting = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  answer = () => {
    begun.resolve();
    return waiting.promise;
  };
  const start = world.runtime.enable(release.id);
  await begun.promise;
  const stop = world.runtime.disable(release.id);
  waiting.resolve();
  await Promise.all([start, stop]);
  assert.deepEqual([world.runtime.get(release.id)?.state, world.runtime.get(release.id)?.desired], ["stopped", "disabled"]);
  await world.runtime.remove(release.id, { keepData: false });
});
