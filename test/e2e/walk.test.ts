import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { baselineStart, makeOcrPages, movePoint, type OcrPage } from "../fixtures/ocr-pages.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";
import { characterErrorRate } from "../support/ocr-accuracy.ts";
import { PASSWORD } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { settingsHold } from "./support/scene.ts";
import { figure, seconds } from "./support/figures.ts";
import { Visitor, type VisitorOptions } from "./support/visitor.ts";

const WALKS: (VisitorOptions & { page: "deu" | "eng"; photo: "scan" | "skew" })[] = [
  { name: "walk-en-light-1280", language: "en", theme: "light", width: 1280, page: "eng", photo: "scan" },
  { name: "walk-de-dark-320", language: "de", theme: "dark", width: 320, page: "deu", photo: "skew" },
];

for (const walk of WALKS) {
  describe(`first start to text over the picture, ${walk.language}, ${walk.theme}, ${walk.width} px (admin-ui J1-J5)`, () => {
    const opened = new Opened();
    let node: LiveNode;
    let me: Visitor;
    let photo: OcrPage;
    let clean: OcrPage;
    let path: string;
    after(() => opened.close());

    before(async () => {
      node = await startNode(opened);
      me = await Visitor.arrive(opened, { browser: await openBrowser(opened), admin: node.ready.admin, ...walk });
      const pages = await makeOcrPages([
        { language: walk.page, kind: walk.photo, repeat: 1 },
        { language: walk.page, kind: "clean", repeat: 1 },
      ]);
      [photo, clean] = pages as [OcrPage, OcrPage];
      path = join(temporaryFolder(opened), photo.name);
      writeFileSync(path, photo.image);
    });

    it("sets the node up and founds a community whose key is saved", async () => {
      const started = performance.now();
      await me.page.goto(await node.setupLink());
      await me.titled("titles.setup");
      assert.equal(new URL(me.page.url()).hash, "", "the used link does not linger in the address bar");
      await me.look("setup-language");
      await me.press("act.next");
      const password = me.page.getByLabel(me.say("password.label"), { exact: true });
      await password.fill("short");
      await password.blur();
      await me.page.getByText(me.say("password.short", { left: 7 })).waitFor();
      await me.look("setup-password-short");
      await password.fill(PASSWORD);
      await me.press("act.next");
      await me.page.getByLabel(me.say("setup.nodeName"), { exact: true }).fill("Küche");
      await me.look("setup-name");
      await me.press("act.next");
      await me.page.getByText(me.say("setup.join")).click();
      await me.look("setup-join");
      await me.page.getByText(me.say("setup.create")).click();
      await me.page.getByLabel(me.say("community.name")).fill("Mühlenstraße");
      await me.page.getByLabel(me.say("community.passphrase"), { exact: true }).fill("eine lange Passphrase");
      await me.look("setup-create");
      await me.press("setup.finish");
      const download = me.page.waitForEvent("download");
      await me.press("setup.keySave");
      const text = await (await (await download).createReadStream()).toArray();
      assert.match(Buffer.concat(text as Buffer[]).toString(), /^HearthNet community root key/);
      assert.equal(await me.get("button", "setup.go").isDisabled(), true, "nobody leaves without having saved the key");
      await me.page.getByText(me.say("setup.keySaved")).click();
      await me.look("setup-key");
      await me.press("setup.go");
      await me.titled("titles.home");
      await me.page.getByText("Mühlenstraße").first().waitFor();
      figure(`${walk.name}: set-up link to home ${seconds(performance.now() - started)}, ready after ${seconds(node.readyMs)}`);
      await me.look("home-new");
      me.assertClean();
    });

    it("cannot be set up a second time, and signs in with the password", async () => {
      await me.visit("/setup");
      await me.page.getByText(me.say("setup.already")).waitFor();
      await me.visit("/settings");
      await me.get("button", "app.signOut", { within: me.page.getByRole("main") }).click();
      await me.titled("titles.login");
      await me.look("login");
      me.allow(/401/);
      const password = me.page.getByLabel(me.say("password.label"), { exact: true });
      await password.fill("a wrong password here");
      await me.press("login.submit");
      await me.page.getByText(me.say("errors.reasons.password_wrong.0")).waitFor();
      await me.look("login-wrong");
      await password.fill(PASSWORD);
      await me.press("login.submit");
      await me.titled("titles.home");
      me.assertClean();
    });

    it("finds text recognition, reads what it asks for and denies one wish", async () => {
      await me.visit("/browse");
      await me.page.getByLabel(me.say("browse.label")).fill("ocr");
      await me.look("browse");
      await me.page.getByRole("link", { name: walk.language === "de" ? "Texterkennung" : "Text recognition" }).click();
      await me.get("button", "browse.install").waitFor();
      await me.settled();
      await me.look("detail");
      await me.press("browse.install");
      const sheet = me.page.getByRole("dialog");
      await me.get("button", "review.install").waitFor();
      const wishes = ["bus.provide", "ui.panel", "proc.worker", "blobs.read", "blobs.write", "storage.kv", "events.append"];
      assert.equal(await sheet.getByRole("switch").count(), wishes.length, "every wish of the package is on the sheet");
      for (const wish of wishes) assert.equal(await sheet.getByText(wish, { exact: true }).count(), 1, `${wish} is named`);
      await sheet.getByText(me.say("label.os.name")).waitFor();
      await me.look("review", { whole: false });
      const worker = sheet.getByRole("switch", { name: me.say(["permissions", "proc.worker"]) });
      await worker.press("Space");
      assert.equal(await worker.isChecked(), false);
      await sheet.getByText(me.say("review.deniedRequired")).waitFor();
      await me.look("review-denied", { whole: false });
      me.assertClean();
    });

    it("installs with progress; the card turns green with the label that the process really has", async () => {
      const started = performance.now();
      await me.press("review.install");
      await me.page.getByText(me.say("job.done")).first().waitFor();
      figure(`${walk.name}: install to active ${seconds(performance.now() - started)}`);
      await me.look("installed");
      await me.get("link", "job.toPlugin").first().click();
      await me.get("heading", "plugin.evidence").waitFor();
      const main = me.page.getByRole("main");
      await stateIs("active");
      await main.getByText(me.say("label.os.name")).first().waitFor();
      await main.getByText(me.say("plugin.seccomp")).waitFor();
      await me.look("plugin");
      me.assertClean();
    });

    it("really denies what was denied, until it is allowed on the permissions page", async () => {
      await me.visit("/try/ocr.image");
      await me.look("console");
      await me.press("try.run");
      await me.page.getByText(me.say("try.needFile")).waitFor();
      await me.look("console-no-file");
      await me.page.locator("input[type=file]").setInputFiles(path);
      await me.press("try.run");
      await me.page.getByText(me.say("errors.codes.permission_denied.0")).waitFor();
      await me.look("console-denied");
      await me.visit("/plugins/hearthnet/ocr/permissions");
      const worker = me.page.getByRole("switch", { name: me.say(["permissions", "proc.worker"]) });
      assert.equal(await worker.isChecked(), false);
      await worker.press("Space");
      await me.look("permissions");
      await me.press("act.save");
      await me.page.getByText(me.say("grants.saved")).waitFor();
      await me.page.reload();
      await me.settled();
      assert.equal(await worker.isChecked(), true);
      me.assertClean();
    });

    it("reads a photographed page and shows the words where they stand", async () => {
      await me.visit("/try/ocr.image");
      await me.page.locator("input[type=file]").setInputFiles(path);
      const started = performance.now();
      await me.page.keyboard.press("Control+Enter");
      await me.get("button", "act.cancel").waitFor();
      const overlay = me.page.getByRole("application", { name: me.say("try.picture") });
      await overlay.waitFor({ timeout: 60_000 });
      const wrong = characterErrorRate(photo.truth, await me.page.locator("pre.text").innerText());
      figure(
        `${walk.name}: ${photo.name} read in ${seconds(performance.now() - started)}, ${wrong.toFixed(2)} % of characters wrong`,
      );
      assert.ok(wrong < 5, `${wrong} % of the characters are wrong`);
      await assertAligned();
      await me.look("result-places");
      await overlay.focus();
      await me.page.keyboard.press("ArrowRight");
      const first = photo.truth.split(" ")[0] ?? "";
      await me.page.getByRole("status").filter({ hasText: first }).waitFor();
      await me.page.getByText(me.say("try.modes.words"), { exact: true }).click();
      await overlay.locator("text").first().waitFor();
      await me.look("result-words");
      await me.press("try.copyText");
      await me.page.getByText(me.say("act.copied")).waitFor();
      assert.equal(
        (await me.page.evaluate(() => navigator.clipboard.readText())).trim(),
        (await me.page.locator("pre.text").innerText()).trim(),
      );
      await me.page.getByText(me.say("try.snippets")).click();
      const command = await me.page.getByLabel(me.say("try.terminal"), { exact: true }).inputValue();
      assert.match(command, /^hearthnet call ocr\.image .*--file 'image_b64=/s);
      await me.look("result-snippets");
      me.assertClean();
    });

    async function stateIs(state: string): Promise<void> {
      await me.page
        .locator(`[data-state=${state}]`)
        .filter({ hasText: me.say(`states.${state}`) })
        .waitFor();
    }

    /** The first word's box lies, on the screen, where its baseline starts on the photo. */
    async function assertAligned(): Promise<void> {
      const svg = await me.page.getByRole("application").boundingBox();
      const box = await me.page.getByRole("application").locator("rect").first().boundingBox();
      assert.ok(svg !== null && box !== null);
      const scale = svg.width / photo.width;
      assert.ok(Math.abs(svg.height / photo.height - scale) < 0.01, "the picture keeps its shape");
      const at = movePoint(baselineStart(0), photo, clean);
      const off = { x: (box.x - svg.x) / scale - at.x, y: (box.y + box.height - svg.y) / scale - at.y };
      assert.ok(Math.abs(off.x) < 12 && Math.abs(off.y) < 16, `the box is off by ${off.x.toFixed(1)}, ${off.y.toFixed(1)} px`);
    }

    it("stops a running call when asked", async () => {
      await me.press("try.run");
      await me.press("act.cancel");
      await me.page.getByText(me.say("try.cancelled")).waitFor();
      await me.look("result-cancelled");
      me.assertClean();
    });

    it("shows the log as it is written", async () => {
      await me.visit("/plugins/hearthnet/ocr/logs");
      const log = me.page.getByRole("log");
      await log.waitFor();
      const before = await log.locator(".line").count();
      await node.ask(["plugin", "restart", "hearthnet/ocr"]);
      await log.locator(".line").nth(before).waitFor();
      await me.look("log");
      await me.page.getByLabel(me.say("logs.filter")).fill("no line holds this");
      await me.page.getByText(me.say("logs.noMatch")).waitFor();
      me.assertClean();
    });

    it("changes a setting: says what is wrong beside the field, keeps what is right", async () => {
      await me.visit("/plugins/hearthnet/ocr/config");
      const limit = me.page.getByLabel(walk.language === "de" ? /^Eine Seite aufgeben nach/ : /^Give up on a page after/);
      await limit.fill("3");
      await me.press("act.save");
      await me.page
        .getByText(me.say("config.wrong.min", { min: 5 }))
        .first()
        .waitFor();
      await me.page
        .getByRole("alert")
        .filter({ hasText: me.say("config.summary") })
        .waitFor();
      await me.look("config-wrong");
      await limit.fill("20");
      await me.press("act.save");
      await settingsHold(me);
      await me.look("config-saved");
      await me.page.reload();
      await me.settled();
      assert.equal(await limit.inputValue(), "20");
      me.assertClean();
    });

    it("switches the plugin off and on, and removes it with its data", async () => {
      await me.visit("/plugins/hearthnet/ocr");
      await me.press("plugin.disable");
      await stateIs("stopped");
      await me.look("plugin-off");
      await me.press("plugin.enable");
      await stateIs("active");
      await me.press("plugin.remove");
      const dialog = me.page.getByRole("dialog");
      await dialog.getByText(me.say("plugin.drop")).click();
      await me.look("plugin-remove", { whole: false });
      await me.press("plugin.remove", { within: dialog });
      await me.titled("titles.plugins");
      await me.page.getByText(me.say("plugin.emptyTitle")).waitFor();
      await me.look("plugins-none");
      assert.deepEqual(await node.ask(["plugin", "list"]), []);
      me.assertClean();
    });

    it("kept a record of every step that has an effect", async () => {
      await me.visit("/audit/acts");
      await me.page.getByText(me.say("audit.chainOk")).waitFor();
      const table = me.page.getByRole("table");
      for (const action of ["setup.finish", "login", "plugin.install", "plugin.grants", "plugin.config", "plugin.remove", "call"])
        assert.ok(
          (await table.getByText(me.say(["audit", "actions", action]), { exact: true }).count()) > 0,
          `the audit names ${action}`,
        );
      await me.look("audit");
      me.assertClean();
    });
  });
}
