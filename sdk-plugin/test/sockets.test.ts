/** WebSockets on routes of a stranger's plugin, behind the real runtime. @source plugin-platform §2.4, §3.4.3, §6.4 */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { requireManifest } from "@hearthnet/host/format";
import { hasBubblewrap } from "../../host/test/runtime/fixtures/world.ts";
import { until } from "../../host/test/support/until.ts";
import { createTestHost, fakeClock, modes, type TestHost } from "../src/testing/index.ts";

const DOORS = join(import.meta.dirname, "..", "..", "test", "fixtures", "plugins", "doors");
const TALK = "/ext/dev/doors/talk/kitchen";
const WATCH = "/ext/dev/doors/watch";

for (const { mode, skip } of modes())
  describe(`WebSockets of a plugin, ${mode}`, { skip }, () => {
    let host: TestHost;
    before(async () => {
      host = await createTestHost({ dir: DOORS, mode });
    });
    after(() => host.close());

    it("text and bytes pass both ways as they are, of any size that is allowed", async () => {
      const socket = host.socket(TALK);
      // Escaped in a header it would be six times as long.
      const long = "\u0001".repeat(400_000);
      for (const message of ["Moin", "", "ä\ud83d\ude00", long, Uint8Array.of(0, 1, 255), new Uint8Array(300_000).fill(7)]) {
        socket.send(message);
        const back = await socket.next();
        assert.deepEqual(
          typeof back === "string" ? back : Buffer.from(back ?? []),
          typeof message === "string" ? message : Buffer.from(message),
        );
      }
      assert.deepEqual(await socket.close(), { code: 1000, reason: "" });
      assert.equal(host.inFlight(), 0);
    });

    it("what one says reaches the others in its room, and only those", async () => {
      const [a, b] = [host.socket(TALK), host.socket(TALK, { as: "anchor" })];
      const elsewhere = host.socket("/ext/dev/doors/talk/cellar");
      elsewhere.send("here");
      assert.equal(await elsewhere.next(), "here");
      b.send("b is there");
      assert.deepEqual([await a.next(), await b.next()], ["b is there", "b is there"]);
      a.send("from a");
      assert.equal(await a.next(), await b.next());
      await Promise.all([a.close(), b.close()]);
      assert.deepEqual(await elsewhere.close(), { code: 1000, reason: "" });
    });

    it("the plugin closes with a code of its own, or with what it throws", async () => {
      const one = host.socket(TALK);
      one.send("bye");
      assert.deepEqual(await one.closed, { code: 4000, reason: "as you wish" });
      const other = host.socket(TALK);
      other.send("fail");
      await assert.rejects(other.closed, { code: "bad_request", message: "That is no word." });
    });

    it("a plugin that does nothing but send ends with its client", async () => {
      const socket = host.socket(TALK);
      socket.send("flood");
      for (let n = 0; n < 40; n += 1) assert.equal((await socket.next())?.length, 65_536);
      socket.leave();
      await assert.rejects(socket.closed);
      await until("the plugin has let go", () => host.inFlight() === 0);
    });

    it("more than 64 at once are refused", async () => {
      const open = Array.from({ length: 64 }, () => host.socket(TALK));
      await until("all are open", () => host.inFlight() === 64);
      await assert.rejects(host.socket(TALK).closed, { code: "capacity_exceeded", reason: "plugin_sockets_full" });
      for (const socket of open) await socket.close();
      const again = host.socket(TALK);
      again.send("room again");
      assert.equal(await again.next(), "room again");
      await again.close();
    });

    it("nobody's socket hears and says nothing; a plain request is told what is spoken there", async () => {
      const socket = host.socket(WATCH);
      await until("it is open", () => host.inFlight() === 1);
      await host.http("POST /ext/dev/doors/notes/street", { json: { text: "Moin" } });
      assert.equal(await socket.next(), "Moin");
      socket.send("me too");
      assert.deepEqual(await socket.closed, { code: 4001, reason: "only listening here" });
      await assert.rejects(host.http(`GET ${WATCH}`), { code: "bad_request", reason: "websocket_only" });
    });

    it("a plugin that stops says goodbye, and its clients find it again", async () => {
      const socket = host.socket(TALK);
      await until("it is open", () => host.inFlight() === 1);
      const closed = assert.rejects(socket.closed, { code: "partition" });
      await host.restart();
      await closed;
      const again = host.socket(TALK);
      again.send("back");
      assert.equal(await again.next(), "back");
      await again.close();
    });
  });

