import assert from "node:assert/strict";
import { test } from "node:test";
import { checkNode } from "../../../src/health.ts";
import { until } from "../../support/until.ts";
import { GRANTS, ID, openUpgradeWorld, SAY, versioned } from "../fixtures/upgrade-world.ts";
import { allow, hasBubblewrap } from "../fixtures/world.ts";

test("a plugin that fills its folder is warned of, then stopped for good; started by hand it may make room (§7, A14)", async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  const notices: string[] = [];
  const world = await openUpgradeWorld({ onNotice: ({ title }) => void notices.push(title) });
  t.after(() => world.close());
  const main = `
    const fs = require("node:fs");
    exports.capabilities["ext.dev.say@1.0"] = async ({ input }) => {
      for (let n = 0; n < (input.files ?? 0); n += 1) fs.writeFileSync("/data/" + input.name + n, Buffer.alloc(100_000));
      if (input.clear) for (const name of fs.readdirSync("/data")) fs.rmSync("/data/" + name);
      return { output: { version: "1.0.0" } };
    };`;
  const { runtime } = world;
  await runtime.stage(versioned(world.folder, "1.0.0", { main }), [...GRANTS, allow("fs.data", { quotaMb: 4 })]);
  const health = (): string[] =>
    checkNode({
      bus: "",
      page: "",
      plugins: runtime.list(),
      peers: [],
      hasCommunity: false,
      catalogue: null,
      devRoot: false,
      registries: [],
      givers: null,
      keyConflicts: [],
    })
      .filter(({ id }) => id.startsWith("plugin."))
      .map(({ id, state, finding }) => `${id} ${state} ${finding.code}`);
  await world.call(SAY, { name: "a", files: 39 });
  await until("it is measured", () => (runtime.get(ID)?.data?.bytes ?? 0) > 3_900_000);
  assert.deepEqual(health(), [`plugin.${ID}.data warn data_filling`]);
  assert.ok(runtime.logs(ID, { limit: 20 }).some(({ message }) => /holds 3\.\d of 4 MB/.test(message)));
  await world.call(SAY, { name: "b", files: 10 });
  await until("it is stopped", () => runtime.get(ID)?.state === "over_quota");
  assert.equal(runtime.get(ID)?.reason?.reason, "data_full");
  assert.match(runtime.get(ID)?.reason?.message ?? "", /holds 4\.\d MB; it may hold 4 MB/);
  assert.deepEqual(health(), [`plugin.${ID} bad plugin`]);
  assert.deepEqual(notices, ["A plugin was stopped"]);
  assert.ok(runtime.ledger(20).rows.some(({ op, verdict }) => op === "fs.data" && verdict === "quota"));
  await assert.rejects(world.call(SAY), { code: "not_found" });
  await runtime.restart(ID);
  await world.call(SAY, { clear: true });
  await until("there is room", () => runtime.get(ID)?.data?.files === 0, 15_000);
  assert.deepEqual([runtime.get(ID)?.state, health()], ["active", []]);
});
