import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";
import { setUp } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { Visitor } from "./support/visitor.ts";

describe("what the page shows when something is not there (admin-ui §11)", () => {
  const opened = new Opened();
  let dataDir: string;
  let node: LiveNode;
  let browser: Browser;
  let me: Visitor;
  after(() => opened.close());

  before(async () => {
    dataDir = temporaryFolder(opened);
    node = await startNode(opened, { dataDir });
    browser = await openBrowser(opened);
  });

  const arrive = (name: string, session?: string): Promise<Visitor> =>
    Visitor.arrive(opened, {
      browser,
      admin: node.ready.admin,
      name,
      language: "de",
      theme: "light",
      width: 640,
      ...(session === undefined ? {} : { session }),
    });

  it("sends whoever has no set-up link to the terminal, from every address", async () => {
    const stranger = await arrive("states-no-link");
    await stranger.visit("/plugins");
    await stranger.titled("titles.setup");
    await stranger.page.getByText("hearthnet setup").waitFor();
    await stranger.look("no-link");
    stranger.allow(/410/);
    await stranger.page.goto(`/setup#${"A".repeat(22)}`);
    await stranger.page.getByText(stranger.say("errors.reasons.setup_token.0")).waitFor();
    await stranger.look("dead-link");
    stranger.assertClean();
  });

  it("asks for the sign-in and comes back to where one wanted to go", async () => {
    const session = await setUp(node, { name: "Küche", community: { kind: "later" } });
    const stranger = await arrive("states-signed-out");
    stranger.allow(/401/);
    await stranger.page.goto("/plugins?from=here");
    await stranger.titled("titles.login");
    assert.equal(new URL(stranger.page.url()).searchParams.get("next"), "/plugins?from=here");
    stranger.assertClean();
    me = await arrive("states", session);
  });

  it("says what belongs into an empty place, and what to do", async () => {
    for (const [path, key] of [
      ["/plugins", "plugin.empty"],
      ["/try", "try.empty"],
      ["/people", "people.none"],
      ["/people/invite", "people.none"],
      ["/mesh", "mesh.none"],
      ["/activity", "activity.none"],
    ] as const) {
      await me.visit(path);
      await me.page.getByText(me.say(key)).waitFor();
      await me.look(`empty${path.replaceAll("/", "-")}`);
    }
    await me.visit("/browse");
    await me.page.getByLabel(me.say("browse.label")).fill("nothing is called like this");
    await me.page.getByText(me.say("browse.empty")).waitFor();
    await me.look("nothing-found");
    me.assertClean();
  });

  it("explains a failure with its trace id, and keeps what was typed", async () => {
    me.allow(/404/);
    await me.visit("/plugins/hearthnet/no-such-plugin");
    await me.page.getByText(me.say("errors.codes.not_found.0")).waitFor();
    await me.page.getByText(me.say("word.trace")).waitFor();
    await me.look("no-such-plugin");
    me.allow(/50\d|40\d/);
    await me.visit("/mesh");
    const host = me.page.getByLabel(me.say("mesh.host"), { exact: true });
    await host.fill("127.0.0.1");
    await me.page.getByLabel(me.say("mesh.port"), { exact: true }).fill("9");
    await me.press("mesh.add");
    await me.page.getByRole("alert").first().waitFor();
    assert.equal(await host.inputValue(), "127.0.0.1");
    await me.look("no-such-node");
    me.assertClean();
  });

  it("notices that the node is gone, keeps what it shows, and goes on by itself when the node is back", async () => {
    await me.visit("/");
    await me.page.getByText(me.say("home.noPlugins")).waitFor();
    me.allow(/ERR_CONNECTION|WebSocket|Failed to load resource|40[14]/);
    const port = new URL(node.ready.admin).port;
    await node.kill9();
    const bar = me.page.getByRole("status").filter({ hasText: me.say("app.reconnecting", { since: "" }).slice(-40) });
    await bar.waitFor();
    await me.page.getByText(me.say("home.noPlugins")).waitFor();
    await me.look("reconnecting");
    await me.visit("/people").catch(() => {});
    await me.page.getByText(me.say("errors.page.node_silent.0")).first().waitFor();
    await me.look("node-silent");
    node = await startNode(opened, { dataDir, args: ["--admin-port", port] });
    await me.press("act.retry");
    await me.page.getByText(me.say("people.none")).waitFor();
    await me.visit("/");
    await node.ask(["plugin", "install", "hearthnet/ocr", "--grant", "all"]);
    await me.page.getByRole("main").locator("[data-state=active]").waitFor();
    await me.look("back");
    me.assertClean();
  });

  it("follows the terminal's steps without being loaded anew", async () => {
    await me.visit("/plugins/hearthnet/ocr");
    await node.ask(["plugin", "disable", "hearthnet/ocr"]);
    await me.page.locator("[data-state=stopped]").waitFor();
    await node.ask(["plugin", "enable", "hearthnet/ocr"]);
    await me.page.locator("[data-state=active]").waitFor();
    me.assertClean();
  });

  it("signs every page of this browser out at once", async () => {
    const second = await me.context.newPage();
    await second.goto("/");
    await second.locator("h1").waitFor();
    me.allow(/401/);
    await me.press("app.signOut");
    await me.titled("titles.login");
    await second.waitForURL(/\/login/);
    me.assertClean();
  });
});
