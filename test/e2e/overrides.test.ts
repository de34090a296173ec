import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { PluginOverrides, PluginStatus } from "@hearthnet/host/contract";
import { packFixture } from "../fixtures/signed-folder.ts";
import { configFor, registryOf, type RegistryKeeper } from "../support/keeper.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";
import { setUp } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { Visitor } from "./support/visitor.ts";

type Overridden = PluginOverrides & Pick<PluginStatus, "tier" | "state" | "label">;

const overrides = (node: LiveNode, id: string): Promise<Overridden> => node.ask<Overridden>(["plugin", "override", id]);

describe("a small plugin is given a process of its own (plugin-platform §1.2.4, ADR 0015)", () => {
  const ID = "hearthnet/word-watch";
  const skip = spawnSync("bwrap", ["--version"]).status === 0 ? false : "needs bubblewrap";
  const opened = new Opened();
  let node: LiveNode;
  let session: string;
  after(() => opened.close());

  const arrive = async (name: string): Promise<Visitor> =>
    Visitor.arrive(opened, {
      browser: await openBrowser(opened),
      admin: node.ready.admin,
      name,
      session,
      language: "en",
      theme: "light",
      width: 1280,
    });

  before(async () => {
    if (skip !== false) return;
    node = await startNode(opened);
    session = await setUp(node, { name: "Küche", community: { kind: "later" } });
    await node.ask(["plugin", "install", "--from", await packFixture(temporaryFolder(opened), "word-watch"), "--grant", "all"]);
  });

  it("by a click, over restarts of the node, and shares again by another", { skip }, async () => {
    let me = await arrive("own-process");
    await me.visit(`/plugins/${ID}`);
    await me.page.getByText(me.say("overrides.isolate")).waitFor();
    await me.press("overrides.raise");
    await me.page.getByText(me.say("overrides.raised")).waitFor();
    await me.look("raised");
    me.assertClean();
    const { ownProcess, tier, state } = await overrides(node, ID);
    assert.deepEqual([ownProcess, tier, state], [true, "process", "active"]);

    await node.kill9();
    node = await startNode(opened, { dataDir: node.dataDir });
    me = await arrive("own-process-again");
    await me.visit(`/plugins/${ID}`);
    await me.page.getByText(me.say("overrides.raised")).waitFor();
    await me.press("overrides.share");
    await me.page.getByText(me.say("overrides.isolate")).waitFor();
    assert.equal((await overrides(node, ID)).tier, "isolate");
    me.assertClean();
  });
});

describe("a stranger's plugin where nothing can be confined (plugin-platform §1.4)", () => {
  const ID = "village/hello";
  const PAGE = `/plugins/${ID}`;
  const opened = new Opened();
  let village: RegistryKeeper;
  let node: LiveNode;
  let me: Visitor;
  let path: string;
  after(() => opened.close());

  const start = async (dataDir?: string): Promise<LiveNode> =>
    startNode(opened, {
      args: ["--config", configFor(village, "village")],
      path,
      ...(dataDir === undefined ? {} : { dataDir }),
    });

  before(async () => {
    // A bubblewrap from before the node's needs.
    const programs = join(temporaryFolder(opened), "bin");
    mkdirSync(programs);
    writeFileSync(join(programs, "bwrap"), "#!/bin/sh\necho bubblewrap 0.7.0\n", { mode: 0o755 });
    path = `${programs}:${process.env["PATH"] ?? ""}`;
    village = await registryOf(opened, "village");
    await village.publish("0.2.0");
    node = await start();
    chmodSync(node.dataDir, 0o755);
    const session = await setUp(node, { name: "Küche", community: { kind: "later" } });
    await node.cli(["plugin", "install", `${ID}@0.1.0`, "--grant", "all"]);
    me = await Visitor.arrive(opened, {
      browser: await openBrowser(opened),
      admin: node.ready.admin,
      name: "unconfined",
      session,
      language: "en",
      theme: "light",
      width: 1280,
    });
  });

  it("stays stopped until its id is typed, and a click too many gives nothing", async () => {
    await me.visit(PAGE);
    assert.equal((await overrides(node, ID)).state, "blocked_by_policy");
    await me.press("overrides.release");
    const dialog = me.page.getByRole("dialog");
    await dialog.waitFor();
    await me.look("typed-consent", { whole: false });
    const typed = me.page.getByLabel(me.say("overrides.typeId", { id: ID }), { exact: true });
    await typed.fill("village/hallo");
    await me.press("overrides.releaseVerb", { within: dialog });
    await dialog.getByText("allowed only when you type its id", { exact: false }).waitFor();
    assert.deepEqual(
      (({ unconfined, state }) => [unconfined, state])(await overrides(node, ID)),
      [false, "blocked_by_policy"],
      "another name is no word",
    );
    await typed.fill(ID);
    await me.press("overrides.releaseVerb", { within: dialog });
    await me.page.getByText(me.say("overrides.unconfined")).waitFor();
    await me.look("unconfined");
    const { unconfined, state, label } = await overrides(node, ID);
    assert.deepEqual([unconfined, state, label], [true, "active", "seat-belt"]);
  });

  it("is remembered over a restart, and the next version is asked about anew", async () => {
    await node.kill9();
    node = await start(node.dataDir);
    const { unconfined, state } = await overrides(node, ID);
    assert.equal(unconfined, true);
    assert.notEqual(state, "blocked_by_policy");
    await node.cli(["plugin", "update", ID]);
    const next = await overrides(node, ID);
    assert.deepEqual([next.unconfined, next.state], [false, "blocked_by_policy"]);
    const again = await Visitor.arrive(opened, {
      browser: await openBrowser(opened),
      admin: node.ready.admin,
      name: "unconfined-next",
      session: (await me.context.cookies()).find(({ name }) => name === "hn_session")?.value ?? "",
      language: "de",
      theme: "dark",
      width: 320,
    });
    await again.visit(PAGE);
    await again.press("overrides.release");
    const dialog = again.page.getByRole("dialog");
    await again.page.getByLabel(again.say("overrides.typeId", { id: ID }), { exact: true }).fill(ID);
    await again.look("next-version", { whole: false });
    await again.press("overrides.releaseVerb", { within: dialog });
    await again.page.getByText(again.say("overrides.unconfined")).waitFor();
    assert.equal((await overrides(node, ID)).state, "active");
    await again.press("overrides.confine");
    await again.get("button", "overrides.release").waitFor();
    assert.equal((await overrides(node, ID)).state, "blocked_by_policy");
    again.assertClean();
  });
});
