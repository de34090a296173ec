/** Keys of what lies encrypted on the disk. All of them follow from one root. @source 30 §7 */
import { hkdfSync } from "node:crypto";
import { openHasher } from "../cid/blake3.ts";

export interface Root {
  /** 32 bytes; one for each content, which is why the nonce may stay the same. @source 30 F4 */
  chunkKey(cid: string): Uint8Array;
  manifestKey(cid: string): Uint8Array;
  /** Of a name on the disk, for what must be readable before the id is known. */
  labelKey(name: string): Uint8Array;
  /** 64 hex digits that nobody can compute from a known file. */
  diskName(cid: string): string;
}

const SALT = new Uint8Array(32);

/** @param bytes  32 of them */
export async function openRoot(bytes: Uint8Array): Promise<Root> {
  const hasher = await openHasher(bytes);
  const derive = (info: string): Uint8Array => new Uint8Array(hkdfSync("sha256", bytes, SALT, info, 32));
  return {
    chunkKey: (cid) => derive(`HearthNet_AtRest_v1:${cid}`),
    manifestKey: (cid) => derive(`HearthNet_AtRestManifest_v1:${cid}`),
    labelKey: (name) => derive(`HearthNet_AtRestLabel_v1:${name}`),
    diskName: (cid) => hasher.hex(new TextEncoder().encode(cid)),
  };
}
