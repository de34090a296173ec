import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createTestHost, modes, type TestHost } from "@hearthnet/sdk-plugin/testing";

for (const { mode, skip } of modes())
  describe(`the plugin, ${mode}`, { skip }, () => {
    let host: TestHost;
    before(async () => {
      host = await createTestHost({ dir: join(import.meta.dirname, ".."), mode });
    });
    after(() => host.close());

    const greet = async (name: string) => (await host.call("__PREFIX__.greet@1.0", { input: { name } })).output;

    it("greets by name and counts", async () => {
      assert.deepEqual({ ...(await greet("Ada")) }, { text: "Hello, Ada!", count: 1 });
      assert.equal((await greet("Bo"))["count"], 2);
    });

    it("takes another greeting while it runs", async () => {
      assert.equal(await host.configure({ greeting: "Moin" }), "applied");
      assert.equal((await greet("Ada"))["text"], "Moin, Ada!");
    });

    it("refuses to work without the right to count", async () => {
      await host.revoke("storage.kv");
      await assert.rejects(greet("Ada"), { code: "permission_denied" });
    });
  });
