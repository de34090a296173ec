import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import type { CommunityFacts, LocalError } from "@hearthnet/host/contract";
import { startNode, type LiveNode } from "../support/live-node.ts";
import { PASSWORD } from "./support/api.ts";
import { Opened } from "./support/closing.ts";
import { openScene } from "./support/scene.ts";
import { Visitor } from "./support/visitor.ts";

const ALLOWED = "auth.token.introspect@1.0";

describe("a token from the page into a neighbour's hand (admin-ui J9, E13)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let ben: LiveNode;
  let browser: Browser;
  let session: string;
  after(() => opened.close());

  before(async () => {
    ({ node, browser, session } = await openScene(opened, { passphrase: PASSWORD }));
    ben = await startNode(opened);
    const { fresh_device_id } = await ben.ask<CommunityFacts>(["community", "show"]);
    const { invite_blob } = await node.ask<{ invite_blob: string }>(["invite", fresh_device_id]);
    await ben.ask(["join", invite_blob]);
  });

  const call = (token: string): string[] => [
    "call",
    "auth.token.introspect",
    "--node",
    node.ready.node_id,
    "--input",
    '{"token":"hello"}',
    "--token",
    token,
  ];

  for (const [language, theme, width] of [
    ["de", "light", 320],
    ["en", "dark", 1280],
  ] as const)
    it(`is issued, shown once, used, counted and revoked (${language}, ${theme}, ${width} px)`, async () => {
      const me = await Visitor.arrive(opened, {
        browser,
        session,
        language,
        theme,
        width,
        admin: node.ready.admin,
        name: `tokens-${language}`,
      });
      await me.visit("/tokens");
      await me.look("tokens-before");
      await me.get("link", "titles.newToken").click();
      await me.titled("titles.newToken");
      await me.page.getByText(me.say("tokens.choose")).waitFor();
      assert.equal(await me.get("button", "tokens.make").isDisabled(), true, "nothing is chosen yet");
      await me.get("combobox", "tokens.who").selectOption("other");
      const field = me.page.getByLabel(me.say("tokens.id"), { exact: true });
      await field.fill("hello");
      await me.page.getByText(me.say("tokens.idWrong")).waitFor();
      await field.fill(ben.ready.node_id);
      const choice = me.page.getByRole("checkbox", { name: ALLOWED });
      await choice.focus();
      await me.page.keyboard.press("Space");
      assert.equal(await choice.isChecked(), true, "by keyboard");
      assert.equal(await me.page.getByRole("checkbox", { name: /auth\.token\.issue/ }).count(), 0, "what cannot be handed on");
      await me.press("tokens.addOnly");
      await me.page.getByLabel(me.say("tokens.param"), { exact: true }).fill("token");
      await me.page.getByLabel(me.say("tokens.values"), { exact: true }).fill("hello, hallo");
      await me.get("spinbutton", "tokens.calls", { exact: false }).fill("2");
      await me.page.getByText(me.say("tokens.perNode")).waitFor();
      await me.get("combobox", "tokens.place").selectOption(node.ready.node_id);
      await me.page.getByText(me.say("tokens.may.only", { param: "token", values: "hello, hallo" })).waitFor();
      await me.page.getByText(me.say("tokens.may.calls", 2)).waitFor();
      await me.look("tokens-form");
      await me.press("tokens.make");
      await me.get("heading", "tokens.ready").waitFor();
      await me.get("img", "tokens.qr").waitFor();
      const token = await me.page.getByLabel(me.say("tokens.text"), { exact: true }).inputValue();
      assert.match(token, /^hntoken:\/\/v1\//);
      await me.look("tokens-ready");

      await ben.ask(call(token));
      await me.get("link", "titles.tokens").last().click();
      await me.titled("titles.tokens");
      const row = me.page.locator("tbody tr").first();
      await row.getByText(me.say("tokens.states.active")).waitFor();
      assert.match(await row.innerText(), /\b1\b/, "one call is left");
      assert.ok(!(await me.page.content()).includes(token), "the text is not shown again");
      await me.look("tokens-listed");
      await row.getByRole("button").click();
      const dialog = me.page.getByRole("dialog");
      await me.press("tokens.revoke", { within: dialog });
      await row.getByText(me.say("tokens.states.revoked")).waitFor();
      await me.look("tokens-revoked");
      const refused = await ben.cli(call(token));
      assert.equal((refused.json as LocalError).error, "token_revoked");
      me.assertClean();
      await me.context.close();
    });
});
