/** The DHT around a plugin under test: real nodes of it, with the file store of the house beside the plugin. @source plugin-platform §4.7, 06 §7 */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { createTestHost, modes, type TestHost, type TestHostOptions } from "../../src/testing/index.ts";
import { makeProject } from "./project.ts";

const HERE = import.meta.dirname;
const SHELF = join(HERE, "..", "..", "..", "test", "fixtures", "plugins", "shelf");
const SCOUT = "ext.acme.scout.do@1.0";
const CID = `blake3:${"5".repeat(64)}`;
const CODE = `
import { definePlugin, HnError } from "@hearthnet/sdk-plugin";
const failed = (error: unknown) => ({ reason: HnError.isHnError(error) ? (error.reason ?? error.code) : String(error) });
export default definePlugin({
  setup: async (ctx) => void (await ctx.capabilities.register("ext.acme.scout.do@1.0")),
  capabilities: {
    "ext.acme.scout.do@1.0": async ({ input: { put, tell, untell, find, where } }, ctx) => {
      try {
        if (put) return { output: { cid: await ctx.blobs.put(new TextEncoder().encode("x"), { visibility: put as "public" }) } };
        if (tell) await ctx.dht.advertiseCid(String(tell));
        if (untell) await ctx.dht.withdrawCid(String(untell));
        if (find) return { output: { sources: await ctx.dht.findSources(String(find)) } };
        if (where) return { output: { endpoints: await ctx.dht.findCommunity(String(where)) } };
        return { output: {} };
      } catch (error) {
        return { output: failed(error) };
      }
    },
  },
});
`;

function project(t: TestContext): string {
  const reason = { en: "It looks around." };
  const { dir } = makeProject({
    id: "acme/scout",
    capability: "ext.acme.scout.do",
    schema: "any",
    permissions: [
      { name: "bus.provide", scope: { prefixes: ["ext.acme.scout."] }, reason },
      { name: "blobs.write", scope: { visibility: "public" }, reason },
      { name: "dht.find", reason },
      { name: "dht.advertise", reason },
    ],
    code: CODE,
  });
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

for (const { mode, skip } of modes())
  describe(`a plugin and the DHT, ${mode}`, { skip }, () => {
    const open = async (t: TestContext, o: TestHostOptions): Promise<TestHost> => {
      const host = await createTestHost({ dir: project(t), mode, beside: [SHELF], ...o });
      t.after(() => host.close());
      return host;
    };
    const does = async (host: TestHost, input: object): Promise<Record<string, unknown>> => ({
      ...(await host.call(SCOUT, { input })).output,
    });

    it("finds others and is found, until its right is taken, its plugin goes or the way is cut", async (t) => {
      const host = await open(t, { dht: true });
      const holder = await host.dht.holder(CID);
      assert.deepEqual((await does(host, { find: CID }))["sources"], [holder]);
      const id = await host.dht.anchor(holder, { host: "hearth.example.org", port: 443 }).then(() => holder);
      const [{ host: name, port } = assert.fail()] = (await does(host, { where: id }))["endpoints"] as {
        host: string;
        port: number;
      }[];
      assert.deepEqual([name, port], ["hearth.example.org", 443]);

      const { cid } = (await does(host, { put: "public" })) as { cid: string };
      assert.deepEqual(await does(host, { tell: CID }), { reason: "dht_not_public" });
      assert.deepEqual(await does(host, { tell: cid }), {});
      assert.deepEqual(host.dht.advertised, [cid]);
      assert.equal((await host.dht.sources(cid)).length, 1);
      await host.revoke("dht.advertise");
      assert.deepEqual(host.dht.advertised, []);
      assert.deepEqual(await does(host, { tell: cid }), { reason: "permission_denied" });
      await host.grant("dht.advertise");
      await does(host, { tell: cid });
      await host.restart();
      assert.deepEqual(host.dht.advertised, []);
      const back = host.offline();
      assert.deepEqual(await does(host, { tell: cid }), { reason: "dht_lookup_failed" });
      back();
      assert.deepEqual(await does(host, { tell: cid }), {});
    });

    it("is told which of the two the node's owner has left off", async (t) => {
      const off = await open(t, {});
      assert.deepEqual(await does(off, { find: CID }), { reason: "dht_off" });
      assert.throws(() => off.dht, /createTestHost\({ dht: true }\)/);
      const silent = await open(t, { dht: { advertise: false } });
      assert.deepEqual(await does(silent, { tell: CID }), { reason: "dht_adverts_off" });
      assert.deepEqual(await does(silent, { find: CID }), { sources: [] });
    });
  });
