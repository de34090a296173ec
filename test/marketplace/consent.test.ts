import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { GrantChoice, Growth, PermissionRequest, PluginManifest } from "../../host/src/contract/index.ts";
import { makePackage, NOW, openNode, openShop, reasonOf, type Node, type PackageOrder, type Shop } from "./shop.ts";

const ID = "hearthnet/echo";
const ALL = { id: ID, grants: "all", grantedBy: "operator" } as const;
const KEEP = { id: ID, grants: "keep", grantedBy: "operator" } as const;
const ask = (name: PermissionRequest["name"], scope?: PermissionRequest["scope"]): PermissionRequest => ({
  name,
  ...(scope === undefined ? {} : { scope }),
  reason: { en: "Needs it." },
});
const offer = (trust: "member" | "unknown") => ({
  name: "ext.hearthnet.echo",
  version: "1.0",
  request: "s.json",
  response: "s.json",
  stream: null,
  trust,
  idempotent: true,
  maxConcurrent: 1,
  timeoutSeconds: 5,
});
const FILES = { "s.json": { bytes: Buffer.from("{}") } };
const route = (auth: "member" | "public") => [
  {
    prefix: "echo",
    routes: [{ method: "GET", path: "/echo/list", auth, ...(auth === "member" ? { pseudo: "echo.http.list" } : {}) }],
  },
];

const FIRST: Partial<PluginManifest> = {
  permissions: [
    ask("bus.provide", { prefixes: ["ext.hearthnet."] }),
    ask("storage.kv", { quotaMb: 4 }),
    ask("net.internet", { hosts: ["a.example:443"] }),
    ask("http.mount", { prefix: "echo", auth: ["member", "public"] }),
  ],
  optionalPermissions: [ask("notify"), ask("schedule")],
  contributes: { capabilities: [offer("member")], http: route("member") },
};
const more = (permission: PermissionRequest): Partial<PluginManifest> => ({ permissions: [...FIRST.permissions!, permission] });
const instead = (name: string, permission: PermissionRequest): Partial<PluginManifest> => ({
  permissions: FIRST.permissions!.map((one) => (one.name === name ? permission : one)),
});

async function nodeWith(
  t: Parameters<typeof openShop>[0],
  first: Omit<PackageOrder, "key"> = {},
): Promise<{ shop: Shop; node: Node }> {
  const shop = openShop(t);
  shop.list(makePackage({ key: shop.key, files: FILES, ...first, manifest: { ...FIRST, ...first.manifest } }));
  shop.list(makePackage({ key: shop.key, id: "hearthnet/other" }));
  shop.commit();
  return { shop, node: await openNode(t, shop) };
}
function publish(shop: Shop, node: Node, change: Partial<PluginManifest>): void {
  shop.list(makePackage({ key: shop.key, version: "1.1.0", files: FILES, manifest: { ...FIRST, ...change } }));
  shop.commit();
  node.clock.advance(60_000);
}

describe("a version that asks for more waits, and the one before runs on (plugin-platform §3.4.2, consent growth table)", () => {
  const rows: [what: string, change: Partial<PluginManifest>, growth: Growth[]][] = [
    [
      "a new permission",
      more(ask("compute", { classes: ["gpu"] })),
      [{ kind: "permission", what: 'compute {"classes":["gpu"]}' }],
    ],
    [
      "a wider scope",
      instead("net.internet", ask("net.internet", { hosts: ["a.example:443", "b.example:443"] })),
      [{ kind: "scope", what: 'net.internet {"hosts":["a.example:443","b.example:443"]}' }],
    ],
    [
      "more room",
      instead("storage.kv", ask("storage.kv", { quotaMb: 5 })),
      [{ kind: "scope", what: 'storage.kv {"quotaMb":5}' }],
    ],
    ["a lower tier", { tier: { min: "isolate" } }, [{ kind: "tier", what: "isolate" }]],
    [
      "machine code",
      { ...more(ask("native", { mode: ["addon"] })), tier: { min: "process", native: true }, platforms: ["linux-x64"] },
      [{ kind: "native", what: 'native {"mode":["addon"]}' }],
    ],
    ["another plugin", { dependencies: { "hearthnet/other": "*" } }, [{ kind: "dependency", what: "hearthnet/other" }]],
    [
      "an address for everybody",
      { contributes: { ...FIRST.contributes, http: route("public") } },
      [{ kind: "route", what: "GET /echo/list" }],
    ],
    [
      "strangers as callers",
      { contributes: { ...FIRST.contributes, capabilities: [offer("unknown")] } },
      [{ kind: "open", what: "ext.hearthnet.echo@1" }],
    ],
    [
      "what was optional",
      { permissions: [...FIRST.permissions!, ask("notify")], optionalPermissions: [ask("schedule")] },
      [{ kind: "required", what: "notify" }],
    ],
  ];
  for (const [what, change, growth] of rows)
    it(what, async (t) => {
      const { shop, node } = await nodeWith(t);
      await node.marketplace.install({ ...ALL, id: "hearthnet/other" });
      await node.marketplace.install({ ...ALL, grants: FIRST.permissions!.map(({ name }) => ({ permission: name })) });
      publish(shop, node, change);
      assert.equal(await reasonOf(node.marketplace.update(KEEP)), "consent_required");
      assert.deepEqual([node.staged.length, node.waiting], [2, [`${ID} 1.1.0`]]);
      const review = await node.marketplace.review(ID, "1.1.0");
      assert.deepEqual([review.before, review.growth], ["1.0.0", growth]);
      await node.marketplace.update({ ...ALL, confirmId: ID });
      assert.equal(node.staged.at(-1)?.release.version, "1.1.0");
    });

  it("less, the same, and what was optional and is granted already need nobody", async (t) => {
    for (const change of [
      {},
      { permissions: FIRST.permissions!.slice(0, 2), contributes: { capabilities: [offer("member")] } },
      instead("storage.kv", ask("storage.kv", { quotaMb: 1 })),
      { optionalPermissions: [ask("notify"), ask("schedule"), ask("compute", { classes: ["gpu"] })] },
      { permissions: [...FIRST.permissions!, ask("notify")], optionalPermissions: [ask("schedule")] },
    ] as Partial<PluginManifest>[]) {
      const { shop, node } = await nodeWith(t);
      await node.marketplace.install(ALL);
      publish(shop, node, change);
      assert.equal((await node.marketplace.update(KEEP)).version, "1.1.0", JSON.stringify(change));
      assert.deepEqual(node.waiting, []);
    }
  });
});

