import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  type webcrypto,
  X509Certificate,
} from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { NodeId } from "../../contract/index.ts";
import { writeFileAtomic } from "../../foundation/index.ts";
import { formatNodeId, shortId } from "../node-id.ts";

const DAY_MS = 86_400_000;
const TEN_YEARS_MS = 3650 * DAY_MS;

/** What a TLS 1.3 listener needs. Chromium refuses Ed25519-only servers, hence the second pair, whose hash the signed manifest names. */
export interface TlsIdentity {
  key: string[];
  cert: string[];
  /** SHA-256 of the second certificate's SPKI, base64url; for `endpoints[].tls_spki_sha256`. */
  spkiSha256: string;
}

/**
 * Certificate whose key is the node key, so that trust on first use is not needed.
 * @source 02 §9, T-18
 */
export async function tlsContext(o: { dataDir: string; nodeId: NodeId; key: KeyObject }): Promise<TlsIdentity> {
  const own = await deviceCertificate(o);
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = {
    privateKey: ec.privateKey.toCryptoKey(algorithm, false, ["sign"]),
    publicKey: ec.publicKey.toCryptoKey(algorithm, true, ["verify"]),
  };
  const second = await selfSign({ nodeId: o.nodeId, keys, signingAlgorithm: algorithm });
  return {
    key: [exportPem(o.key), exportPem(ec.privateKey)],
    cert: [own, second],
    spkiSha256: createHash("sha256")
      .update(ec.publicKey.export({ type: "spki", format: "der" }))
      .digest("base64url"),
  };
}

/** The NodeID that a certificate's key spells, or null when its key is of another kind. */
export function nodeIdOfCertificate(certificate: X509Certificate): NodeId | null {
  if (certificate.publicKey.asymmetricKeyType !== "ed25519") return null;
  return formatNodeId(new Uint8Array(certificate.publicKey.export({ type: "spki", format: "der" }).subarray(-32)));
}

/** SHA-256 of a certificate's SPKI, base64url. */
export function spkiSha256(certificate: X509Certificate): string {
  return createHash("sha256")
    .update(certificate.publicKey.export({ type: "spki", format: "der" }))
    .digest("base64url");
}

async function deviceCertificate(o: { dataDir: string; nodeId: NodeId; key: KeyObject }): Promise<string> {
  const path = join(o.dataDir, "tls", "server.crt");
  if (existsSync(path)) {
    const pem = readFileSync(path, "utf8");
    if (isUsable(pem, o.nodeId)) return pem;
  }
  const publicKey = createPublicKey(o.key);
  const algorithm = { name: "Ed25519" };
  const pem = await selfSign({
    nodeId: o.nodeId,
    keys: {
      privateKey: o.key.toCryptoKey(algorithm, false, ["sign"]),
      publicKey: publicKey.toCryptoKey(algorithm, true, ["verify"]),
    },
    signingAlgorithm: algorithm,
  });
  mkdirSync(join(o.dataDir, "tls"), { recursive: true, mode: 0o700 });
  writeFileAtomic(path, pem, { mode: 0o644 });
  return pem;
}

function isUsable(pem: string, nodeId: NodeId): boolean {
  try {
    const certificate = new X509Certificate(pem);
    const now = Date.now();
    return (
      nodeIdOfCertificate(certificate) === nodeId &&
      certificate.validFromDate.getTime() <= now &&
      certificate.validToDate.getTime() > now + DAY_MS
    );
  } catch {
    return false;
  }
}

async function selfSign(o: {
  nodeId: NodeId;
  keys: webcrypto.CryptoKeyPair;
  signingAlgorithm: webcrypto.Algorithm & { hash?: string };
}): Promise<string> {
  // Loaded by whoever makes a certificate: they take as long to load as a question from the terminal takes in all.
  await import("reflect-metadata");
  const { X509CertificateGenerator } = await import("@peculiar/x509");
  const name = `${shortId(o.nodeId).replace("ed25519:", "").toLowerCase()}.hearthnet.local`;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    serialNumber: `01${randomBytes(15).toString("hex")}`,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + TEN_YEARS_MS),
    keys: o.keys,
    signingAlgorithm: o.signingAlgorithm,
  });
  return certificate.toString("pem");
}

function exportPem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" });
}
