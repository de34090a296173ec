import type { PluginManifest, Time } from "../../contract/index.ts";
import { isTime } from "../../foundation/index.ts";
import { canonicalBytes } from "../../identity/index.ts";
import { sha256Hex } from "../package/write.ts";

/** What a publisher's role says about one package, beside hash and length. @source marketplace §2.2 */
export interface TargetCustom {
  tarSha256: string;
  cid: string;
  publisherKeyids: string[];
  permissionsDigest: string;
  rating: number;
  tier: PluginManifest["tier"]["min"];
  engines: PluginManifest["engines"];
  platforms: string[];
  status: "active" | "yanked";
  /** Versions below this one are not installed any more. */
  minSafeVersion?: string;
  released: Time;
}

/** What a package asks for, as one hash: equal hashes need no new consent. */
export function permissionsDigest(m: Pick<PluginManifest, "permissions" | "optionalPermissions">): string {
  return sha256Hex(canonicalBytes({ permissions: m.permissions, optionalPermissions: m.optionalPermissions ?? [] }));
}

/**
 * Reads the `custom` member of a target.
 * @returns null when it is not of this shape; such a target is no package
 */
export function readTargetCustom(value: unknown): TargetCustom | null {
  const custom = value as Partial<TargetCustom> | null;
  const sound =
    typeof custom === "object" &&
    custom !== null &&
    isHex64(custom.tarSha256) &&
    typeof custom.cid === "string" &&
    isTexts(custom.publisherKeyids) &&
    isHex64(custom.permissionsDigest) &&
    Number.isInteger(custom.rating) &&
    (custom.tier === "process" || custom.tier === "isolate") &&
    typeof custom.engines?.hearthnet === "string" &&
    isTexts(custom.platforms) &&
    (custom.status === "active" || custom.status === "yanked") &&
    (custom.minSafeVersion === undefined || typeof custom.minSafeVersion === "string") &&
    isTime(custom.released);
  return sound ? (custom as TargetCustom) : null;
}

export function isHex64(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}
