import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import type { LiveNode } from "../support/live-node.ts";
import { PASSWORD } from "./support/api.ts";
import { Opened } from "./support/closing.ts";
import { openScene } from "./support/scene.ts";
import { figure, seconds } from "./support/figures.ts";
import { addressOf, pictureOf } from "./support/routes.ts";
import { Visitor } from "./support/visitor.ts";
import { routesOfThePage } from "./support/words.ts";

describe("every page for everybody (admin-ui §10)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let browser: Browser;
  let session: string;
  after(() => opened.close());

  before(async () => {
    ({ node, session, browser } = await openScene(opened, { passphrase: PASSWORD }));
  });

  const arrive = (o: { name: string; language?: "en" | "de"; theme?: "light" | "dark"; width?: number; remembered?: string }) =>
    Visitor.arrive(opened, { browser, admin: node.ready.admin, language: "en", theme: "light", width: 1280, session, ...o });

  it("installs a plugin by keyboard alone", async () => {
    const me = await arrive({ name: "keyboard", width: 1280 });
    await me.visit("/");
    /** Presses Tab until the named thing has the focus. */
    const tabTo = async (role: string, name: string): Promise<void> => {
      for (let i = 0; i < 80; i++) {
        await me.page.keyboard.press("Tab");
        const focused = me.page.locator(":focus");
        if ((await focused.count()) === 0) continue;
        // A name with a colon stands in quotation marks of its own.
        const snapshot = (await focused.ariaSnapshot()).replace(/^- '?/, "");
        if (snapshot.startsWith(`${role} "${name}"`)) {
          assert.equal(await focused.evaluate((e) => e.matches(":focus-visible")), true, `${name} shows that it has the focus`);
          return;
        }
      }
      assert.fail(`Tab never reached ${role} ${name}`);
    };
    await me.page.keyboard.press("Tab");
    assert.equal(await me.page.locator(":focus").innerText(), me.say("app.skip"), "the first stop skips the navigation");
    await me.page.keyboard.press("Enter");
    await tabTo("link", me.say("titles.browse"));
    await me.page.keyboard.press("Enter");
    await me.titled("titles.browse");
    assert.equal(await me.page.locator(":focus").innerText(), me.say("titles.browse"), "the title of the new page has the focus");
    await tabTo("link", "Text recognition");
    await me.page.keyboard.press("Enter");
    await me.get("button", "browse.install").waitFor();
    await tabTo("button", me.say("browse.install"));
    await me.page.keyboard.press("Enter");
    await me.get("button", "review.install").waitFor();
    await me.page.keyboard.press("Escape");
    await me.page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(await me.page.locator(":focus").innerText(), me.say("browse.install"), "the focus comes back");
    await me.page.keyboard.press("Enter");
    await me.get("button", "review.install").waitFor();
    await tabTo("switch", `${me.say("act.allow")}: ${me.say(["permissions", "proc.worker"])}`);
    await tabTo("button", me.say("review.install"));
    await me.look("review", { whole: false });
    await me.page.keyboard.press("Enter");
    await me.page.getByText(me.say("job.done")).first().waitFor();
    await tabTo("link", me.say("job.toPlugin"));
    await me.page.keyboard.press("Enter");
    await me.page.locator("[data-state=active]").waitFor();
    me.assertClean();
  });

  it("has no fault that axe can find, on any page, in either language, light and dark, wide and narrow", async () => {
    const routes = await routesOfThePage();
    const started = performance.now();
    let looked = 0;
    for (const language of ["en", "de"] as const)
      for (const theme of ["light", "dark"] as const)
        for (const width of [320, 1280]) {
          // Each language with each theme, each theme with each width, each width with each language.
          const isOneOfFour = (language === "de") === ((theme === "light") === (width === 320));
          if (!isOneOfFour && process.env["HN_LOOKS"] !== "all") continue;
          const me = await arrive({ name: `pages-${language}-${theme}-${width}`, language, theme, width });
          await me.visit("/");
          for (const { path } of routes) {
            await me.follow(addressOf(path));
            await me.look(pictureOf(path));
          }
          await me.follow("/no/such/page");
          await me.titled("titles.notFound");
          await me.look("not-found");
          looked += me.looked;
          me.assertClean();
          await me.context.close();
        }
    figure(
      `axe: 0 violations in ${looked} looks at ${routes.length + 1} routes in both languages, both themes and two widths, ${seconds(performance.now() - started)}`,
    );
  });
});
