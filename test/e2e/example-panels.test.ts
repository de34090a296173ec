/** Panels as strangers write them, installed from a registry and opened in the frame of the real page. @source admin-ui §17 (E18), plugin-platform §4.6, §9 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { LedgerRow } from "@hearthnet/host/contract";
import { configFor, publisherOf } from "../support/keeper.ts";
import { Opened } from "./support/closing.ts";
import { inside } from "./support/panels.ts";
import { arriveAt, openScene, type Scene } from "./support/scene.ts";
import type { Visitor } from "./support/visitor.ts";

const SWEEP_WEEK = join(import.meta.dirname, "..", "fixtures", "plugins", "sweep-week");
const HOUSE = { households: ["Erdgeschoss", "Erster Stock", "Dachboden"] };

describe("panels by strangers (admin-ui §17, E18)", () => {
  const opened = new Opened();
  let scene: Scene;
  after(() => opened.close());

  before(async () => {
    const author = await publisherOf(opened, "neighbour");
    await author.run("plugin", "create", "neighbour/corner", "--kind", "panel");
    for (const dir of ["corner", SWEEP_WEEK]) await author.publishFrom(dir);
    scene = await openScene(opened, { args: ["--config", configFor(author, "neighbour")] });
    for (const name of ["corner", "sweep-week"])
      await scene.node.ask(["plugin", "install", `neighbour/${name}`, "--grant", "all"]);
  });

  const arrive = (name: string, language: "en" | "de" = "en"): Promise<Visitor> => arriveAt(opened, scene, { name, language });

  it("the panel that create makes is reached from its plugin's page, greets in the reader's language, and works", async () => {
    for (const [language, greeting, more, again] of [
      ["en", "Hello from Corner.", "Greet again", "Hello from Corner, 2 times."],
      ["de", "Hallo von Corner.", "Noch einmal grüßen", "Hallo von Corner, 2 Mal."],
    ] as const) {
      const me = await arrive(`template-panel-${language}`, language);
      await me.visit("/plugins/neighbour/corner");
      await me.page.getByRole("link", { name: "Corner", exact: true }).click();
      await me.page.waitForURL((url) => url.pathname === "/plugins/neighbour/corner/panel/main");
      await inside(me).getByText(greeting, { exact: true }).waitFor();
      await inside(me).getByRole("button", { name: more, exact: true }).click();
      await inside(me).getByText(again, { exact: true }).waitFor();
      await me.look("greeted");
      me.assertClean();
    }
  });

  it("a panel calls its plugin's own capability through the bridge, in both languages, and neighbours see what it did", async () => {
    const me = await arrive("sweep-week-de", "de");
    await me.visit("/plugins/neighbour/sweep-week/panel/week");
    await inside(me).getByText("Noch steht niemand auf der Liste.").waitFor();
    await scene.node.ask(["plugin", "config", "neighbour/sweep-week", "--set", JSON.stringify(HOUSE)]);
    await me.visit("/plugins/neighbour/sweep-week/panel/week");
    await inside(me).getByText("Erdgeschoss fegt.", { exact: true }).waitFor();
    await inside(me).getByText("Danach: Erster Stock", { exact: true }).waitFor();
    await me.look("turn");
    await inside(me).getByRole("button", { name: "Ist gefegt", exact: true }).click();
    await inside(me).getByText("Erster Stock fegt.", { exact: true }).waitFor();
    await me.page
      .getByText(me.say("panel.says", { name: "Kehrwoche", text: "Danke, Erdgeschoss!" }))
      .first()
      .waitFor();
    me.assertClean();

    const other = await arrive("sweep-week-en");
    await other.visit("/plugins/neighbour/sweep-week/panel/week");
    await inside(other).getByText("Erster Stock sweeps.", { exact: true }).waitFor();
    await other.look("turn");
    other.assertClean();

    const { output } = await scene.node.ask<{ output: object }>(["call", "ext.neighbour.sweep_week.turn"]);
    assert.deepEqual(output, { household: "Erster Stock", next: "Dachboden", done: 1 });
    const rows = await scene.node.ask<LedgerRow[]>(["audit", "list", "--plugin", "neighbour/sweep-week"]);
    assert.ok(
      rows.some(({ via, target }) => via === "panel" && target.startsWith("ext.neighbour.sweep_week.swept")),
      "the ledger does not say that its page wished for it",
    );
  });

  it("without the right to call, its panel says so where its reader looks", async () => {
    await scene.node.ask(["plugin", "revoke", "neighbour/sweep-week", "bus.call"]);
    const me = await arrive("sweep-week-refused");
    me.allow(/403/);
    await me.visit("/plugins/neighbour/sweep-week/panel/week");
    await inside(me).getByRole("status").getByText("permission").waitFor();
    await me.look("refused");
    await scene.node.ask(["plugin", "grant", "neighbour/sweep-week", "bus.call"]);
    me.assertClean();
  });
});
