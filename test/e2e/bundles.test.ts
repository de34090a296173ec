import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { BundleFacts, PluginStatus } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { registryOf } from "../support/keeper.ts";
import { startCommand, startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";
import { askPage } from "./support/api.ts";
import { Opened } from "./support/closing.ts";
import { openScene, type Scene } from "./support/scene.ts";
import { Visitor } from "./support/visitor.ts";

const LOOKS = [
  { language: "de", theme: "dark", width: 320 },
  { language: "en", theme: "light", width: 1280 },
] as const;
const SLOWLY_BYTES_PER_SECOND = 2000;

describe("a bundle on the page (marketplace §8)", () => {
  const opened = new Opened();
  let scene: Scene;
  let node: LiveNode;
  let bundle: string;
  let spoilt: string;
  after(() => opened.close());

  before(async () => {
    const acme = await registryOf(opened, "acme");
    const server = startCommand(opened, ["registry", "serve", "--out", "registry", "--port", "0", "--json"], acme);
    const url = await until("the registry is served", () => /"url":"([^"]+)"/.exec(server.stdout())?.[1]);
    const home = temporaryFolder(opened);
    copyFileSync(join(acme.home, "registry", "root.json"), join(home, "acme.root.json"));
    const config = join(home, "hearthnet.config.ts");
    const registries = [{ name: "acme", url, root: "acme.root.json", namespaces: ["acme/*"] }];
    writeFileSync(config, `export default ${JSON.stringify({ registries })};\n`);
    const near = await startNode(opened, { args: ["--config", config] });
    bundle = join(home, "hello.hnbundle");
    await near.ask(["plugin", "bundle", "acme/hello", "--out", bundle]);
    await near.stop();
    await server.stop();
    spoilt = join(home, "spoilt.hnbundle");
    const bytes = readFileSync(bundle);
    writeFileSync(spoilt, bytes.subarray(0, bytes.byteLength - 3000));
    scene = await openScene(opened, { args: ["--config", config] });
    ({ node } = scene);
  });

  const arrive = (look: (typeof LOOKS)[number], name = "bundles"): Promise<Visitor> => {
    const { browser, session } = scene;
    return Visitor.arrive(opened, { browser, session, admin: node.ready.admin, name: `${name}-${look.language}`, ...look });
  };

  it("is dropped in, looked at, and what it carries is installed without a network", { timeout: 240_000 }, async () => {
    for (const [times, look] of LOOKS.entries()) {
      const me = await arrive(look);
      await me.visit("/browse");
      me.allow(/400 \(Bad Request\)/);
      await me.choose("bundle.choose", spoilt);
      await me.page
        .getByRole("alert")
        .getByText(/damaged|beschädigt|unvollständig/i)
        .first()
        .waitFor();
      assert.deepEqual(await node.ask<BundleFacts[]>(["bundle", "list"]), []);
      await me.look("spoilt");

      await me.choose("bundle.choose", bundle);
      const card = me.page.locator("[data-bundle]");
      await card.waitFor();
      await card
        .getByText(me.say("bundle.standing.newer"))
        .or(card.getByText(me.say("bundle.standing.same")))
        .first()
        .waitFor();
      await me.look("attached");
      await card.getByRole("link", { name: "acme/hello" }).click();
      await me.page.waitForURL(/\/browse\/acme\/hello\?version=/);
      await me.settled();
      await me.press(times === 0 ? "browse.install" : "browse.reinstall");
      await me.get("button", "review.install").waitFor();
      await me.look("review", { whole: false });
      await me.press("review.install");
      await me.page.getByText(me.say("job.done")).first().waitFor();
      assert.equal((await node.ask<PluginStatus[]>(["plugin", "list"]))[0]?.state, "active");

      await me.visit("/browse");
      await card.getByRole("button").click();
      await me.look("detach", { whole: false });
      await me.press("bundle.detach", { within: me.page.getByRole("dialog") });
      await card.waitFor({ state: "detached" });
      assert.deepEqual(await node.ask<BundleFacts[]>(["bundle", "list"]), []);
      me.assertClean();
      await me.context.close();
    }
  });

  it("says how far it is, and stops when told to", async () => {
    const me = await arrive(LOOKS[1], "bundles-slow");
    await me.visit("/browse");
    const devtools = await me.context.newCDPSession(me.page);
    const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: SLOWLY_BYTES_PER_SECOND };
    await devtools.send("Network.emulateNetworkConditions", slow);
    await me.choose("bundle.choose", bundle);
    await me.page.getByRole("progressbar").waitFor();
    await me.press("act.cancel");
    await me.page.getByRole("progressbar").waitFor({ state: "detached" });
    assert.deepEqual(await node.ask<BundleFacts[]>(["bundle", "list"]), []);
    await me.context.close();
  });

  it("installs from a catalogue that has ended only when the person says so", async () => {
    await node.ask(["bundle", "attach", bundle]);
    const me = await arrive(LOOKS[1], "bundles-old");
    await me.page.addInitScript(() => {
      const genuine = fetch;
      globalThis.fetch = async (...words) => {
        const answer = await genuine(...words);
        if (!answer.url.includes("/review?")) return answer;
        return Response.json({ ...((await answer.json()) as object), oldCatalogueSeconds: 777_600 });
      };
    });
    await me.visit("/browse/acme/hello");
    await me.press("browse.reinstall");
    const go = me.get("button", "review.install");
    await go.waitFor();
    assert.equal(await go.isDisabled(), true);
    await me.look("old", { whole: false });
    await me.get("checkbox", "bundle.useOld").check();
    const sent = me.page.waitForRequest((request) => request.url().endsWith("/api/v1/installs"));
    await go.click();
    assert.equal(((await sent).postDataJSON() as { use_old_catalogue?: boolean }).use_old_catalogue, true);
    await me.page.getByText(me.say("job.done")).first().waitFor();
    me.assertClean();
    await me.context.close();
  });

  it("is attached and detached by the owner alone", async () => {
    const octets = { "content-type": "application/octet-stream" };
    const stranger = await askPage(node, "/bundles", { method: "POST", headers: octets, body: "bytes" });
    assert.equal(stranger.status, 401);
    const cookie = `hn_session=${scene.session}`;
    assert.equal((await askPage(node, "/bundles", { cookie })).status, 200);
    const path = await askPage(node, "/bundles/attach", { cookie, body: { path: "/etc" } });
    assert.equal(path.status, 404, "a path of the node's own disk is named at the terminal alone");
  });
});
