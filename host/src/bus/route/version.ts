import type { Version } from "../../contract/index.ts";

export type VersionPair = readonly [major: number, minor: number];

export function formatVersion(version: VersionPair): Version {
  return `${version[0]}.${version[1]}`;
}

/** Two decimal integers without leading zeros; `undefined` for anything else. @source 00 §3 */
export function readVersion(text: string): [number, number] | undefined {
  const match = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/.exec(text);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

/** Offer X.Y satisfies a request for ≥ A.B iff X = A and Y ≥ B. @source 03 §2 */
export function satisfies(offered: VersionPair, wanted: VersionPair): boolean {
  return offered[0] === wanted[0] && offered[1] >= wanted[1];
}
