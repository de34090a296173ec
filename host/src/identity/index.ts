/**
 * Room `identity`, floor 1: holds the device key and signs only closed, typed objects with it; canonical JSON, hashes, manifests, invitations,
 * the certificate. Nothing leaves here that could sign arbitrary bytes.
 *
 * @example
 * const { nodeId, signer } = openKeystore(dataDir);
 * const event = signer.signEvent({ ...fields, author: nodeId });
 * verifyTyped("event", event, { by: nodeId }); // true
 */
export { checkSignable, roundFractions } from "./canonical/fractions.ts";
export { canonicalBytes, canonicalText } from "./canonical/write.ts";
export { isAcceptablePoint, isAcceptableSignature } from "./ed25519/rule.ts";
export { selfTest } from "./ed25519/self-test.ts";
export { importPublicKey, sodiumReady, verifyWithNode, verifyWithSodium } from "./ed25519/verify.ts";
export { blake3, dhtKey, isCid, schemaHash } from "./hash/blake3.ts";
export { blobCid, createBlobCid } from "./hash/blob-cid.ts";
export { createFreshDeviceId, readFreshDeviceId } from "./invite/fresh-device.ts";
export { createInvite, readInvite, type InviteFacts } from "./invite/invite.ts";
export { openKeystore } from "./keys/keystore.ts";
export { createRootKey, exportRootKey, importRootKey } from "./keys/root-key.ts";
export { importSeed } from "./keys/seed.ts";
export { buildCommunityManifest, verifyCommunityManifest, type CommunityFacts } from "./manifest/community.ts";
export { buildManifest, buildManifestV1, verifyManifest, type ManifestFacts, type ManifestMemory } from "./manifest/node.ts";
export { formatNodeId, formatSignature, isNodeId, parseNodeId, parseSignature, sameShortId, shortId } from "./node-id.ts";
export { openSignaturePool, type SignaturePool } from "./pool/signature-pool.ts";
export type { SignedKind } from "./sign/shapes.ts";
export { Signer } from "./sign/signer.ts";
export { StreamDigest } from "./sign/stream-digest.ts";
export { readTokenText, verifyTokenText, type TokenText } from "./sign/token.ts";
export { verifyBytes, verifyOnce, verifyTyped } from "./sign/verify.ts";
export { nodeIdOfCertificate, spkiSha256, type TlsIdentity } from "./tls/certificate.ts";
