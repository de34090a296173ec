import type { X509Certificate } from "node:crypto";
import type { LookupFunction } from "node:net";
import type { TLSSocket } from "node:tls";
import { buildConnector } from "undici";
import { HnError } from "../../foundation/index.ts";
import { nodeIdOfCertificate, spkiSha256 } from "../../identity/index.ts";
import type { Endpoint, NodeId } from "../../contract/index.ts";

const CONNECT_TIMEOUT_MS = 5000;
const NODE_KEY = "ed25519";
const ANY_KEY = "ed25519:ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256";

/** Whom a connection must end at. */
export interface Pin {
  /** `undefined` only when the node is not known yet: then the certificate is reported and judged later. */
  node: NodeId | undefined;
  /** From the node's verified manifest: the key of a proxy in front of it, or of its second certificate. */
  spkiSha256?: string;
  onCertificate?: (certificate: X509Certificate) => void;
}

/** @source 02 T-18 (a), (b) */
export function certificateFits(certificate: X509Certificate, pin: { node: NodeId; spkiSha256?: string }): boolean {
  return (
    nodeIdOfCertificate(certificate) === pin.node || (pin.spkiSha256 !== undefined && spkiSha256(certificate) === pin.spkiSha256)
  );
}

/**
 * Connects with TLS 1.3 and lets nothing be written before the other side has shown the node's own key. No session is resumed, because a
 * resumed one shows no certificate.
 * @returns what is connecting, so that whoever does not want it any more can close it
 */
export function pinnedConnector(
  pin: Pin,
  o: { connectTimeoutMs?: number; lookup?: LookupFunction } = {},
): (...args: Parameters<buildConnector.connector>) => TLSSocket | undefined {
  const connect = buildConnector({
    rejectUnauthorized: false,
    minVersion: "TLSv1.3",
    maxCachedSessions: 0,
    allowH2: false,
    timeout: o.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    ...(o.lookup === undefined ? {} : { lookup: o.lookup }),
    sigalgs: pin.node !== undefined && pin.spkiSha256 === undefined ? NODE_KEY : ANY_KEY,
  });
  return (options, callback) =>
    // The library's own type does not tell that it hands out what it opens.
    connect(options, (...result) => {
      const [error, socket] = result;
      if (error !== null) return callback(error, null);
      const certificate = (socket as TLSSocket).getPeerX509Certificate();
      if (certificate === undefined || (pin.node !== undefined && !certificateFits(certificate, { ...pin, node: pin.node }))) {
        socket.destroy();
        return callback(new HnError("invalid_signature", { reason: "tls_mismatch" }), null);
      }
      pin.onCertificate?.(certificate);
      callback(null, socket);
    }) as unknown as TLSSocket | undefined;
}

/** `https://host:port`, with brackets around an IPv6 address. */
export function originOf(endpoint: Pick<Endpoint, "host" | "port">): string {
  return `https://${endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}
