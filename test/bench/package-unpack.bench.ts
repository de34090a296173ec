import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { fromKeyObject, unpackPackage, type PackageFile } from "../../host/src/format/index.ts";
import { temporaryFolder } from "../../host/test/runtime/fixtures/world.ts";
import { makePackage } from "../marketplace/shop.ts";
import { judge, type BenchResult } from "./measure.ts";

/**
 * A package of 5 MB verified and unpacked: its signature, every file against its list, all of it on disk. Beside nothing but decompressing it
 * and taking the hash of what comes out. @source plugin-platform §11
 */
export const name = "package-unpack";

const FILES = 50;
const FILE_BYTES = 100_000;
const ROUNDS = 9;

export async function run(): Promise<BenchResult> {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const files: Record<string, PackageFile> = {};
  // Code compresses to about a third; noise would make the decompressor's work disappear.
  for (let n = 0; n < FILES; n += 1)
    files[`assets/${n}.bin`] = { bytes: Buffer.from(randomBytes(FILE_BYTES / 2).toString("hex")) };
  const { bytes } = makePackage({ id: "lab/weighty", key: privateKey, files });
  const root = temporaryFolder();
  const samples: [number, number][] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const from = performance.now();
    await unpackPackage(bytes, { root, opId: `round-${round}`, keys: [fromKeyObject(publicKey)] });
    const middle = performance.now();
    createHash("sha256").update(gunzipSync(bytes)).digest();
    if (round > 0) samples.push([middle - from, performance.now() - middle]);
    rmSync(join(root, "store"), { recursive: true, force: true });
  }
  rmSync(root, { recursive: true, force: true });
  return judge(samples, {
    unit: `ms for ${(bytes.byteLength / 1e6).toFixed(1)} MB packed, ${(FILES * FILE_BYTES) / 1e6} MB unpacked`,
    better: "less",
  });
}
