import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { makeOcrPages, type OcrPage } from "../fixtures/ocr-pages.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";
import { characterErrorRate } from "../support/ocr-accuracy.ts";
import { PASSWORD, setUp } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { figure, seconds } from "./support/figures.ts";
import { Visitor } from "./support/visitor.ts";

describe("two neighbours before two screens (admin-ui J7, 01 I-15)", () => {
  const opened = new Opened();
  let kitchen: LiveNode;
  let garage: LiveNode;
  let anna: Visitor;
  let ben: Visitor;
  let photo: OcrPage;
  after(() => opened.close());

  before(async () => {
    [kitchen, garage] = await Promise.all([startNode(opened), startNode(opened)]);
    const community = { kind: "create", name: "Mühlenstraße", root_passphrase: PASSWORD } as const;
    const [hers, his] = await Promise.all([
      setUp(kitchen, { name: "Küche", community }),
      setUp(garage, { name: "Garage", community: { kind: "later" } }),
      kitchen.ask(["plugin", "install", "hearthnet/ocr", "--grant", "all"]),
    ]);
    const browser = await openBrowser(opened);
    const screen = { browser, width: 390, theme: "light" } as const;
    anna = await Visitor.arrive(opened, {
      ...screen,
      admin: kitchen.ready.admin,
      name: "neighbours-kitchen",
      language: "de",
      session: hers,
    });
    ben = await Visitor.arrive(opened, {
      ...screen,
      admin: garage.ready.admin,
      name: "neighbours-garage",
      language: "en",
      session: his,
    });
    [photo] = (await makeOcrPages([{ language: "eng", kind: "clean", repeat: 1 }])) as [OcrPage];
  });

  it("shows the new node's id on its own screen", async () => {
    await ben.visit("/");
    await ben.page.getByText(ben.say("home.noPeers")).waitFor();
    await ben.visit("/people");
    await ben.page.getByText(ben.say("people.none")).waitFor();
    await ben.look("people-alone");
    await ben.get("link", "titles.join").click();
    await ben.titled("titles.join");
    await ben.look("join");
    ben.assertClean();
  });

  it("stops when the short ids differ, and goes on when they are the same", async () => {
    const fresh = await ben.page.getByLabel(ben.say("community.freshText"), { exact: true }).inputValue();
    const his = await ben.page.locator("[data-fact=short-id]").innerText();
    await anna.visit("/people/invite");
    const field = anna.page.getByLabel(anna.say("invite.idLabel"), { exact: true });
    await field.fill("hearthnet-id://v1/broken");
    await anna.page.getByText(anna.say("invite.idWrong")).waitFor();
    await anna.look("invite-wrong");
    await field.fill(fresh);
    await anna.page.getByText(anna.say("invite.named", { name: "Garage" })).waitFor();
    assert.equal(await anna.page.locator("[data-fact=short-id]").innerText(), his, "both screens show the same short id");
    await anna.page.getByText(anna.say("invite.different")).click();
    await anna.page.getByText(anna.say("invite.stop")).waitFor();
    assert.equal(await anna.get("button", "invite.make").isDisabled(), true);
    await anna.look("invite-stopped");
    await anna.page.getByText(anna.say("invite.same"), { exact: true }).click();
    await anna.look("invite-same");
    await anna.press("invite.make");
    await anna.get("heading", "invite.ready").waitFor();
    await anna.get("img", "invite.qr").waitFor();
    await anna.look("invite-ready");
    anna.assertClean();
  });

  it("makes both members on both screens", async () => {
    const started = performance.now();
    const invite = await anna.page.getByLabel(anna.say("invite.text"), { exact: true }).inputValue();
    const field = ben.page.getByLabel(ben.say("community.invite"), { exact: true });
    await field.fill("https://example.org/join");
    await ben.page.getByText(ben.say("community.inviteWrong")).waitFor();
    ben.allow(/400/);
    await field.fill("hearthnet://v1/AAAA");
    await ben.press("community.joinNow");
    await ben.page.getByText(ben.say("errors.reasons.invite_invalid.0")).waitFor();
    await ben.look("join-wrong");
    await field.fill(invite);
    await ben.press("community.joinNow");
    await ben.titled("titles.people");
    figure(`invitation pasted to member ${seconds(performance.now() - started)}`);
    await ben.page.getByRole("rowheader", { name: "Küche" }).waitFor();
    await ben.page.getByRole("rowheader", { name: "Garage" }).waitFor();
    await ben.look("people-member");
    await anna.visit("/people");
    await anna.page.getByRole("rowheader", { name: "Garage" }).waitFor();
    await anna.page.getByText(anna.say("people.invitesNone")).waitFor();
    await anna.look("people-member");
    ben.assertClean();
    anna.assertClean();
  });

  it("sees the neighbour's node and what it offers, and reads a page there", async () => {
    await ben.visit("/mesh");
    const row = ben.page.getByRole("row").filter({ hasText: "Küche" });
    await row
      .locator(".badge.ok")
      .filter({ hasText: ben.say("word.online") })
      .waitFor();
    await row.getByText("ocr.image").waitFor();
    await ben.look("mesh");
    await ben.visit("/try/ocr.image");
    const path = join(temporaryFolder(opened), photo.name);
    writeFileSync(path, photo.image);
    await ben.get("combobox", "try.where").selectOption({ label: "Küche" });
    ben.assertClean();
    assert.equal(await ben.page.locator("input[type=file]").count(), 1, "a neighbour's capability can be given a file, too");
    await ben.page.locator("input[type=file]").setInputFiles(path);
    const started = performance.now();
    await ben.press("try.run");
    await ben.page.locator("pre.text").waitFor({ timeout: 60_000 });
    const wrong = characterErrorRate(photo.truth, await ben.page.locator("pre.text").innerText());
    figure(`page read at the neighbour's ${seconds(performance.now() - started)}, ${wrong.toFixed(2)} % of characters wrong`);
    assert.ok(wrong < 5);
    await ben.look("read-at-neighbour");
    ben.assertClean();
  });

  it("raises a member's level, and the other screen follows by itself", async () => {
    await ben.visit("/people");
    const mine = ben.page.getByRole("row").filter({ hasText: "Garage" });
    await mine.getByText(ben.say("levels.member"), { exact: true }).waitFor();
    await anna.get("button", "people.changeFor", { values: { name: "Garage" } }).click();
    const dialog = anna.page.getByRole("dialog");
    await dialog.getByRole("radio", { name: anna.say("levels.trusted") }).check();
    await anna.look("member-level", { whole: false });
    await anna.press("people.setLevel");
    await anna.page.getByText(anna.say("people.changed")).first().waitFor();
    await mine.getByText(ben.say("levels.trusted"), { exact: true }).waitFor();
    anna.assertClean();
    ben.assertClean();
  });

  it("removes a member for good", async () => {
    await anna.get("button", "people.changeFor", { values: { name: "Garage" } }).click();
    const dialog = anna.page.getByRole("dialog");
    await dialog.getByText(anna.say("people.revoke"), { exact: true }).first().click();
    await dialog.getByLabel(anna.say("people.reason"), { exact: true }).fill("Gerät verloren");
    await anna.look("member-remove", { whole: false });
    await anna.press("people.revoke", { within: dialog });
    await anna.get("heading", "people.revoked").waitFor();
    await anna.look("people-removed");
    anna.assertClean();
  });
});
