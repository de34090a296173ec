/** A plugin's own page in its frame, as its owner uses it. @source admin-ui §17 (E18) */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { until } from "../../host/test/support/until.ts";
import { packFixture } from "../fixtures/signed-folder.ts";
import { temporaryFolder } from "../support/live-node.ts";
import { Opened } from "./support/closing.ts";
import { accessibleInside, inside } from "./support/panels.ts";
import { arriveAt, openScene, type Scene } from "./support/scene.ts";
import type { Visitor } from "./support/visitor.ts";

const PLUGIN = "/plugins/hearthnet/doors";
const PATH = `${PLUGIN}/panel/board`;
/** The note's field, its button, and what a browser may add at either end. */
const STOPS_INSIDE = 4;

describe("a plugin's own page (admin-ui §17, E18)", () => {
  const opened = new Opened();
  let scene: Scene;
  after(() => opened.close());

  before(async () => {
    scene = await openScene(opened);
    await scene.node.ask(["plugin", "install", "--from", await packFixture(temporaryFolder(opened), "doors"), "--grant", "all"]);
  });

  const arrive = (o: { name: string; language?: "en" | "de"; theme?: "light" | "dark"; width?: number }): Promise<Visitor> =>
    arriveAt(opened, scene, o);

  /** The panel has shown the plugin's notes. */
  async function shown(me: Visitor): Promise<void> {
    await inside(me)
      .getByText("No notes yet.")
      .or(inside(me).getByText("Noch keine Zettel."))
      .or(inside(me).locator("li"))
      .first()
      .waitFor();
  }

  it("is reached from the plugin's page, and asks its plugin", async () => {
    const me = await arrive({ name: "panel" });
    await me.visit(PLUGIN);
    await me.page.getByRole("link", { name: "Notice board", exact: true }).click();
    await me.page.waitForURL((url) => url.pathname === PATH);
    await shown(me);
    await inside(me).getByRole("textbox", { name: "New note" }).fill("Bring bread");
    await inside(me).getByRole("button", { name: "Pin" }).click();
    await inside(me).getByText("Bring bread").waitFor();
    await me.page
      .getByText(me.say("panel.says", { name: "Notice board", text: "Pin: Bring bread" }))
      .first()
      .waitFor();
    await me.look("board");
    await inside(me).getByRole("button", { name: "Take down: Bring bread" }).click();
    await inside(me).getByText("No notes yet.").waitFor();
    me.assertClean();
  });

  it("looks like the page around it: both languages, light and dark, wide and narrow, without a fault that axe can find", async () => {
    for (const language of ["en", "de"] as const)
      for (const theme of ["light", "dark"] as const)
        for (const width of [320, 1280]) {
          const me = await arrive({ name: `panel-${language}-${theme}-${width}`, language, theme, width });
          await me.visit(PATH);
          await shown(me);
          const title = language === "de" ? "Zettel" : "Notes";
          await inside(me).getByRole("heading", { name: title, exact: true }).waitFor();
          const colours = (of: string): Promise<string> =>
            me.page.locator(of).evaluate((e) => getComputedStyle(e).getPropertyValue("--text").trim());
          const worn = await inside(me)
            .locator("html")
            .evaluate((e) => ({
              text: getComputedStyle(e).getPropertyValue("--text").trim(),
              scheme: e.style.getPropertyValue("color-scheme"),
              lang: e.getAttribute("lang"),
              beyond: e.scrollWidth - e.clientWidth,
            }));
          assert.deepEqual(worn, { text: await colours("html"), scheme: theme, lang: language, beyond: 0 });
          await me.look("board");
          await accessibleInside(me);
          me.assertClean();
          await me.context.close();
        }
  });

  it("the frame is as high as what is in it", async () => {
    const me = await arrive({ name: "panel-height" });
    await me.visit(PATH);
    await shown(me);
    const fits = (): Promise<boolean> =>
      inside(me)
        .locator("html")
        .evaluate((e) => e.scrollHeight <= e.clientHeight + 1);
    await me.page.waitForFunction(() => document.querySelector("iframe")?.style.height !== "320px");
    await until("nothing of it is cut off", fits);
  });

  it("by keyboard one gets into it, past it, and out of it", async () => {
    const me = await arrive({ name: "panel-keyboard" });
    await me.visit(PATH);
    await shown(me);
    await me.page.getByRole("link", { name: me.say("panel.skip") }).focus();
    await me.page.screenshot({ path: me.picture("skip") });
    await me.page.keyboard.press("Tab");
    const isInside = (): Promise<boolean> => me.page.evaluate(() => document.activeElement?.tagName === "IFRAME");
    await until("Tab goes in", isInside);
    // The frame is another process: where the focus went shows a moment after the key.
    let pressed = 0;
    await until("and out again", async () => {
      if (!(await isInside())) return true;
      if (pressed < STOPS_INSIDE) {
        pressed += 1;
        await me.page.keyboard.press("Tab");
      }
      return false;
    });
    await me.page.getByRole("link", { name: me.say("panel.skip") }).focus();
    await me.page.keyboard.press("Enter");
    assert.equal(await me.page.evaluate(() => document.activeElement?.textContent), me.say("panel.end"), "or past it");
  });

  it("what it has asked is given up when its owner leaves the page", async () => {
    const me = await arrive({ name: "panel-left" });
    await me.visit(PATH);
    await shown(me);
    // As a plugin that takes its time.
    await me.page.route("**/panels/board/call", () => {});
    const asked = me.page.waitForRequest("**/panels/board/call");
    await inside(me).getByRole("textbox").fill("Never");
    await inside(me).getByRole("button", { name: "Pin" }).click();
    await asked;
    const givenUp = me.page.waitForEvent("requestfailed", (request) => request.url().endsWith("/panels/board/call"));
    await me.follow("/plugins");
    await givenUp;
  });

  it("says so when the plugin does not answer, and when the right to a page is gone", async () => {
    const me = await arrive({ name: "panel-refused", language: "de" });
    await me.visit(PATH);
    await shown(me);
    await scene.node.ask(["plugin", "disable", "hearthnet/doors"]);
    me.allow(/503/, /403/);
    await inside(me).getByRole("textbox").fill("Brot");
    await inside(me).getByRole("button", { name: "Anheften" }).click();
    await inside(me).getByText("The plugin does not run").waitFor();
    await scene.node.ask(["plugin", "enable", "hearthnet/doors"]);
    await scene.node.ask(["plugin", "revoke", "hearthnet/doors", "ui.panel"]);
    await me.visit(PATH);
    await me.page.getByRole("alert").waitFor();
    await me.look("denied");
    me.assertClean();
  });
});
