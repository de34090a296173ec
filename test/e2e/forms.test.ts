import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Locator } from "playwright-core";
import { writeControlsPlugin } from "../fixtures/controls-plugin.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";
import { PASSWORD, setUp } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { Visitor } from "./support/visitor.ts";

describe("the forms, by keyboard and with mistakes (admin-ui §6, E7)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let me: Visitor;
  after(() => opened.close());

  before(async () => {
    node = await startNode(opened);
    const session = await setUp(node, { name: "Küche", community: { kind: "later" } });
    await node.ask(["plugin", "install", "--from", writeControlsPlugin(temporaryFolder(opened)), "--grant", "all"]);
    await node.ask(["plugin", "install", "hearthnet/ocr", "--grant", "all"]);
    me = await Visitor.arrive(opened, {
      browser: await openBrowser(opened),
      admin: node.ready.admin,
      name: "forms",
      language: "en",
      theme: "light",
      width: 1280,
      session,
    });
  });

  const field = (role: "textbox" | "combobox" | "radio" | "switch", name: RegExp | string) => me.page.getByRole(role, { name });
  const optional = (name: string) => new RegExp(`^${name}`);
  const summary = () => me.page.getByRole("alert").filter({ hasText: me.say("config.summary") });
  const press = (key: string) => me.page.keyboard.press(key);
  /** What a screen reader says after the name of a field. */
  async function descriptionOf(input: Locator): Promise<string> {
    return input.evaluate((element) =>
      (element.getAttribute("aria-describedby") ?? "")
        .split(" ")
        .map((id) => document.getElementById(id)?.textContent ?? "")
        .join(" ")
        .trim(),
    );
  }
  async function hasFocus(what: Locator): Promise<void> {
    assert.equal(
      await what.evaluate((element) => element === document.activeElement),
      true,
      `focus is at ${await me.page.locator(":focus").ariaSnapshot()}`,
    );
  }

  it("shows a control for every kind of value, and each can be used without a mouse", async () => {
    await me.visit("/plugins/hearthnet/controls/config");
    await me.look("controls");
    const quiet = field("radio", "quiet");
    await quiet.focus();
    await press("ArrowDown");
    assert.equal(await field("radio", "loud").isChecked(), true, "few values: one choice of several");
    await field("combobox", optional("Colour")).selectOption("blue");
    const eager = field("switch", /Eager$/);
    await eager.focus();
    await press("Space");
    assert.equal(await eager.isChecked(), true);
    await me.page
      .getByRole("group", { name: "Place" })
      .getByRole("textbox", { name: optional("City") })
      .fill("Ulm");
    await field("textbox", optional("Target")).fill('"left"');
    const names = me.page.getByRole("group", { name: "Names" });
    const move = names.getByRole("button", { name: new RegExp(`^${me.say("act.down")}: Names 1`) });
    await move.focus();
    await press("Enter");
    const inputs = names.getByRole("textbox");
    assert.deepEqual(await inputs.evaluateAll((all) => all.map((i) => (i as HTMLInputElement).value)), ["Ben", "Anna"]);
    const add = names.getByRole("button", { name: new RegExp(`^${me.say("act.add")}`) });
    await add.focus();
    await press("Enter");
    await inputs.nth(2).fill("Carl");
    assert.equal(await add.count(), 0, "three names are all that fit");
    await me.page.getByLabel("Token", { exact: true }).fill("hidden treasure");
    await inputs.nth(2).focus();
    await press("Enter");
    await me.page
      .getByText(me.say("config.applied"))
      .or(me.page.getByText(me.say("config.restart")))
      .first()
      .waitFor();
    me.assertClean();
  });

  it("keeps what was saved, and never gives a secret back", async () => {
    const answers: string[] = [];
    me.page.on("response", (response) => {
      if (response.url().includes("/api/v1/"))
        void response.text().then(
          (text) => answers.push(text),
          () => {},
        );
    });
    await me.page.reload();
    await me.settled();
    assert.equal(await field("radio", "loud").isChecked(), true);
    assert.equal(await field("combobox", optional("Colour")).inputValue(), "blue");
    assert.equal(await field("textbox", optional("City")).inputValue(), "Ulm");
    assert.equal(await field("textbox", optional("Target")).inputValue(), '"left"');
    assert.equal(await me.page.getByLabel("Token", { exact: true }).inputValue(), "");
    await me.page.getByText(me.say("config.secretSet")).waitFor();
    assert.ok(answers.length > 2 && !answers.some((text) => text.includes("hidden treasure")));
    me.assertClean();
  });

  it("says what is wrong beside the field and in a summary that has the focus, and loses nothing", async () => {
    const greeting = field("textbox", "Greeting");
    const seconds = field("textbox", optional("Seconds"));
    await greeting.fill("hello");
    await seconds.fill("90");
    await seconds.focus();
    await press("Enter");
    await summary().waitFor();
    await hasFocus(summary());
    assert.match(await descriptionOf(greeting), new RegExp(me.say("config.wrong.pattern")));
    assert.match(await descriptionOf(seconds), new RegExp(me.say("config.wrong.max", { max: 60 })));
    for (const input of [greeting, seconds]) assert.equal(await input.getAttribute("aria-invalid"), "true");
    await me.look("wrong");
    await press("Tab");
    await hasFocus(summary().getByRole("link", { name: "Greeting" }));
    await press("Tab");
    await press("Enter");
    await hasFocus(seconds);
    assert.deepEqual([await greeting.inputValue(), await seconds.inputValue()], ["hello", "90"]);
    me.assertClean();
  });

  it("shows a refusal by the node at its field, too", async () => {
    const seconds = field("textbox", optional("Seconds"));
    await field("textbox", "Greeting").fill("Hello");
    await seconds.fill("12");
    me.allow(/400/);
    await press("Tab");
    await me.press("act.save");
    await summary().waitFor();
    await hasFocus(summary());
    assert.match(await descriptionOf(seconds), new RegExp(me.say("config.wrong.refused")));
    assert.equal(await seconds.inputValue(), "12");
    await me.look("refused");
    await seconds.fill("15");
    await me.press("act.save");
    await me.page
      .getByText(me.say("config.applied"))
      .or(me.page.getByText(me.say("config.restart")))
      .first()
      .waitFor();
    me.assertClean();
  });

  it("tells a password that is too short when it is left, and shows it on demand", async () => {
    await me.visit("/people/create");
    await me.page.getByLabel(me.say("community.name")).fill("Dorf");
    const password = me.page.getByLabel(me.say("community.passphrase"), { exact: true });
    await password.fill("kurz");
    assert.equal(await password.getAttribute("aria-invalid"), null, "nobody is told off while typing");
    await press("Tab");
    assert.match(await descriptionOf(password), new RegExp(me.say("password.short", { left: 8 })));
    assert.equal(await password.getAttribute("type"), "password");
    await press("Space");
    assert.equal(await password.getAttribute("type"), "text");
    assert.equal(await password.inputValue(), "kurz");
    await password.fill(PASSWORD);
    assert.equal(await password.getAttribute("aria-invalid"), null);
    me.assertClean();
  });

  it("tells a text that is no invitation, and keeps it", async () => {
    await me.visit("/people/join");
    const invite = me.page.getByLabel(me.say("community.invite"), { exact: true });
    await invite.fill("https://example.org");
    assert.match(await descriptionOf(invite), new RegExp(me.say("community.inviteWrong").slice(0, 20)));
    assert.equal(await invite.getAttribute("aria-invalid"), "true");
    await invite.fill("hearthnet://v1/AAAA");
    assert.equal(await invite.getAttribute("aria-invalid"), null);
    me.allow(/400/);
    await me.press("community.joinNow");
    await me.page.getByRole("alert").getByText(me.say("errors.reasons.invite_invalid.0")).waitFor();
    assert.equal(await invite.inputValue(), "hearthnet://v1/AAAA");
    me.assertClean();
  });

  it("takes a file by drop, by paste and by its button, and refuses one that is too large before it is sent", async () => {
    await me.visit("/try/ocr.image");
    // Early, since the browser needs a moment to hand its chooser over.
    const chooser = me.page.waitForEvent("filechooser");
    const give = (how: "drop" | "paste", o: { name: string; bytes: number }) =>
      me.page.evaluate(
        ([kind, name, bytes]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
          if (kind === "paste") dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, cancelable: true }));
          else
            document
              .querySelector(".drop")
              ?.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
        },
        [how, o.name, o.bytes] as const,
      );
    await give("drop", { name: "dropped.png", bytes: 2000 });
    await me.page.getByText("dropped.png").waitFor();
    await give("paste", { name: "pasted.png", bytes: 3000 });
    await me.page.getByText("pasted.png").waitFor();
    await give("drop", { name: "huge.png", bytes: 40_000_000 });
    const button = me.page.locator("input[type=file]");
    assert.match(await descriptionOf(button), /40/, "the field itself says how large is too large");
    await me.page.getByText("pasted.png").waitFor();
    await me.look("file-too-large");
    await button.focus();
    await press("Enter");
    await (await chooser).setFiles({ name: "chosen.png", mimeType: "image/png", buffer: Buffer.alloc(1000) });
    await me.page.getByText("chosen.png").waitFor();
    me.assertClean();
  });

  it("keeps the review in a sheet of its own until it is left", async () => {
    await me.visit("/browse/hearthnet/ocr");
    const open = me.get("button", "browse.reinstall");
    await open.focus();
    await press("Enter");
    const sheet = me.page.getByRole("dialog");
    await sheet.getByRole("switch").first().waitFor();
    await hasFocus(sheet.getByRole("heading").first());
    const first = sheet.getByRole("switch").first();
    await first.focus();
    await press("Space");
    assert.equal(await first.isChecked(), false);
    for (let i = 0; i < 12; i++) {
      await press("Tab");
      // Between the last and the first stop the browser's own controls have their turn.
      assert.equal(await me.page.locator(":focus:not(dialog, dialog *, body)").count(), 0, "the page behind is out of reach");
    }
    assert.equal(await first.isChecked(), false, "a choice stays while one looks around");
    await press("Escape");
    await sheet.waitFor({ state: "detached" });
    await hasFocus(open);
    me.assertClean();
  });
});
