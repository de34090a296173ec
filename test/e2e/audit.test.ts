import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import type { LiveNode } from "../support/live-node.ts";
import { Opened } from "./support/closing.ts";
import { openScene } from "./support/scene.ts";
import { Visitor } from "./support/visitor.ts";

const ID = "hearthnet/ocr";

describe("what plugins asked for, row by row (plugin-platform §8.3)", () => {
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
    it(`is filtered, checked, and followed as it happens (${language}, ${width} px)`, async () => {
      const me = await Visitor.arrive(opened, {
        browser,
        session,
        language,
        width,
        admin: node.ready.admin,
        theme: "light",
        name: `audit-${language}`,
      });
      await me.visit("/audit");
      await me.page.getByText(me.say(["audit", "actions", "plugin.install"])).waitFor();
      await me.look("audit");
      await me.page.getByLabel(me.say("ledger.op"), { exact: true }).fill("operator.plugin.restart");
      await me.page.keyboard.press("Tab");
      await me.page.getByText(me.say(["audit", "actions", "plugin.install"])).waitFor({ state: "detached" });
      const rows = me.page.locator("tbody tr");
      const before = await rows.count();
      await node.ask(["plugin", "restart", ID]);
      // Nobody clicked: the row came by itself.
      await rows.nth(before).waitFor();
      await me.press("ledger.check");
      await me.page.locator("[role=status] .note.ok").waitFor();
      await me.look("filtered");
      me.assertClean();
    });

  it("takes a permission away from beside the row that tells of it", async () => {
    const me = await Visitor.arrive(opened, {
      browser,
      session,
      language: "en",
      width: 1280,
      admin: node.ready.admin,
      theme: "dark",
      name: "audit-revoke",
    });
    await me.visit("/audit");
    await me.page.getByLabel(me.say("ledger.op"), { exact: true }).fill("grant");
    await me.page.keyboard.press("Tab");
    const values = { right: me.say(["permissions", "proc.worker"]), name: "Text recognition" };
    // Until the filter holds there are rows of its use as well, each with the same button.
    await me.get("button", "ledger.revokeOne", { values }).first().click();
    const dialog = me.page.getByRole("dialog");
    await me.look("revoke", { whole: false });
    await me.press("ledger.revoke", { within: dialog });
    await dialog.waitFor({ state: "detached" });
    const rows = await node.ask<{ permission: string }[]>(["audit", "list", "--op", "ungrant"]);
    assert.ok(rows.some(({ permission }) => permission === "proc.worker"));
    me.assertClean();
  });
});
