import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { CommunityFacts } from "@hearthnet/host/contract";
import { startNode, type LiveNode } from "../support/live-node.ts";
import { PASSWORD, setUp } from "./support/api.ts";
import { Opened } from "./support/closing.ts";
import { arriveAt, openScene, type Scene } from "./support/scene.ts";

const SCREENS = [
  { language: "en", theme: "light", width: 1280 },
  { language: "de", theme: "dark", width: 320 },
] as const;

describe("the neighbours' nodes (network.md §4)", () => {
  const opened = new Opened();
  let scene: Scene;
  let garage: LiveNode;
  let stranger: LiveNode;
  after(() => opened.close());

  before(async () => {
    scene = await openScene(opened, { passphrase: PASSWORD });
    [garage, stranger] = await Promise.all([startNode(opened), startNode(opened)]);
    await Promise.all([
      setUp(garage, { name: "Garage", community: { kind: "later" } }),
      setUp(stranger, { name: "Somebody with a very long name indeed", community: { kind: "later" } }),
    ]);
    const { fresh_device_id } = await garage.ask<CommunityFacts>(["community", "show"]);
    const { invite_blob } = await scene.node.ask<{ invite_blob: string }>(["invite", fresh_device_id]);
    await garage.ask(["join", invite_blob]);
    for (const { ready } of [garage, stranger]) await scene.node.ask(["peer", "add", new URL(ready.bus).host]);
  });

  for (const screen of SCREENS) {
    it(`are a map, the same as a table, and each is explained, ${screen.language}, ${screen.width} px`, async () => {
      const me = await arriveAt(opened, scene, {
        name: `mesh-${screen.language}-${screen.theme}`,
        ...screen,
      });
      await me.visit("/mesh");
      const row = me.page.getByRole("row").filter({ hasText: "Garage" });
      await row
        .locator("[data-peer=verified]")
        .filter({ hasText: me.say("mesh.states.verified") })
        .waitFor();
      await row.getByText(me.say("mesh.sources.log")).waitFor();
      const other = me.page.getByRole("row").filter({ hasText: "Somebody" });
      await other.locator("[data-peer=stranger]").waitFor();
      const counts = { all: 2, verified: 1, suspect: 0, strangers: 1 };
      await me.get("img", "mesh.map", { values: counts }).waitFor();
      await me.page.getByText(me.say("mesh.dhtOff")).waitFor();
      await me.look("mesh");

      await me.get("button", "mesh.explainOne", { values: { name: "Garage" } }).press("Enter");
      const dialog = me.page.getByRole("dialog");
      await dialog.getByText(me.say("mesh.reaches.near")).first().waitFor();
      const place = new URL(garage.ready.bus).host.replace("localhost", "127.0.0.1");
      await dialog.getByRole("rowheader", { name: place }).waitFor();
      await dialog.getByText(me.say("mesh.always")).first().waitFor();
      await me.look("mesh-explained", { whole: false });
      await me.page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      assert.equal(await me.page.locator(":focus").innerText(), me.say("mesh.explain"), "the focus comes back");
      me.assertClean();
    });
  }

  it("are added by address and forgotten again", async () => {
    const me = await arriveAt(opened, scene, {
      name: "mesh-add",
      ...SCREENS[0],
    });
    await me.visit("/mesh");
    await me.get("button", "mesh.forgetOne", { values: { name: "Somebody with a very long name indeed" } }).click();
    const dialog = me.page.getByRole("dialog");
    await me.press("mesh.forget", { within: dialog });
    const row = me.page.getByRole("row").filter({ hasText: "Somebody" });
    // The row may go first; until the dialog is gone, nothing behind it takes what is typed.
    for (const gone of [row, dialog]) await gone.waitFor({ state: "detached" });
    const { hostname, port } = new URL(stranger.ready.bus);
    await me.page.getByLabel(me.say("mesh.host"), { exact: true }).fill(hostname);
    await me.page.getByLabel(me.say("mesh.port"), { exact: true }).fill(port);
    await me.press("mesh.add");
    await row.locator("[data-peer=stranger]").waitFor();
    me.assertClean();
  });
});
