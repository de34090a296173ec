/** The owner lends a plugin a folder of the machine, on the page. @source plugin-platform §3.1 fs.mount, admin-ui §5 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Grant, JsonSchema } from "@hearthnet/host/contract";
import { writeSigned } from "../fixtures/signed-plugin.ts";
import { temporaryFolder } from "../support/live-node.ts";
import { Opened } from "./support/closing.ts";
import { arriveAt, openScene, type Scene } from "./support/scene.ts";

const ID = "hearthnet/gallery";
const NAME = "ext.hearthnet.pictures";
const EMPTY: JsonSchema = { type: "object", properties: {} };
const REQUEST: JsonSchema = { type: "object", properties: { params: EMPTY, input: EMPTY } };

/** @returns path of a package that says which files it sees */
function writeGallery(folder: string): string {
  return writeSigned(folder, {
    file: "gallery.hnp",
    id: ID,
    code: `{
      async setup(ctx) { await ctx.capabilities.register("${NAME}@1.0"); },
      capabilities: { "${NAME}@1.0": async (req, ctx) => {
        const { readdirSync } = process.getBuiltinModule("node:fs");
        return { output: { seen: Object.values(ctx.files.mounts).flatMap((dir) => readdirSync(dir)) } };
      } },
    }`,
    schemas: { "schemas/see.req.json": REQUEST, "schemas/see.res.json": EMPTY },
    manifest: {
      displayName: { en: "Gallery", de: "Galerie" },
      permissions: [
        { name: "bus.provide", scope: { prefixes: ["ext.hearthnet."] }, reason: { en: "Offers itself.", de: "Bietet sich an." } },
        {
          name: "fs.mount",
          scope: { name: "pictures", mode: "ro" },
          reason: { en: "Shows your pictures.", de: "Zeigt deine Bilder." },
        },
      ],
      contributes: {
        capabilities: [
          {
            name: NAME,
            version: "1.0",
            request: "schemas/see.req.json",
            response: "schemas/see.res.json",
            stream: null,
            trust: "member",
            idempotent: true,
            maxConcurrent: 1,
            timeoutSeconds: 5,
          },
        ],
      },
    },
  });
}

describe("a folder of the machine is lent on the page (plugin-platform §3.1 fs.mount)", () => {
  const opened = new Opened();
  let scene: Scene;
  let home: string;
  after(() => opened.close());

  before(async () => {
    scene = await openScene(opened);
    home = realpathSync(temporaryFolder(opened));
    mkdirSync(join(home, "pictures", "summer"), { recursive: true });
    mkdirSync(join(home, "letters"));
    writeFileSync(join(home, "pictures", "summer", "sea.txt"), "blue");
    symlinkSync("/etc", join(home, "shortcut"));
    const file = writeGallery(temporaryFolder(opened));
    await scene.node.ask(["plugin", "install", "--from", file, "--grant", "bus.provide"]);
  });

  it("is looked for step by step, never behind a link, and the plugin sees that folder from then on", async (t) => {
    if (spawnSync("bwrap", ["--version"]).status !== 0) return t.skip("needs bubblewrap");
    const me = await arriveAt(opened, scene, {
      name: "lend-a-folder",
      language: "de",
      theme: "light",
      width: 1280,
    });
    await me.visit(`/plugins/${ID}/permissions`);
    const row = me.page.getByRole("listitem").filter({ has: me.page.getByText("fs.mount", { exact: true }) });
    await row.getByRole("switch").press("Space");
    await row.getByText(me.say("rights.folder.none"), { exact: true }).waitFor();
    await me.press("rights.folder.choose", { within: row });
    const dialog = me.page.getByRole("dialog");
    await dialog.getByRole("button", { name: "tmp", exact: true }).waitFor();
    assert.equal(await dialog.getByRole("button", { name: "proc", exact: true }).count(), 0);
    assert.equal(await me.get("button", "rights.folder.lend", { values: { path: "/" }, within: dialog }).isDisabled(), true);
    await me.look("root", { whole: false });

    const path = dialog.getByLabel(me.say("rights.folder.path"), { exact: true });
    me.allow(/400/);
    await path.fill(join(home, "shortcut"));
    await me.press("rights.folder.open", { within: dialog });
    await dialog.getByRole("alert").waitFor();
    await path.fill(home);
    await me.press("rights.folder.open", { within: dialog });
    await dialog.getByRole("button", { name: "pictures", exact: true }).click();
    await dialog.getByRole("button", { name: "summer", exact: true }).waitFor();
    await me.press("rights.folder.up", { within: dialog });
    await dialog.getByRole("button", { name: "letters", exact: true }).waitFor();
    assert.equal(await dialog.getByRole("button", { name: "shortcut", exact: true }).count(), 0, "a link is no folder");
    await dialog.getByRole("button", { name: "pictures", exact: true }).click();
    await dialog.getByRole("button", { name: "summer", exact: true }).click();
    const summer = join(home, "pictures", "summer");
    await me.press("rights.folder.lend", { values: { path: summer }, within: dialog });
    await row.getByText(summer, { exact: true }).waitFor();
    await me.look("chosen");
    await me.press("act.save");
    await me.page.getByText(me.say("grants.saved")).first().waitFor();

    const grants = await scene.node.ask<Grant[]>(["plugin", "grants", ID]);
    assert.deepEqual(grants.find(({ permission }) => permission === "fs.mount")?.scope, {
      name: "pictures",
      mode: "ro",
      path: summer,
    });
    const { output } = await scene.node.ask<{ output: { seen: string[] } }>(["call", NAME]);
    assert.deepEqual(output.seen, ["sea.txt"]);
    await me.visit(`/plugins/${ID}/permissions`);
    await row.getByText(summer, { exact: true }).waitFor();
    me.assertClean();
  });
});
