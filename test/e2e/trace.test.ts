import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { CallTrace } from "@hearthnet/host/contract";
import type { Browser } from "playwright-core";
import { makeOcrPages } from "../fixtures/ocr-pages.ts";
import { temporaryFolder, type LiveNode } from "../support/live-node.ts";
import { Opened } from "./support/closing.ts";
import { openScene } from "./support/scene.ts";
import { Visitor } from "./support/visitor.ts";

const ID = "hearthnet/ocr";

describe("what the bus did (03 §10)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let browser: Browser;
  let session: string;
  after(() => opened.close());

  before(async () => {
    ({ node, browser, session } = await openScene(opened));
    await node.ask(["plugin", "install", ID, "--grant", "all"]);
    const [page] = await makeOcrPages([{ language: "eng", kind: "clean", repeat: 1 }]);
    const path = join(temporaryFolder(opened), "page.png");
    writeFileSync(path, page?.image ?? "");
    await node.ask(["call", "ocr.image", "--file", `image_b64=${path}`]);
  });

  it("stands in the terminal as a list and as a tree", async () => {
    const [call] = await node.ask<CallTrace[]>(["trace", "--capability", "ocr", "--result", "ok"]);
    assert.equal(call?.capability, "ocr.image");
    const tree = await node.ask<CallTrace[]>(["trace", "show", call.trace_id]);
    assert.deepEqual(
      tree.map(({ span_id }) => span_id),
      [call.span_id],
    );
    assert.deepEqual(await node.ask(["trace", "--capability", "llm"]), []);
  });

  for (const [language, width, theme] of [
    ["de", 320, "dark"],
    ["en", 1280, "light"],
  ] as const)
    it(`is searched on the page, and one trace is a picture and a table (${language}, ${width} px, ${theme})`, async () => {
      const me = await Visitor.arrive(opened, {
        browser,
        session,
        language,
        width,
        theme,
        admin: node.ready.admin,
        name: `trace-${language}`,
      });
      await me.visit("/activity");
      await me.page.getByRole("link", { name: me.say("titles.traces"), exact: true }).click();
      await me.titled("titles.traces");
      const rows = me.page.locator("tbody tr");
      await rows.first().waitFor();
      await me.look("traces");
      const capability = me.page.getByLabel(me.say("trace.capability"), { exact: true });
      await capability.fill("llm");
      await me.page.keyboard.press("Enter");
      await me.page.getByText(me.say("trace.noMatch")).waitFor();
      await me.look("nothing");
      await capability.fill("ocr");
      await me.page.keyboard.press("Enter");
      await me.page.getByText("ocr.image@1.0").first().waitFor();
      assert.equal(new URL(me.page.url()).searchParams.get("capability"), "ocr", "the address can be kept");
      const trace = rows.first().getByRole("link");
      const id = await trace.innerText();
      await trace.focus();
      await me.page.keyboard.press("Enter");
      await me.titled("titles.trace");
      await me.page.getByText(id).first().waitFor();
      await me.page.locator(".bar").first().waitFor();
      assert.equal(await me.page.locator(".bar").count(), await rows.count(), "each call of the picture stands in the table");
      await me.look("trace");
      await me.visit("/trace/01J9Z3K8V4Q2N7M5C6B1A0XWYT");
      await me.page.getByText(me.say("trace.gone")).waitFor();
      await me.look("gone");
      me.assertClean();
    });
});
