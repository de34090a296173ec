import assert from "node:assert/strict";
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { fromKeyObject, writePackage, type PackageFile } from "../../host/src/format/index.ts";
import { checkCandidate } from "../../registry/src/2-verify/package.ts";
import { openProject } from "../../sdk-plugin/src/commands/project.ts";
import { FILES, manifestCorpus, WHOLE, type Draft } from "./manifest-corpus.ts";
import { folder, openNode, openShop, reasonOf } from "./shop.ts";
import { withManifest } from "./tampering.ts";

/** A package around the manifest, as far as it can be signed: what cannot be read can be signed by nobody. */
function packed({ bytes, good }: Draft, key: KeyObject): Uint8Array {
  const manifest = good ? bytes : Buffer.from(JSON.stringify(WHOLE));
  const files = new Map<string, PackageFile>([
    ["hearthnet.plugin.json", { bytes: manifest }],
    ...FILES.map((path): [string, PackageFile] => [path, { bytes: Buffer.from("{}") }]),
  ]);
  const whole = writePackage(files, key).bytes;
  return good ? whole : withManifest(whole, bytes);
}

async function opened(dir: string): Promise<void> {
  openProject({ args: [dir], cwd: dir });
}

it("command line, registry and host say the same of every manifest (plugin-platform §2.2)", async (t) => {
  const shop = openShop(t);
  shop.commit();
  const { marketplace } = await openNode(t, shop);
  const keys = [fromKeyObject(createPublicKey(shop.key))];
  const bench = folder(t);
  const corpus = manifestCorpus();
  const names = corpus.map(({ name }) => name);
  assert.deepEqual(
    names.filter((name, n) => names.indexOf(name) !== n),
    [],
    "each draft is another",
  );
  const wrong: string[] = [];
  for (const draft of corpus) {
    const dir = join(bench, createHash("sha256").update(draft.name).digest("hex").slice(0, 12));
    mkdirSync(dir);
    writeFileSync(join(dir, "hearthnet.plugin.json"), draft.bytes);
    const bytes = packed(draft, shop.key);
    const verdicts = [
      await reasonOf(opened(dir)),
      await reasonOf(checkCandidate(bytes, { keys, released: "2026-07-01T00:00:00Z" })),
      await reasonOf(marketplace.importPackage(bytes)),
    ];
    const wanted = draft.good ? "none" : "manifest_invalid";
    const wantedOfPackage = draft.packaged ?? wanted;
    if (verdicts.some((verdict, n) => verdict !== (n === 0 ? wanted : wantedOfPackage)))
      wrong.push(`${draft.name}: ${verdicts.join(", ")}, wanted ${wanted}`);
  }
  assert.deepEqual(wrong, []);
  const good = corpus.filter((draft) => draft.good).length;
  t.diagnostic(`${corpus.length} manifests, ${good} good and ${corpus.length - good} bad`);
  assert.ok(corpus.length >= 200 && good >= 40 && corpus.length - good >= 150);
});
