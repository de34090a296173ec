import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { openBus, type OpenBus } from "../src/bus/index.ts";
import type { Endpoint } from "../src/contract/index.ts";
import { ManualClock, silentLog } from "../src/foundation/index.ts";
import { openKeystore, verifyTyped } from "../src/identity/index.ts";
import { SelfDescription } from "../src/self.ts";
import { descriptor } from "./bus/make.ts";

interface Set {
  dataDir: string;
  bus: OpenBus;
  clock: ManualClock;
  nodeId: string;
  make(name?: string): SelfDescription;
  community: { id: string | null };
  features: string[];
}

const ENDPOINT: Endpoint = { transport: "https", host: "192.0.2.1", port: 7080 };

function set(t: TestContext): Set {
  const dataDir = mkdtempSync(join(tmpdir(), "hearthnet-self-"));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const { nodeId, signer } = openKeystore(dataDir);
  const clock = new ManualClock();
  const community: Set["community"] = { id: null };
  const features: string[] = [];
  const bus = openBus({ nodeId, communityId: () => community.id, clock, log: silentLog });
  t.after(() => bus.close());
  return {
    dataDir,
    bus,
    clock,
    nodeId,
    community,
    features,
    make: (name) =>
      new SelfDescription({
        dataDir,
        signer,
        clock,
        profile: "hearth",
        bus,
        communityId: () => community.id,
        endpoints: () => [ENDPOINT],
        features: () => features,
        ...(name === undefined ? {} : { name }),
      }),
  };
}

it("signs both forms with one issued_at, and the first generation sees nothing of the second (01 I-16)", (t) => {
  const { make, nodeId } = set(t);
  const self = make();
  const [v2, v1] = [self.manifest("2.0"), self.manifest("1.0")];
  assert.equal(v1.issued_at, v2.issued_at);
  assert.equal(v2.community_id, nodeId, "without a community it speaks for itself");
  assert.equal(v1.features, undefined);
  assert.ok(v2.features?.includes("req-to"));
  for (const manifest of [v1, v2]) assert.ok(verifyTyped("node-manifest", manifest, { by: nodeId }));
});

it("tells what it gives beside what it speaks, as of now", (t) => {
  const { make, features } = set(t);
  const self = make();
  assert.ok(!self.manifest("2.0").features?.includes("pkg"));
  features.push("pkg");
  self.forget();
  assert.ok(self.manifest("2.0").features?.includes("pkg"));
});

it("says what neighbours may call, and nothing that only the operator can", (t) => {
  const { make, bus } = set(t);
  const self = make();
  const before = self.manifest("2.0").capabilities.length;
  const open = bus.offer({
    descriptor: descriptor({ name: "ext.demo.open", max_concurrent: 2, timeout_seconds: 5 }),
    handler: async () => ({ output: {}, meta: {} }),
  });
  bus.offer({
    descriptor: descriptor({ name: "ext.demo.own", trust_required: "self" }),
    handler: async () => ({ output: {}, meta: {} }),
  });
  bus.offer({
    descriptor: descriptor({ name: "ext.demo.draft" }),
    handler: async () => ({ output: {}, meta: {} }),
    onlyHere: true,
  });
  assert.equal(before, 0);
  const offered = self.manifest("2.0").capabilities;
  assert.deepEqual(
    offered.map((c) => [c.name, c.version, c.trust_required, c.idempotent, c.streaming]),
    [["ext.demo.open", "1.0", "member", true, false]],
  );
  open.withdraw();
  assert.deepEqual(self.manifest("2.0").capabilities, [], "a withdrawn offer is gone at once");
});

it("is made anew before it is old, when the community changes, and never from the future", (t) => {
  const { make, clock, community, nodeId } = set(t);
  const self = make();
  const first = self.manifest("2.0");
  clock.advance(9_000);
  assert.equal(self.manifest("2.0"), first);
  clock.advance(2_000);
  const second = self.manifest("2.0");
  assert.notEqual(second.issued_at, first.issued_at);
  clock.setNow(clock.now() - 60_000);
  assert.notEqual(self.manifest("2.0").issued_at, second.issued_at, "a clock set back does not keep the old one");
  community.id = nodeId.replace(/.$/, "A");
  assert.equal(self.manifest("2.0").community_id, community.id);
});

it("remembers its name, takes the given one first, and survives a damaged file", (t) => {
  const { make, dataDir } = set(t);
  make().setDisplayName("Küche");
  assert.equal(make().displayName(), "Küche");
  assert.equal(make("Keller").displayName(), "Keller");
  assert.equal([...make("ü".repeat(80)).displayName()].length, 64);
  writeFileSync(join(dataDir, "node.json"), '{"display_name":');
  assert.notEqual(make().displayName(), "");
});

it("puts a new name into the next manifest", (t) => {
  const self = set(t).make("Alt");
  self.manifest("2.0");
  self.setDisplayName("Neu");
  assert.equal(self.manifest("2.0").display_name, "Neu");
});
