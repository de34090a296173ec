import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startNode, type LiveNode } from "../support/live-node.ts";
import { askPage, PASSWORD, setUp } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { Visitor } from "./support/visitor.ts";

describe("who is signed in, and ending that (admin-ui §4, E2)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let anna: Visitor;
  let ben: Visitor;
  after(() => opened.close());

  before(async () => {
    node = await startNode(opened);
    const first = await setUp(node, { name: "Küche", community: { kind: "later" } });
    const browser = await openBrowser(opened);
    const screen = { browser, admin: node.ready.admin, theme: "light" } as const;
    anna = await Visitor.arrive(opened, { ...screen, name: "sessions-anna", language: "de", width: 390, session: first });
    ben = await Visitor.arrive(opened, { ...screen, name: "sessions-ben", language: "en", width: 1280, session: await signIn() });
  });

  async function signIn(): Promise<string> {
    const headers = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" };
    const { cookies } = await askPage(node, "/login/password", { body: { password: PASSWORD }, headers });
    return cookies.find((cookie) => cookie.startsWith("hn_session="))?.slice("hn_session=".length) ?? "";
  }
  const rows = () => anna.page.locator("[data-browser]");

  it("lists the browsers, and ends one of them at once, wherever its page stands", async () => {
    await ben.visit("/plugins");
    await anna.visit("/settings");
    assert.equal(await rows().count(), 2);
    assert.equal(
      await rows()
        .filter({ hasText: anna.say("settings.thisBrowser") })
        .count(),
      1,
    );
    await rows()
      .filter({ hasText: anna.say("settings.browser", { browser: "Firefox", system: "Linux" }) })
      .waitFor();
    await anna.look("browsers");
    await rows().getByRole("button").click();
    // The live socket was closed: no click, no reload.
    await ben.titled("titles.login");
    await ben.page.getByText(ben.say("login.ended.signed_out")).waitFor();
    assert.equal(new URL(ben.page.url()).search, "?next=%2Fplugins");
    await ben.look("signed-out");
    await rows().nth(1).waitFor({ state: "detached" });
    assert.equal(await anna.get("button", "settings.endOthers").count(), 0, "nobody else is left");
    anna.assertClean();
    ben.assertClean();
  });

  it("lets who was sent away go on where they were", async () => {
    await ben.page.getByLabel(ben.say("password.label"), { exact: true }).fill(PASSWORD);
    await ben.press("login.submit");
    await ben.titled("titles.plugins");
    await ben.visit("/login");
    assert.equal(await ben.page.getByText(ben.say("login.ended.signed_out")).count(), 0, "it is said once");
    ben.assertClean();
  });

  it("ends all others, and keeps who asked", async () => {
    await signIn();
    await ben.visit("/");
    await anna.visit("/settings");
    assert.equal(await rows().count(), 3);
    await anna.press("settings.endOthers");
    const dialog = anna.page.getByRole("dialog");
    await anna.look("end-others", { whole: false });
    await anna.press("settings.endOthers", { within: dialog });
    await ben.titled("titles.login");
    await dialog.waitFor({ state: "detached" });
    await anna.page.getByText(anna.say("settings.othersEnded", 2)).first().waitFor();
    assert.equal(await rows().count(), 1);
    const { items } = await node.ask<{ items: { action: string }[] }>(["audit"]);
    for (const action of ["session.end", "session.end-others"])
      assert.ok(
        items.some((row) => row.action === action),
        action,
      );
    anna.assertClean();
    ben.assertClean();
  });

  it("says so when the terminal resets the sign-in", async () => {
    await node.ask(["setup", "--password-stdin"], { stdin: "noch ein langes Passwort\n" });
    await anna.titled("titles.login");
    await anna.page.getByText(anna.say("login.ended.reset")).waitFor();
    await anna.look("reset");
    anna.assertClean();
  });
});
