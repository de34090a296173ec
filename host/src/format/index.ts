/**
 * Room `format`, floor 2: reads, checks and writes what plugins consist of: manifest, `.hnp` package, publisher signature, fd 3 frame, and what a
 * registry says about them; and the chain of the ledger. One reader and one writer for host, registry and SDK.
 *
 * @example
 * const { bytes } = writePackage(files, privateKey);
 * const { manifest, keyId } = await verifyPackage(bytes, { keys: [publisherKey] });
 */
export { nextCronTime } from "./cron.ts";
export { claimedKeyIds, PACKAGE_PAYLOAD_TYPE, signDsse, verifyDsse, type PackagePayload } from "./dsse/envelope.ts";
export {
  createPublisherKey,
  fromKeyObject,
  openPublisherKey,
  publisherKey,
  readPublisherKey,
  type PublisherKey,
} from "./dsse/publisher-key.ts";
export { coversType, isHostType } from "./manifest/sharing.ts";
export { DEV_NAMESPACE, devVersion, isDevId, isDevVersion } from "./manifest/dev.ts";
export * from "./frame/index.ts";
export * from "./ledger/index.ts";
export { checkManifest, checkScope, requireManifest, type ManifestProblem, type ManifestVerdict } from "./manifest/check.ts";
export { isBelowPrefix, routeParts, routesCollide } from "./manifest/route.ts";
export { declaredCode, isAssetFor, programFor } from "./manifest/programs.ts";
export { checkAssetCode, checkAssetCodeEverywhere } from "./package/asset-code.ts";
export { headOf } from "./package/file-head.ts";
export { checkMachineCode, checkProgram, isMachineCode, PROGRAM_HEAD_BYTES } from "./package/machine-code.ts";
export { checkEntryName } from "./package/names.ts";
export {
  readPackage,
  verifyPackage,
  type PackageSink,
  type ReadPackage,
  type VerifiedPackage,
  type VerifyOptions,
} from "./package/read.ts";
export { encodeHeader, paddingOf, TAR_END, UstarReader, type TarEntry, type TarSink } from "./package/ustar.ts";
export { discard, recheckFolder, unpackPackage, unpackUnsigned } from "./package/store.ts";
export {
  FILES_FILE,
  MANIFEST_FILE,
  SIGNATURE_FILE,
  sha256Hex,
  writePackage,
  type FileRow,
  type PackageFile,
  type WrittenPackage,
} from "./package/write.ts";
export * from "./registry/index.ts";
export { rating, requested, weightOf, type OpenTo, type Right } from "./rights/rating.ts";
export { amount, pointerCovers, texts } from "./rights/scope.ts";
export { compareVersions, isInRange } from "./version.ts";
export { blobCid, createBlobCid, isCid } from "../identity/index.ts";
export { syncFolder, writeFileAtomic } from "../foundation/index.ts";
