import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import type { CatalogItem, HealthCheck, LocalError, PluginStatus } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { registryOf } from "../support/keeper.ts";
import { runCli, startCommand, startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";

async function check(node: LiveNode, id: string): Promise<HealthCheck | undefined> {
  const { items } = await node.ask<{ items: HealthCheck[] }>(["doctor"]);
  return items.find((item) => item.id === id);
}

it("installs a neighbour's plugins from a registry that is served and from one on a stick, each for its own names", async (t) => {
  if (spawnSync("bwrap", ["--version"]).status !== 0) return t.skip("needs bubblewrap");
  const [village, stick] = await Promise.all([registryOf(t, "village"), registryOf(t, "acme")]);
  const server = startCommand(t, ["registry", "serve", "--out", "registry", "--port", "0", "--json"], village);
  const url = await until("the registry is served", () => /"url":"([^"]+)"/.exec(server.stdout())?.[1]);

  const home = temporaryFolder(t);
  copyFileSync(join(village.home, "registry", "root.json"), join(home, "village.root.json"));
  const config = (stickNamespaces: string[]): string => {
    const path = join(home, "hearthnet.config.ts");
    const registries = [
      { name: "village", url, root: "village.root.json", namespaces: ["village/*"] },
      { name: "stick", path: join(stick.home, "registry"), root: `sha256:${stick.rootHash}`, namespaces: stickNamespaces },
    ];
    writeFileSync(path, `export default ${JSON.stringify({ registries })};\n`);
    return path;
  };
  const dataDir = join(home, "data");
  const node = await startNode(t, { dataDir, args: ["--config", config(["acme/*"])] });
  await until("both were read", async () =>
    (await check(node, "registry.village"))?.state === "ok" && (await check(node, "registry.stick"))?.state === "ok"
      ? true
      : undefined,
  );
  assert.match((await check(node, "registry.stick"))?.detail ?? "", /speaks for acme\/\*\. From today/);
  const found = await node.ask<CatalogItem[]>(["plugin", "search", "hello"]);
  assert.deepEqual(
    new Map(found.map(({ id, registry }) => [id, registry])),
    new Map([
      ["village/hello", "village"],
      ["acme/hello", "stick"],
    ]),
  );

  for (const namespace of ["village", "acme"]) {
    const status = await node.ask<PluginStatus>(["plugin", "install", `${namespace}/hello`, "--grant", "all"]);
    assert.equal(status.state, "active");
    const { output } = await node.ask<{ output: unknown }>(["call", `ext.${namespace}.hello.greet`, "--input", '{"name":"Ada"}']);
    assert.match(JSON.stringify(output), /Ada/);
  }

  await server.stop();
  await assert.rejects(fetch(`${url}/root.json`), "whoever ends the command ends what serves");
  await node.stop();
  renameSync(join(stick.home, "registry"), join(stick.home, "unplugged"));
  const again = await startNode(t, { dataDir, args: ["--config", config(["bolt/*"])] });
  const plugins = await until("both run again without their registries", async () => {
    const list = await again.ask<PluginStatus[]>(["plugin", "list"]);
    return list.every(({ state }) => state === "active") ? list : undefined;
  });
  assert.equal(plugins.length, 2);
  const lost = await again.cli(["plugin", "show", "acme/hello"]);
  assert.equal((lost.json as LocalError).error, "not_found", "the stick speaks for another name now");
});

it("does not start with a registry that its owner has named wrongly", async (t) => {
  const home = temporaryFolder(t);
  const refused = async (registry: object): Promise<string> => {
    writeFileSync(join(home, "wrong.ts"), `export default ${JSON.stringify({ registries: [registry] })};\n`);
    const { code, stderr } = await runCli(
      ["up", "--data", join(home, "data"), "--port", "0", "--admin-port", "0", "--config", "wrong.ts"],
      {
        home,
      },
    );
    assert.equal(code, 1);
    return stderr;
  };
  const village = {
    name: "village",
    url: "https://plugins.village.example",
    root: "village.root.json",
    namespaces: ["village/*"],
  };
  assert.match(await refused({ ...village, namespaces: ["hearthnet/*"] }), /belongs to the registry that ships with the host/);
  assert.match(await refused(village), /trusted root of the registry village cannot be read/);
  const missing = await runCli(["up", "--data", join(home, "data"), "--config", "missing.ts"], { home });
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /There is no file .*missing\.ts/);
});
