import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PackageQuestion, PeerRow, Standing } from "../src/contract/index.ts";
import { givesPackages, packageNeighbours } from "../src/package-neighbours.ts";

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
    });
    const [ann] = neighbours.near();
    assert.ok(ann !== undefined);
    assert.equal(await neighbours.ask(ann, question, {}), answer);
    assert.deepEqual(asked, [["ed25519:ann", 1, question]]);
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
