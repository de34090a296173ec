import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import { startNode, type LiveNode } from "../support/live-node.ts";
import { PASSWORD } from "./support/api.ts";
import { Opened } from "./support/closing.ts";
import { openScene, SILENCE } from "./support/scene.ts";
import { Visitor } from "./support/visitor.ts";

describe("a page asked for while its node is silent (admin-ui §11 Host gone)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let me: Visitor;
  let dataDir: string;
  let session: string;
  after(() => opened.close());

  before(async () => {
    let browser: Browser;
    ({ node, dataDir, session, browser } = await openScene(opened));
    me = await Visitor.arrive(opened, {
      browser,
      admin: node.ready.admin,
      name: "host-gone",
      language: "de",
      theme: "light",
      width: 390,
      session,
    });
  });

  async function comeBack(): Promise<void> {
    const port = (url: string): string => new URL(url).port;
    const args = ["--port", port(node.ready.bus), "--admin-port", port(node.ready.admin)];
    node = await startNode(opened, { dataDir, args });
  }
  /** Until the worker that keeps the page has kept it. */
  const kept = () =>
    me.page.waitForFunction(
      async () => {
        await navigator.serviceWorker.ready;
        return navigator.serviceWorker.controller !== null;
      },
      undefined,
      { polling: 50 },
    );
  const caught = () =>
    me.page.evaluate(async () => {
      const all: { cache: string; path: string; text: string }[] = [];
      for (const cache of await caches.keys()) {
        const store = await caches.open(cache);
        for (const request of await store.keys()) {
          const text = (await (await store.match(request))?.text()) ?? "";
          all.push({ cache, path: new URL(request.url).pathname, text });
        }
      }
      return all;
    });

  it("keeps the files of the page, and nothing that the node has answered or that was typed", async () => {
    await me.visit("/login");
    await kept();
    await me.page.getByLabel(me.say("password.label"), { exact: true }).fill(PASSWORD);
    await me.press("login.submit");
    await me.titled("titles.home");
    await me.visit("/settings");
    await me.visit("/health");
    const files = await caught();
    assert.ok(files.length > 20, `${files.length} files are kept`);
    assert.deepEqual(
      files.filter(({ path }) => path !== "/" && !path.startsWith("/_app/immutable/")),
      [],
    );
    assert.ok(!files.some(({ text }) => [PASSWORD, session, node.ready.node_id].some((secret) => text.includes(secret))));
    me.assertClean();
  });

  it("says so in the chosen language, with the address and how to start it, for a page seen before or not", async () => {
    me.allow(...SILENCE);
    await node.kill9();
    for (const path of ["/health", "/audit", "/plugins/hearthnet/ocr/config", "/login"]) {
      await me.page.goto(path);
      await me.titled("app.nodeSilent");
      await me.page.getByText(new URL(node.ready.admin).origin, { exact: true }).waitFor();
      await me.page.getByText("hearthnet up", { exact: true }).waitFor();
    }
    await me.page.goto("/health");
    await me.titled("app.nodeSilent");
    await me.look("silent");
    me.assertClean();
  });

  it("goes on by itself where it was asked for, as soon as the node is back", async () => {
    me.allow(...SILENCE);
    await comeBack();
    await me.titled("titles.health");
    assert.equal(await me.page.locator("[data-gone]").count(), 0);
    me.assertClean();
  });

  it("never shows a page that it has kept while the node answers, and drops what an older build has left", async () => {
    await me.page.evaluate(async () => {
      for (const name of await caches.keys()) {
        const old = new Response("<h1>an older page</h1>", { headers: { "content-type": "text/html" } });
        await (await caches.open(name)).put("/", old);
      }
    });
    await me.visit("/health");
    assert.equal(await me.get("heading", "titles.health").count(), 1);
    await me.page.evaluate(async () => {
      await (await caches.open("hn-page-older")).put("/_app/immutable/older.js", new Response("1"));
    });
    await me.visit("/health");
    await me.page.waitForFunction(async () => (await caches.keys()).length === 1, undefined, { polling: 50 });
    assert.ok((await caught()).every(({ path }) => !path.endsWith("older.js")));
    me.assertClean();
  });
});
