import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import { startNode, type LiveNode } from "../support/live-node.ts";
import { Opened } from "./support/closing.ts";
import { openScene, SILENCE } from "./support/scene.ts";
import { Visitor } from "./support/visitor.ts";

describe("a node that goes and comes back (admin-ui §11 Stale, E16)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let me: Visitor;
  let dataDir: string;
  let session: string;
  let browser: Browser;
  after(() => opened.close());

  before(async () => {
    ({ node, dataDir, session, browser } = await openScene(opened));
    me = await arrive("gone-and-back");
  });

  const arrive = (name: string): Promise<Visitor> =>
    Visitor.arrive(opened, {
      browser,
      admin: node.ready.admin,
      name,
      language: "de",
      theme: "light",
      width: 1280,
      session,
    });
  async function comeBack(): Promise<void> {
    const port = (url: string): string => new URL(url).port;
    const args = ["--port", port(node.ready.bus), "--admin-port", port(node.ready.admin)];
    node = await startNode(opened, { dataDir, args });
  }
  const bar = () => me.page.locator("[data-stale]");

  it("keeps what it showed with its time, and reads it anew by itself", async () => {
    await me.visit("/health");
    assert.equal(await bar().count(), 0);
    // A mark that a reload of the page would wipe out.
    await me.page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
    me.allow(...SILENCE);
    await node.kill9();
    await bar().waitFor();
    assert.match(await bar().innerText(), /\d\d:\d\d/, "it says as of when");
    await me.page.locator("[data-check=data]").getByText(me.say("health.ok")).waitFor();
    await me.look("gone");
    chmodSync(dataDir, 0o755);
    await comeBack();
    await bar().waitFor({ state: "detached" });
    await me.page.locator("[data-check=data]").getByText(me.say("health.warn")).waitFor();
    assert.equal(await me.page.evaluate(() => "sameDocument" in globalThis), true, "the page was not loaded anew");
    await me.page.getByText(me.say("app.connected")).first().waitFor();
    await me.look("back");
    me.assertClean();
  });

  it("keeps what was typed, says that a step failed, and does not repeat it behind one's back", async () => {
    await me.visit("/settings");
    const name = me.page.getByLabel(me.say("settings.nodeName"), { exact: true });
    me.allow(...SILENCE);
    await node.kill9();
    await bar().waitFor();
    await name.fill("Werkstatt");
    await me.press("act.save");
    await me.page.getByRole("alert").getByText(me.say("errors.page.node_silent.0")).waitFor();
    assert.equal(await name.inputValue(), "Werkstatt");
    await me.look("failed");
    await comeBack();
    await bar().waitFor({ state: "detached" });
    await me.page.locator("[data-browser]").first().waitFor();
    assert.equal(await name.inputValue(), "Werkstatt", "typed text is no stale value");
    const { items } = await node.ask<{ items: { action: string }[] }>(["audit"]);
    assert.ok(!items.some((row) => row.action === "node.rename"), "nothing was replayed");
    await me.press("act.save");
    await me.page.getByText(me.say("settings.renamed")).first().waitFor();
    me.assertClean();
  });

  it("asks for what a silent live socket does not bring", async () => {
    const other = await arrive("silent-socket");
    await other.page.routeWebSocket(/\/api\/v1\/live$/, () => {});
    await other.visit("/");
    await other.page.getByRole("main").getByText("Werkstatt", { exact: true }).waitFor();
    await other.page.getByText(me.say("home.noPlugins")).waitFor();
    await other.page.getByText(me.say("home.noPeers")).waitFor();
    other.assertClean();
  });

  it("shows home anew when the node is back with something else to tell", async () => {
    await me.visit("/");
    me.allow(...SILENCE);
    await node.kill9();
    await bar().waitFor();
    await comeBack();
    await bar().waitFor({ state: "detached" });
    await node.ask(["plugin", "install", "hearthnet/ocr", "--grant", "all"]);
    await me.page.getByRole("main").getByRole("link", { name: "Texterkennung" }).waitFor();
    await me.page.locator("[data-state=active]").waitFor();
    me.assertClean();
  });

  it("goes to sign-in when the session did not survive", async () => {
    await me.visit("/plugins");
    me.allow(...SILENCE, /401/);
    await node.kill9();
    await bar().waitFor();
    const db = new DatabaseSync(join(dataDir, "admin.db"));
    db.exec("DELETE FROM session");
    db.close();
    await comeBack();
    await me.titled("titles.login");
    await me.page.getByText(me.say("login.ended.expired")).waitFor();
    me.assertClean();
  });
});
