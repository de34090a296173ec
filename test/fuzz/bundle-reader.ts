import { createHash } from "node:crypto";
import { encodeHeader, paddingOf, sha256Hex, TAR_END } from "../../host/src/format/index.ts";
import { Intake } from "../../host/src/marketplace/bundle/intake.ts";
import { readArchive } from "../../host/src/marketplace/bundle/read.ts";
import { type Chance, feed, type FuzzReport, mutate } from "./harness.ts";

const PACKAGE = Buffer.alloc(700, "package ");
const ASSET = Buffer.alloc(900, "asset ");
const SHARD = Buffer.from('{"id":"acme/demo"}\n');
const PROMISED: ReadonlySet<string> = new Set([PACKAGE, ASSET, SHARD].map((bytes) => sha256Hex(bytes)));
const CONTENTS = {
  v: 1,
  created: "2026-07-01T12:00:00Z",
  hostApi: "0.1.0",
  registries: [{ id: "village", rootSha256: "0".repeat(64) }],
  plugins: [{ id: "acme/demo", version: "1.0.0", sha256: sha256Hex(PACKAGE), size: PACKAGE.byteLength }],
  assets: [{ cid: `blake3:${"a".repeat(64)}`, sha256: sha256Hex(ASSET), size: ASSET.byteLength }],
  catalogue: [{ sha256: sha256Hex(SHARD), size: SHARD.byteLength }],
};
const blob = (bytes: Buffer): string => `blobs/sha256/${sha256Hex(bytes).slice(0, 2)}/${sha256Hex(bytes)}`;
const FILES: [path: string, content: Buffer][] = [
  ["bundle.json", Buffer.from(JSON.stringify(CONTENTS))],
  ...(
    [
      [`assets/${sha256Hex(ASSET)}/0000`, ASSET],
      [blob(PACKAGE), PACKAGE],
      [blob(SHARD), SHARD],
      ["tuf/village/1.root.json", Buffer.from("{}")],
      ["tuf/village/timestamp.json", Buffer.from("{}")],
    ] satisfies [string, Buffer][]
  ).sort(([a], [b]) => (a < b ? -1 : 1)),
];
const GENUINE = tarOf(FILES);

/** The reader of bundles against altered archives: no name but those that it may hold, and no package, asset or index but what was promised. */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("bundle-reader", {
    ...o,
    make,
    target: async (input) => {
      const taken = new Map<string, string>();
      let open = "";
      let hash = createHash("sha256");
      const intake = new Intake({
        open: (path) => {
          open = path;
          hash = createHash("sha256");
        },
        write: (chunk) => void hash.update(chunk),
        close: () => void taken.set(open, hash.digest("hex")),
      });
      const contents = await readArchive(inPieces(input), intake);
      for (const [path, sha256] of taken) {
        if (path !== "bundle.json" && !/^(tuf\/village|blobs\/sha256|assets)\/[\w/.%-]+$/.test(path))
          throw new Error(`took ${path}`);
        if (!path.startsWith("tuf/") && path !== "bundle.json" && !path.includes(sha256)) throw new Error("took other bytes");
      }
      for (const { sha256 } of [...contents.plugins, ...contents.assets])
        if (!PROMISED.has(sha256)) throw new Error("took what nobody has");
    },
  });
}

function make(chance: Chance): Uint8Array {
  if (chance(20) === 0) return GENUINE;
  if (chance(3) === 0) return mutate(GENUINE, chance);
  // Otherwise one file is altered in an archive that is sound: its name, its content or its place.
  const files = FILES.map(([path, content]): [string, Buffer] => [path, content]);
  const at = chance(files.length);
  const [path, content] = files[at] as [string, Buffer];
  const kind = chance(4);
  if (kind === 0) files[at] = [Buffer.from(mutate(Buffer.from(path), chance)).toString("latin1"), content];
  else if (kind === 1) files[at] = [path, Buffer.from(mutate(content, chance))];
  else if (kind === 2) files.splice(at, 1);
  else files.splice(chance(files.length + 1), 0, [path, content]);
  try {
    return tarOf(files);
  } catch {
    return GENUINE;
  }
}

function tarOf(files: readonly [path: string, content: Buffer][]): Buffer {
  return Buffer.concat([
    ...files.flatMap(([path, content]) => {
      const size = content.byteLength;
      return [encodeHeader({ path, mode: 0o644, size }), content, paddingOf({ size })];
    }),
    TAR_END,
  ]);
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 777) yield bytes.subarray(at, at + 777);
}
