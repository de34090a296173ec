/** The plugin as it is shipped, under the real host: in this process and in its sandbox. @source plugin-platform §4.7 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { join } from "node:path";
import { createTestHost, modes, runContract, type TestHost } from "@hearthnet/sdk-plugin/testing";
import { makeOcrPages } from "../../../test/fixtures/ocr-pages.ts";

for (const { mode, skip } of modes())
  describe(`text recognition, ${mode}`, { skip }, () => {
    let host: TestHost;
    before(async () => {
      host = await createTestHost({ dir: join(import.meta.dirname, ".."), mode });
    });
    after(() => host.close());

    it("reads a page in its worker", async () => {
      const [page] = await makeOcrPages([{ language: "deu", kind: "clean", repeat: 1 }]);
      const body = { params: { languages: ["deu"] }, input: { image_b64: page?.image } };
      const { output, meta } = await host.call("ocr.image@1.0", body, { as: "trusted" });
      assert.match(output["text"] as string, /^Fällt der Strom länger als vier Stunden aus/);
      assert.equal(meta["backend"], "tesseract");
      assert.deepEqual([...new Set(host.workers().map(({ name }) => name))], ["decode"]);
    });

    it("keeps what every plugin promises", async () => {
      assert.deepEqual(
        (await runContract(host)).filter(({ kept }) => !kept),
        [],
      );
    });

    it("reads nothing more once its worker is taken from it", async () => {
      await host.revoke("proc.worker");
      const body = { input: { image_b64: new Uint8Array([1]) } };
      await assert.rejects(host.call("ocr.image@1.0", body), { code: "permission_denied" });
      assert.deepEqual(host.workers(), []);
    });
  });
