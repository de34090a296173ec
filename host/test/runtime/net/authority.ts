/** A certificate authority of the test's own, for servers under names that exist nowhere. */
import "reflect-metadata";
import { generateKeyPairSync, randomBytes, type webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const HOUR_MS = 3_600_000;

export interface Authority {
  /** PEM. */
  ca: string;
  issue(name: string): Promise<{ key: string; cert: string }>;
}

export async function createAuthority(): Promise<Authority> {
  const root = newKeys();
  const common = () => ({
    serialNumber: `01${randomBytes(15).toString("hex")}`,
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + HOUR_MS),
    signingAlgorithm: ALGORITHM,
  });
  const ca = await X509CertificateGenerator.createSelfSigned({
    ...common(),
    name: "CN=Test authority",
    keys: root.keys,
    extensions: [new BasicConstraintsExtension(true, 0, true), new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true)],
  });
  return {
    ca: ca.toString("pem"),
    async issue(name) {
      const leaf = newKeys();
      const certificate = await X509CertificateGenerator.create({
        ...common(),
        subject: `CN=${name}`,
        issuer: ca.subject,
        publicKey: leaf.keys.publicKey,
        signingKey: root.keys.privateKey,
        extensions: [new SubjectAlternativeNameExtension([{ type: "dns", value: name }])],
      });
      return { key: leaf.pem, cert: certificate.toString("pem") };
    },
  };
}

function newKeys(): { keys: webcrypto.CryptoKeyPair; pem: string } {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    keys: {
      privateKey: pair.privateKey.toCryptoKey(ALGORITHM, false, ["sign"]),
      publicKey: pair.publicKey.toCryptoKey(ALGORITHM, true, ["verify"]),
    },
    pem: pair.privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}