describe("the review of a version that follows another", () => {
  it("marks what is new, wider or now required, and how it was decided before (§3.4.2, §3.2)", async (t) => {
    const { shop, node } = await nodeWith(t);
    await node.marketplace.install({
      ...ALL,
      grants: [{ permission: "bus.provide" }, { permission: "storage.kv", scope: { quotaMb: 2 } }],
    });
    publish(shop, node, {
      permissions: [
        FIRST.permissions![0]!,
        ask("storage.kv", { quotaMb: 9 }),
        ask("notify"),
        ask("compute", { classes: ["gpu"] }),
      ],
      optionalPermissions: [ask("identity.dh")],
      contributes: { capabilities: [offer("member")] },
    });
    const { required, optional, rating, ratingWithOptional } = await node.marketplace.review(ID, "1.1.0");
    assert.deepEqual(
      [...required, ...optional].map(({ name, change, held }) => [name, change, held?.mode ?? null]),
      [
        ["bus.provide", null, "allow"],
        ["storage.kv", "wider", "allow"],
        ["notify", "required", null],
        ["compute", "new", null],
        ["identity.dh", "new", null],
      ],
    );
    assert.deepEqual([rating, ratingWithOptional], [2, 5], "2 now, 5 with optional");
  });

  it("is stale when another version was installed meanwhile", async (t) => {
    const { shop, node } = await nodeWith(t);
    publish(shop, node, {});
    const { reviewDigest } = await node.marketplace.review(ID, "1.1.0");
    await node.marketplace.install({ ...ALL, version: "1.0.0" });
    assert.equal(await reasonOf(node.marketplace.install({ ...ALL, reviewDigest })), "review_stale");
  });
});

