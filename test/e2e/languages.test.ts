import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { PROBE_TEXTS } from "@hearthnet/host/contract";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";
import { askPage, setUp } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { everyCheck, NODE_ENGLISH } from "./support/findings.ts";
import { Visitor } from "./support/visitor.ts";
import { catalogueOf } from "./support/words.ts";

/** Words that are frequent in English and none in German. */
const ENGLISH = /\b(the|is|are|and|with|this|of|your|cannot|which|has|have|it|to|for|by|from)\b/i;

describe("a node that speaks English, a page that speaks German (admin-ui §9)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let me: Visitor;
  let session: string;
  after(() => opened.close());

  before(async () => {
    // A bubblewrap from before the node's needs: plugins cannot be confined, and a repair is due.
    const programs = join(temporaryFolder(opened), "bin");
    mkdirSync(programs);
    writeFileSync(join(programs, "bwrap"), "#!/bin/sh\necho bubblewrap 0.7.0\n", { mode: 0o755 });
    node = await startNode(opened, { path: `${programs}:${process.env["PATH"] ?? ""}` });
    session = await setUp(node, { name: "Küche", community: { kind: "later" } });
    chmodSync(node.dataDir, 0o755);
    me = await Visitor.arrive(opened, {
      browser: await openBrowser(opened),
      admin: node.ready.admin,
      name: "languages-health",
      language: "de",
      theme: "light",
      width: 1280,
      session,
    });
  });

  /** What a person reads who reads German: no code, nothing marked as another language, nothing folded away. */
  async function proseOf(): Promise<string[]> {
    return me.page.getByRole("main").evaluate((main) => {
      const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
      const lines: string[] = [];
      while (walker.nextNode() !== null) {
        const at = walker.currentNode.parentElement;
        if (at?.closest("code, .mono, [lang=en], [translate=no]") === null && at.checkVisibility())
          lines.push(walker.currentNode.textContent ?? "");
      }
      return lines.filter((line) => line.trim() !== "");
    });
  }
  async function assertGerman(): Promise<void> {
    const lines = await proseOf();
    assert.ok(lines.length > 10, "there is something to read");
    assert.deepEqual(
      lines.filter((line) => ENGLISH.test(line)),
      [],
    );
  }

  it("tells what this machine lacks, and how to mend it", async () => {
    await me.visit("/health");
    const { items } = await node.ask<{ items: { id: string; state: string; detail: string; fix: string }[] }>(["doctor"]);
    const lacking = items.find(({ id }) => id === "confinement.bwrap_version");
    assert.match(lacking?.detail ?? "", /bubblewrap 0\.7\.0 is older/, "the terminal speaks English");
    assert.equal(items.find(({ id }) => id === "data")?.state, "warn");
    await me.page.getByText("bubblewrap 0.7.0 ist älter als 0.8.0.").waitFor();
    await me.page.getByText("Andere Benutzer dieses Rechners können in").waitFor();
    assert.equal(await me.page.locator("[data-check]").count(), items.length, "each check is on the page");
    await assertGerman();
    await me.look("health-repairs");
    me.assertClean();
  });

  it("has a German sentence for everything a check can find and every refusal of a plugin", async () => {
    const items = everyCheck();
    const probes = Object.keys(PROBE_TEXTS).map((id) => ({ id, ok: false, outcome: "done" }));
    const { body } = await askPage(node, "/health", { cookie: `hn_session=${session}` });
    // No machine is in all these states at once, so the node's answer is enlarged on its way.
    await me.page.route("**/api/v1/health", (route) =>
      route.fulfill({ json: { items, confinement: { ...(body["confinement"] as object), probes } } }),
    );
    await me.visit("/health");
    await me.page.getByText(me.say("health.probes")).click();
    assert.equal(await me.page.locator("[data-check]").count(), items.length);
    await assertGerman();
    const said = me.page.getByText(NODE_ENGLISH).first();
    assert.equal(await said.isVisible(), false, "what the node says itself is folded away");
    await me.page.getByText(me.say("errors.said")).first().click();
    await said.waitFor();
    await me.look("health-everything");
    await me.page.unroute("**/api/v1/health");
    me.assertClean();
  });

  it("leaves no sentence of the catalogue in English", async () => {
    const [english, german] = await Promise.all([catalogueOf("en"), catalogueOf("de")]);
    const same: string[] = [];
    const compare = (a: unknown, b: unknown, at: string): void => {
      if (typeof a === "string" && a === b && a.split(" ").length > 2) same.push(`${at}: ${a}`);
      if (typeof a === "string" && typeof b === "string" && ENGLISH.test(b.replaceAll(/`[^`]*`/g, ""))) same.push(`${at}: ${b}`);
      if (typeof a === "object" && a !== null)
        for (const [key, part] of Object.entries(a)) compare(part, (b as Record<string, unknown>)[key], `${at}.${key}`);
    };
    compare(english, german, "");
    assert.deepEqual(same, []);
  });
});
