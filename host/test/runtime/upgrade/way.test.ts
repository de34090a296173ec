import assert from "node:assert/strict";
import { test } from "node:test";
import type { PluginManifest, StoredRelease } from "../../../src/contract/index.ts";
import { wayOf } from "../../../src/runtime/upgrade/way.ts";
import { allow } from "../fixtures/world.ts";

const step = (manifest: Partial<PluginManifest>, data: boolean): Parameters<typeof wayOf>[0] => ({
  release: { manifest } as unknown as StoredRelease,
  grants: data ? [allow("fs.data")] : [allow("storage.kv")],
});
const shared = (schemaVersion: number, yes = true): Partial<PluginManifest> => ({
  data: { schemaVersion, downgradable: false, shared: yes },
});

test("two releases run side by side only where no two write one data folder without the author's word for it (§6.4.2, §6.4.7)", () => {
  const rows: [former: Parameters<typeof wayOf>[0], next: Parameters<typeof wayOf>[0], way: string][] = [
    [step({}, false), step({}, false), "beside"],
    [step({}, true), step({}, true), "fence"],
    [step({}, false), step({}, true), "fence"],
    [step({}, true), step({}, false), "fence"],
    [step(shared(1), true), step(shared(1), true), "beside"],
    [step(shared(1), true), step(shared(2), true), "fence"],
    [step(shared(1, false), true), step(shared(1), true), "fence"],
    [step(shared(1), true), step(shared(1, false), true), "fence"],
    [step({}, false), step({ update: { strategy: "stop-first" } }, false), "stop-first"],
    [step({ update: { strategy: "stop-first" } }, false), step({ update: { strategy: "overlap" } }, false), "beside"],
  ];
  for (const [former, next, way] of rows) assert.equal(wayOf(former, next), way, JSON.stringify([former, next]));
});
