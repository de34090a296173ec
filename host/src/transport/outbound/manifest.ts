import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { Client } from "undici";
import { HnError } from "../../foundation/index.ts";
import { verifyManifest } from "../../identity/index.ts";
import { CONSTANTS, type Clock, type Endpoint, type FetchLimits, type NodeId, type NodeManifest } from "../../contract/index.ts";
import { certificateFits, originOf, pinnedConnector } from "../tls/pin.ts";
import { readNetworkError } from "./failure.ts";
import { lookupWithin } from "./lookup-within.ts";
import type { KnownPeers } from "./peers.ts";
import { Patience } from "./patience.ts";
import { fetchWhole } from "./whole-reply.ts";

const TIMEOUT_MS = 8000;

/**
 * Fetches a node's description of itself, on a connection of its own. It proves itself by its signature; the certificate must then belong to
 * whoever signed it.
 * @throws partition · timeout · invalid_signature (tls_mismatch, bad_manifest) · expired · schema_mismatch · bad_request
 * @source 02 T-18, 01 §5
 */
export async function fetchManifest(
  o: {
    clock: Clock;
    peers: KnownPeers;
    endpoint: Endpoint;
    expected: NodeId | undefined;
  } & FetchLimits,
): Promise<NodeManifest> {
  const { admits } = o;
  if (admits !== undefined && isIP(o.endpoint.host) !== 0 && !admits(o.endpoint.host)) throw notAdmitted();
  const seen: { certificate?: X509Certificate } = {};
  // Whoever is expected is pinned after the manifest too, because only that can name a second key.
  const connect = pinnedConnector(
    { node: undefined, onCertificate: (certificate) => void (seen.certificate = certificate) },
    admits === undefined ? {} : { lookup: lookupWithin(admits) },
  );
  const client = new Client(originOf(o.endpoint), {
    connect,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: CONSTANTS.HEADER_MAX_BYTES,
  });
  const time = new Patience(o.clock, { signal: o.signal, timeoutMs: TIMEOUT_MS });
  try {
    const request = { method: "GET", path: "/manifest", headers: { accept: "application/json" } } as const;
    const reply = await fetchWhole(client, request, { maxBytes: CONSTANTS.MANIFEST_MAX_BYTES, time }).catch((cause: unknown) => {
      throw readNetworkError(cause, false);
    });
    if (reply.status !== 200)
      throw new HnError("partition", {
        reason: "provider_unreachable",
        message: "There is an answer at this address, but not from a HearthNet node that is ready.",
      });
    const manifest = verifyManifest(reply.bytes, {
      now: o.clock.now(),
      memory: o.peers,
      ...(o.expected === undefined ? {} : { expected: o.expected }),
    });
    const second = manifest.endpoints.map((endpoint) => endpoint.tls_spki_sha256);
    const fits = (spki?: string): boolean =>
      seen.certificate !== undefined &&
      certificateFits(seen.certificate, { node: manifest.node_id, ...(spki === undefined ? {} : { spkiSha256: spki }) });
    if (!fits() && !second.some((spki) => spki !== undefined && fits(spki)))
      throw new HnError("invalid_signature", { reason: "tls_mismatch" });
    o.peers.learnManifest(manifest);
    return manifest;
  } finally {
    time.stop();
    void client.destroy();
  }
}

function notAdmitted(): HnError {
  return new HnError("partition", {
    reason: "provider_unreachable",
    message: "That address may not be dialled on a stranger's word. Add the node by hand if you know it.",
  });
}
