import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { PluginStatus } from "@hearthnet/host/contract";
import type { Browser } from "playwright-core";
import { until } from "../../host/test/support/until.ts";
import type { LiveNode } from "../support/live-node.ts";
import { askPage } from "./support/api.ts";
import { Opened } from "./support/closing.ts";
import { openScene } from "./support/scene.ts";
import { Visitor } from "./support/visitor.ts";

const ID = "hearthnet/ocr";

describe("what a plugin uses (plugin-platform §7)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let browser: Browser;
  let session: string;
  after(() => opened.close());

  before(async () => {
    ({ node, browser, session } = await openScene(opened));
    await node.ask(["plugin", "install", ID, "--grant", "all"]);
  });

  for (const [language, width] of [
    ["de", 320],
    ["en", 1280],
  ] as const)
    it(`is drawn second by second, and said in words (${language}, ${width} px)`, async () => {
      const me = await Visitor.arrive(opened, {
        browser,
        session,
        language,
        width,
        admin: node.ready.admin,
        theme: "light",
        name: `meters-${language}`,
      });
      await me.visit(`/plugins/${ID}`);
      const curves = me.page.locator("polyline");
      await curves.nth(3).waitFor({ state: "attached" });
      const points = async (): Promise<number> => ((await curves.first().getAttribute("points")) ?? "").split(" ").length;
      const before = await points();
      await until("a point is added by itself", async () => (await points()) > before, 10_000);
      await me.page.getByText(me.say("meters.disk"), { exact: true }).waitFor();
      await me.look("meters");
      me.assertClean();
    });

  it("is the same in the terminal and for collectors", async () => {
    const [top] = await node.ask<Pick<PluginStatus, "id" | "resources">[]>(["plugin", "top"]);
    assert.equal(top?.id, ID);
    assert.ok((top.resources?.rssMb ?? 0) > 10);
    const samples = (await askPage(node, `/plugins/${ID}/meters`, { cookie: `hn_session=${session}` })).body["items"] as {
      rssMb: number;
    }[];
    assert.ok(samples.length > 0 && samples.every(({ rssMb }) => rssMb >= 0));
  });
});
