/** Stores, brings in pieces, shares, converts and deletes, and says each on its output before and after. Ended from outside. */
import { CHUNK_BYTES, makeManifest } from "../../src/cid/manifest.ts";
import { openRoot } from "../../src/seal/root.ts";
import { openStore } from "../../src/store/index.ts";
import { bytesOf, once, openDatabase, ROOT_BYTES } from "../support/test-store.ts";
import { join } from "node:path";

const [folder = "", first = "0"] = process.argv.slice(2);
/** Contents, by number: some begin alike, so that chunks are shared. */
export const contentOf = (n: number): Uint8Array => bytesOf((n % 4) * CHUNK_BYTES + (n % 7) * 1000 + 1, Math.floor(n / 3));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (folder !== "") {
  const { store, hasher, vault, recoder, audit } = await openStore({
    db: openDatabase(join(folder, "files.db")),
    dir: join(folder, "blobs"),
    root: await openRoot(ROOT_BYTES),
    atRest: "personal",
    limits: () => ({ maxBlobBytes: 1e10, quotaBytesPerMember: 1e10, minFreeBytes: 0, quotaBytes: null }),
  });
  say("ready");
  void audit();
  const cids = new Map<number, string>();
  for (let n = Number(first); ; n += 1) {
    const visibility = n % 2 === 0 ? "private" : "community";
    say(`put ${n}`);
    cids.set(n, await (n % 3 === 0 ? piecewise(n, visibility) : inOne(n, visibility)));
    say(`done ${n}`);
    if (n % 5 === 4) {
      const old = n - 3;
      say(`delete ${old}`);
      await store.remove(cids.get(old) ?? "");
      say(`gone ${old}`);
    }
    if (n % 11 === 10) {
      vault.mode = vault.mode === "personal" ? "off" : "personal";
      await recoder.run();
    }
  }

  async function inOne(n: number, visibility: "private" | "community"): Promise<string> {
    return (await store.takeIn(once(contentOf(n)), { visibility, origin: "put" })).cid;
  }

  async function piecewise(n: number, visibility: "private" | "community"): Promise<string> {
    const bytes = contentOf(n);
    const parts = Array.from({ length: Math.ceil(bytes.byteLength / CHUNK_BYTES) }, (_, i) =>
      bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
    );
    const manifest = makeManifest(
      hasher,
      parts.map((part) => ({ cid: hasher.cid(part), size_bytes: part.byteLength })),
    );
    const incoming = await store.receive(manifest, { visibility, origin: "fetched" });
    await Promise.all(incoming.missing().map((i) => incoming.write(i, parts[i] ?? new Uint8Array(0))));
    await incoming.finish();
    incoming.close();
    return manifest.cid;
  }
}
