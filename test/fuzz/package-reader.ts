import { generateKeyPairSync } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { fromKeyObject, sha256Hex, verifyPackage, writePackage } from "../../host/src/format/index.ts";
import { type Chance, feed, type FuzzReport, mutate } from "./harness.ts";

const SLOW_MS = 1000;
const MANIFEST = {
  manifestVersion: 1,
  id: "acme/demo",
  version: "1.0.0",
  kind: "service",
  tier: { min: "process" },
  displayName: { en: "Demo" },
  description: { en: "A demo." },
  license: "Apache-2.0",
  engines: { hearthnet: ">=0.1" },
  platforms: ["any"],
  entry: { main: "dist/main.mjs" },
  contributes: {},
  permissions: [],
};
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const KEYS = [fromKeyObject(publicKey)];
const GENUINE = Buffer.from(
  writePackage(
    new Map([
      ["hearthnet.plugin.json", { bytes: Buffer.from(JSON.stringify(MANIFEST)) }],
      ["dist/main.mjs", { bytes: Buffer.from("export default {};\n") }],
    ]),
    privateKey,
  ).bytes,
);
const TAR = gunzipSync(GENUINE);
const TRUE_TAR = sha256Hex(TAR);

/** The package reader against altered archives, outside and inside the compression: nothing but the publisher's content may be accepted. */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("package-reader", {
    ...o,
    slowMs: SLOW_MS,
    make,
    target: async (input) => {
      const { tarSha256 } = await verifyPackage(input, { keys: KEYS });
      if (tarSha256 !== TRUE_TAR) throw new Error("an altered package was accepted");
    },
  });
}

function make(chance: Chance): Uint8Array {
  if (chance(20) === 0) return GENUINE;
  if (chance(4) === 0) return mutate(GENUINE, chance);
  const tar = Buffer.from(mutate(TAR, chance));
  // Most altered headers fail their checksum; half of them get a fitting one, so that the rules behind it are reached.
  if (chance(2) === 0)
    for (let at = 0; at + 512 <= tar.length; at += 512) if (tar.toString("latin1", at + 257, at + 262) === "ustar") mend(tar, at);
  return Buffer.concat([GENUINE.subarray(0, 10), gzipSync(tar, { level: 1 }).subarray(10)]);
}

function mend(tar: Buffer, at: number): void {
  tar.fill(0x20, at + 148, at + 156);
  let sum = 0;
  for (let i = at; i < at + 512; i++) sum += tar[i] ?? 0;
  tar.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
}
