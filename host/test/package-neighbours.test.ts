import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PackageQuestion, PeerRow, Standing } from "../src/contract/index.ts";
import { givesPackages, packageFeatures, packageNeighbours } from "../src/package-neighbours.ts";

function row(name: string, change: Partial<PeerRow> = {}): PeerRow {
  return {
    node_id: `ed25519:${name}`,
    display_name: name,
    level: "member",
    state: "verified",
    endpoints: [{ transport: "https", host: "192.0.2.1", port: 7080 }],
    online: true,
    last_seen: 1,
    rtt_ms: 10,
    sources: [],
    capabilities: [],
    ...change,
  };
}

describe("neighbours that give packages (marketplace §5.5)", () => {
  function near(rows: PeerRow[], o: { without?: string; strangers?: string[] } = {}): string[] {
    const neighbours = packageNeighbours({
      peers: { list: () => rows, onChange: () => () => undefined },
      community: {
        standing: (id) => ({ kind: (o.strangers ?? []).includes(id) ? "stranger" : "member" }) as Standing,
      },
      link: {
        featuresOf: (id) => (id === o.without ? ["req-to"] : ["req-to", "pkg"]),
        packageFile: () => Promise.reject(new Error("nobody asks")),
      },
      lists: () => [],
    });
    return neighbours.near().map(({ name }) => name);
  }

  it("are members in reach whose manifest says so, and at most four", () => {
    const rows = ["ann", "bob", "cem", "dea", "eve", "fay", "gil"].map((name) => row(name));
    const [, , third] = rows;
    if (third !== undefined) third.online = false;
    assert.deepEqual(near(rows, { without: "ed25519:ann", strangers: ["ed25519:bob"] }), ["dea", "eve", "fay", "gil"]);
    assert.equal(near(rows).length, 4);
  });

  it("are asked in the order in which they answer, whoever is silent on its session last", () => {
    const session = { state: "suspect", suite: "x", calls: 0, seals: 0 } as const;
    const rows = [
      row("far", { rtt_ms: 80 }),
      row("silent", { rtt_ms: 1, session }),
      row("near", { rtt_ms: 2 }),
      row("unknown", { rtt_ms: null }),
    ];
    assert.deepEqual(near(rows).slice(0, 2), ["near", "far"]);
  });

  it("are asked where they are", async () => {
    const asked: unknown[] = [];
    const question: PackageQuestion = { kind: "meta", registry: "village", file: "timestamp.json" };
    const answer = { from: 0, bytes: (async function* (): AsyncGenerator<Uint8Array> {})() };
    const neighbours = packageNeighbours({
      peers: { list: () => [row("ann")], onChange: () => () => undefined },
      community: { standing: () => ({ kind: "member" }) as Standing },
      link: {
        featuresOf: () => ["pkg"],
        packageFile: async (to, about) => {
          asked.push([to.node_id, to.endpoints.length, about]);
          return answer;
        },
      },
      lists: () => [],
    });
    const [ann] = neighbours.near();
    assert.ok(ann !== undefined);
    assert.equal(await neighbours.ask(ann, question, {}), answer);
    assert.deepEqual(asked, [["ed25519:ann", 1, question]]);
  });
});

describe("how new the lists of a neighbour are (marketplace §5.6)", () => {
  const claims: Record<string, string[]> = {
    newer: ["pkg", "pkg-lists:other:9", "pkg-lists:village:13"],
    equal: ["pkg", "pkg-lists:village:12"],
    foreign: ["pkg", "pkg-lists:elsewhere:99"],
    broken: [
      "pkg",
      "pkg-lists:village:1e9",
      "pkg-lists:village:-13",
      "pkg-lists:village:99 ",
      "pkg-lists:VILLAGE:99",
      "pkg-lists:village:9999999999999999",
    ],
    giving_none: ["pkg-lists:village:99"],
    stranger: ["pkg", "pkg-lists:village:99"],
    many: ["pkg", ...Array.from({ length: 16 }, () => "pkg-lists:elsewhere:1"), "pkg-lists:village:99"],
  };

  it("stands in their manifests, and what is newer than here is seen whoever else claims what", () => {
    const neighbours = packageNeighbours({
      peers: { list: () => Object.keys(claims).map((name) => row(name)), onChange: () => () => undefined },
      community: { standing: (id) => ({ kind: id === "ed25519:stranger" ? "stranger" : "member" }) as Standing },
      link: {
        featuresOf: (id) => claims[id.slice("ed25519:".length)] ?? [],
        packageFile: () => Promise.reject(new Error("nobody asks")),
      },
      lists: () => [{ registry: "village", version: 12 }],
    });
    assert.deepEqual(neighbours.newer(), ["ed25519:newer"]);
  });

  it("is said by whoever gives packages, of a few registries", () => {
    assert.deepEqual(packageFeatures(undefined), []);
    assert.deepEqual(packageFeatures({ lists: () => [{ registry: "village", version: 13 }] }), ["pkg", "pkg-lists:village:13"]);
    const many = Array.from({ length: 40 }, (_, n) => ({ registry: `r${n}`, version: 1 }));
    assert.equal(packageFeatures({ lists: () => many }).length, 17);
  });
});

it("gives packages where its owner wants it; a release that trusts development keys gives none (marketplace §9.5)", () => {
  const gives = (isWanted: boolean, profile: "development" | "release", devRoot: boolean): boolean =>
    givesPackages({ isWanted, profile, devRoot });
  assert.equal(gives(true, "release", false), true);
  assert.equal(gives(true, "release", true), false);
  assert.equal(gives(true, "development", true), true);
  assert.equal(gives(false, "release", false), false);
  assert.equal(gives(false, "development", true), false);
});