describe("the operator's decision (plugin-platform §3.4.1, §3.4.4)", () => {
  const decide = (node: Node, ...grants: GrantChoice[]): Promise<unknown> =>
    node.marketplace.regrant({ id: ID, grants, grantedBy: "operator" });
  const rights = (node: Node): string[] =>
    node
      .grants(ID)
      .map(({ permission, scope, mode, expires }) => `${permission} ${JSON.stringify(scope)} ${mode} ${expires ?? "-"}`);

  it("may be narrower than what is asked for, for a time, or to be asked each time; the rest is denied", async (t) => {
    const { node } = await nodeWith(t, {
      manifest: {
        permissions: [...FIRST.permissions!, ask("bus.call", { capabilities: ["*"] }), ask("proc.worker", { workers: ["a"] })],
      },
    });
    await node.marketplace.install(ALL);
    await decide(
      node,
      { permission: "bus.provide" },
      { permission: "storage.kv", scope: { quotaMb: 1 }, expires: NOW + 1000 },
      { permission: "net.internet", mode: "ask" },
      { permission: "bus.call", scope: { capabilities: ["a.b@1"] } },
      { permission: "notify", mode: "deny" },
    );
    assert.deepEqual(rights(node), [
      'bus.provide {"prefixes":["ext.hearthnet."]} allow -',
      `storage.kv {"quotaMb":1} allow ${NOW + 1000}`,
      'net.internet {"hosts":["a.example:443"]} ask -',
      'bus.call {"capabilities":["a.b@1"]} allow -',
      "notify {} deny -",
      'http.mount {"prefix":"echo","auth":["member","public"]} deny -',
      'proc.worker {"workers":["a"]} deny -',
    ]);
  });

  it("is refused when it goes beyond, is malformed, in the past, or asks where nobody can be asked", async (t) => {
    const { node } = await nodeWith(t, { manifest: { permissions: [...FIRST.permissions!, ask("fs.data", { quotaMb: 1 })] } });
    await node.marketplace.install(ALL);
    const before = rights(node);
    for (const choice of [
      { permission: "storage.kv", scope: { quotaMb: 5 } },
      { permission: "storage.kv", scope: {} },
      { permission: "net.internet", scope: { hosts: ["evil.example:443"] } },
      { permission: "net.internet", scope: { hosts: ["a.example:443"], everything: true } },
      { permission: "net.internet", scope: { hosts: "a.example:443" } },
      { permission: "identity.dh" },
      { permission: "__proto__" },
      { permission: "notify", expires: NOW },
      { permission: "fs.data", mode: "ask" },
      { permission: "bus.provide", mode: "ask" },
    ] as GrantChoice[])
      assert.equal(await reasonOf(decide(node, choice)), "bad_request", JSON.stringify(choice));
    assert.deepEqual(rights(node), before);
  });

  it("gives a far-reaching right only to who types the id, and not a second time for what is given already", async (t) => {
    const { node } = await nodeWith(t, { manifest: { optionalPermissions: [ask("identity.dh"), ask("notify")] } });
    await node.marketplace.install({ ...ALL, grants: [{ permission: "bus.provide" }] });
    const dh = { permission: "identity.dh" };
    assert.equal(await reasonOf(decide(node, dh)), "consent_required");
    assert.equal(await reasonOf(decide(node, { ...dh, mode: "ask" })), "consent_required", "to be asked each time as well");
    assert.equal(
      await reasonOf(node.marketplace.regrant({ id: ID, grants: [dh], grantedBy: "operator", confirmId: "hearthnet/ech" })),
      "consent_required",
    );
    await node.marketplace.regrant({ id: ID, grants: [dh], grantedBy: "operator", confirmId: ID });
    await decide(node, dh, { permission: "notify" });
    assert.ok(rights(node).includes("identity.dh {} allow -"));
  });

  it("a trial run's proposal is under the same rules, and there is none without a trial run", async (t) => {
    const { node } = await nodeWith(t);
    await node.marketplace.install(ALL);
    assert.equal(await reasonOf(node.marketplace.acceptTrial({ id: ID, digest: "0".repeat(64) })), "no_trial");
  });
});

describe("machine code (plugin-platform §3.4.4)", () => {
  const NATIVE: Omit<PackageOrder, "key"> = {
    files: {
      ...FILES,
      "lib/fast.node": { bytes: Buffer.from("\u007fELF and so on") },
      "lib/odd.dat": { bytes: Buffer.from("\u007fELF in disguise") },
      "lib/text.txt": { bytes: Buffer.from("no code") },
    },
    manifest: {
      tier: { min: "process", native: true },
      platforms: ["linux-x64"],
      permissions: [...FIRST.permissions!, ask("native", { mode: ["addon"] })],
    },
  };

  it("is listed in the review by its hash, whatever it is called", async (t) => {
    const { node } = await nodeWith(t, NATIVE);
    const { binaries, nativeAllowed, confirmId } = await node.marketplace.review(ID);
    assert.deepEqual(
      binaries.map(({ path, sizeBytes }) => [path, sizeBytes]),
      [
        ["lib/fast.node", 14],
        ["lib/odd.dat", 16],
      ],
    );
    assert.ok(binaries.every(({ sha256 }) => /^[0-9a-f]{64}$/.test(sha256)));
    assert.deepEqual([nativeAllowed, confirmId], [true, true], "the embedded root's own may");
  });

  it("runs only for publishers that the node names beside the embedded root's", async (t) => {
    const id = "acme/echo";
    const shop = openShop(t, { namespace: "acme" });
    shop.list(makePackage({ ...NATIVE, key: shop.key, id, manifest: { ...FIRST, ...NATIVE.manifest } }));
    shop.commit();
    const node = await openNode(t, shop);
    const request = { id, grants: "all", grantedBy: "operator", confirmId: id } as const;
    assert.equal((await node.marketplace.review(id)).nativeAllowed, false);
    assert.equal(await reasonOf(node.marketplace.install(request)), "policy");
    await node.marketplace.install({ ...request, grants: [{ permission: "bus.provide" }] });
    assert.equal(
      await reasonOf(node.marketplace.regrant({ id, grants: [{ permission: "native" }], grantedBy: "operator", confirmId: id })),
      "policy",
    );
    await node.reopen({ nativePublishers: [shop.publisher.keyId] });
    await node.marketplace.regrant({ id, grants: [{ permission: "native" }], grantedBy: "operator", confirmId: id });
    assert.equal(node.grants(id).find(({ permission }) => permission === "native")?.mode, "allow");
  });
});
