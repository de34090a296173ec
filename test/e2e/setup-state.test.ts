import assert from "node:assert/strict";
import { before, after, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import { startNode, type LiveNode } from "../support/live-node.ts";
import { PASSWORD } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { Visitor } from "./support/visitor.ts";

describe("an open set-up page while something happens elsewhere (admin-ui §4 First run)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let browser: Browser;
  let anna: Visitor;
  after(() => opened.close());

  before(async () => {
    node = await startNode(opened);
    browser = await openBrowser(opened);
    anna = await arrive("setup-state-anna", "de");
  });

  const arrive = (name: string, language: "de" | "en") =>
    Visitor.arrive(opened, { browser, admin: node.ready.admin, name, language, theme: "light", width: 390 });
  const newLink = async () => (await node.ask<{ url: string }>(["setup"])).url;

  it("says how to get a link to who comes without one", async () => {
    await anna.visit("/");
    await anna.titled("titles.setup");
    await anna.page.getByText("hearthnet setup").waitFor();
    await anna.look("no-link");
    anna.assertClean();
  });

  it("goes on with a link pasted into the same address bar, and notices that the terminal has made a newer one", async () => {
    await anna.page.goto(await newLink());
    await anna.press("act.next");
    await anna.page.getByLabel(anna.say("password.label"), { exact: true }).fill(PASSWORD);
    const newer = await newLink();
    await anna.page.getByText(anna.say("setup.replaced")).waitFor();
    await anna.look("replaced");
    await anna.page.goto(newer);
    const password = anna.page.getByLabel(anna.say("password.label"), { exact: true });
    await password.waitFor();
    assert.equal(await password.inputValue(), PASSWORD, "nothing has to be typed twice");
    anna.assertClean();
  });

  it("notices that the node was set up elsewhere, and leads to sign-in", async () => {
    const ben = await arrive("setup-state-ben", "en");
    await ben.visit("/setup");
    await ben.page.getByText("hearthnet setup").waitFor();
    await node.ask(["setup", "--password-stdin"], { stdin: `${PASSWORD}\n` });
    await anna.page.getByText(anna.say("setup.elsewhere")).waitFor();
    await ben.page.getByText(ben.say("setup.already")).waitFor();
    await anna.look("elsewhere");
    await anna.get("link", "titles.login").click();
    await anna.page.getByLabel(anna.say("password.label"), { exact: true }).fill(PASSWORD);
    await anna.press("login.submit");
    await anna.titled("titles.home");
    anna.assertClean();
    ben.assertClean();
  });

  it("leads a signed-in page back to set-up when the terminal resets the sign-in", async () => {
    const link = await newLink();
    await anna.titled("titles.setup");
    await anna.page.getByText(anna.say("setup.reset")).waitFor();
    await anna.look("reset");
    await anna.page.goto(link);
    await anna.get("heading", "setup.languageTitle").waitFor();
    anna.assertClean();
  });
});
