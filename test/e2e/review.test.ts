import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { PermissionRequest } from "@hearthnet/host/contract";
import { writeWeightyPlugin } from "../fixtures/weighty-plugin.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";
import { setUp } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { Visitor } from "./support/visitor.ts";

const ID = "hearthnet/weighty";

describe("the review before an installation (admin-ui §5, E5)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let me: Visitor;
  let folder: string;
  after(() => opened.close());

  before(async () => {
    folder = temporaryFolder(opened);
    node = await startNode(opened);
    const session = await setUp(node, { name: "Küche", community: { kind: "later" } });
    me = await Visitor.arrive(opened, {
      browser: await openBrowser(opened),
      admin: node.ready.admin,
      name: "review",
      language: "en",
      theme: "light",
      width: 1280,
      session,
    });
  });

  const sheet = () => me.page.getByRole("dialog");
  const wish = (name: string) =>
    sheet()
      .getByRole("listitem")
      .filter({ has: me.page.getByText(name, { exact: true }) });
  const allows = (name: string) => wish(name).getByRole("switch");
  const install = () => me.get("button", "review.install");
  const upload = async (path: string): Promise<void> => {
    await me.visit("/browse");
    await me.choose("browse.chooseFile", path);
    await sheet().getByRole("switch").first().waitFor();
  };

  it("preselects no powerful right, and allows it only to who types the plugin's name", async () => {
    await upload(writeWeightyPlugin(folder, { file: "first.hnp" }));
    assert.equal(await allows("storage.kv").isChecked(), true);
    assert.equal(await allows("identity.dh").isChecked(), false);
    await wish("identity.dh").getByText(me.say("review.heavy"), { exact: true }).waitFor();
    assert.equal(await wish("storage.kv").getByText(me.say("review.heavy"), { exact: true }).count(), 0);
    const typed = sheet().getByLabel(me.say("review.typeId", { id: ID }), { exact: true });
    assert.equal(await install().isDisabled(), true, "nothing is typed");
    await typed.fill("hearthnet/weight");
    assert.equal(await install().isDisabled(), true, "half a name is none");
    await typed.fill("hearthnet/wrong");
    assert.equal(await typed.getAttribute("aria-invalid"), "true");
    assert.equal(await install().isDisabled(), true);
    await me.look("heavy", { whole: false });
    await typed.fill(ID);
    assert.equal(await install().isDisabled(), false);
    me.assertClean();
  });

  it("shows the review anew when the package has changed meanwhile, with the change marked and the answers kept", async () => {
    await allows("storage.kv").press("Space");
    const more: PermissionRequest = {
      name: "net.lan",
      scope: { hosts: ["printer.local"] },
      reason: { en: "Prints the count." },
    };
    const changed = writeWeightyPlugin(folder, { file: "second.hnp", more: [more] });
    // Another browser hands in another package of the same version.
    const other = await Visitor.arrive(opened, {
      browser: await openBrowser(opened),
      admin: node.ready.admin,
      name: "review-other",
      language: "en",
      theme: "light",
      width: 1280,
      session: (await me.context.cookies()).find((cookie) => cookie.name === "hn_session")?.value ?? "",
    });
    await other.visit("/browse");
    await other.choose("browse.chooseFile", changed);
    await other.page.getByRole("dialog").getByText("net.lan", { exact: true }).waitFor();
    await install().click();
    await sheet().getByText(me.say("review.stale")).waitFor();
    await wish("net.lan").getByText(me.say("review.change.new"), { exact: true }).waitFor();
    assert.equal(await wish("storage.kv").getByText(me.say("review.change.new"), { exact: true }).count(), 0);
    assert.equal(await allows("storage.kv").isChecked(), false, "what was denied stays denied");
    assert.equal(await install().isDisabled(), true, "the name is typed anew");
    assert.deepEqual(await node.ask(["plugin", "list"]), [], "nothing was installed");
    await me.look("stale", { whole: false });
    me.assertClean();
  });

  it("refuses the call that needs the permission denied, and nothing else", async () => {
    await sheet()
      .getByLabel(me.say("review.typeId", { id: ID }), { exact: true })
      .fill(ID);
    await install().click();
    await me.page.getByText(me.say("job.done")).first().waitFor();
    await me.visit("/try/ext.hearthnet.count");
    await me.press("try.run");
    await me.page.getByText(me.say("errors.codes.permission_denied.0")).waitFor();
    await me.look("denied");
    await node.ask(["plugin", "grant", ID, "storage.kv"]);
    await me.press("try.run");
    await me.page
      .getByRole("main")
      .getByText(/"?count"?:? ?1/)
      .first()
      .waitFor();
    await me.look("allowed");
    me.assertClean();
  });
});
