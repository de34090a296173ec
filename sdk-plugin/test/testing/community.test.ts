/** The community around a plugin under test: the board of docs/guide/write-a-plugin.md, as it stands there. @source plugin-platform §4.7 */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { until } from "../../../host/test/support/until.ts";
import { createTestHost, modes, type TestHost } from "../../src/testing/index.ts";
import { makeProject } from "./project.ts";

const HERE = import.meta.dirname;
const GUIDE = readFileSync(join(HERE, "..", "..", "..", "docs", "guide", "write-a-plugin.md"), "utf8");
const CODE =
  /```ts\n([^`]*?market\.post\.created[^]*?)\n```/.exec(GUIDE.slice(GUIDE.indexOf("## What the community shares")))?.[1] ?? "";
const POST = "ext.acme.board.post@1.0";
const TYPE = "market.post.created";

function project(): string {
  const reason = { en: "It is a board." };
  return makeProject({
    id: "acme/board",
    capability: "ext.acme.board.post",
    schema: "any",
    contributes: { views: [{ name: "board", types: [TYPE], snapshot: true }] },
    permissions: [
      { name: "bus.provide", scope: { prefixes: ["ext.acme.board."] }, reason },
      { name: "events.append", scope: { types: [TYPE] }, reason },
      { name: "events.read", scope: { types: [TYPE] }, reason },
      { name: "events.push", reason },
    ],
    code: CODE,
  }).dir;
}

for (const { mode, skip } of modes())
  describe(`a plugin that writes events, ${mode}`, { skip }, () => {
    let dir: string;
    let host: TestHost;
    const post = async (input: object, as: Parameters<TestHost["call"]>[2] = {}): Promise<Record<string, unknown>> =>
      (await host.call(POST, { input }, as)).output;
    const seen = async (count: number): Promise<void> =>
      void (await until("the view has it", async () => ((await post({ title: "?" }))["posts"] as number) >= count));
    before(async () => {
      dir = project();
      host = await createTestHost({ dir, mode });
    });
    after(async () => {
      await host.close();
      rmSync(dir, { recursive: true, force: true });
    });

    it("writes into the node's log, under its key, and its view has it", async () => {
      const { event_id } = await post({ title: "Bike" });
      const [found] = host.community.events([TYPE]);
      assert.deepEqual(
        [found?.event.event_id, found?.event.author, found?.event.data["title"], found?.level],
        [event_id, host.community.nodeId, "Bike", "anchor"],
      );
      await seen(1);
    });

    it("hears what a neighbour writes, with the neighbour's level, and not what a stranger's device does", async () => {
      const ben = await host.community.neighbour("Ben", { level: "trusted" });
      await ben.append(TYPE, { title: "Chairs" });
      const [found] = host.community.events([TYPE]).filter(({ event }) => event.author === ben.nodeId);
      assert.deepEqual([found?.level, found?.event.data["title"]], ["trusted", "Chairs"]);
      await ben.revoke();
      await assert.rejects(ben.meet());
    });

    it("pushes to a neighbour at once, or not while nobody can be reached", async () => {
      const carl = await host.community.neighbour("Carl");
      const { event_id } = await post({ title: "Table", to: carl.nodeId }, { as: carl });
      assert.equal(carl.received([TYPE]).at(-1)?.event.event_id, event_id);
      const back = host.offline();
      assert.equal((await post({ title: "Lamp", to: carl.nodeId }))["delivered"], "offline");
      await assert.rejects(carl.meet(), { code: "partition" });
      assert.ok(carl.received([TYPE]).every(({ event }) => event.data["title"] !== "Lamp"));
      back();
      await carl.meet();
      assert.equal(
        carl.received([TYPE]).some(({ event }) => event.data["title"] === "Lamp"),
        true,
      );
      await assert.rejects(post({ title: "Lost", to: "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }), {
        code: "not_found",
      });
    });

    it("an event that came late stands at its own place (04 §5)", async () => {
      const dora = await host.community.neighbour("Dora");
      const back = host.offline();
      await dora.append(TYPE, { title: "written before" });
      for (const title of ["a", "b", "c"]) await post({ title });
      back();
      await dora.meet();
      const titles = host.community.events([TYPE]).map(({ event }) => JSON.stringify(event.data["title"]));
      assert.ok(titles.indexOf('"written before"') < titles.indexOf('"c"'), titles.join());
    });

    it("keeps its log over a restart and kill -9", async () => {
      const count = host.community.events([TYPE]).length;
      await host.restart();
      assert.equal(host.community.events([TYPE]).length, count);
      await seen(count);
    });
  });

describe("the node of a test", () => {
  let dir: string;
  before(() => void (dir = project()));
  after(() => rmSync(dir, { recursive: true, force: true }));

  it("can be a plain member, whose rights are those of one", async () => {
    const host = await createTestHost({ dir, mode: "inproc", community: { level: "member" } });
    try {
      await host.call(POST, { input: { title: "Bike" } });
      assert.equal(host.community.events([TYPE])[0]?.level, "member");
      const ben = await host.community.neighbour("Ben");
      await assert.rejects(ben.revoke(), { code: "unauthorized" });
    } finally {
      await host.close();
    }
  });

  it("can be alone, as before it has joined", async () => {
    const host = await createTestHost({ dir, mode: "inproc", community: false });
    try {
      await assert.rejects(host.call(POST, { input: { title: "Bike" } }), { reason: "no_community" });
      assert.throws(() => host.community, /createTestHost\(\{ community: true \}\)/);
    } finally {
      await host.close();
    }
  });
});
