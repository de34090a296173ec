/** A plugin of tier isolate as its author has it: packed, started in an isolate, asked by a real bus. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Frame } from "@hearthnet/host/contract";
import { hasBubblewrap } from "../../host/test/runtime/fixtures/world.ts";
import { createTestHost, runContract, type TestHost } from "../src/testing/index.ts";

const MATCH = "ext.dev.word_watch.match@1.0";
const EACH = "ext.dev.word_watch.each@1.0";

describe("a rule in an isolate", { skip: hasBubblewrap() ? false : "needs bubblewrap" }, () => {
  let host: TestHost;
  before(async () => {
    host = await createTestHost({ dir: join(import.meta.dirname, "..", "..", "test", "fixtures", "plugins", "word-watch") });
  });
  after(() => host.close());

  const match = async (text: unknown): Promise<Record<string, unknown>> => ({
    ...(await host.call(MATCH, { input: { text } })).output,
  });

  it("runs there, confined like any plugin", () => {
    const { tier, state, label } = host.status();
    assert.deepEqual({ tier, state, label }, { tier: "isolate", state: "active", label: "os" });
  });

  it("sees its settings, new ones at once, and keeps values in the host", async () => {
    assert.deepEqual(await match("A red BIKE"), { found: ["bike"], seen: 1, label: "os" });
    assert.equal(await host.configure({ words: ["red"] }), "applied");
    assert.deepEqual(await match("A red BIKE"), { found: ["red"], seen: 2, label: "os" });
    assert.equal(await host.configure({ words: ["bike", "Fahrrad"] }), "applied");
  });

  it("streams", async () => {
    const frames: Frame[] = [];
    const stream = host.stream(EACH, { input: { text: "bike, Fahrrad" } });
    for (let next = await stream.next(); ; next = await stream.next()) {
      if (next.done === true) {
        assert.equal(next.value["found"], 2);
        break;
      }
      frames.push(next.value);
    }
    assert.deepEqual(
      frames.map(({ event, data }) => [event, data["word"]]),
      [
        ["word", "bike"],
        ["word", "Fahrrad"],
      ],
    );
  });

  it("refuses with its own words", async () => {
    await assert.rejects(match(3), { code: "bad_request", message: "Send a text." });
  });

  it("writes its log", () => {
    const { level, message } = host.logs().find(({ source }) => source === "plugin") ?? assert.fail("nothing was logged");
    assert.deepEqual([level, message], ["info", 'watching {"words":["bike","Fahrrad"]}']);
  });

  it("keeps every promise that a plugin makes, kill -9 included", async () => {
    assert.deepEqual(
      (await runContract(host)).filter(({ kept }) => !kept),
      [],
    );
  });
});
