import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { PermissionRequest, PluginManifest } from "@hearthnet/host/contract";
import { configFor, registryOf } from "../support/keeper.ts";
import { startNode, type LiveNode } from "../support/live-node.ts";
import { setUp } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { Visitor, type VisitorOptions } from "./support/visitor.ts";

const ID = "village/hello";
const NOTIFY: PermissionRequest = {
  name: "notify",
  reason: { en: "Tells you of every hundredth greeting.", de: "Sagt dir jeden hundertsten Gruß." },
};
const LOOKS: VisitorOptions[] = [
  { name: "versions-en-light-1280", language: "en", theme: "light", width: 1280 },
  { name: "versions-de-dark-320", language: "de", theme: "dark", width: 320 },
];

for (const look of LOOKS) {
  describe(`one version after another, ${look.language}, ${look.theme}, ${look.width} px (admin-ui J6, E10)`, () => {
    const opened = new Opened();
    let node: LiveNode;
    let me: Visitor;
    after(() => opened.close());

    before(async () => {
      const village = await registryOf(opened, "village");
      const manifest = JSON.parse(readFileSync(join(village.home, "hello", "hearthnet.plugin.json"), "utf8")) as PluginManifest;
      village.change("src/greeting.ts", (text) => text.replace("${word}, ", "${word} again, "));
      await village.publish("0.2.0", { permissions: [...manifest.permissions, NOTIFY] });
      node = await startNode(opened, { args: ["--config", configFor(village, "village")] });
      const session = await setUp(node, { name: "Küche", community: { kind: "later" } });
      await node.ask(["plugin", "install", `${ID}@0.1.0`, "--grant", "all"]);
      await node.ask(["plugin", "revoke", ID, "storage.kv"]);
      me = await Visitor.arrive(opened, { browser: await openBrowser(opened), admin: node.ready.admin, ...look, session });
    });

    const greet = async (): Promise<{ text?: string; error?: string }> => {
      const { json } = await node.cli(["call", "ext.village.hello.greet", "--input", '{"name":"Ada"}']);
      const { output, error } = json as { output?: { text: string }; error?: string };
      return error === undefined ? { text: output?.text ?? "" } : { error };
    };
    const wish = (name: string) =>
      me.page
        .getByRole("dialog")
        .getByRole("listitem")
        .filter({ has: me.page.getByText(name, { exact: true }) })
        .getByRole("switch");

    it("says on the plugin's card that there is a newer version, and leads to it", async () => {
      await me.visit("/plugins");
      await me.get("link", "versions.badge", { values: { version: "0.2.0" } }).click();
      await me.titled("titles.versions");
      await me.page.getByText(me.say("versions.none")).waitFor();
      await me.look("newer");
      me.assertClean();
    });

    it("shows what the newer one asks for before anything changes; what was refused before stays refused", async () => {
      await me.press("versions.update", { values: { version: "0.2.0" } });
      await me.get("button", "versions.confirm").waitFor();
      assert.equal(await wish("notify").isChecked(), true);
      assert.equal(await wish("storage.kv").isChecked(), false, "it was taken from the version before");
      await me.look("review", { whole: false });
      await wish("storage.kv").press("Space");
      me.assertClean();
    });

    it("changes the version while the plugin answers, and says so", async () => {
      await me.press("versions.confirm");
      await me.page.getByText(me.say("versions.jobDone")).first().waitFor();
      await me.page.getByText(me.say("versions.newest")).waitFor();
      await me.get("button", "versions.backTo", { values: { version: "0.1.0" } }).waitFor();
      await me.look("updated");
      assert.deepEqual(await greet(), { text: "Hello again, Ada!" });
      await me.visit("/plugins");
      await me.page.getByText(`${ID} 0.2.0`).waitFor();
      assert.equal(await me.get("link", "versions.badge", { values: { version: "0.2.0" } }).count(), 0);
      me.assertClean();
    });

    it("goes back with one click, to the rights that the former version had", async () => {
      await me.visit(`/plugins/${ID}/versions`);
      await me.press("versions.backTo", { values: { version: "0.1.0" } });
      await me.look("back", { whole: false });
      await me.press("versions.back", { within: me.page.getByRole("dialog") });
      await me.page.getByText(me.say("versions.jobDone")).first().waitFor();
      await me.get("button", "versions.update", { values: { version: "0.2.0" } }).waitFor();
      assert.deepEqual(await greet(), { error: "permission_denied" }, "the right that it did not have");
      me.assertClean();
    });
  });
}