/** The fixture in another version. */
function nextVersion(t: TestContext, update: "overlap" | "stop-first"): string {
  const dir = mkdtempSync(join(tmpdir(), "hn-doors-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  cpSync(DOORS, dir, { recursive: true });
  const path = join(dir, "hearthnet.plugin.json");
  const manifest = JSON.parse(readFileSync(path, "utf8")) as object;
  writeFileSync(path, JSON.stringify({ ...manifest, version: "1.1.0", update: { strategy: update } }));
  return dir;
}

for (const { mode, skip } of modes())
  describe(`WebSockets of a plugin whose rights or version change, ${mode}`, { skip }, () => {
    it("a right that is taken ends what is open at once, even where the plugin sulks (§3.4.3)", async (t) => {
      // Its clock stands still: the plugin is never out of time, and nobody waits for it.
      const clock = fakeClock();
      const host = await createTestHost({ dir: DOORS, mode, clock });
      t.after(() => host.close());
      const open = [host.socket(TALK), host.socket(TALK), host.socket(WATCH)];
      open[0]?.send("sulk");
      open[1]?.send("here");
      assert.equal(await open[1]?.next(), "here");
      await host.revoke("http.mount");
      for (const { closed } of open) await assert.rejects(closed, { code: "permission_denied" });
      assert.throws(() => host.socket(TALK), { code: "not_found" });
    });

    it("a release that is followed keeps what is open; new ones reach its successor (§6.4.4)", async (t) => {
      const host = await createTestHost({ dir: DOORS, mode });
      t.after(() => host.close());
      const before = host.socket(TALK);
      before.send("one");
      assert.equal(await before.next(), "one");
      await host.update({ dir: nextVersion(t, "overlap") });
      const after_ = host.socket(TALK);
      after_.send("two");
      assert.equal(await after_.next(), "two");
      before.send("three");
      assert.equal(await before.next(), "three");
      await before.close();
      await after_.close();
    });

    it("one that has to end first says goodbye to its clients", async (t) => {
      // Its clock stands still: nobody waits for a call that would never end by itself.
      const host = await createTestHost({ dir: DOORS, mode, clock: fakeClock() });
      t.after(() => host.close());
      const before = host.socket(TALK);
      before.send("one");
      assert.equal(await before.next(), "one");
      const closed = assert.rejects(before.closed, { code: "partition" });
      await host.update({ dir: nextVersion(t, "stop-first") });
      await closed;
      const after_ = host.socket(TALK);
      after_.send("two");
      assert.equal(await after_.next(), "two");
      await after_.close();
    });
  });

it("an isolate speaks WebSocket too", { skip: hasBubblewrap() ? false : "needs bubblewrap" }, async () => {
  const manifest = requireManifest(readFileSync(join(DOORS, "hearthnet.plugin.json")));
  const host = await createTestHost({ dir: DOORS, manifest: { ...manifest, tier: { min: "isolate" } }, mode: "confined" });
  try {
    const socket = host.socket(TALK);
    for (const message of ["ä".repeat(200_000), "Moin"]) {
      socket.send(message);
      assert.equal(await socket.next(), message);
    }
    assert.deepEqual(await socket.close(), { code: 1000, reason: "" });
  } finally {
    await host.close();
  }
});
