/** A stranger's plugin with two doors: a route on the public port, a page of its own. @source plugin-platform §2.4, §4.6 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { requireManifest } from "@hearthnet/host/format";
import { hasBubblewrap } from "../../host/test/runtime/fixtures/world.ts";
import { createTestHost, modes, type TestHost } from "../src/testing/index.ts";
import { until } from "../../host/test/support/until.ts";

const DOORS = join(import.meta.dirname, "..", "..", "test", "fixtures", "plugins", "doors");

for (const { mode, skip } of modes())
  describe(`a plugin's doors, ${mode}`, { skip }, () => {
    let host: TestHost;
    before(async () => {
      host = await createTestHost({ dir: DOORS, mode });
    });
    after(() => host.close());

    it("a neighbour leaves a note, anybody reads it (§4.3)", async () => {
      const added = await host.http("POST /ext/dev/doors/notes/street", { json: { text: "Moin" }, as: "member" });
      assert.deepEqual([added.status, { ...added.body.json }], [201, { note: 1 }]);
      const { status, headers, body } = await host.http("GET /ext/dev/doors/notes");
      assert.deepEqual([status, headers["Cache-Control"]], [200, "max-age=5"]);
      assert.deepEqual(structuredClone(body.json), { notes: [{ note: 1, text: "Moin" }] });
      assert.ok(
        host.logs().some(({ message }) => message.includes("set-cookie")),
        "its author is not told what stays behind",
      );
    });

    it("what the plugin refuses is refused in its words", async () => {
      await assert.rejects(host.http("POST /ext/dev/doors/notes/street", { json: { text: "" } }), {
        code: "bad_request",
        message: "Send a text of at most 500 characters.",
      });
      await assert.rejects(host.http("GET /ext/dev/doors/else"), { code: "not_found" });
    });

    it("its panel asks it, under the plugin's own rights (§4.6)", async () => {
      assert.equal(await host.panel("board", "add", "Brot"), 2);
      assert.equal(await host.panel("board", "takeDown", 1), true);
      assert.deepEqual(structuredClone(await host.panel("board", "notes")), [{ note: 2, text: "Brot" }]);
      await assert.rejects(host.panel("board", "nothing"), { code: "not_found" });
      await assert.rejects(host.panel("other", "notes"), { code: "not_found" });
    });

    it("a right that is taken away closes its door at once, and no other (§3.4.3)", async () => {
      await host.revoke("http.mount");
      await assert.rejects(host.http("GET /ext/dev/doors/notes"), { code: "not_found" });
      assert.ok(Array.isArray(await host.panel("board", "notes")));
      await host.revoke("ui.panel");
      await assert.rejects(host.panel("board", "notes"), { code: "permission_denied" });
    });

    it("nothing stays open behind a plugin that is gone", async () => {
      const other = await createTestHost({ dir: DOORS, mode });
      try {
        assert.equal((await other.http("GET /ext/dev/doors/notes")).status, 200);
        await other.kill9();
        await until("it is back", () => other.status().state === "active");
        assert.equal((await other.http("GET /ext/dev/doors/notes")).status, 200);
      } finally {
        await other.close();
      }
    });
  });

it("an isolate has the same doors", { skip: hasBubblewrap() ? false : "needs bubblewrap" }, async () => {
  const manifest = requireManifest(readFileSync(join(DOORS, "hearthnet.plugin.json")));
  const host = await createTestHost({ dir: DOORS, manifest: { ...manifest, tier: { min: "isolate" } }, mode: "confined" });
  try {
    assert.equal(host.status().tier, host.mode === "confined" ? "isolate" : "process");
    const text = "ä".repeat(200);
    assert.equal((await host.http("POST /ext/dev/doors/notes/street", { json: { text } })).status, 201);
    assert.deepEqual(structuredClone(await host.panel("board", "notes")), [{ note: 1, text }]);
  } finally {
    await host.close();
  }
});
