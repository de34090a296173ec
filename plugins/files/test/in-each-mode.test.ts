/** The plugin as it is shipped, under the real host: in this process and in its sandbox. @source plugin-platform §4.7 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { join } from "node:path";
import { createTestHost, modes, runContract, type TestHost } from "@hearthnet/sdk-plugin/testing";

const HELLO = "blake3:b8cc5fcfd8bf41058109ac42f3372ab5cf85c099d19a95580391038483dae3a6";
const HELLO_CHUNK = "blake3:ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f";

for (const { mode, skip } of modes())
  describe(`files, ${mode}`, { skip }, () => {
    let host: TestHost;
    before(async () => {
      host = await createTestHost({ dir: join(import.meta.dirname, ".."), mode });
    });
    after(() => host.close());

    it("takes a small file in one piece and gives it out again", async () => {
      const body = { input: { data_b64: new TextEncoder().encode("hello"), filename: "hello.txt" } };
      const { output } = await host.call("file.put@1.0", body, { as: "trusted" });
      assert.deepEqual({ ...output }, { cid: HELLO, size_bytes: 5 });
      const events: string[] = [];
      for await (const { event } of host.stream("file.read@1.0", { input: { cid: HELLO } })) events.push(event);
      assert.deepEqual(events, ["manifest", "chunk"]);
      const one = await host.call("file.read@1.0", { input: { cid: HELLO_CHUNK } });
      assert.equal(Buffer.from(one.output["data_b64"] as unknown as Uint8Array).toString(), "hello");
    });

    it("keeps what every plugin promises", async () => {
      assert.deepEqual(
        (await runContract(host)).filter(({ kept }) => !kept),
        [],
      );
    });
  });
