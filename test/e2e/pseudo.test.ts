import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import type { LiveNode } from "../support/live-node.ts";
import { PASSWORD } from "./support/api.ts";
import { Opened } from "./support/closing.ts";
import { openScene } from "./support/scene.ts";
import { figure } from "./support/figures.ts";
import { faultsOf, watchData } from "./support/pseudo.ts";
import { addressOf, pictureOf } from "./support/routes.ts";
import { Visitor } from "./support/visitor.ts";
import { routesOfThePage } from "./support/words.ts";

describe("a language that nobody speaks (admin-ui §9, E17)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let browser: Browser;
  let session: string;
  after(() => opened.close());

  before(async () => {
    ({ node, session, browser } = await openScene(opened, { passphrase: PASSWORD }));
    await node.ask(["plugin", "install", "hearthnet/ocr", "--grant", "all"]);
  });

  for (const width of [320, 1280])
    it(`has every word in the catalogue and cuts none, at ${width} px`, async () => {
      const me = await Visitor.arrive(opened, {
        browser,
        admin: node.ready.admin,
        name: `pseudo-${width}`,
        language: "en",
        remembered: "en-XA",
        theme: "light",
        width,
        session,
      });
      const data = watchData(me.page);
      const routes = [...(await routesOfThePage()).map(({ path }) => path), "/no/such/page"];
      const faults: string[] = [];
      for (const route of routes) {
        await me.visit(addressOf(route));
        await me.page.screenshot({ path: me.picture(pictureOf(route)), fullPage: true });
        await me.fits(route);
        const { hardCoded, cut } = await faultsOf(me.page, data);
        faults.push(...hardCoded.map((text) => `${route} hard-coded: ${text}`), ...cut.map((text) => `${route} cut: ${text}`));
      }
      assert.deepEqual(faults, []);
      figure(
        `pseudo-language: ${routes.length} routes at ${width} px, no word of the page's own outside its catalogue, none cut`,
      );
      me.assertClean();
    });
});
