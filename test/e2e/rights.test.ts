import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Grant, PluginDetail } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { writeGreedyPlugin } from "../fixtures/greedy-plugin.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";
import { setUp } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { Visitor } from "./support/visitor.ts";

const ID = "hearthnet/greedy";
const OTHER = "hearthnet/greedier";
const PAGE = `/plugins/${ID}`;

describe("rights while plugins run (plugin-platform §3.3, §3.4)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let folder: string;
  let session: string;
  let me: Visitor;
  after(() => opened.close());

  const arrive = async (name: string, o: { language: "en" | "de"; theme: "light" | "dark"; width: number }): Promise<Visitor> =>
    Visitor.arrive(opened, { browser: await openBrowser(opened), admin: node.ready.admin, name, session, ...o });
  const grants = async (): Promise<Grant[]> => node.ask<Grant[]>(["plugin", "grants", ID]);
  const tally = async (): Promise<unknown> =>
    ((await node.cli(["call", "ext.hearthnet.tally"])).json as { output?: unknown; error?: string }).output;

  before(async () => {
    folder = temporaryFolder(opened);
    node = await startNode(opened);
    session = await setUp(node, { name: "Küche", community: { kind: "later" } });
    me = await arrive("rights", { language: "en", theme: "light", width: 1280 });
    const file = writeGreedyPlugin(folder, { file: "greedy.hnp" });
    await node.ask(["plugin", "install", "--from", file, "--grant", "bus.provide"]);
  });

  it("tries a plugin out and allows exactly what it used, in one act (§3.4.5)", async () => {
    await me.visit(PAGE);
    await me.look("before-trial");
    await me.press("rights.trial.start");
    await me.get("button", "rights.trial.accept").waitFor();
    await until("the plugin runs anew", async () => (await tally()) !== undefined, 20_000);
    await me.press("rights.trial.again");
    await me.page.getByText("storage.kv", { exact: true }).waitFor();
    await me.look("proposal");
    await me.press("rights.trial.accept");
    await me.get("button", "rights.trial.start").waitFor();
    const given = (await grants()).filter(({ mode }) => mode === "allow");
    assert.deepEqual(
      given.map(({ permission, scope }) => [permission, scope]),
      [
        ["bus.provide", { prefixes: ["ext.hearthnet."] }],
        ["storage.kv", { quotaMb: 1 }],
      ],
    );
    me.assertClean();
  });

  it("narrows a permission entry by entry, and asks for the name before a powerful one (§3.4.1, §3.4.4)", async () => {
    await me.visit(`${PAGE}/permissions`);
    const wish = (name: string) => me.page.getByRole("listitem").filter({ has: me.page.getByText(name, { exact: true }) });
    await wish("bus.call").getByRole("switch").press("Space");
    await wish("bus.call").getByRole("checkbox", { name: "img.describe@1" }).uncheck();
    await wish("storage.kv")
      .getByRole("checkbox", { name: me.say("rights.choice.ask") })
      .check();
    await wish("identity.dh").getByRole("switch").press("Space");
    assert.equal(await me.get("button", "act.save").isDisabled(), true, "the name is not typed");
    await me.page.getByLabel(me.say("review.typeId", { id: ID }), { exact: true }).fill(ID);
    await me.look("narrowed");
    await me.press("act.save");
    await me.page.getByText(me.say("grants.saved")).first().waitFor();
    const now = await grants();
    assert.deepEqual(now.find(({ permission }) => permission === "bus.call")?.scope, { capabilities: ["trans.text@1"] });
    assert.equal(now.find(({ permission }) => permission === "storage.kv")?.mode, "ask");
    assert.equal(now.find(({ permission }) => permission === "identity.dh")?.mode, "allow");
    await me.visit(`${PAGE}/permissions`);
    assert.equal(await wish("bus.call").getByRole("checkbox", { name: "img.describe@1" }).isChecked(), false);
    me.assertClean();
  });

  it("shows a question on whatever page is open, and the answer decides (§3.4.1)", async () => {
    await me.visit("/mesh");
    const card = me.page.getByRole("region", { name: me.say("rights.question.region") });
    const once = tally();
    await card.getByText(me.say("rights.question.title", { name: ID })).waitFor();
    await me.look("question");
    await me.press("rights.question.once", { within: card });
    assert.deepEqual(await once, { count: 1 });
    await card.waitFor({ state: "detached" });

    const small = await arrive("rights-small", { language: "de", theme: "dark", width: 360 });
    await small.visit("/");
    const denied = tally();
    await small.page.getByRole("region", { name: small.say("rights.question.region") }).waitFor();
    await small.look("question");
    await small.press("rights.question.deny");
    assert.equal(await denied, undefined);
    await small.visit(PAGE);
    await small.look("plugin");
    await small.visit(`${PAGE}/permissions`);
    await small.look("permissions");
    small.assertClean();
    me.assertClean();
  });

  it("gives a role, and hands it over only with both names shown (§3.3)", async () => {
    const file = writeGreedyPlugin(folder, { file: "greedier.hnp", id: OTHER });
    await node.ask(["plugin", "install", "--from", file, "--grant", "bus.provide"]);
    await me.visit(PAGE);
    await me.press("rights.role.give");
    await me.get("button", "rights.role.take").waitFor();
    await me.visit(`/plugins/${OTHER}`);
    await me.press("rights.role.give");
    const dialog = me.page.getByRole("dialog");
    await dialog.getByText(me.say("rights.role.replace", { from: ID, to: OTHER })).waitFor();
    await me.look("role", { whole: false });
    await me.press("rights.role.give", { within: dialog });
    await me.get("button", "rights.role.take").waitFor();
    me.assertClean();
  });

  it("marks in the review what a version asks for more, and shows the rating with and without (§3.2, §3.4.2)", async () => {
    const wider = writeGreedyPlugin(folder, { file: "wider.hnp", version: "1.1.0", quotaMb: 9 });
    await me.visit("/browse");
    await me.choose("browse.chooseFile", wider);
    const sheet = me.page.getByRole("dialog");
    await sheet.getByText(me.say("rights.growth.title", { version: "1.0.0" })).waitFor();
    await sheet.getByText(me.say("rights.rating", { now: 2, all: 5 })).waitFor();
    await sheet.getByText(me.say("rights.growth.change.wider"), { exact: true }).waitFor();
    await me.look("growth", { whole: false });
    assert.equal((await node.ask<PluginDetail[]>(["plugin", "list"])).find(({ id }) => id === ID)?.version, "1.0.0");
    me.assertClean();
  });
});
