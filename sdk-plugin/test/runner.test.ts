/** The runner, inside its sandbox and inside the test's process, asked by a real bus: what an author relies on. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { encodeBase64url } from "../../host/src/foundation/index.ts";
import { until } from "../../host/test/support/until.ts";
import { createTestHost, modes, type TestHost } from "../src/testing/index.ts";

const SAY = "ext.acme.parrot.say@1.0";
const COUNT = "ext.acme.parrot.count@1.0";

interface Coded {
  code: string;
  message: string;
  retryAfterMs?: number;
}

for (const { mode, skip } of modes())
  describe(`a plugin under the runner, ${mode}`, { skip }, () => {
    let host: TestHost;
    before(async () => {
      host = await createTestHost({ dir: join(import.meta.dirname, "fixtures", "parrot"), mode });
    });
    after(() => host.close());

    const say = async (input: object): Promise<Record<string, unknown>> => plain((await host.call(SAY, { input })).output);
    const starts = (): number => host.logs().filter(({ message }) => message.startsWith("the parrot is awake")).length;
    const codeOf = async (work: Promise<unknown>): Promise<Coded> => {
      try {
        await work;
      } catch (error) {
        return error as Coded;
      }
      assert.fail("it was not refused");
    };

    it("sees its settings, its grants and who calls", async () => {
      const said = await say({});
      assert.deepEqual(
        { accent: said["accent"], caller: said["caller"], granted: said["granted"], signal: said["signal"] },
        { accent: "", caller: "member", granted: true, signal: false },
      );
      assert.equal(said["label"], host.label());
    });

    it("gets bytes as bytes and gives bytes back, larger than one frame may carry inline", async () => {
      const sound = new Uint8Array(3_000_000).map((_, i) => i % 251);
      const { output } = await host.call(SAY, { input: { op: "sound", sound } });
      assert.equal(output["size"], sound.byteLength);
      assert.deepEqual(Buffer.from(output["sound"] as unknown as Uint8Array), Buffer.from(sound));
      const asText = await host.call(SAY, { input: { op: "sound", sound: encodeBase64url(Buffer.from("short")) } });
      assert.equal(asText.output["size"], 5, "from the wire it comes as base64url and is decoded once");
    });

    it("keeps values in the host", async () => {
      assert.deepEqual((await say({ op: "remember", word: "Lora" }))["stored"], { value: '"Lora"', version: 1 });
    });

    it("calls others under the caller's rights and under its own, and no more than it was granted", async () => {
      assert.equal((await say({ op: "call" }))["caller"], "member");
      assert.equal((await say({ op: "call-own" }))["caller"], "plugin");
      assert.equal((await codeOf(say({ op: "call-other" }))).code, "permission_denied");
    });

    it("has work done apart, with progress, and hears when that part dies", async () => {
      const { json, seen, back } = await say({ op: "think", sound: new Uint8Array(400_000) });
      assert.deepEqual([json, seen, back], [{ size: 400_000, op: "well" }, [{ stage: "thinking" }], 400_000]);
      assert.equal((await codeOf(say({ op: "think", how: "die" }))).code, "internal_error");
      assert.equal((await say({ op: "think" }))["back"], 0, "the next piece of work finds a new worker");
    });

    it("tells coded errors as they are and hides all others, whose stack only its log shows", async () => {
      const full = await codeOf(say({ op: "refuse" }));
      assert.deepEqual([full.code, full.message, full.retryAfterMs], ["capacity_exceeded", "The parrot is full.", 1234]);
      const broken = await codeOf(say({ op: "break" }));
      assert.equal(broken.code, "internal_error");
      assert.doesNotMatch(broken.message, /foresaw/);
      await until("the stack is in the log", () =>
        host.logs().some(({ message }) => /a fault nobody foresaw[\s\S]*main\.mjs/.test(message)),
      );
      assert.equal((await codeOf(say({ op: "odd" }))).code, "internal_error");
    });

    it("streams at the reader's pace and ends with a summary", async () => {
      const stream = host.stream(COUNT, { input: { to: 100 } });
      const frames: number[] = [];
      let next = await stream.next();
      for (; next.done !== true; next = await stream.next()) frames.push(next.value.data["current"] as number);
      assert.deepEqual(
        frames,
        Array.from({ length: 100 }, (_, i) => i + 1),
      );
      assert.deepEqual(plain(next.value), { counted: 100 });
    });

    it("ends a stream with an error in the middle, and when its reader leaves", async () => {
      const stumbling = host.stream(COUNT, { input: { to: 10, stumble: 4 } });
      const seen: unknown[] = [];
      const error = await codeOf(
        (async () => {
          for await (const { data } of stumbling) seen.push(data["current"]);
        })(),
      );
      assert.deepEqual([seen, error.code], [[1, 2, 3], "bad_request"]);
      for await (const { data } of host.stream(COUNT, { input: {} })) if (data["current"] === 50) break;
      assert.equal((await say({}))["caller"], "member", "and goes on answering");
    });

    it("lets go of a cancelled call and of one past its deadline", async () => {
      const abort = new AbortController();
      const waiting = codeOf(host.call(SAY, { input: { op: "wait" } }, { signal: abort.signal }));
      const from = performance.now();
      abort.abort();
      await waiting;
      assert.ok(performance.now() - from < 1000);
      assert.equal((await codeOf(host.call(SAY, { input: { op: "wait" } }, { timeoutMs: 100 }))).code, "timeout");
    });

    it("takes new settings while it runs, or by a new start when it asks for one", async () => {
      const before = starts();
      assert.equal(await host.configure({ accent: "rrr" }), "applied");
      assert.equal((await say({}))["accent"], "rrr");
      assert.equal(starts(), before);
      assert.equal(await host.configure({ accent: "again" }), "restart");
      assert.deepEqual([(await say({}))["accent"], (await say({}))["woken"]], ["again", 1]);
      assert.equal(starts(), before + 1);
    });

    it("loses a right at once", async () => {
      await host.revoke("storage.kv");
      assert.equal((await say({}))["granted"], false);
      assert.equal((await codeOf(say({ op: "remember", word: "x" }))).code, "permission_denied");
    });

    // In the test's own process it would end the test.
    if (mode === "confined")
      it("that ends by itself in the middle of a call is a plugin gone, and comes back", async () => {
        assert.equal((await codeOf(say({ op: "exit" }))).code, "plugin_gone");
        await until("it is back", () => host.status().state === "active", 15_000);
        assert.equal((await say({}))["caller"], "member");
      });
  });

/** Objects of the bus have no prototype, which a comparison would hold against them. */
function plain<T>(value: T): T {
  return structuredClone(value);
}
