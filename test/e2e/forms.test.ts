import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Locator } from "playwright-core";
import { writeControlsPlugin } from "../fixtures/controls-plugin.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";
import { PASSWORD, setUp } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { settingsHold } from "./support/scene.ts";
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
    await hasFocus(names.getByRole("button", { name: new RegExp(`^${me.say("act.up")}: Names 2`) }));
    const add = names.getByRole("button", { name: new RegExp(`^${me.say("act.add")}`) });
    await add.focus();
    await press("Enter");
    await inputs.nth(2).fill("Carl");
    assert.equal(await add.count(), 0, "three names are all that fit");
    await me.page.getByLabel("Token", { exact: true }).fill("hidden treasure");
    await inputs.nth(2).focus();
    await press("Enter");
    await settingsHold(me);
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

  it("tells a mistake when its field is left, not while it is typed, and takes it back when it is mended", async () => {
    await me.visit("/plugins/hearthnet/controls/config");
    const cases: [name: string, text: string, key: string, values?: object][] = [
      ["Seconds", "12", "multipleOf", { step: 5 }],
      ["Seconds", "7.5", "integer"],
      ["Seconds", "-", "number"],
      ["Cache", "0", "above", { min: 0 }],
      ["Cache", "100", "below", { max: 100 }],
      ["Greeting", "A", "minLength", { min: 2 }],
      ["Page", "example.org", "formats.uri"],
      ["Mail", "anna", "formats.email"],
      ["Due", "2027-02-31", "formats.date-time"],
      ["Pause", "90 minutes", "formats.duration"],
      ["Server", "somewhere", "formats.uri"],
      ["Target", "1.5", "noForm"],
      ["Extra", '{"a": "b"}', "inside", { at: "/a", mistake: me.say("config.wrong.number") }],
    ];
    for (const [name, text, key, values] of cases) {
      const input = field("textbox", optional(name));
      const before = await input.inputValue();
      const mistake = me.say(["config", "wrong", ...key.split(".")], values);
      await input.fill(text);
      assert.equal(await input.inputValue(), text, `${name} shows what was typed`);
      assert.equal(await input.getAttribute("aria-invalid"), null, `${name} tells nobody off while typing`);
      await press("Tab");
      assert.ok((await descriptionOf(input)).includes(mistake), `${name}: ${await descriptionOf(input)}`);
      assert.equal(await input.getAttribute("aria-invalid"), "true");
      await input.fill(before);
      await press("Tab");
      assert.ok(!(await descriptionOf(input)).includes(mistake), `${name} is mended`);
    }
    const entries = me.page.getByRole("group", { name: "Names" }).getByRole("textbox");
    await entries.nth(1).fill(await entries.nth(0).inputValue());
    await press("Tab");
    assert.ok((await descriptionOf(entries.nth(1))).includes(me.say("config.wrong.twice", { at: 1 })));
    assert.equal(await summary().count(), 0, "the summary is for saving");
    me.assertClean();
  });

  it("shows beside a field how it was understood: length, unit, time, where an address leads", async () => {
    const shows = async (name: string, text: string, pattern: RegExp): Promise<void> => {
      const input = field("textbox", optional(name));
      await input.fill(text);
      assert.match(await descriptionOf(input), pattern);
    };
    await shows("Greeting", "Hi", new RegExp(me.say("config.counter", { n: 2, max: 10 })));
    await shows("Greeting", "Hello", new RegExp(`${me.say("config.form", { pattern: "\\^\\[A-Z\\]" })}.*5 of 10`));
    await shows("Code", "deu", new RegExp(`^${me.say("config.example", { example: "deu" })}$`));
    await shows("Seconds", "10", /seconds/);
    await shows("Cache", "1.5", /MB/);
    await shows("Due", new Date(Date.now() + 3.2 * 3_600_000).toISOString(), /in 3 hours/);
    await shows("Pause", "PT1H30M", /1 hour, 30 minutes/);
    await shows("Page", "https://example.org/a", /example\.org, by https/);
    await shows("Mail", "anna@example.org", /Mailbox anna at example\.org/);
    const classes: [string, string][] = [
      ["https://example.org", "internet"],
      ["http://8.8.8.8", "internet"],
      ["http://192.168.1.4:8080", "lan"],
      ["http://printer.local", "lan"],
      ["http://[fd00::1]", "lan"],
      ["http://127.0.0.1:11434", "loopback"],
      ["http://[::1]:80", "loopback"],
      ["http://localhost", "loopback"],
      // A number is an address, too.
      ["http://2130706433", "loopback"],
      ["http://[::ffff:192.168.1.4]", "lan"],
    ];
    for (const [address, leads] of classes) {
      await shows("Server", address, new RegExp(me.say(["config", "endpoint", leads])));
      await me.page.locator(`[data-leads=${leads}]`).waitFor();
    }
    await me.look("understood");
    me.assertClean();
  });

  it("asks before it throws typed changes away, and keeps them when told so", async () => {
    const asked: string[] = [];
    const answer = async (accept: boolean): Promise<void> => {
      const dialog = await me.page.waitForEvent("dialog");
      asked.push(dialog.message());
      await (accept ? dialog.accept() : dialog.dismiss());
    };
    const refused = answer(false);
    await me.page
      .getByRole("navigation")
      .first()
      .getByRole("link", { name: me.say("nav.health") })
      .click();
    await refused;
    assert.deepEqual(asked, [me.say("config.unsaved")]);
    assert.equal(await field("textbox", optional("Pause")).inputValue(), "PT1H30M");
    const accepted = answer(true);
    await me.page
      .getByRole("navigation")
      .first()
      .getByRole("link", { name: me.say("nav.health") })
      .click();
    await accepted;
    await me.titled("titles.health");
    await me.visit("/plugins/hearthnet/controls/config");
    assert.equal(await field("textbox", optional("Pause")).inputValue(), "");
    // Nothing is typed any more, so nobody asks.
    await me.page
      .getByRole("navigation")
      .first()
      .getByRole("link", { name: me.say("nav.health") })
      .click();
    await me.titled("titles.health");
    assert.equal(asked.length, 2);
    me.assertClean();
  });

  it("offers one of several kinds with the fields of that kind, and saves what was written as JSON untouched", async () => {
    await me.visit("/plugins/hearthnet/controls/config");
    const output = me.page.getByRole("group", { name: "Output" });
    const kind = output.getByRole("combobox", { name: "Kind" });
    assert.equal(await output.getByRole("textbox").count(), 0);
    await kind.selectOption({ label: "A letter" });
    await output.getByRole("textbox", { name: optional("To") }).fill("ben@example.org");
    await kind.selectOption({ label: "A file" });
    assert.equal(await output.getByRole("textbox", { name: optional("To") }).count(), 0);
    await me.press("act.save");
    await summary().waitFor();
    await summary().getByRole("link", { name: "Output → Path" }).press("Enter");
    await hasFocus(output.getByRole("textbox", { name: "Path" }));
    await press("n");
    await field("radio", "High").check();
    await field("textbox", optional("Target")).fill("17");
    const extra = field("textbox", optional("Extra"));
    await extra.fill('{"b": 2, "a"');
    await me.press("act.save");
    assert.match(await descriptionOf(extra), new RegExp(me.say("config.jsonWrong")), "half a value is not left out in silence");
    assert.equal(await extra.inputValue(), '{"b": 2, "a"');
    await extra.fill("{}");
    await me.look("kinds");
    await me.press("act.save");
    await settingsHold(me);
    const { value } = await node.ask<{ value: Record<string, unknown> }>(["plugin", "config", "hearthnet/controls"]);
    assert.deepEqual(
      { output: value["output"], target: value["target"], extra: value["extra"], tone: value["tone"] },
      { output: { kind: "file", path: "n", size_mb: 5 }, target: 17, extra: {}, tone: "high" },
    );
    await me.page.reload();
    await me.settled();
    await field("radio", me.say("config.unset")).check();
    await me.press("act.save");
    await settingsHold(me);
    const after = await node.ask<{ value: Record<string, unknown> }>(["plugin", "config", "hearthnet/controls"]);
    assert.equal("tone" in after.value, false, "not set is no value");
    me.assertClean();
  });

  it("shows a refusal by the node at its field, too", async () => {
    const seconds = field("textbox", optional("Seconds"));
    await field("textbox", "Greeting").fill("Hello");
    await seconds.fill("55");
    me.allow(/400/);
    await press("Tab");
    await me.press("act.save");
    await summary().waitFor();
    await hasFocus(summary());
    assert.match(await descriptionOf(seconds), new RegExp(me.say("config.wrong.refused")));
    assert.equal(await seconds.inputValue(), "55");
    await me.look("refused");
    await seconds.fill("15");
    await me.press("act.save");
    await settingsHold(me);
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
    const button = me.page.getByRole("button", { name: me.say("files.chooseOne") });
    assert.match(await descriptionOf(button), /40/, "the button itself says how large is too large");
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
