/** What a caller sends into a call, as a plugin reads it, in both modes. @source 02 T-17, plugin-platform §5.3.1 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Frame, JsonObject } from "../../host/src/contract/index.ts";
import { until } from "../../host/test/support/until.ts";
import { createTestHost, modes, type StreamAs, type TestHost } from "../src/testing/index.ts";

const PARROT = join(import.meta.dirname, "..", "..", "test", "fixtures", "plugins", "parrot");
const REPEAT = "ext.dev.parrot.repeat@1.0";
const PASS = "ext.dev.parrot.pass@1.0";

async function* words(count: number, onTaken: (n: number) => void = () => undefined): AsyncGenerator<Frame, void, void> {
  for (let n = 1; n <= count; n += 1) {
    onTaken(n);
    yield { event: "word", data: { n } };
  }
}

for (const { mode, skip } of modes())
  describe(`frames into a plugin's call, ${mode}`, { skip }, () => {
    let host: TestHost;
    before(async () => {
      host = await createTestHost({
        dir: PARROT,
        mode,
        capabilities: {
          "ext.dev.ear@1.0": async function* ({ frames }) {
            let heard = 0;
            for await (const { data } of frames) heard += Number(data["n"]);
            yield { event: "heard", data: { heard } };
          },
        },
      });
    });
    after(() => host.close());

    async function drain(ref: string, input: JsonObject, options: StreamAs): Promise<{ frames: Frame[]; summary: JsonObject }> {
      const stream = host.stream(ref, { input }, options);
      const frames: Frame[] = [];
      for (;;) {
        const step = await stream.next();
        if (step.done === true) return { frames, summary: step.value };
        frames.push(step.value);
      }
    }

    it("come in order, each once, more than the window holds", async () => {
      const { frames, summary } = await drain(REPEAT, {}, { frames: words(100) });
      assert.equal(summary["count"], 100);
      assert.deepEqual(
        frames.slice(1).map(({ data }) => (data["data"] as JsonObject)["n"]),
        Array.from({ length: 100 }, (_, n) => n + 1),
      );
    });

    it("are none where nothing follows: the loop ends at once", async () => {
      assert.equal((await drain(REPEAT, {}, {})).summary["count"], 0);
    });

    it("wait at their source while the reader of the answer waits", async () => {
      let taken = 0;
      const stream = host.stream(REPEAT, { input: {} }, { frames: words(1000, (n) => (taken = n)) });
      await stream.next();
      // Each hop keeps a window of 16 at most: into the plugin, in the plugin, and out of it.
      let before = -1;
      await until("the source stands still", () => {
        const still = taken === before;
        before = taken;
        return still;
      });
      assert.ok(taken <= 60, `${taken} were taken for a reader that has read one`);
      await stream.cancel();
      assert.ok(taken <= 60);
    });

    it("are passed on to whoever the plugin calls", async () => {
      const { frames } = await drain(PASS, {}, { frames: words(40) });
      assert.equal(frames[0]?.data["heard"], 820);
    });

    it("that break off take the call along", async () => {
      async function* broken(): AsyncGenerator<Frame, void, void> {
        yield { event: "word", data: { n: 1 } };
        throw new Error("the microphone is gone");
      }
      await assert.rejects(drain(REPEAT, {}, { frames: broken() }));
      await until("the plugin has let go", () => host.inFlight() === 0);
    });
  });
