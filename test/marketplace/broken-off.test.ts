import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assetOf, folder, makePackage, openNode, openShop, type Shop } from "./shop.ts";

const MODEL = Buffer.alloc(3_000_000, "model ");
const SCRIPT = join(import.meta.dirname, "installing-process.ts");
const NODE = ["--no-warnings", "--conditions=hearthnet-source", SCRIPT];
const ALL = { id: "hearthnet/echo", grants: "all", grantedBy: "operator" } as const;

function shopWith(t: Parameters<typeof openShop>[0]): Shop {
  const shop = openShop(t);
  shop.list(makePackage({ key: shop.key, manifest: assetOf(MODEL) }));
  shop.repository.putBlob(MODEL);
  shop.commit();
  return shop;
}

describe("an installation that is broken off from outside", () => {
  it("by a kill at any step leaves nothing half, and works the next time", async (t) => {
    const shop = shopWith(t);
    for (const step of ["resolve", "fetch", "verify", "unpack", "assets", "assets:2", "consent", "start"]) {
      const dataDir = folder(t);
      const child = spawn(process.execPath, [...NODE, shop.folder, dataDir, step], { stdio: ["ignore", "ignore", "inherit"] });
      const [, signal] = (await once(child, "exit")) as [number | null, string | null];
      assert.equal(signal, "SIGKILL", step);
      // The runtime had not taken it over, so after a new start it is as if nothing had been.
      const node = await openNode(t, shop, { dataDir });
      assert.deepEqual(node.leftovers(), [], step);
      await node.marketplace.install(ALL);
      assert.deepEqual(await node.marketplace.recheck(ALL.id), { ok: true, tampered: [] });
    }
  });

  it("by a full disk says so, and leaves nothing", (t) => {
    if (spawnSync("bwrap", ["--version"]).status !== 0) return t.skip("needs bubblewrap");
    const shop = shopWith(t);
    // Enough for the database and the package, not for the asset.
    const small = [
      "--dev-bind",
      "/",
      "/",
      "--size",
      "1500000",
      "--tmpfs",
      "/mnt",
      "--",
      process.execPath,
      ...NODE,
      shop.folder,
      "/mnt/data",
      "none",
    ];
    const done = spawnSync("bwrap", small, { encoding: "utf8" });
    const said = JSON.parse(done.stdout) as {
      code: string;
      message: string;
      action: string;
      leftovers: string[];
      staged: number;
    };
    assert.deepEqual([said.code, said.leftovers, said.staged], ["capacity_exceeded", [], 0], done.stderr);
    assert.match(`${said.message} ${said.action}`, /disk is full.*Free some space/);
  });
});
