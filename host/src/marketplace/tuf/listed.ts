import type { TargetFile } from "@tufjs/models";
import { readPackageTarget, readTargetCustom, type TargetCustom } from "../../format/index.ts";

/** A version that the registry names, with what its publisher's role says about it. */
export interface Listed {
  id: string;
  version: string;
  sha256: string;
  sizeBytes: number;
  custom: TargetCustom;
}

/** @returns null for a target that is no package */
export function readListed(target: TargetFile): Listed | null {
  const named = readPackageTarget(target.path);
  const custom = readTargetCustom(target.custom);
  const sha256 = target.hashes["sha256"];
  return named === null || custom === null || sha256 === undefined
    ? null
    : { ...named, sha256, sizeBytes: target.length, custom };
}
